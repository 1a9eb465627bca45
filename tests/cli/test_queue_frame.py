"""The frame: whatever the size of the terminal and whatever people have written, it fits."""

import io
import re
from typing import Any, cast
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from incidents.cli.queue.frame import frame
from incidents.cli.queue.queue import _painted
from incidents.cli.queue.screen import Screen
from incidents.cli.run import Run
from incidents.contract.documents import required
from incidents.contract.documents.queue import QueueItem, QueuePage
from incidents.contract.hints import do
from incidents.locale.language import language
from incidents.locale.words import TimeFormat
from incidents.machine import commands as c
from tests.cli.conftest import NOON

KINDS = ("call", "keep_calling", "tell", "check_removal", "recheck", "review", "disputed", "new")
KEYS = ("j", "k", "G", "enter", "?", "1", "t", "x", "page-down")
HOSTILE = "王伟五号楼\u202e\x1b[31m\n\t\r \u200b👩‍👧é①ﷺ̂abc "


class Desk:
    """A run that shows times as the desk's does."""

    person = "li"
    when = TimeFormat(zone=ZoneInfo("Asia/Shanghai"), now=NOON, language=language("en", "cli"))
    settings = property(lambda self: self)
    app = property(lambda self: self)


def item(id_: str = "1-1", kind: str = "call", text: str = "", **more: Any) -> QueueItem:
    known: dict[str, Any] = {
        "id": id_, "kind": kind, "site": text or "a.example", "state": "active", "rule": None,
        "incident": "1-1", "about": ["1-1"], "unsettled": ["1-1"], "due": None, "overdue": False,
        "left_s": 600, "claimed_by": None, "phone": "+86 10 •••• ••00", "person": text,
        "email": None, "urls": [f"https://a.example/{text}"], "urls_total": 1, "note": text or None,
        "attempts": 0, "warning": text or None, "say": f"Say {text * 10}",
        "hints": [do(c.StateRefused, "1-1"), do(c.Recur, "1-1")], **more,
    }  # fmt: skip
    unknown: dict[str, Any] = dict.fromkeys(required(QueueItem))
    return cast("QueueItem", unknown | known)


def page(items: list[QueueItem], **more: Any) -> Any:
    enforcement = {
        "enforced_by": None, "standing_aside": None, "last_beat": None, "last_once": None,
        "overdue": 12, "overdue_capped": True, "overdue_since": "2026-03-02T03:00:00Z",
    }  # fmt: skip
    late = {"late": 0, "capped": False, "first": []}
    held = {"braked": 0, "capped": False, "first": []}
    acts = {"dead": 0, "capped": False, "first": [], "late": late, "held": held}
    return {
        "items": items, "more": False, "counts": {"call": len(items)}, "counts_capped": False,
        "enforcement": enforcement, "acts": acts,
        "report": None, **more,
    }  # fmt: skip


def sit(found: QueuePage) -> Screen:
    return Screen(cast("Run", Desk()), lambda: found)


def plain(screen: Screen, width: int, height: int) -> list[str]:
    return [line.plain.rstrip() for line in frame(screen, width, height)]


def test_a_name_in_its_own_letters_takes_as_many_columns_as_it_is_wide() -> None:
    site = "xn--fsqu00a.xn--0zwm56d"
    chinese, plain_one = item(), item("2-1")
    chinese["site"] = site
    screen = sit(page([chinese, plain_one]))
    rows = [line.plain for line in frame(screen, 80, 24)]
    [first] = [row for row in rows if "例子.测试" in row]
    [second] = [row for row in rows if "2-1" in row]
    assert cell_len(first) == cell_len(second)
    assert site not in "".join(rows)
    screen.press("enter")
    assert f"1-1 例子.测试 ({site})" in "\n".join(plain(screen, 80, 24))


_TEXTS = st.text(alphabet=HOSTILE, max_size=40)
_ITEMS = st.builds(
    lambda kind, text, holder, overdue: {
        "kind": kind, "text": text, "claimed_by": holder, "overdue": overdue
    },
    st.sampled_from(KINDS), _TEXTS, st.one_of(st.none(), _TEXTS), st.booleans(),
)  # fmt: skip


@given(
    st.integers(1, 160), st.integers(1, 50), st.lists(_ITEMS, max_size=8),
    st.lists(st.sampled_from(KEYS), max_size=6), _TEXTS, st.booleans(),
)  # fmt: skip
def test_no_line_is_wider_than_the_terminal_and_no_more_lines_than_it_has(
    width: int, height: int, drawn: list[Any], keys: list[str], problem: str, more: bool
) -> None:
    items = [item(f"1-{n}", **given) for n, given in enumerate(drawn, start=1)]
    screen = sit(page(items, more=more))
    screen.problem = problem or None
    for key in keys:
        screen.press(key)
        lines = frame(screen, width, height)
        assert len(lines) <= height
        assert all(line.cell_len <= width for line in lines)
        assert not any(re.search(r"[\x00-\x1f\x7f\u202e]", line.plain) for line in lines)


@given(st.integers(20, 160), st.integers(6, 50), st.integers(1, 60), st.integers(0, 70))
def test_the_selected_item_is_in_sight(width: int, height: int, count: int, steps: int) -> None:
    screen = sit(page([item(f"1-{n}") for n in range(1, count + 1)]))
    for _ in range(steps):
        screen.press("j")
    (selected,) = (line for line in plain(screen, width, height) if line.startswith(">"))
    assert f"1-{min(steps, count - 1) + 1} " in f"{selected} "


def test_on_forty_columns_it_says_what_to_do_and_whom_to_call() -> None:
    screen = sit(page([item(person="王伟", site="a-long-name-of-a-shop.example")]))
    lines = plain(screen, 40, 16)
    (selected,) = (line for line in lines if line.startswith(">"))
    assert selected.split() == [">", "1-1", "10", "min", "a-long-name-of-a-shop…"]
    assert "1-1 call: 王伟, +86 10 •••• ••00" in lines
    assert len(lines) == 16


def test_the_last_line_of_a_long_script_is_reached_on_a_small_terminal() -> None:
    screen = sit(page([item(say="word " * 300 + "END")]))
    screen.press("enter")
    seen = set()
    for _ in range(400):
        seen |= set(plain(screen, 40, 14))
        screen.press("j")
    assert any("END" in line for line in seen)
    assert any("incidents refused 1-1" in line for line in seen)
    assert any("end of the list: k goes back" in line for line in plain(screen, 40, 14))


def test_ten_thousand_items_are_a_screenful() -> None:
    screen = sit(page([item(f"1-{n}") for n in range(1, 10_001)], counts={"call": 10_000}))
    for _ in range(10):
        screen.press("G")
    lines = plain(screen, 80, 24)
    assert len(lines) == 24
    assert any(line.startswith("> 1-10000") for line in lines)


def test_what_is_left_out_of_the_page_is_told() -> None:
    lines = plain(sit(page([item()], more=True)), 80, 24)
    assert "more items: list them with --limit N" in lines


def test_alarms_stand_above_the_list_at_every_size() -> None:
    for width in (40, 80, 160):
        assert any("NO DAEMON IS ENFORCING" in line for line in plain(sit(page([])), width, 24))


def test_without_colour_nothing_is_painted_and_the_selection_has_its_mark() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=80)
    painted = [_painted(console, line) for line in frame(sit(page([item()])), 80, 24)]
    assert "\x1b" not in "".join(painted)
    assert any(line.startswith("> 1-1") for line in painted)
