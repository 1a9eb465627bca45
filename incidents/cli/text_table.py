"""A table of rows for people, drawn on a terminal; rich is imported only then.

In a pipe, the same rows are lines with tabs between the fields, without colour, box or header.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from incidents.cli.run import Run
from incidents.system.terminal import coloured, guarded_stdout, is_terminal, uses_colour, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text


_EDGES = 3
"""The screen columns that a table column needs besides its text; the last needs one less."""
_SHORT = 4
"""The maximum width of a text that is never broken, although Chinese text could be."""

_LONG = 40
"""The width above which a single word can be broken."""
_INDENT = 4
"""The indent of fields that do not fit beside the other fields of their row."""


class ColouredField(str):
    """A field of a table, shown in colour if standard output supports it."""

    __slots__ = ("fg",)
    fg: str | None

    @classmethod
    def of(cls, text: str, *, fg: str | None) -> ColouredField:
        """Make a field that is shown bold and in that colour."""
        made = cls(text)
        made.fg = fg
        return made


def write_table(run: Run, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows for people: a table on a terminal, or fields between tabs in a pipe."""
    if not is_terminal(sys.stdout):
        for row in rows:
            run.write("\t".join(map(_plain, row)))
        return
    from rich.console import Console

    from incidents.cli.prose import Prose

    console = Console(color_system="auto" if uses_colour() else None, highlight=False)
    heads = [Prose(run.language.word("head", header)) for header in headers]
    cells = [[_cell(field) for field in row] for row in rows]
    if not cells:
        return
    columns = [[str(header), *(str(row[n]) for row in cells)] for n, header in enumerate(heads)]
    beside = _columns_beside(console, columns)
    widths = _widths(columns[:beside], _text_width(console, beside))
    with guarded_stdout():
        if beside == len(heads):
            drawn = _grid(heads, widths)
            for each in cells:
                drawn.add_row(*each)
            console.print(drawn)
            return
        console.print(_grid(heads[:beside], widths, show_edge=False))
        for each in cells:
            one = _grid(heads[:beside], widths, show_header=False, show_edge=False)
            one.add_row(*each[:beside])
            console.print(one, _rest(run, heads[beside:], each[beside:]))


def _columns_beside(console: Console, columns: Sequence[Sequence[str]]) -> int:
    """Count the columns that fit side by side.

    All columns fit if no word must be broken. Otherwise, only the first columns are counted, as
    many as need no second line; the other fields go below.
    """
    from rich.cells import cell_len

    # A longer word, such as an address, is folded anyway.
    words = [min(_longest_word(fields), _LONG) for fields in columns]
    beside = len(columns)
    if sum(words) <= _text_width(console, beside):
        return beside
    wanted = [max(map(cell_len, fields)) for fields in columns]
    while beside > 1 and sum(wanted[:beside]) > _text_width(console, beside):
        beside -= 1
    return beside


def _rest(run: Run, heads: Sequence[Text], row: Sequence[Text]) -> Padding:
    """The non-empty fields of a row that do not fit beside the others."""
    from rich.padding import Padding

    from incidents.cli.prose import Prose

    beneath = Prose()
    for head, field in zip(heads, row, strict=True):
        if str(field):
            beneath.append("  " if beneath else "")
            beneath.append_text(Prose.assemble(head, run.language.phrases["colon"], field))
    return Padding(beneath, (0, 0, 0, _INDENT))


def _text_width(console: Console, columns: int) -> int:
    """The number of screen columns that the texts of `columns` columns can share."""
    return console.width - _EDGES * columns + 1


def _grid(
    heads: Sequence[Text],
    widths: Sequence[int],
    *,
    show_header: bool = True,
    show_edge: bool = True,
) -> Table:
    """An empty table with these headers and column widths."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    drawn = Table(
        box=SIMPLE_HEAD, pad_edge=False, show_header=show_header, show_edge=show_edge
    )  # fmt: skip
    for header, width in zip(heads, widths, strict=True):
        # Folded, never cut, so that it can be copied.
        drawn.add_column(header, overflow="fold", width=width)
    return drawn


def _plain(field: str) -> str:
    text = " ".join(field.split())
    return coloured(text, fg=field.fg, bold=True) if isinstance(field, ColouredField) else text


def _cell(field: str) -> Text:
    """The field as a cell of a table, in the colour of the field."""
    from incidents.cli.prose import Prose

    style = " ".join(filter(None, ("bold", field.fg))) if isinstance(field, ColouredField) else ""
    return Prose(visible(field), style=style)


def _longest_word(fields: Sequence[str]) -> int:
    """The width of the longest word of a column."""
    from rich.cells import cell_len

    from incidents.cli.prose import pieces

    def words_of(field: str) -> Sequence[str]:
        # One or two Chinese words, as in a header, also stay on one line; so do commands.
        if field.startswith("incidents "):
            return [field]
        return field.split() if cell_len(field) <= _SHORT else pieces(field)

    return max((cell_len(w.rstrip()) for f in fields for w in words_of(f)), default=1)


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """The width of each column; words, such as IDs to copy, stay whole if there is room."""
    from rich.cells import cell_len

    wanted = [max(map(cell_len, fields)) for fields in columns]
    least = _shared([_longest_word(fields) for fields in columns], room)
    rest = [want - had for want, had in zip(wanted, least, strict=True)]
    more = _shared(rest, room - sum(least))
    return [had + more_ for had, more_ in zip(least, more, strict=True)]


def _shared(wanted: Sequence[int], room: int) -> list[int]:
    """Share the room: columns that need little get all they need, the others share the rest."""
    shares = [0] * len(wanted)
    for left, n in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        shares[n] = min(wanted[n], max(0, room) // (len(wanted) - left))
        room -= shares[n]
    return shares
