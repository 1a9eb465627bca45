"""The frame: the lines that the queue's screen shows on a terminal of a given size.

Each line is one row and no wider than the terminal, whatever people have written into it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from incidents.cli.queue import keys as queue_keys
from incidents.cli.queue import words as queue_words
from incidents.cli.queue.screen import HELP, ITEM, LIST, Screen
from incidents.cli.queue.table import ALARM, REMARK, style_of, title
from incidents.cli.run import visible
from incidents.contract.hints import typed
from incidents.views import masked

if TYPE_CHECKING:
    from incidents.contract.documents.queue import QueueItem

Lines = list[Text]
Column = tuple[str, int, Callable[["QueueItem"], str]]
"""Its head, its width in cells, and what stands in it."""

_LABEL = 6
# The most rows that one sentence takes from the list.
_MOST_ROWS = 4
# With fewer rows for the list than this, what stands around it gives way.
_LEAST_BODY = 4
_HELP = (
    ("j k", "down and up; arrows and page keys too"),
    ("g G", "to the first item, to the last"),
    ("Enter", "open the item: what to say in full, and its keys; again: back to the list"),
    ("n", "show the number of the selected item in full, until you move on"),
    *((key, f"{words}: what came of the call, at this moment") for key, (_, words) in
      queue_keys.OUTCOMES.items()),
    ("r", "removed: the content is gone"),
    ("d", "done: the task is completed"),
    ("c u", "claim the item; release it"),
    ("t", "the commands that are typed: what closes a site is on no key"),
    ("a", "send an act again of which nobody knows whether it was done"),
    ("q", "quit"),
)  # fmt: skip
_ANY_CONSOLE = Console(file=io.StringIO(), width=80)


def frame(screen: Screen, width: int, height: int) -> Lines:
    """At most `height` lines, each at most `width` cells wide."""
    head, foot = _head(screen, width), _foot(screen, width)
    if height - len(head) - len(foot) < _LEAST_BODY:
        head, foot = head[:2], foot[:1]
    room = height - len(head) - len(foot)
    body = _BODIES[screen.mode](screen, width, max(room, 1))
    empty = [Text()] * max(0, room - len(body))
    lines = [*head, *body, *empty, *foot]
    return [_cut(line, width) for line in lines[max(0, len(lines) - height) :]]


def _head(screen: Screen, width: int) -> Lines:
    when = screen.run.when
    lines = list(title(screen.found, when).wrap(_ANY_CONSOLE, max(width, 2)))
    if screen.problem is not None:
        told = f"This is the queue of {when(screen.looked_at)}: {screen.problem}"
        lines += _sentence(told, width, ALARM)
    for notice in queue_words.notices(screen.found, when):
        lines += _sentence(notice.words, width, ALARM if notice.is_alarm else REMARK)
    return lines


def _foot(screen: Screen, width: int) -> Lines:
    """What the last key came to, and which keys there are."""
    told = f"{screen.message} y/n" if screen.asked else screen.message
    style = "bold yellow" if screen.asked else "bold red" if screen.is_bad_news else "bold"
    item = screen.item
    keys = {} if item is None else queue_keys.offered(item, screen.person)
    hint = " ".join(["? help, q quit ", *(f"{key} {words}," for key, words in keys.items())])
    hints = _sentence(hint.rstrip(","), width, "dim")[:2]
    return [*(_sentence(told, width, style) if told else []), *hints]


def _list(screen: Screen, width: int, rows: int) -> Lines:
    items = screen.selection.items
    if not items:
        return [Text("Nothing to do.", style="green")]
    warning = [] if screen.item is None else _of_selected(screen.item, width)
    more = screen.found["more"]
    around = 1 + len(warning) + more
    if rows - around < 2:
        warning, around = [], 1 + more
    first, shown = screen.selection.in_sight(rows - around)
    columns = _columns(shown, width)
    lines = [_row(((head, cells) for head, cells, _ in columns), " ", "dim")]
    for n, item in enumerate(shown, start=first):
        selected = screen.item if n == screen.selection.index else None
        lines.append(_item_row(selected or item, columns, is_selected=selected is not None))
    if more:
        lines.append(Text("there is more: --limit N shows it", style="dim"))
    return [*lines, *warning]


def _of_selected(item: QueueItem, width: int) -> Lines:
    """What a narrow list has no room for: what to do, and whom to call."""
    whom = queue_words.whom(item) or "nobody is on file"
    told = f"{item['id']} {queue_words.exactly(item)}: {whom}"
    lines = _sentence(told, width)
    warning = item["warning"]
    return [*lines, *(_sentence(warning, width, "bold red") if warning else [])]


def _columns(items: Sequence[QueueItem], width: int) -> list[Column]:
    """As many as fit, the site and the person sharing what the others leave."""

    def column(head: str, tell: Callable[[QueueItem], str], most: int) -> Column:
        widest = max(Text(visible(tell(item))).cell_len for item in items)
        return head, min(max(widest, len(head)), most), tell

    chosen = [column("TASK", lambda item: item["id"], 16), column("LEFT", queue_words.left, 16)]
    if width >= 60:
        chosen.append(column("DO", queue_words.what, 16))
    last = []
    if width >= 100:
        last.append(column("WITH", lambda item: item["claimed_by"] or "", 12))
    free = max(8, width - 4 - sum(cells + 2 for _, cells, _ in (*chosen, *last)))
    site = free if width < 80 else free * 9 // 20
    chosen.append(("SITE", site, lambda item: item["site"]))
    if width >= 80:
        chosen.append(("WHOM", free - site - 2, queue_words.whom))
    return chosen + last


def _item_row(item: QueueItem, columns: Iterable[Column], *, is_selected: bool) -> Text:
    cells = ((tell(item), width) for _, width, tell in columns)
    style = style_of(item)
    return _row(cells, ">" if is_selected else " ", f"{style} reverse" if is_selected else style)


def _row(cells: Iterable[tuple[str, int]], mark: str, style: str) -> Text:
    line = Text(f"{mark} ", style=style)
    for text, width in cells:
        cell = _words(text)
        cell.truncate(width, overflow="ellipsis", pad=True)
        line.append_text(cell).append("  ")
    return line


def _opened(screen: Screen, width: int, rows: int) -> Lines:
    """The item's script in full; what does not fit is scrolled to."""
    item = screen.item
    if item is None:
        return []
    lines = [_words(f"{item['id']} {item['site']}", "bold"), *_sentence(_told(item), width)]
    if item["warning"]:
        lines += _labelled("", item["warning"], width, "bold red")
    whom = queue_words.whom(item) or "nobody is on file"
    hint = "  (n shows it in full)" if masked.DOT in whom else ""
    lines += _labelled("whom", f"{whom}{hint}", width)
    lines += _labelled("say", item["say"], width, "bold")
    for url in item["urls"]:
        lines += _labelled("at", url, width)
    if item["note"]:
        lines += _labelled("note", item["note"], width)
    for key, words in queue_keys.offered(item, screen.person).items():
        lines += _labelled(f"  {key}", words, width, "green")
    for each in queue_keys.only_typed(item):
        lines += _labelled("type", typed(each), width, "green")
    return _scrolled(screen, lines, rows)


def _told(item: QueueItem) -> str:
    told = [queue_words.exactly(item), queue_words.left(item), f"attempts: {item['attempts']}"]
    if item["claimed_by"]:
        told.append(f"with {item['claimed_by']}")
    return ", ".join(part for part in told if part)


def _help(screen: Screen, width: int, rows: int) -> Lines:
    lines = [line for key, words in _HELP for line in _labelled(key, words, width)]
    return _scrolled(screen, lines, rows)


_BODIES = {LIST: _list, ITEM: _opened, HELP: _help}


def _scrolled(screen: Screen, lines: Lines, rows: int) -> Lines:
    if len(lines) <= rows:
        screen.scroll = 0
        return lines
    room = max(1, rows - 1)
    screen.scroll = min(screen.scroll, len(lines) - room)
    below = len(lines) - room - screen.scroll
    shown = lines[screen.scroll : screen.scroll + room]
    hint = f"{below} more lines: j" if below else "the end: k goes back"
    return [*shown, Text(hint, style="dim")][:rows]


def _labelled(label: str, text: str, width: int, style: str = "") -> Lines:
    """A label, and the text in the column beside it; below it where there is no room."""
    beside = _wrapped(text, width - _LABEL, style) if width > 4 * _LABEL else []
    if not beside:
        return [Text(label, style="dim"), *_wrapped(text, width, style)]
    labels = [label, *[""] * (len(beside) - 1)]
    return [
        Text(each.ljust(_LABEL), style="dim").append_text(line)
        for each, line in zip(labels, beside, strict=True)
    ]


def _sentence(text: str, width: int, style: str = "") -> Lines:
    lines = _wrapped(text, width, style)
    if len(lines) > _MOST_ROWS:
        lines = [*lines[: _MOST_ROWS - 1], lines[_MOST_ROWS - 1].append(" …")]
        lines[-1].truncate(width, overflow="ellipsis")
    return lines


def _wrapped(text: str, width: int, style: str) -> Lines:
    return list(_words(text, style).wrap(_ANY_CONSOLE, max(width, 2)))


def _words(text: str, style: str = "") -> Text:
    """On one line, and without what would make a terminal lie."""
    return Text(visible(" ".join(text.split())), style=style)


def _cut(line: Text, width: int) -> Text:
    line = line.copy()
    line.truncate(width, overflow="ellipsis")
    return line
