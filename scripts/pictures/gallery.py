"""The gallery: one page of all parts of the console, of the templates that its pages are made of.

No server has it: it is what the pictures of the parts are taken of.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from markupsafe import Markup

from incidents.accounts.identity import Identity
from incidents.clock import rfc3339
from incidents.console import rendering
from incidents.console.languages import Chosen
from incidents.console.list_page import Filter, ListPage
from incidents.console.pages.queue.queue_view import QueueView
from incidents.console.rendering import Reader
from scripts.pictures import gallery_data as data

_MAIN = '<main id="main" tabindex="-1">'
_ME = Identity(handle="operator-1", role="supervisor")
_KNOWN: dict[str, Any] = {
    "me": _ME, "csrf": "", "may": lambda _action: True, "here": "/", "version": "1",
    "rehearsal": True, "replica": None, "flash": None, "typed": {}, "opened": None,
    "two_people": False, "not_now": {}, "path": "/sites/shop.example", "may_share": True,
}  # fmt: skip


def page(language: Chosen) -> str:
    """The gallery as a page in that language."""
    reader = Reader(language, ZoneInfo("Asia/Shanghai"), data.NOW)
    parts = {
        "queue": _queue(reader, data.queue_items()), "queue_empty": _queue(reader, []),
        "pane": _pane(reader), "sites": _sites(reader),
        "notice": _main(
            "admin/notice", reader, notice="closed", name=reader.phrase("notice_when.closed"),
            letters=data.LETTERS, wrong=None,
        ),
        "error": _main("error", reader, kind="not_found", why=None, code=404, again=None),
        "claimed": _main("queue/claimed", reader, holders=[("operator-2", "10:08")], fields=[],
                         action="/", back="/"),
        "sign_in": _main("sign_in", reader, wrong=reader.say("sign_in.wrong"), to="/",
                         handle="operator-1", provider=True),
    }  # fmt: skip
    made = _environment().get_template("gallery.html.jinja")
    return made.render(**rendering.facts_of(reader), **_KNOWN, **data.facts(reader), **parts)


@cache
def _environment() -> Environment:
    own, theirs = FileSystemLoader(Path(__file__).parent), FileSystemLoader(rendering.FOLDER)
    return rendering.environment().overlay(loader=ChoiceLoader([own, theirs]))


def _main(template: str, reader: Reader, **facts: Any) -> Markup:
    """What a page shows between its frame's bar and foot."""
    whole = rendering.render(template, reader, **_KNOWN, **facts)
    return Markup(whole.partition(_MAIN)[2].partition("</main>")[0])  # noqa: S704 - as rendered


def _queue(reader: Reader, items: list[dict[str, Any]]) -> Markup:
    found = {"counts": {"call": 6, "recheck": 1} if items else {}, "counts_capped": False,
             "reports": None, "more": bool(items), "next_after": "x"}  # fmt: skip
    clock = {"standing_aside": False, "last_beat": rfc3339(data.NOW), "overdue": 0}
    report = {"overdue": 0, "first_incident": "1-1", "first": rfc3339(data.NOW)}
    warnings = [
        {"kind": "clock", "is_alarm": True, "facts": clock},
        {"kind": "report", "is_alarm": False, "facts": report},
    ]
    text = rendering.render(
        "queue/queue_list", reader, **_KNOWN, found=found, items=items, newest=1, view=QueueView(),
        written_at=rfc3339(data.NOW), warnings=warnings if items else [],
        police_site="书店.example",
    )  # fmt: skip
    return Markup(text)  # noqa: S704 - as rendered


def _pane(reader: Reader) -> Markup:
    item = data.call(reader)
    text = rendering.render(
        "queue/queue_item", reader, **_KNOWN, item=item, id=item["id"], site=item["site"], seen=1,
        view=QueueView(), others="operator-2", calls=("call", "keep_calling"),
        outcomes=("reached", "no-answer", "wrong-number", "bounced", "left-message"),
        story=data.story(), only_for=None,
    )  # fmt: skip
    return Markup(text)  # noqa: S704 - as rendered


def _sites(reader: Reader) -> Markup:
    return _main(
        "lists/sites", reader, wrong=None, sites=data.SITES, counts=[("active", 2), ("closed", 1)],
        counted=None, next=None, add="", list=ListPage("/sites", (Filter(name="site"),), {}),
        chips=[], tabs=[],
        next_of=lambda site: "due" if site["state"] == "active" else "ends",
    )  # fmt: skip
