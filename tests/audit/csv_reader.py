"""The CSV of an export, read back: what its cells leave out and add can be told again."""

import csv
import io
import json
from typing import Any

from incidents.audit.export import COLUMNS
from incidents.store.schema.types import canonical

AS_JSON = {"reason", "data", "run", "v"}
OPTIONAL = {"login", "rule", "reason", "run"}


def entries(written: bytes) -> list[bytes]:
    """The canonical bytes of each entry."""
    header, *rows = csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""), strict=True)
    assert tuple(header) == COLUMNS
    return [_entry(row) for row in rows]


def _entry(row: list[str]) -> bytes:
    cells = dict(zip(COLUMNS, row, strict=True))
    there = {name: cell for name, cell in cells.items() if cell or name not in OPTIONAL}
    entry: dict[str, Any] = {
        name: json.loads(cell) if name in AS_JSON else cell.removeprefix("'")
        for name, cell in there.items()
    }
    return canonical(entry).encode()
