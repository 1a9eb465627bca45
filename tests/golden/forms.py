"""The forms of the console and of the customer's page, in the state after the history."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from anyio.from_thread import start_blocking_portal

from incidents.app import open_app
from incidents.settings import sources
from incidents.testing import Rehearsal
from tests.golden.form_page import Form, Page
from tests.served_desk import ConsoleDesk, Visitor

Seen = dict[str, list[Form]]
"""The forms of each page."""
Sent = tuple[str, str, dict[str, str]]
"""Who sends a form, where to, and its fields."""

PAGES = (
    "/", "/hand-over", "/sites", "/log", "/log?site=calm.example", "/sites/calm.example",
    "/sites/disputed.example", "/sites/waiting.example", "/sites/false.example",
    "/sites/held.example", "/sites/erased.example", "/sites/calm.example/filing",
    "/sites/filed.example/filing", "/terms", "/incidents/2-1", "/incidents/2-3", "/incidents/2-4",
    "/incidents/5-1", "/incidents/15-1", "/orders", "/orders/11-o9", "/orders/10-o19",
    "/search?q=calm", "/unreported", "/overview", "/simulate", "/audit", "/policy", "/account",
)  # fmt: skip
SOME = (
    "/", "/hand-over", "/sites", "/log", "/sites/calm.example", "/sites/filed.example/filing",
    "/incidents/2-3", "/orders/11-o9", "/simulate", "/audit", "/policy", "/account",
)  # fmt: skip
"""One page of each kind, for what is looked at a second time."""
SENT: tuple[Sent, ...] = (
    ("supervisor", "/log", {
        "step": "look", "site": "calm.example", "paste": "https://calm.example/p, found today",
    }),
    ("supervisor", "/queue/7-1/contact", {"outcome": "reached", "seen": "17"}),
    ("admin", "/policy/try", {"toml": "[repeat]\ncount = 2\n", "days": "30"}),
)  # fmt: skip
"""Forms that are answered with a page that asks for more, and by whom they are sent."""
PROVED: Sent = ("supervisor", "/sites/false.example/reinstate", {"reason": "R", "seen": "13"})
"""One that asks for the password where it was not given of late."""
A_WHILE = timedelta(minutes=20)
INCIDENT = "2-3"
"""Whose customer's page is looked at."""
SEES = "supervisor"
"""Whose forms are shown in full; each has an account of that role, `supervisor-1` say."""
OTHERS = ("operator", "viewer")
DRAWN = re.compile(r"(?:(?<=kept=)|(?<=/trial/)|(?<=/sessions/))[\w-]{10,12}(?![\w-])")
"""The ids of sessions, and of what a session keeps for a while: drawn anew for each."""


def files(incident_link: str, clock: Rehearsal) -> dict[str, str]:
    """The golden files of the forms, on the desk that the settings name."""
    seen: dict[str, Seen] = {}
    with _console() as desk:
        seen["nobody"] = {"/sign-in": _forms(desk.visitor().get("/sign-in").text)}
        customer = incident_link.removeprefix("https://desk.host.example")
        seen["customer"] = {f"/c/{INCIDENT}": _forms(desk.visitor().get(customer).text)}
        seen[SEES] = _of(Visitor(desk, SEES), PAGES)
        seen |= {who: _of(Visitor(desk, who), SOME) for who in OTHERS}
        chinese = _of(Visitor(desk, SEES, "zh"), SOME)
        seen["answer to"] = dict(
            _answered(Visitor(desk, who), path, sent) for who, path, sent in SENT
        )
        late = Visitor(desk, PROVED[0])
        clock.now += A_WHILE
        seen["answer to"] |= [_answered(late, *PROVED[1:])]
    shown = ("nobody", "customer", SEES, "answer to")
    structure = [line for who in shown for line in _structure(who, seen[who])]
    structure += [line for who in OTHERS for line in _sent(who, seen[who])]
    wording = [line for who in shown for line in _wording(who, seen[who])]
    wording += _wording(f"{SEES}, in Chinese", chinese)
    drawn = {found for line in (*structure, *wording) for found in DRAWN.findall(line)}
    return {"forms.txt": _text(structure, drawn), "forms.words.txt": _text(wording, drawn)}


def _text(lines: Iterable[str], drawn: Iterable[str]) -> str:
    text = "".join(f"{line}\n" for line in lines)
    for each in drawn:
        text = text.replace(each, "…")
    return text


@contextmanager
def _console() -> Iterator[ConsoleDesk]:
    app = open_app(sources.load())
    try:
        with start_blocking_portal() as portal:
            yield ConsoleDesk(app, portal)
    finally:
        app.close()


def _of(visitor: Visitor, pages: Iterable[str]) -> Seen:
    """The forms of each page; also the status of a page that they may not see."""
    found = {}
    for page in pages:
        answer = visitor.get(page)
        name = page if answer.status_code == 200 else f"{page} {answer.status_code}"
        found[name] = _forms(answer.text)
    return found


def _answered(visitor: Visitor, path: str, fields: dict[str, str]) -> tuple[str, list[Form]]:
    answer = visitor.post(path, fields)
    if answer.status_code == 303:
        answer = visitor.get(answer.headers["location"])
    return f"{path} {answer.status_code}", _forms(answer.text)


def _forms(text: str) -> list[Form]:
    return Page(text).forms


def _structure(who: str, seen: Seen) -> Iterator[str]:
    return _told(who, seen, lambda form: [each.structure() for each in form.fields])


def _wording(who: str, seen: Seen) -> Iterator[str]:
    return _told(
        who, seen,
        lambda form: [
            f"{each.attributes.get('name') or '-'} {words}"
            for each in form.fields
            if (words := each.wording())
        ],
    )  # fmt: skip


def _told(who: str, seen: Seen, lines: Callable[[Form], list[str]]) -> Iterator[str]:
    """The forms of each page; one that is on many pages is listed once."""
    before: list[tuple[str, list[str]]] = []
    for page, forms in seen.items():
        yield f"{who} {page}"
        for form in forms:
            told = form.name, lines(form)
            if told in before:
                yield f"    {form.name} as above"
                continue
            before.append(told)
            yield f"    {form.name}"
            yield from (f"        {line}" for line in told[1])


def _sent(who: str, seen: Seen) -> Iterator[str]:
    """The forms of another person, and whether they can be sent."""
    for page, forms in seen.items():
        yield f"{who} {page}"
        yield from (f"    {form.name}{'' if form.is_open else ' disabled'}" for form in forms)
