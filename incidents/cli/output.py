"""The output: documents and rows on standard output, and files written whole or not at all.

A table is drawn only on a terminal, and only then is rich imported. On a pipe the same rows are
lines of fields between tabs, without colour, box or header.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from incidents.cli.params import file_name
from incidents.cli.run import (
    CSV,
    JSON,
    JSONL,
    Run,
    answering,
    is_terminal,
    painted,
    paints,
    visible,
)
from incidents.errors import FileError, InputError
from incidents.system import disk

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text


_EDGES = 3
"""So many columns of the screen a column of a table takes beside its text; the last one less."""
_SHORT = 4
"""A text of so many columns is never broken, though in Chinese it could be."""

_LONG = 40
"""A longer word may be broken."""
_INDENT = 4
"""So far to the right stands what has no room beside the other fields of its row."""

# What a spreadsheet takes for a formula, or skips on its way to one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


class Painted(str):
    """A field of a table in colour, where standard output takes it."""

    __slots__ = ("fg",)
    fg: str | None

    @classmethod
    def of(cls, text: str, *, fg: str | None) -> Painted:
        """That text, in bold and that colour."""
        made = cls(text)
        made.fg = fg
        return made


def document(run: Run, document: Mapping[str, Any], *, rows: Sequence[Mapping[str, Any]]) -> None:
    """One document for a program; CSV, which knows only rows, gets `rows`."""
    if run.format == CSV:
        _write_csv(run, rows)
    else:
        run.say(json_text(document, indented=run.format == JSON))


def documents(run: Run, documents: Iterable[Mapping[str, Any]]) -> None:
    """A list of documents for a program, written as they come."""
    if run.format == CSV:
        _write_csv(run, documents)
    elif run.format == JSONL:
        for found in documents:
            run.say(json_text(found))
    else:
        opening = "["
        for found in documents:
            run.say(opening + json_text(found))
            opening = ","
        run.say("[]" if opening == "[" else "]")


def answered(
    run: Run,
    found: Mapping[str, Any],
    *ids: str,
    rows: Sequence[Mapping[str, Any]] | None = None,
) -> bool:
    """Answer with the ids alone, or a program with the document (in CSV with `rows`, by default the
    document as one); False: who reads is a person, and is still to be told."""
    if run.quiet:
        run.say(*ids)
    elif run.for_programs:
        document(run, found, rows=[found] if rows is None else rows)
    return run.quiet or run.for_programs


def listed(
    run: Run,
    found: Iterable[Mapping[str, Any]],
    *,
    ids: Iterable[str],
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    nothing: str = "",
) -> None:
    """Answer with a list: the ids alone, the documents for a program, or a table for people, who
    are told `nothing` where it is empty."""
    if run.quiet:
        for each in ids:
            run.say(each)
    elif run.for_programs:
        documents(run, found)
    else:
        table(run, headers, rows)
        if nothing and not found:
            run.tell(nothing)


def pairs(run: Run, pairs: Iterable[tuple[str, str]]) -> None:
    """`key: value` lines for people; a catalogue has a name for each key, English has the key."""
    found = [(run.language.word("label", name), value) for name, value in pairs if value]
    width = max((_cells(name) for name, _ in found), default=0) if is_terminal(sys.stdout) else 0
    for name, value in found:
        label = painted(f"{name}:{' ' * (width - _cells(name))}", bold=True)
        run.say(f"{label} {value}")


def _cells(text: str) -> int:
    """How many columns of the screen it takes; rich is not imported for what is ASCII."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def table(run: Run, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows for people: a table on a terminal, fields between tabs on a pipe."""
    if not is_terminal(sys.stdout):
        for row in rows:
            run.say("\t".join(map(_plainly, row)))
        return
    from rich.console import Console

    from incidents.cli.prose import Prose

    console = Console(color_system="auto" if paints() else None, highlight=False)
    heads = [Prose(run.language.word("head", header)) for header in headers]
    cells = [[_drawn(field) for field in row] for row in rows]
    if not cells:
        return
    columns = [[str(header), *(str(row[n]) for row in cells)] for n, header in enumerate(heads)]
    beside = _columns_beside(console, columns)
    widths = _widths(columns[:beside], _room(console, beside))
    with answering():
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
            console.print(one, _rest(heads[beside:], each[beside:]))


def _columns_beside(console: Console, columns: Sequence[Sequence[str]]) -> int:
    """How many of the columns stand beside each other: all that can without breaking a word.

    Else as many of the first as need no second line; the others stand below.
    """
    from rich.cells import cell_len

    # What is longer, such as an address, is folded anyway.
    words = [min(_longest_word(fields), _LONG) for fields in columns]
    beside = len(columns)
    if sum(words) <= _room(console, beside):
        return beside
    wanted = [max(map(cell_len, fields)) for fields in columns]
    while beside > 1 and sum(wanted[:beside]) > _room(console, beside):
        beside -= 1
    return beside


def _rest(heads: Sequence[Text], row: Sequence[Text]) -> Padding:
    """The fields of a row that have no room beside the others, without those that are empty."""
    from rich.padding import Padding

    from incidents.cli.prose import Prose

    beneath = Prose()
    for head, field in zip(heads, row, strict=True):
        if str(field):
            beneath.append("  " if beneath else "")
            beneath.append_text(Prose.assemble(head, ": ", field))
    return Padding(beneath, (0, 0, 0, _INDENT))


def _room(console: Console, columns: int) -> int:
    """How wide the texts of so many columns are together at the most."""
    return console.width - _EDGES * columns + 1


def _grid(
    heads: Sequence[Text],
    widths: Sequence[int],
    *,
    show_header: bool = True,
    show_edge: bool = True,
) -> Table:
    """An empty table of those columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    drawn = Table(
        box=SIMPLE_HEAD, pad_edge=False, show_header=show_header, show_edge=show_edge
    )  # fmt: skip
    for header, width in zip(heads, widths, strict=True):
        # Folded, never cut: what is shown is there to be copied.
        drawn.add_column(header, overflow="fold", width=width)
    return drawn


def number(n: int) -> str:
    """A number in a row: on a terminal with its thousands apart, on a pipe as programs read it."""
    return f"{n:,}" if is_terminal(sys.stdout) else str(n)


def json_text(document: Any, *, indented: bool = False) -> str:
    """A document as JSON, as people and programs read it; nothing in it makes a terminal lie."""
    return visible(json.dumps(document, ensure_ascii=False, indent=2 if indented else None))


def _plainly(field: str) -> str:
    text = " ".join(field.split())
    return painted(text, fg=field.fg, bold=True) if isinstance(field, Painted) else text


def _drawn(field: str) -> Text:
    """A field as a cell of a table; its colour is no part of the text that is made visible."""
    from incidents.cli.prose import Prose

    style = " ".join(filter(None, ("bold", field.fg))) if isinstance(field, Painted) else ""
    return Prose(visible(field), style=style)


def _longest_word(fields: Sequence[str]) -> int:
    """The width of the longest word of a column."""
    from rich.cells import cell_len

    from incidents.cli.prose import pieces

    def words_of(field: str) -> Sequence[str]:
        # A word or two of Chinese, as a header is, stay on one line too.
        return field.split() if cell_len(field) <= _SHORT else pieces(field)

    return max((cell_len(w.rstrip()) for f in fields for w in words_of(f)), default=1)


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """How wide each column is: no word is broken (an id can be copied) as far as there is room."""
    from rich.cells import cell_len

    wanted = [max(map(cell_len, fields)) for fields in columns]
    least = _shared([_longest_word(fields) for fields in columns], room)
    rest = [want - had for want, had in zip(wanted, least, strict=True)]
    more = _shared(rest, room - sum(least))
    return [had + more_ for had, more_ in zip(least, more, strict=True)]


def _shared(wanted: Sequence[int], room: int) -> list[int]:
    """As much as each wants, of what is there; those that want most share what the others leave."""
    shares = [0] * len(wanted)
    for left, n in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        shares[n] = min(wanted[n], max(0, room) // (len(wanted) - left))
        room -= shares[n]
    return shares


def _write_csv(run: Run, rows: Iterable[Mapping[str, Any]]) -> None:
    names: list[str] | None = None
    for row in rows:
        if names is None:
            names = list(row)
            _write_csv_line(run, names)
        _write_csv_line(run, [_field(row.get(name)) for name in names])


def _write_csv_line(run: Run, fields: Sequence[str]) -> None:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    run.say_data(line.getvalue())


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json_text(value)
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULA) else text


STANDARD_OUTPUT = "-"


def write_file(target: str, parts: Iterable[bytes], mode: int = disk.PRIVATE) -> None:
    """Write the parts to the file `target`, or to standard output for `-`.

    The file has that mode, by default for its owner alone. What is no ordinary file (a pipe, a
    device) is written to as it is.

    Raises:
        InputError: if `target` cannot be a file.
        FileError: if it cannot be written; what stood there before stands there still.
    """
    if target == STANDARD_OUTPUT:
        with answering():
            sys.stdout.buffer.writelines(_shown(parts) if is_terminal(sys.stdout) else parts)
            sys.stdout.buffer.flush()
        return
    file = Path(file_name(target))
    try:
        if file.is_dir():
            raise InputError.coded(
                "a_folder", "{target} is a folder: name a file in it", target=target
            )
        # A link stays one, and points to the new file.
        target_file = disk.resolve_links(file)
        if file.exists() and not file.is_file():
            with disk.open_special(file) as stream:
                stream.writelines(parts)
        else:
            disk.write_whole(target_file, parts, mode)
    except OSError as error:
        raise FileError.of(target, "written", error) from error


def _shown(parts: Iterable[bytes]) -> Iterator[bytes]:
    """What a terminal is given in their place: nothing in it makes the terminal lie."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")
    for part in parts:
        yield visible(decoder.decode(part)).encode()
