"""The data of the gallery: made up, in the words of the domain, the same each time."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from incidents.clock import rfc3339
from incidents.console import action_forms
from incidents.console.figures.chart import Chart, Series
from incidents.console.figures.machine import Diagram
from incidents.console.flash import Correction, Flash
from incidents.console.list_page import Filter, ListPage, Tab
from incidents.console.pages.policy import diagrams_of
from incidents.console.rendering import Reader
from incidents.demo.scenario import END, LONG

NOW = END
_STATES = {
    "state": ("active", "suspended", "closed", "held", "disputed", "open", "notified", "removed",
              "unreached", "refused", "voided"),
    "order_state": ("waiting", "in_hand", "retried", "late", "braked", "dead", "delivered"),
}  # fmt: skip
_CALLS = ("reached", "no-answer", "wrong-number", "bounced", "left-message")


def _ago(**by: float) -> str:
    return rfc3339(NOW - timedelta(**by))


def _in(**by: float) -> str:
    return rfc3339(NOW + timedelta(**by))


def queue_items() -> list[dict[str, Any]]:
    """Rows of the queue: each step of a clock's urgency, then each other look of a row."""
    attempt = {"at": _ago(minutes=29), "outcome": "no-answer"}
    closing: dict[str, Any] = {"consequence": "closes", "suspends_for": None}
    no_clock: dict[str, Any] = {"due": None, "consequence": None, "suspends_for": None}
    return [
        _item("1-1", "shop.example", due=_ago(minutes=11), overdue=True),
        _item("2-1", "书店.example", due=_in(minutes=4, seconds=10), last_attempt=attempt),
        _item("3-1", LONG, due=_in(minutes=9, seconds=30), category="drugs"),
        _item("4-1", "club.example", due=_in(minutes=24), claimed_by="operator-2"),
        _item("5-1", "mail.example", due=_in(minutes=58), category=None),
        _item("6-1", "wiki.example", due=_in(minutes=52), category="phishing", **closing),
        _item("7-t1", "tea.example", kind="recheck", state="suspended", **no_clock),
        _item("8-t1", "archive.example", kind="tell", state="closed", held=True, **no_clock),
        _item("9-t1", "forum.example", kind="file", days=-2, category=None, **no_clock),
        _item("9-t2", "novel.example", kind="file", days=0, category=None, **no_clock),
        _item("9-t3", "photo.example", kind="show_number", days=12, category=None, **no_clock),
    ]


def _item(id_: str, site: str, **facts: Any) -> dict[str, Any]:
    return {
        "id": id_, "site": site, "kind": "call", "state": "active", "held": False, "rule": None,
        "incident": id_ if "t" not in id_ else None, "days": None, "overdue": False,
        "warning": None, "consequence": "suspends", "suspends_for": timedelta(hours=12),
        "category": "gambling", "last_attempt": None, "claimed_by": None, "person": None,
        "phone": None, "email": None, "unsettled": [], "filing": [], "say": "", "urls": [],
        "urls_total": 0, "note": None, "remark": None, "recorded_at": _ago(minutes=53),
        "report_received_at": None,
        "attempts": 0, **facts,
    }  # fmt: skip


def call(reader: Reader) -> dict[str, Any]:
    """An item with all that a pane can show."""
    url = "https://书店.example/casino"
    return _item(
        "2-1", "书店.example", due=_in(minutes=4, seconds=10), state="suspended", person="王芳",
        phone="+86 10 •••• ••01", email="w•••@书店.example", urls=[url], urls_total=3,
        warning=_WARNING[reader.language], say=_SCRIPT[reader.language], note="请前台转告",
        remark="已经删了", claimed_by="operator-1", attempts=2, rule="unreachable",
    )  # fmt: skip


_SCRIPT = {
    "en": "Phone 王芳, +86 10 •••• ••01. Say: “Your site 书店.example shows violating content"
    " (gambling). Please delete it immediately and tell us when it is gone.”",
    "zh": "请致电王芳，+86 10 •••• ••01。请说：“您的网站书店.example 出现违规内容（赌博），"
    "请立即删除，删除后告知我们。”",
}
_WARNING = {"en": "The next miss closes the site.", "zh": "再有一次无法联系，即关闭网站。"}


def story() -> list[dict[str, Any]]:
    """Lines of a history: of today, of another day, recorded late, of the system."""
    return [
        _line(9, _ago(minutes=58), "2-1：已留言或请人转告", "operator-1"),
        _line(7, _ago(hours=11), "书店.example 的暂停已结束", "clock", rule="unreachable"),
        _line(5, _ago(hours=24), "2-1 logged on 书店.example", "operator-2", late=True),
    ]  # fmt: skip


def _line(seq: int, at: str, words: str, by: str, *, rule: str = "", late: bool = False) -> Any:
    recorded = _ago(hours=23) if late else at
    return {
        "at": at, "recorded_at": recorded, "words": words, "by": by, "login": by, "rule": rule,
        "seq": seq,
    }  # fmt: skip


def list_page() -> tuple[ListPage, list[Tab]]:
    """A list with filters, two of them set, and its saved views."""
    filters = (
        Filter(name="state", codes=("open", "notified", "removed"), group="state"),
        Filter(name="category", group="category", suggested=("gambling", "phishing")),
        Filter(name="site"), Filter(name="since", is_time=True),
    )  # fmt: skip
    listed = ListPage("/incidents", filters, {"state": "open", "category": "gambling"}, "22-3")
    views: list[Any] = [
        SimpleNamespace(id=f"v{n}", name=name, owner=owner, shared=shared)
        for n, (name, owner, shared) in enumerate(
            [("赌博类", "operator-1", False), ("Night shift", "supervisor-1", True)]
        )
    ]
    tabs = [
        Tab(each, f"/incidents?view={n}", is_open=n == 1, may_change=n == 1)
        for n, each in enumerate(views)
    ]
    return listed, tabs


def charts(reader: Reader) -> list[Chart]:
    """A chart of many columns with all series, and one of few columns."""
    words = [reader.word("category", code) for code in
             ("gambling", "phishing", "malware", "fraud", "spam", "drugs")]  # fmt: skip
    days = [f"02-{n:02}" for n in range(1, 29)]
    many = [
        Series(name, [(n * 3 + own * 5) % 7 for n in range(len(days))])
        for own, name in enumerate(words)
    ]
    spans = ("5 min", "15 min", "30 min", "1 h")
    titles = [reader.say(f"overview.{name}") for name in ("violations", "contact")]
    drawn = [("many", days, many), ("few", spans, [Series("n", (3, 12, 7, 2))])]
    return [
        Chart(
            key=key,
            title=title,
            told="",
            counted=reader.say("overview.violations.axis"),
            across=reader.say("overview.contact.axis"),
            labels=labels,
            series=series,
            ticks=labels,
        )
        for title, (key, labels, series) in zip(titles, drawn, strict=True)
    ]


def diagram(reader: Reader) -> Diagram:
    """The states of a site."""
    return diagrams_of(reader)[0]


def _sessions() -> list[dict[str, Any]]:
    return [
        {"id": f"5{n}d19c28", "how": how, "place": "127.0.0.1", "current": n == 0,
         "made_at": _ago(hours=30 * n + 2), "seen_at": _ago(minutes=7 * n)}
        for n, how in enumerate(("password", "token"))
    ]  # fmt: skip


SITES = [
    {"id": n, "site": site, "state": state, "held": False, "disputed": state == "closed",
     "rule": rule, "next_due": due}
    for n, (site, state, rule, due) in enumerate((
        ("书店.example", "suspended", "unreachable", _in(hours=11)),
        (LONG, "active", None, _in(minutes=7)), ("wiki.example", "closed", "repeat", None),
    ))
]  # fmt: skip
"""Rows of the list of sites."""
LETTERS = [
    {"language": "zh_CN", "subject": "网站关闭通知：shop.example（编号 12-o45）",
     "text": "尊敬的网站负责人 张三：\n\n您负责的网站 shop.example 已于 2026-03-02 12:00 关闭。"},
    {"language": "en", "subject": "Site closed: shop.example (12-o45)",
     "text": "Dear 张三,\n\nYour site shop.example was closed at 2026-03-02 12:00."},
]  # fmt: skip
"""A notice in both languages."""


def facts(reader: Reader) -> dict[str, Any]:
    """All that the gallery's template shows."""
    listed, tabs = list_page()
    back = Correction("/incidents/1-1", reader.say("do.take_back"), "")
    done, refused = reader.say("sessions.ended"), reader.say("sign_in.wrong")
    return {
        "states": _STATES, "items": queue_items(), "item": call(reader), "story": story(),
        "outcomes": _CALLS, "list": listed, "chips": listed.chips(reader), "tabs": tabs,
        "charts": charts(reader), "diagram": diagram(reader),
        "flashes": [Flash("done", done, (back,)), Flash("refused", refused)],
        "days": (-2, 0, 12), "sessions": _sessions(), "forms": action_forms.of_page("sites"),
        "running": [{"term": "file", "due_on": "2026-03-12", "days": 9}],
    }  # fmt: skip
