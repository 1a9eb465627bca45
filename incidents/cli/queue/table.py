"""The queue as a table on a terminal, drawn once, with the script of the first item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from incidents.cli.next_steps import command_line, next_step
from incidents.cli.prose import Prose
from incidents.cli.queue import words as queue_words
from incidents.cli.run import Run
from incidents.contract.next_steps import first_of_two
from incidents.contract.queue_order import is_finding, with_reports
from incidents.system.terminal import uses_colour, visible
from incidents.values.site_name import in_full, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents.contract.documents.queue import QueueItem, QueuePage, WaitingFinding
    from incidents.locale.language import Language
    from incidents.locale.words import TimeFormat

SOON_S = 15 * 60
ALARM, REMARK = "bold white on red", "yellow"
# On a narrower terminal only the first item shows its command.
_WIDE = 140


def show(run: Run, found: QueuePage, *, reveal: bool) -> None:
    """Draw the queue once; with `reveal`, phone numbers and addresses are not masked."""
    console = Console(color_system="auto" if uses_colour() else None, highlight=False)
    console.print(_drawn(run, found, wide=console.width >= _WIDE, reveal=reveal))


def _drawn(run: Run, found: QueuePage, *, wide: bool, reveal: bool) -> RenderableType:
    items, reports = found["items"], found.get("reports")
    rows = with_reports(items, reports)
    parts: list[RenderableType] = [title(found, run.when)]
    for notice in queue_words.notices(found, run.when):
        sentence = f" {notice.words} " if notice.is_alarm else notice.words
        parts.append(Prose(sentence, style=ALARM if notice.is_alarm else REMARK))
    if not rows:
        parts.append(Text(run.text("queue.nothing"), style="green"))
    else:
        parts.append(_table(run.language, rows, wide=wide))
    if reports and reports["more"]:
        parts.append(Prose(run.text("queue.reports.more"), style="dim"))
    if items:
        parts.append(_first(run, mine_to_do(items, run.app.person), reveal=reveal))
    if found["more"]:
        parts.append(Prose(run.text("queue.more"), style="dim"))
    return Group(*parts)


def title(found: QueuePage, when: TimeFormat) -> Text:
    """The time in the reader's zone, and the number of open items."""
    total = sum(found["counts"].values())
    overdue = sum(1 for item in found["items"] if item["overdue"])
    language = when.language
    n = queue_words.number(total, language, capped=found["counts_capped"])
    sentence = Text(f"{when(when.now)} {when.zone_name}  ", style="bold")
    sentence.append(language.say("queue.total", n=n))
    if overdue:
        sentence.append(language.say("queue.total.overdue", n=overdue), style="bold red")
    return sentence


def style_of(item: QueueItem | WaitingFinding) -> str:
    """The style of an item, by its urgency."""
    if item["overdue"]:
        return "bold red"
    if item["left_s"] is not None and item["left_s"] <= SOON_S:
        return "bold yellow"
    return ""


def _table(language: Language, rows: Sequence[QueueItem | WaitingFinding], *, wide: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(language.word("head", "TASK"), no_wrap=True, style="bold")
    table.add_column(language.word("head", "LEFT"), no_wrap=True, justify="right")
    for name in ("DO", "SITE", "WHOM", "WITH", *(["NEXT"] if wide else [])):
        table.add_column(language.word("head", name), overflow="fold")
    for item in rows:
        style = style_of(item)
        if is_finding(item):
            table.add_row(*_report_cells(language, item, style, wide=wide))
            continue
        cells = [
            Text(item["id"], style=style),
            Text(queue_words.left(item, language), style=style),
            Prose(queue_words.what_in_full(item, language), style=style),
            words(shown(item["site"])),
            words(queue_words.whom(item, language)),
            words(item["claimed_by"] or "", style="cyan"),
        ]
        if wide:
            cells.append(words(command_line(item["hints"][0], language)))
        table.add_row(*cells)
    return table


def _report_cells(
    language: Language, finding: WaitingFinding, style: str, *, wide: bool
) -> list[Text]:
    return [
        Text(finding["id"], style=style),
        Text(queue_words.left(finding, language), style=style),
        Prose(queue_words.report_what(finding, language), style=style),
        words(queue_words.about(finding)),
        Text(),
        Text(),
        *([words(queue_words.report_command(finding))] if wide else []),
    ]


def words(text: str, style: str = "") -> Text:
    """Text that people wrote, with control characters made visible."""
    return Prose(visible(text), style=style)


def mine_to_do(items: Sequence[QueueItem], person: str) -> QueueItem:
    """The most urgent item that nobody else has claimed; if all are claimed, the first item."""
    free = (item for item in items if item["claimed_by"] in (None, person))
    return next(free, items[0])


def _first(run: Run, item: QueueItem, *, reveal: bool) -> RenderableType:
    """The script of the most urgent item: whom to call, what to say, and what to type then."""
    whom = words(queue_words.whom(item, run.language) or run.text("queue.whom.nobody"))
    if not reveal and (item["phone"] or item["email"]):
        whom.append(run.text("queue.whom.masked"), style="dim")
    first = Table.grid(padding=(0, 2))
    first.add_row(
        Text(run.text("queue.first"), style="bold"),
        words(f"{item['id']} {in_full(item['site'])}", style="bold"),
    )
    if item["warning"]:
        first.add_row("", words(item["warning"], style="bold red"))
    first.add_row(run.text("queue.label.whom"), whom)
    first.add_row(run.text("queue.label.say"), words(item["say"]))
    for hint in item["hints"]:
        step = next_step(run, hint, first_of_two(item))
        first.add_row(run.text("queue.label.type"), words(step, style="bold green"))
    return first
