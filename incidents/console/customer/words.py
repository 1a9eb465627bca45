"""The words of the customer's page that no fact changes, in the languages of the notices."""

from __future__ import annotations

from typing import Literal

Told = dict[str, str]
"""A text in each language."""

Plain = Literal[
    "unknown", "expired", "unavailable", "unreadable", "too_large", "too_slow", "wrong_method"
]

PLAIN: dict[Plain, tuple[Told, Told]] = {
    "unknown": (
        {"zh_CN": "没有这个页面", "en": "There is no such page"},
        {
            "zh_CN": "请检查链接是否完整，或直接与我们联系。",
            "en": "Please look whether the link is complete, or get in touch with us.",
        },
    ),
    "expired": (
        {"zh_CN": "链接已失效", "en": "This link is no longer valid"},
        {
            "zh_CN": "链接失效不等于事项已办结。请直接与我们联系，可索取新链接。",
            "en": "What it was about may not be settled. Please get in touch with us: we can give"
            " you a new one.",
        },
    ),
    "unavailable": (
        {"zh_CN": "暂时无法办理", "en": "Not possible at this moment"},
        {
            "zh_CN": "请稍后重新打开本页：如果您的说明已经收到，页面上会注明。"
            "紧急时请直接与我们联系。",
            "en": "Please open this page again later: if we have your statement, it says so. If it"
            " is urgent, get in touch with us.",
        },
    ),
    "unreadable": (
        {"zh_CN": "未收到您的说明", "en": "We have not got your statement"},
        {
            "zh_CN": "请返回上一页重试，或直接与我们联系。",
            "en": "Please go back and try again, or get in touch with us.",
        },
    ),
    "too_large": (
        {"zh_CN": "备注过长", "en": "The remark is too long"},
        {
            "zh_CN": "备注最多 4000 字，没有收到您的说明。请返回上一页缩短后重试。",
            "en": "A remark has 4,000 characters at most, and we have not got your statement."
            " Please go back and shorten it.",
        },
    ),
    "too_slow": (
        {"zh_CN": "连接过慢", "en": "The connection is too slow"},
        {
            "zh_CN": "没有收到您的说明。请返回上一页重试，或直接与我们联系。",
            "en": "We have not got your statement. Please go back and try again, or get in touch"
            " with us.",
        },
    ),
    "wrong_method": (
        {"zh_CN": "无法这样打开", "en": "This is not how it is opened"},
        {
            "zh_CN": "请在浏览器中打开此链接。",
            "en": "Please open the link in a browser.",
        },
    ),
}
"""What else there is to answer than an incident: a heading, and a sentence."""

FORM: dict[str, Told] = {
    "heading": {"zh_CN": "说明已删除", "en": "State that it is gone"},
    "label": {
        "zh_CN": "备注（选填，最多 4000 字）：删除了什么、何时删除",
        "en": "Remark (if you like, 4,000 characters at most): what you have deleted, and when",
    },
    "hint": {
        "zh_CN": "每项只能说明一次。提交后我们会派人核实，任何时限都不会因此停止。",
        "en": "It can be stated once. One of us will look, and no clock stops for it.",
    },
    "button": {"zh_CN": "违规信息已删除", "en": "The content is gone"},
    "too_long": {
        "zh_CN": "尚未提交：备注最多 4000 字，请缩短后再提交。",
        "en": "Not sent yet: a remark has 4,000 characters at most. Please shorten it.",
    },
}

OFFICE: dict[str, Told] = {
    "phone": {"zh_CN": "电话", "en": "Phone"},
    "mail": {"zh_CN": "邮箱", "en": "E-mail"},
}

MESSAGES: Told = {"zh_CN": "我们给您的留言", "en": "What we have written to you"}

NAMES: Told = {"zh_CN": "中文", "en": "English"}
TAGS: Told = {"zh_CN": "zh-CN", "en": "en"}
