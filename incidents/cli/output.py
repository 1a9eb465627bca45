"""The output: documents and lists on standard output, and files, which are written in full."""

from __future__ import annotations

import codecs
import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from incidents.cli.params import file_name
from incidents.cli.run import CSV, JSON, JSONL, Run
from incidents.cli.text_table import write_table
from incidents.errors import FileError, InputError
from incidents.system import disk
from incidents.system.terminal import coloured, guarded_stdout, is_terminal, visible

# Characters that a spreadsheet takes for a formula, or skips before one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def write_document(
    run: Run, document: Mapping[str, Any], *, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write one document for a program.

    CSV has only rows, so it gets `rows` instead.
    """
    if run.format == CSV:
        _write_csv(run, rows)
    else:
        run.write(json_text(document, indented=run.format == JSON))


def write_documents(run: Run, documents: Iterable[Mapping[str, Any]]) -> None:
    """Write a list of documents for a program, one by one as they arrive."""
    if run.format == CSV:
        _write_csv(run, documents)
    elif run.format == JSONL:
        for found in documents:
            run.write(json_text(found))
    else:
        opening = "["
        for found in documents:
            run.write(opening + json_text(found))
            opening = ","
        run.write("[]" if opening == "[" else "]")


def answer_program(
    run: Run,
    found: Mapping[str, Any],
    *ids: str,
    rows: Sequence[Mapping[str, Any]] | None = None,
) -> bool:
    """Write the IDs for `-q`, or the document or `rows` for a program.

    Return False, and write nothing, if a person reads the output.
    """
    if run.quiet:
        run.write(*ids)
    elif run.for_programs:
        write_document(run, found, rows=[found] if rows is None else rows)
    return run.quiet or run.for_programs


def write_list(
    run: Run,
    found: Iterable[Mapping[str, Any]],
    *,
    ids: Iterable[str],
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    nothing: str = "",
) -> None:
    """Write a list: its IDs for `-q`, documents for a program, or a table for a person.

    `nothing`: the sentence for an empty list.
    """
    if run.quiet:
        for each in ids:
            run.write(each)
    elif run.for_programs:
        write_documents(run, found)
    else:
        write_table(run, headers, rows)
        if nothing and not found:
            run.inform(nothing)


def write_pairs(run: Run, pairs: Iterable[tuple[str, str]]) -> None:
    """Write `key: value` lines for people, with the keys in their language."""
    found = [(run.language.word("label", name), value) for name, value in pairs if value]
    width = max((_cells(name) for name, _ in found), default=0) if is_terminal(sys.stdout) else 0
    colon = run.language.phrases["colon"]
    for name, value in found:
        label = coloured(f"{name}{colon}{' ' * (width - _cells(name))}", bold=True)
        run.write(label + value)


def _cells(text: str) -> int:
    """Count the columns that a text takes up on the screen.

    For ASCII text, rich is not imported.
    """
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def number(n: int) -> str:
    """The number as text: with thousands separators on a terminal, plain in a pipe."""
    return f"{n:,}" if is_terminal(sys.stdout) else str(n)


def json_text(document: Any, *, indented: bool = False) -> str:
    """The document as JSON, without characters that could mislead a terminal's reader."""
    return visible(json.dumps(document, ensure_ascii=False, indent=2 if indented else None))


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
    run.write_data(line.getvalue())


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

    `mode`: the permissions of the file; by default, only its owner can read it. A pipe or a device
    is written to directly.

    Raises:
        InputError: if `target` cannot be a file.
        FileError: if it cannot be written; the previous content remains.
    """
    if target == STANDARD_OUTPUT:
        with guarded_stdout():
            sys.stdout.buffer.writelines(_escaped(parts) if is_terminal(sys.stdout) else parts)
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


def _escaped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Replace characters that could make a terminal mislead its reader by escapes."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")
    for part in parts:
        yield visible(decoder.decode(part)).encode()
