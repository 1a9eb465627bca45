"""The frame: the lines that the queue's screen shows on a terminal of a given size.

Each line fits one row of the terminal, whatever text people have written.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from incidents.cli.prose import Prose
from incidents.cli.queue import keys as queue_keys
from incidents.cli.queue import words as queue_words
from incidents.cli.queue.screen import HELP, ITEM, LIST, Screen
from incidents.cli.queue.table import ALARM, REMARK, style_of, title
from incidents.contract.hints import typed
from incidents.system.terminal import visible
from incidents.values.site_name import in_full, shown
from incidents.views import masked

if TYPE_CHECKING:
    from incidents.contract.documents.queue import QueueItem
    from incidents.locale.language import Language

Lines = list[Text]
Column = tuple[str, int, Callable[["QueueItem"], str]]
"""A column: its header, its width in cells, and a function for the text of an item."""

_LABEL = 6
# The most rows that one sentence takes from the list.
_MOST_ROWS = 4
# With fewer rows for the list than this, the parts around it are left out.
_LEAST_BODY = 4
_HELP = (
    ("j k", "move"), ("g G", "ends"), ("Enter", "open"), ("n", "number"),
    *((key, "outcome") for key in queue_keys.OUTCOMES), ("r", "removed"), ("d", "done"),
    ("c u", "claim"), ("t", "typed"), ("a", "again"), ("q", "quit"),
)  # fmt: skip
# All but the space that keeps a key and its words together.
_SPACE = re.compile(r"[^\S\u00a0]+")
_ANY_CONSOLE = Console(file=io.StringIO(), width=80)


def frame(screen: Screen, width: int, height: int) -> Lines:
    """Draw at most `height` lines, each at most `width` cells wide."""
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
        sentence = screen.language.say(
            "queue.looked_at", when=when, at=screen.looked_at, problem=screen.problem
        )
        lines += _sentence(sentence, width, ALARM)
    reports = queue_words.reports_notice(screen.found.get("reports"), when)
    for notice in [*queue_words.notices(screen.found, when), *reports]:
        lines += _sentence(notice.words, width, ALARM if notice.is_alarm else REMARK)
    return lines


def _foot(screen: Screen, width: int) -> Lines:
    """The result of the last key, and the available keys."""
    say, told = screen.language.say, screen.message
    if screen.asked:
        told = say("queue.asked", question=told)
    style = "bold yellow" if screen.asked else "bold red" if screen.is_error else "bold"
    item = screen.item
    keys = "" if item is None else queue_keys.listed(item, screen.person, screen.language)
    hint = say("queue.keys", keys=keys) if keys else say("queue.keys.none")
    hints = _sentence(hint, width, "dim")[:2]
    return [*(_sentence(told, width, style) if told else []), *hints]


def _list(screen: Screen, width: int, rows: int) -> Lines:
    items = screen.selection.items
    if not items:
        return [Text(screen.language.say("queue.nothing"), style="green")]
    warning = [] if screen.item is None else _of_selected(screen, screen.item, width)
    more = screen.found["more"]
    around = 1 + len(warning) + more
    if rows - around < 2:
        warning, around = [], 1 + more
    first, shown = screen.selection.visible_items(rows - around)
    columns = _columns(shown, screen.language, width)
    lines = [_row(((head, cells) for head, cells, _ in columns), " ", "dim")]
    for n, item in enumerate(shown, start=first):
        selected = screen.item if n == screen.selection.index else None
        lines.append(_item_row(selected or item, columns, is_selected=selected is not None))
    if more:
        lines.append(Text(screen.language.say("queue.more.screen"), style="dim"))
    return [*lines, *warning]


def _of_selected(screen: Screen, item: QueueItem, width: int) -> Lines:
    """The details of the selected item that do not fit a narrow list.

    These are its task, the person to call, and its warning.
    """
    what = queue_words.what_in_full(item, screen.language)
    sentence = screen.language.say(
        "queue.selected", id=item["id"], what=what, whom=_whom(screen, item)
    )
    lines = _sentence(sentence, width)
    warning = item["warning"]
    return [*lines, *(_sentence(warning, width, "bold red") if warning else [])]


def _whom(screen: Screen, item: QueueItem) -> str:
    return queue_words.whom(item, screen.language) or screen.language.say("queue.whom.nobody")


def _columns(items: Sequence[QueueItem], language: Language, width: int) -> list[Column]:
    """The columns that fit the width; the site and the person share the remaining width."""

    def column(head: str, tell: Callable[[QueueItem], str], most: int) -> Column:
        head = language.word("head", head)
        widest = max(cell_len(visible(tell(item))) for item in items)
        return head, min(max(widest, cell_len(head)), most), tell

    chosen = [
        column("TASK", lambda item: item["id"], 16),
        column("LEFT", lambda item: queue_words.left(item, language), _time_left_width(language)),
    ]
    if width >= 60:
        chosen.append(column("DO", lambda item: queue_words.what(item, language), 16))
    last = []
    if width >= 100:
        last.append(column("WITH", lambda item: item["claimed_by"] or "", 12))
    free = max(8, width - 4 - sum(cells + 2 for _, cells, _ in (*chosen, *last)))
    site = free if width < 80 else free * 9 // 20
    chosen.append((language.word("head", "SITE"), site, lambda item: shown(item["site"])))
    if width >= 80:
        whom = language.word("head", "WHOM")
        chosen.append((whom, free - site - 2, lambda item: queue_words.whom(item, language)))
    return chosen + last


def _time_left_width(language: Language) -> int:
    """The width of the column with the time left.

    The width is enough for every Chinese text; in English it has always been 16 cells.
    """
    return 16 if language.comma.isascii() else 20


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
    """The full script of the opened item, scrolled if it does not fit."""
    item = screen.item
    if item is None:
        return []
    title = f"{item['id']} {in_full(item['site'])}"
    lines = [_words(title, "bold"), *_sentence(_told(screen, item), width)]
    if item["warning"]:
        lines += _labelled("", item["warning"], width, "bold red")
    say, whom = screen.language.say, _whom(screen, item)
    if masked.DOT in whom:
        whom = say("queue.whom.masked.key", whom=whom)
    lines += _labelled(say("queue.label.whom"), whom, width)
    lines += _labelled(say("queue.label.say"), item["say"], width, "bold")
    for url in item["urls"]:
        lines += _labelled(say("queue.label.at"), url, width)
    if item["note"]:
        lines += _labelled(say("queue.label.note"), item["note"], width)
    for key, words in queue_keys.offered(item, screen.person, screen.language).items():
        lines += _labelled(f"  {key}", words, width, "green")
    for each in queue_keys.typed_only_hints(item):
        lines += _labelled(say("queue.label.type"), typed(each), width, "green")
    return _scrolled(screen, lines, rows)


def _told(screen: Screen, item: QueueItem) -> str:
    language = screen.language
    lines = [
        queue_words.what_in_full(item, language),
        queue_words.left(item, language),
        language.say("queue.attempts", n=item["attempts"]),
    ]
    if item["claimed_by"]:
        lines.append(language.say("queue.with", who=item["claimed_by"]))
    return language.say("list.parts").join(part for part in lines if part)


def _help(screen: Screen, width: int, rows: int) -> Lines:
    language = screen.language
    lines = []
    for key, what in _HELP:
        outcome = queue_keys.OUTCOMES.get(key, "")
        words = language.say(
            f"queue_help.{what}", outcome=outcome and language.word("queue_key", outcome)
        )
        lines += _labelled(key, words, width)
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
    say = screen.language.say
    hint = say("queue.below", n=below) if below else say("queue.end")
    return [*shown, Text(hint, style="dim")][:rows]


def _labelled(label: str, text: str, width: int, style: str = "") -> Lines:
    """A label with the text beside it, or below it if there is little room."""
    beside = _wrapped(text, width - _LABEL, style) if width > 4 * _LABEL else []
    if not beside:
        return [Text(label, style="dim"), *_wrapped(text, width, style)]
    labels = [label, *[""] * (len(beside) - 1)]
    return [
        Text(set_cell_size(each, _LABEL), style="dim").append_text(line)
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
    """The text on one line, without characters that could make a terminal mislead its reader."""
    return Prose(visible(_SPACE.sub(" ", text.strip())), style=style)


def _cut(line: Text, width: int) -> Text:
    line = line.copy()
    line.truncate(width, overflow="ellipsis")
    return line
