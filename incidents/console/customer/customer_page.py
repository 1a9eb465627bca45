"""The customer's page: an incident as HTML, in all languages at once.

The fixed phrases are here too. The page has no script and fetches nothing, and the addresses of the
violating content are not links.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal, TypedDict

from jinja2 import Environment
from markupsafe import Markup, escape

from incidents.console.customer.customer_view import FIELD, CustomerView, Message
from incidents.console.customer.customer_view import LOOK as LOOK_FIELD
from incidents.inbox.snapshots.by_customer import Look
from incidents.notices import samples, templating
from incidents.notices.facts import Facts, template_facts
from incidents.notices.letter import DeskContact
from incidents.notices.notice_types import LANGUAGES
from incidents.notices.templating import Block, blocks
from incidents.notices.wording import Wording

Told = dict[str, str]
"""A text in each language."""

Plain = Literal[
    "unknown", "expired", "unavailable", "unreadable", "too_large", "too_slow", "wrong_method"
]

PLAIN: dict[Plain, tuple[Told, Told]] = {
    "unknown": (
        {"zh_CN": "没有这个页面", "en": "Page not found"},
        {
            "zh_CN": "请检查链接是否完整，或直接与我们联系。",
            "en": "Please check that the link is complete, or contact us.",
        },
    ),
    "expired": (
        {"zh_CN": "链接已失效", "en": "This link is no longer valid"},
        {
            "zh_CN": "链接失效不等于事项已办结。请直接与我们联系，可索取新链接。",
            "en": "The matter may not be settled. Please contact us: we can give you a new link.",
        },
    ),
    "unavailable": (
        {"zh_CN": "暂时无法办理", "en": "Temporarily unavailable"},
        {
            "zh_CN": "请稍后重新打开本页：如果您的说明已经收到，页面上会注明。"
            "紧急时请直接与我们联系。",
            "en": "Please open this page again later: if we have your statement, it says so. If it"
            " is urgent, contact us.",
        },
    ),
    "unreadable": (
        {"zh_CN": "未收到您的说明", "en": "We did not receive your statement"},
        {
            "zh_CN": "请返回上一页重试，或直接与我们联系。",
            "en": "Please go back and try again, or contact us.",
        },
    ),
    "too_large": (
        {"zh_CN": "备注过长", "en": "The remark is too long"},
        {
            "zh_CN": "备注最多 4000 字，没有收到您的说明。请返回上一页缩短后重试。",
            "en": "The limit is 4,000 characters. We did not receive your statement. Please go back"
            " and shorten the remark.",
        },
    ),
    "too_slow": (
        {"zh_CN": "连接过慢", "en": "The connection is too slow"},
        {
            "zh_CN": "没有收到您的说明。请返回上一页重试，或直接与我们联系。",
            "en": "We did not receive your statement. Please go back and try again, or contact us.",
        },
    ),
    "wrong_method": (
        {"zh_CN": "无法这样打开", "en": "The link cannot be opened this way"},
        {
            "zh_CN": "请在浏览器中打开此链接。",
            "en": "Please open the link in a browser.",
        },
    ),
}
"""The answers that do not show an incident, each with a heading and a sentence."""

FORM: dict[str, Told] = {
    "heading": {"zh_CN": "说明已删除", "en": "Tell us that it is deleted"},
    "label": {
        "zh_CN": "备注（选填，最多 4000 字）：删除了什么、何时删除",
        "en": "Remark (optional, up to 4,000 characters): what you deleted, and when",
    },
    "hint": {
        "zh_CN": "每项只能说明一次。提交后我们会派人核实，任何时限都不会因此停止。",
        "en": "You can tell us once. We will check. This stops no deadline.",
    },
    "button": {"zh_CN": "提交：违规信息已删除", "en": "Send: the content is deleted"},
    "too_long": {
        "zh_CN": "尚未提交：备注最多 4000 字，请缩短后再提交。",
        "en": "Not sent yet: the limit is 4,000 characters. Please shorten the remark.",
    },
}

LOOK: dict[str, Told] = {
    "heading": {"zh_CN": "查看网页现状", "en": "Check the page"},
    "hint": {
        "zh_CN": "我们会像普通访客一样打开所列网址，并在此显示结果。结果记录在案，但不作任何决定，"
        "任何时限都不会因此停止。每 10 分钟可查看一次，每天最多 10 次。",
        "en": "We open the listed addresses as any visitor would, and show the result here. It goes"
        " on record. It decides nothing and stops no deadline. You can ask every 10 minutes, up to"
        " 10 times a day.",
    },
    "button": {"zh_CN": "立即查看", "en": "Check now"},
    "later": {
        "zh_CN": "尚未查看：距上次查看时间太短，请稍后再试。",
        "en": "Not checked: the last check was too short a time ago. Please try again later.",
    },
    "found": {"zh_CN": "上次查看结果", "en": "Result of the last check"},
    "status": {"zh_CN": "返回状态", "en": "answered with status"},
    "none": {"zh_CN": "无法打开", "en": "could not be opened"},
    "same": {"zh_CN": "，内容与首次查看时相同", "en": ", the same as when we first looked"},
    "changed": {"zh_CN": "，内容与首次查看时不同", "en": ", not the same as when we first looked"},
}

OFFICE: dict[str, Told] = {
    "phone": {"zh_CN": "电话", "en": "Phone"},
    "mail": {"zh_CN": "邮箱", "en": "Email"},
}

MESSAGES: Told = {"zh_CN": "我们给您的留言", "en": "Our messages to you"}

NAMES: Told = {"zh_CN": "中文", "en": "English"}
TAGS: Told = {"zh_CN": "zh-CN", "en": "en"}


_FOLDER = Path(__file__).parents[1] / "templates" / "customer"
_PAGE = "page.html.jinja"
_CSS = (_FOLDER / "page.css").read_text(encoding="utf-8")

# Of the notices' own folder, where the operator may have put others in their place.
_FOUND, _NEXT, _SAID, _RULES = "_customer_found", "_customer_next", "_customer_said", "_rules"

_TIME = r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?"

STYLE = "sha256-" + base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
"""The hash of the page's style sheet for the security header (CSP, `style-src`)."""


@dataclass(frozen=True, slots=True)
class Words:
    """A heading and the text below it."""

    heading: str
    blocks: list[Block]


class _Part(TypedDict):
    """The page's content in one language."""

    language: str
    tag: str
    found: Words
    next: Words
    said: Words | None
    rules: Words | None
    messages: list[tuple[str, str]]
    looks: list[tuple[str, str, str]]


class CustomerPage:
    """The customer pages of one desk, as UTF-8 bytes; threads can share an instance.

    The texts are those of the notices, with the operator's own templates if there are any.
    """

    def __init__(self, wording: Wording, office: DeskContact) -> None:
        self._wording = wording
        self._office = office
        phone = office.phone or ""
        self._dialled = "".join(c for c in phone if c.isascii() and (c.isdigit() or c == "+"))
        # A short number may also be a part of a name or of a longer number.
        found = [rf"(?<![\w.+-]){re.escape(phone)}(?![\w.-]*\w)", _TIME] if phone else [_TIME]
        self._marked = re.compile(f"({'|'.join(found)})")

    def of(self, view: CustomerView, too_long: str | None = None) -> bytes:
        """Render the page of an incident; show a remark that is too long again, to be shortened.

        Raises:
            TemplateError: naming the file and the line.
        """
        parts = [self._part(view, language) for language in LANGUAGES]
        can_say = not view.is_settled and view.said_at is None
        return self._rendered({
            "title": _all({part["language"]: part["found"].heading for part in parts}),
            "parts": parts,
            "settled": view.is_settled,
            "answered": view.answer is not None,
            "form": FORM if can_say else None,
            "look": LOOK if view.can_look else None,
            "look_field": LOOK_FIELD,
            "looked": view.looked,
            "trouble": None if too_long is None else FORM["too_long"],
            "field": FIELD,
            "remark": too_long or "",
        })  # fmt: skip

    def plain(self, name: Plain) -> bytes:
        """Render a page with one message, the same for everyone."""
        said = PLAIN[name]
        return self._rendered({"title": _all(said[0]), "plain": said, "parts": []})

    def check(self) -> None:
        """Try the templates with all possible states of an incident.

        Raises:
            TemplateError: for the first template that is wrong.
        """
        for view in _samples():
            self.of(view)

    def _part(self, view: CustomerView, language: str) -> _Part:
        def words(name: str) -> Words:
            heading, text = self._wording.render(name, view, language)
            return Words(heading.rstrip("：:"), blocks(text))

        said = view.said_at is not None and not view.is_settled
        ruled = not view.is_settled and view.site_state != "closed"
        return {
            "language": language,
            "tag": TAGS[language],
            "found": words(_FOUND),
            "next": words(_NEXT),
            "said": words(_SAID) if said else None,
            "rules": words(_RULES) if ruled else None,
            "messages": [
                (self._wording.time(each.at, language), each.text) for each in view.messages
            ],
            "looks": [
                (self._wording.time(each.at, language), each.url, _found(each, language))
                for each in view.looks
            ],
        }

    def _mark(self, line: str) -> Markup:
        """Keep each time in one line, and lead from the desk's phone number to a call."""
        return Markup().join(
            escape(part) if n % 2 == 0
            else Markup('<a class="call" href="tel:{}">{}</a>').format(self._dialled, part)
            if part == self._office.phone
            else Markup('<span class="time">{}</span>').format(part)
            for n, part in enumerate(self._marked.split(line))
        )  # fmt: skip

    def _rendered(self, shown: Mapping[str, object]) -> bytes:
        page = templating.render(_environment(), _PAGE, {
            "plain": None, "form": None, "look": None, **shown,
            "office": self._office,
            "dialled": self._dialled,
            "marked": self._mark,
            "reach": OFFICE,
            "messages_heading": MESSAGES,
            "languages": LANGUAGES,
            "names": NAMES,
            "tags": TAGS,
            # The program's own file: escaping would break the style sheet.
            "css": Markup(_CSS),  # noqa: S704
        })  # fmt: skip
        return page.strip().encode()


@cache
def _environment() -> Environment:
    return templating.environment([_FOLDER], {})


def _found(look: Look, language: str) -> str:
    found = LOOK["none"][language]
    if look.status is not None:
        found = f"{LOOK['status'][language]} {look.status}"
    if look.is_same is None:
        return found
    return found + LOOK["same" if look.is_same else "changed"][language]


def _all(words: Mapping[str, str]) -> str:
    return " / ".join(words.values())


def _samples() -> Iterator[CustomerView]:
    """Yield sample views for each combination of incident state and site state."""
    sample = samples.of("violation_found")
    assert isinstance(sample, Facts), "a violation is no alarm"
    known = {**template_facts(sample), "person": None, "link": None}
    said_at = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)
    said = CustomerView(**known, said_at=said_at, messages=(Message(said_at, "…"),))
    for state in ("open", "notified", "unreached", "removed", "refused", "voided", "moot"):
        for site_state in ("active", "suspended", "closed"):
            view = replace(said, state=state, site_state=site_state)
            yield view
            yield replace(view, said_at=None, contact_due=None, removal_due=sample.contact_due)
            yield replace(view, answer="again", miss_closes=True, until=sample.contact_due)
