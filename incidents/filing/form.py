"""The official form of a filing: its fields in order, with their labels.

The order and the labels follow 公安联网备案 (specification, F). Every key of
`machine.filing.FIELDS` is here once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from incidents.machine.filing import DOCUMENT, SERVER

SITE = "site"
SITE_NAMES = (SITE, "域名", "网站", "网站域名", "domain", "domain name")
"""The names that a list can use for the column with the site's name."""

SERVERS, DOCUMENTS = "servers", "documents"


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a field with choices: its code and its names."""

    code: str
    zh: str
    en: str
    also: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """All names of the choice that lists can use."""
        return self.code, self.zh, self.en, *self.also


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form; a field with `choices` has the code of one choice as its value."""

    key: str
    zh: str
    en: str
    choices: tuple[Choice, ...] = ()

    def shown(self, text: str) -> tuple[str, str]:
        """The detail in the field, for display in Chinese and in English."""
        for choice in self.choices:
            if choice.code == text:
                return choice.zh, choice.en
        return text, text


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the form; servers and documents have fields of their own (`SERVER_FIELDS`)."""

    key: str
    zh: str
    en: str
    fields: tuple[Field, ...] = ()


_PROVIDER_WORDS = (
    Choice("virtual_host", "虚拟主机", "virtual host"),
    Choice("cloud_server", "云服务器", "cloud server", ("ecs",)),
    Choice("managed", "弹性 Web 托管", "managed web hosting", ("web托管",)),
    Choice("other", "其他", "other"),
)

SECTIONS = (
    Section("subject", "主体", "Subject", (
        Field("subject_kind", "主体性质", "Subject type", (
            Choice("company", "单位", "company", ("企业", "公司", "organisation", "organization")),
            Choice("person", "个人", "person", ("individual",)),
        )),
        Field("subject_name", "主体名称", "Subject name"),
        Field("subject_number", "主体证件号码", "Subject ID number"),
    )),
    Section("responsible", "负责人", "Responsible person", (
        Field("responsible_name", "负责人姓名", "Responsible person's name"),
        Field("responsible_number", "负责人证件号码", "Responsible person's ID number"),
        Field("responsible_phone", "负责人手机号码", "Responsible person's phone"),
        Field("responsible_email", "负责人电子邮箱", "Responsible person's email"),
    )),
    Section("site", "网站", "Site", (
        Field("home_url", "网站首页网址", "Home page URL"),
        Field("icp_number", "ICP备案号", "ICP filing number"),
        Field("public_security_number", "公安联网备案号", "Public-security filing number"),
        Field("registrar", "域名注册服务商", "Domain registrar"),
        Field("service_type", "服务类型", "Service type", (
            Choice("forum", "论坛", "forum", ("bbs",)),
            Choice("microblog", "微博客", "microblog", ("微博",)),
            Choice("blog", "博客", "blog"),
            Choice("news", "新闻资讯", "news", ("新闻",)),
            Choice("shop", "网上商城", "shop", ("电子商务", "网上购物")),
            Choice("video", "视频", "video"),
            Choice("game", "网络游戏", "game", ("游戏",)),
            Choice("search", "搜索引擎", "search engine"),
            Choice("mail", "电子邮箱", "mail", ("邮箱",)),
            Choice("portal", "门户网站", "portal", ("门户",)),
            Choice("company", "企业展示", "company site", ("企业网站", "单位门户网站")),
            Choice("other", "其他", "other"),
        )),
        Field("level", "网站级别", "Site level", (
            Choice("2", "二级", "level 2", ("2级", "第二级")),
            Choice("3", "三级", "level 3", ("3级", "第三级")),
        )),
        Field("level_reason", "级别说明", "Level reason"),
        Field("support_kind", "技术支持类型", "Technical support type", (
            Choice("company", "单位", "company", ("企业", "公司")),
            Choice("owner", "网站所有者", "the owner", ("本人", "自行维护")),
        )),
        Field("support_name", "技术支持名称", "Technical support name"),
        Field("support_phone", "技术支持电话", "Technical support phone"),
    )),
    Section("access", "接入", "Access", (
        Field("access_provider", "网络接入服务商", "Access provider"),
        Field("access_code", "接入服务商代码", "Access provider code"),
        Field("access_place", "接入服务商所在地", "Access provider location"),
        Field("access_phone", "接入服务商电话", "Access provider phone"),
        Field("access_method", "接入方式", "Access method", (
            Choice("leased_virtual_space", "租赁虚拟空间", "leased virtual space", (
                "租用虚拟空间",
            )),
            Choice("leased_server", "租赁主机", "leased server", ("租用主机", "租赁服务器")),
            Choice("hosted_server", "托管主机", "hosted server", ("主机托管", "托管服务器")),
            Choice("dedicated_line", "专线", "dedicated line", ("专线接入",)),
            Choice("other", "其他", "other"),
        )),
        Field("hosting", "主机类型", "Hosting type", _PROVIDER_WORDS),
        Field("ip", "网站IP地址", "Site IP address"),
    )),
    Section("servers", "服务器", "Servers", (
        Field("office_code", "服务器所在地公安机关代码", "Office code"),
    )),
    Section("commercial", "经营性", "Commercial filing", (
        Field("nature", "网站性质", "Site nature", (
            Choice("commercial", "经营性", "commercial", ("经营",)),
            Choice("non_commercial", "非经营性", "non-commercial", ("非经营", "noncommercial")),
        )),
        Field("icp_licence", "ICP经营许可证号", "ICP licence number"),
        Field("contract_ip", "合同IP地址", "Contract IP address"),
        Field("resolved_ip", "解析IP地址", "Resolved IP address"),
        Field("reported_ip", "上报IP地址", "Reported IP address"),
    )),
    Section("documents", "文件", "Documents"),
    Section("days", "日期", "Dates", (
        Field("opened_on", "网站开通日期", "Opening date"),
        Field("filed_on", "提交备案日期", "Filing date"),
        Field("approved_on", "备案通过日期", "Approval date"),
        Field("shown_on", "备案号悬挂日期", "Number display date"),
    )),
)  # fmt: skip
"""The sections in the order of the official form."""

SERVER_FIELDS = (
    Field("ip", "IP地址", "IP address"),
    Field("province", "省份", "Province"),
    Field("city", "城市", "City"),
    Field("place", "存放地点", "Location"),
    Field("count", "数量", "Number of servers"),
)

DOCUMENT_FIELDS = (
    Field("kind", "文件类型", "Type", (
        Choice("access_contract", "接入合同", "access contract", ("接入服务合同",)),
        Choice("commercial_licence", "经营许可证", "commercial licence", ("ICP许可证",)),
        Choice("idc_licence", "IDC许可证", "IDC licence"),
        Choice("isp_licence", "ISP许可证", "ISP licence"),
        Choice("server_region_certificate", "服务器所在地证明", "server-region certificate"),
        Choice("site_verification_notice", "网站核验单", "site verification notice"),
        Choice("graded_protection", "等级保护2.0材料", "graded-protection 2.0 material", (
            "等保材料",
        )),
        Choice("access_agreement", "接入协议", "access agreement"),
        Choice("server_contract", "服务器合同", "server contract"),
        Choice("other", "其他", "other"),
    )),
    Field("digest", "SHA-256摘要", "SHA-256"),
    Field("size", "字节数", "Size in bytes"),
    Field("expires_on", "到期日", "Expires on"),
)  # fmt: skip

PARTS = {SERVER: SERVER_FIELDS, DOCUMENT: DOCUMENT_FIELDS}
"""The prefix of the keys of servers and of documents, each with the fields of such an item."""

FIELD_OF = {field.key: field for section in SECTIONS for field in section.fields}
KEYS = tuple(FIELD_OF)
"""The keys in the order of the form."""


def normalize(words: str) -> str:
    """The normal form of a text, for comparisons that ignore case, spaces and width (NFKC)."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", words).casefold())


def key_of_label(label: str) -> str | None:
    """The key, or `site`, for a label or a key, in which spaces can replace underscores."""
    folded_label = normalize(label)
    return LABELS.get(folded_label) or LABELS.get(folded_label.replace("_", ""))


def similar_keys(label: str, also: Collection[str] = (), most: int = 2) -> tuple[str, ...]:
    """The keys similar to a mistyped label, from the form and from `also` (folded names)."""
    near = get_close_matches(normalize(label), [*_DETAILS, *also], n=3 * most)
    return tuple(dict.fromkeys(_DETAILS.get(each, each) for each in near))[:most]


def codes(field: Field) -> dict[str, str]:
    """The code of each choice of a field, by the folded names of the choice."""
    return {normalize(word): choice.code for choice in field.choices for word in choice.words}


def sort_key(key: str) -> tuple[int, str]:
    """The sort key of a key: the order of the form, then servers and documents by label."""
    at = _PLACES.get(key)
    return (at, "") if at is not None else (len(_PLACES) + key.startswith(DOCUMENT), key)


_SPACES = re.compile(r"\s+")
_PLACES = {key: n for n, key in enumerate(KEYS)}
_FORMER_LABELS = {
    "subject_kind": "Kind of subject",
    "subject_name": "Name of the subject",
    "subject_number": "Document number of the subject",
    "responsible_name": "Name of the responsible person",
    "responsible_number": "Document number of the responsible person",
    "responsible_phone": "Phone of the responsible person",
    "responsible_email": "E-mail of the responsible person",
    "home_url": "Address of the home page",
    "level_reason": "Reason for the level",
    "support_kind": "Technical support by",
    "support_name": "Name of the technical support",
    "support_phone": "Phone of the technical support",
    "access_code": "Code of the access provider",
    "access_place": "Place of the access provider",
    "access_phone": "Phone of the access provider",
    "hosting": "Kind of hosting",
    "ip": "IP address of the site",
    "office_code": "Office code of the server's place",
    "contract_ip": "IP address in the contract",
    "resolved_ip": "IP address that the name points to",
    "shown_on": "Number shown on",
}
"""The former English labels, which lists can still use."""
_DETAILS = {normalize(name): key for key, name in _FORMER_LABELS.items()} | {
    normalize(name): field.key
    for field in FIELD_OF.values()
    for name in (field.key, field.key.replace("_", ""), field.zh, field.en)
}
_SITES = {normalize(name): SITE for name in SITE_NAMES}
LABELS: Mapping[str, str] = _SITES | _DETAILS
"""The key, or `site`, by each folded label and key."""
