"""Files that are made to fill a machine's memory are read or refused within 256 MiB and seconds.

Each is read by a process of its own, whose address space is limited to that.
"""

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.filing.sheets import HEADER, MAIN, PARTS, SHOP, inline, sheet, xlsx, zipped

MEMORY_MIB = 256
WITHIN_S = 120
"""A machine that is busy takes its time; what does not end does not end in an hour either."""

_READ = """
import json, resource, sys
limit = int(sys.argv[2]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from incidents.errors import IncidentsError
from incidents.filing import table_file
from incidents.filing.customer_list import CustomerList
told, rows, last, problems = "", 0, None, 0
try:
    with table_file.opened(sys.argv[1]) as table:
        for customer in CustomerList(table).customers():
            rows, last, problems = rows + 1, customer.row, problems + bool(customer.problems)
except IncidentsError as error:
    told = error.message
# What getrusage says counts the process that this one was forked from.
status = open("/proc/self/status").read()
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
print(json.dumps({"told": told, "rows": rows, "last": last, "problems": problems, "mib": peak}))
"""


def read(folder: Path, content: bytes | Iterator[bytes]) -> dict[str, Any]:
    """What a process of its own has read of that file, or was told."""
    file = folder / "list"
    with file.open("wb") as kept:
        kept.writelines([content] if isinstance(content, bytes) else content)
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(file), str(MEMORY_MIB)],
        check=False, capture_output=True, text=True, timeout=WITHIN_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["mib"] < MEMORY_MIB
    found["told"] = found["told"].removeprefix(str(file))
    return found


def repeated(before: str, piece: str, times: int, after: str) -> Iterator[bytes]:
    """A part that is too large to be held in one piece."""
    yield before.encode()
    at_once = max(1, 2**20 // len(piece))
    block = (piece * at_once).encode()
    for _ in range(times // at_once):
        yield block
    yield (piece * (times % at_once) + after).encode()


SHEET = f'<worksheet xmlns="{MAIN}"><sheetData>'
END = "</sheetData></worksheet>"


def test_a_sheet_that_unpacks_to_a_gigabyte_of_nothing_is_refused(tmp_path: Path) -> None:
    found = read(tmp_path, xlsx(sheet1=repeated(SHEET + HEADER, " ", 2**30, END)))
    assert "its part xl/worksheets/sheet1.xml unpacks to more than" in found["told"]
    assert found["rows"] == 0


def test_a_zip_that_lies_about_its_sizes_is_refused(tmp_path: Path) -> None:
    content = xlsx(sheet1=repeated(SHEET + HEADER, " ", 64 * 2**20, END))
    # What the directory says of the last part's size: the lie is a small one.
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet1.xml"))
    at = content.index(b"PK\x01\x02") if at < 0 else at
    lying = content[: at + 24] + struct.pack("<I", 5_000) + content[at + 28 :]
    found = read(tmp_path, lying)
    assert "it is no XLSX that can be read (Bad CRC-32" in found["told"]


@pytest.mark.parametrize("piece", ["<a/>", "<row/>", "<c/>", '<row r="x"><c><v>', "<!-- -->"])
def test_a_sheet_of_tags_without_end_is_refused_or_has_no_rows(tmp_path: Path, piece: str) -> None:
    found = read(tmp_path, xlsx(sheet1=repeated(SHEET, piece, 100 * 2**20 // len(piece), END)))
    assert found["rows"] == 0
    assert found["told"]


def test_a_bomb_of_shared_texts_is_refused(tmp_path: Path) -> None:
    dice = Random(1)

    def pieces() -> Iterator[bytes]:
        # No two alike, so that they do not give themselves away by what they are packed to.
        yield f'<sst xmlns="{MAIN}">'.encode()
        for _ in range(70_000):
            yield b"<si><t>%b</t></si>" % dice.randbytes(500).hex().encode()
        yield b"</sst>"

    found = read(tmp_path, xlsx(sharedStrings=pieces()))
    assert "its texts have more than 67,108,864 bytes together" in found["told"]


@pytest.mark.parametrize(
    ("part", "piece"),
    [
        ("styles", "<xf/>"), ("styles", "<cellXfs>"), ("workbook", '<sheet name="a"/>'),
        ("sharedStrings", "<si/>"), ("sharedStrings", "<a/>"),
    ],
)  # fmt: skip
def test_a_bomb_in_another_part_is_refused_or_read_in_flat_memory(
    tmp_path: Path, part: str, piece: str
) -> None:
    bomb = repeated(f'<root xmlns="{MAIN}">', piece, 64 * 2**20 // len(piece), "</root>")
    parts: dict[str, Any] = {part: bomb}
    found = read(tmp_path, xlsx(**parts))
    assert found["told"]


ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize("part", ["sheet1", "styles"])
@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE x [<!ENTITY l0 "lol">{ENTITIES}]>',
        '<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
def test_entities_from_within_and_without_are_refused(
    tmp_path: Path, part: str, doctype: str
) -> None:
    sheet1 = sheet(HEADER + f'<row r="2">{inline("A2", "&l9;")}</row>')
    own = sheet1 if part == "sheet1" else str(
        next(text for path, text in PARTS.items() if path.endswith(f"{part}.xml"))
    )  # fmt: skip
    found = read(tmp_path, xlsx(**{part: doctype + own}))
    assert "declares a document type, as no spreadsheet does" in found["told"]


def test_a_sheet_of_seventeen_billion_cells_with_two_in_it_is_read(tmp_path: Path) -> None:
    rows = HEADER + f'<row r="1048576">{inline("A1048576", "shop.example")}</row>'
    found = read(tmp_path, xlsx(sheet1=sheet(rows, dimension="A1:XFD1048576")))
    assert (found["rows"], found["last"], found["told"]) == (1, 1_048_576, "")


def test_a_million_empty_rows_are_gone_through_in_flat_memory(tmp_path: Path) -> None:
    pieces = [SHEET, HEADER, SHOP]
    pieces += [f'<row r="{n}" spans="1:2"><c r="A{n}" s="0"/></row>' for n in range(3, 1_000_001)]
    found = read(tmp_path, xlsx(sheet1=(piece.encode() for piece in (*pieces, END))))
    assert (found["rows"], found["told"]) == (1, "")


def test_a_tag_and_a_text_of_ten_megabytes_are_refused(tmp_path: Path) -> None:
    long = Random(1).randbytes(5 * 2**20).hex()
    found = read(tmp_path, xlsx(f'<row r="1" x="{long}"/>'))
    assert "holds one piece of more than 1,048,576 characters" in found["told"]
    row = f'<row r="2">{inline("A2", "a.example")}{inline("B2", long)}</row>'
    found = read(tmp_path, xlsx(HEADER + row))
    assert (found["rows"], found["problems"], found["told"]) == (1, 1, "")


def test_tags_in_tags_without_end_are_refused(tmp_path: Path) -> None:
    found = read(tmp_path, xlsx("<row>" * 1_000_000))
    assert found["told"]


def test_a_zip_in_the_zip_is_never_unpacked(tmp_path: Path) -> None:
    inner = zipped({"bomb": repeated("", "0", 2**28, "")})
    parts = {"xl/worksheets/sheet1.xml": sheet(HEADER + SHOP), **PARTS}
    found = read(tmp_path, zipped({**parts, "xl/embeddings/inner.zip": inner}))
    assert (found["rows"], found["told"]) == (1, "")


def test_a_zip_of_very_many_parts_is_refused(tmp_path: Path) -> None:
    parts = {f"p{n}": b"" for n in range(1_001)}
    assert "it has 1,007 parts, and 1,000 are the most" in read(
        tmp_path, zipped({"xl/worksheets/sheet1.xml": sheet(SHOP), **PARTS, **parts})
    )["told"]  # fmt: skip
    found = read(tmp_path, zipped({f"{'x' * 200}{n}": b"" for n in range(20_000)}))
    assert "its directory has more than 1,048,576 bytes" in found["told"]


def test_a_csv_of_a_quote_that_is_never_closed_is_refused(tmp_path: Path) -> None:
    found = read(tmp_path, repeated('site,ip\r\n"', "x,1\r\n", 20_000_000, ""))
    assert "a quote that is opened here is not closed" in found["told"]


@pytest.mark.parametrize("piece", ["\0", "x", "x,", '"', "[", "\r\n"])
def test_a_csv_of_one_thing_without_end_is_refused(tmp_path: Path, piece: str) -> None:
    found = read(tmp_path, repeated("site,ip\r\n", piece, 50 * 2**20 // len(piece), ""))
    assert found["told"]


@pytest.mark.parametrize("piece", ["[", '{"a":', '"', "0"])
def test_json_of_one_thing_without_end_is_refused(tmp_path: Path, piece: str) -> None:
    found = read(tmp_path, repeated('[{"site":"b.example"},', piece, 30 * 2**20 // len(piece), ""))
    assert found["told"]
