"""Files that are made to fill a machine's memory are read or refused within 256 MiB.

Each is read by a process of its own, whose address space is limited to that.
"""

import json
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.filing.sheets import HEADER, MAIN, PARTS, SHOP, inline, sheet, xlsx, zipped

MIB = 2**20
MEMORY_MIB = 256
PROCESSOR_S = 120
"""What does not end does not end in an hour either."""

# Forks for each file: a child's memory is its own, and it need not load the program.
_READER = """
import json, os, resource, sys
from incidents.errors import IncidentsError
from incidents.filing.lists import table_file, xlsx_table
from incidents.filing.lists.customer_list import CustomerList

def read(file):
    told, rows, last, problems = "", 0, None, 0
    try:
        with table_file.open_table(file) as table:
            for customer in CustomerList(table).customers():
                rows, last, problems = rows + 1, customer.row, problems + bool(customer.problems)
    except IncidentsError as error:
        told = error.message.removeprefix(file)
    return {"told": told, "rows": rows, "last": last, "problems": problems}

memory, seconds = int(sys.argv[1]) * 2**20, int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
for line in sys.stdin:
    if os.fork() == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        print(json.dumps(read(line.strip())), flush=True)
        os._exit(0)
    _, status = os.wait()
    if status:
        print(json.dumps({"status": status}), flush=True)
"""

Content = bytes | Iterator[bytes]
Read = Callable[[Content], dict[str, Any]]


@pytest.fixture(scope="module")
def reader() -> Iterator[subprocess.Popen[str]]:
    """A process that is told a file on each line, and answers with what is in it."""
    with subprocess.Popen(
        [sys.executable, "-c", _READER, str(MEMORY_MIB), str(PROCESSOR_S)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def read(reader: subprocess.Popen[str], tmp_path: Path) -> Read:
    """What a process of its own has read of such a file, or was told."""
    file = tmp_path / "list"

    def read(content: Content) -> dict[str, Any]:
        with file.open("wb") as kept:
            kept.writelines([content] if isinstance(content, bytes) else content)
        assert reader.stdin is not None
        assert reader.stdout is not None
        print(file, file=reader.stdin, flush=True)
        found: dict[str, Any] = json.loads(reader.stdout.readline())
        assert "status" not in found, found
        return found

    return read


def sizes(daily: int, long: int) -> pytest.MarkDecorator:
    """In a long run such a bomb is as large as it would be; its limits are passed in each run."""
    return pytest.mark.parametrize("size", [daily, pytest.param(long, marks=pytest.mark.long)])


def repeated(before: str, piece: str, times: int, after: str) -> Iterator[bytes]:
    """A part that is too large to be held in one piece."""
    yield before.encode()
    at_once = max(1, MIB // len(piece))
    block = (piece * at_once).encode()
    for _ in range(times // at_once):
        yield block
    yield (piece * (times % at_once) + after).encode()


SHEET = f'<worksheet xmlns="{MAIN}"><sheetData>'
END = "</sheetData></worksheet>"


@sizes(16 * MIB, 2 * MEMORY_MIB * MIB)
def test_a_sheet_that_unpacks_to_a_thousand_times_its_size_is_refused(
    read: Read, size: int
) -> None:
    found = read(xlsx(sheet1=repeated(SHEET + HEADER, " ", size, END)))
    assert "its part xl/worksheets/sheet1.xml unpacks to more than" in found["told"]
    assert found["rows"] == 0


def test_a_zip_that_lies_about_its_sizes_is_refused(read: Read) -> None:
    content = xlsx(sheet1=repeated(SHEET + HEADER, " ", 8 * MIB, END))
    # What the directory says of the last part's size: the lie is a small one.
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet1.xml"))
    at = content.index(b"PK\x01\x02") if at < 0 else at
    lying = content[: at + 24] + struct.pack("<I", 5_000) + content[at + 28 :]
    found = read(lying)
    assert "its part xl/worksheets/sheet1.xml cannot be unpacked" in found["told"]


@sizes(8 * MIB, 64 * MIB)
@pytest.mark.parametrize("piece", ["<a/>", "<row/>", "<c/>", '<row r="x"><c><v>', "<!-- -->"])
def test_a_sheet_of_tags_without_end_is_refused_or_has_no_rows(
    read: Read, piece: str, size: int
) -> None:
    found = read(xlsx(sheet1=repeated(SHEET, piece, size // len(piece), END)))
    assert found["rows"] == 0
    assert found["told"]


def test_a_bomb_of_shared_texts_is_refused(read: Read) -> None:
    dice = Random(1)

    def pieces() -> Iterator[bytes]:
        # No two alike, so that they do not give themselves away by what they are packed to.
        yield f'<sst xmlns="{MAIN}">'.encode()
        for _ in range(70_000):
            yield b"<si><t>%b</t></si>" % dice.randbytes(16).hex().ljust(1_000, "x").encode()
        yield b"</sst>"

    found = read(xlsx(sharedStrings=pieces()))
    assert "its texts have more than 67,108,864 bytes in total" in found["told"]


@sizes(8 * MIB, 64 * MIB)
@pytest.mark.parametrize(
    ("part", "piece"),
    [
        ("styles", "<xf/>"), ("styles", "<cellXfs>"), ("workbook", '<sheet name="a"/>'),
        ("sharedStrings", "<si/>"), ("sharedStrings", "<a/>"),
    ],
)  # fmt: skip
def test_a_bomb_in_another_part_is_refused_or_read_in_flat_memory(
    read: Read, part: str, piece: str, size: int
) -> None:
    bomb = repeated(f'<root xmlns="{MAIN}">', piece, size // len(piece), "</root>")
    parts: dict[str, Any] = {part: bomb}
    found = read(xlsx(**parts))
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
def test_entities_from_within_and_without_are_refused(read: Read, part: str, doctype: str) -> None:
    sheet1 = sheet(HEADER + f'<row r="2">{inline("A2", "&l9;")}</row>')
    own = sheet1 if part == "sheet1" else str(
        next(text for path, text in PARTS.items() if path.endswith(f"{part}.xml"))
    )  # fmt: skip
    found = read(xlsx(**{part: doctype + own}))
    assert "declares a document type, which no spreadsheet does" in found["told"]


def test_a_sheet_of_seventeen_billion_cells_with_two_in_it_is_read(read: Read) -> None:
    rows = HEADER + f'<row r="1048576">{inline("A1048576", "shop.example")}</row>'
    found = read(xlsx(sheet1=sheet(rows, dimension="A1:XFD1048576")))
    assert (found["rows"], found["last"], found["told"]) == (1, 1_048_576, "")


@sizes(20_000, 400_000)
def test_empty_rows_are_gone_through_in_flat_memory(read: Read, size: int) -> None:
    pieces = [SHEET, HEADER, SHOP]
    pieces += [f'<row r="{n}" spans="1:2"><c r="A{n}" s="0"/></row>' for n in range(3, size + 1)]
    found = read(xlsx(sheet1=(piece.encode() for piece in (*pieces, END))))
    assert (found["rows"], found["told"]) == (1, "")


def test_a_tag_and_a_text_of_two_megabytes_are_refused(read: Read) -> None:
    long = Random(1).randbytes(MIB).hex()
    found = read(xlsx(f'<row r="1" x="{long}"/>'))
    assert "has a piece of more than 1,048,576 characters" in found["told"]
    row = f'<row r="2">{inline("A2", "a.example")}{inline("B2", long)}</row>'
    found = read(xlsx(HEADER + row))
    assert (found["rows"], found["problems"], found["told"]) == (1, 1, "")


def test_tags_in_tags_without_end_are_refused(read: Read) -> None:
    found = read(xlsx("<row>" * 1_000_000))
    assert found["told"]


@pytest.mark.long
def test_a_zip_in_the_zip_is_never_unpacked(read: Read) -> None:
    inner = zipped({"bomb": repeated("", "0", 2 * MEMORY_MIB * MIB, "")})
    parts = {"xl/worksheets/sheet1.xml": sheet(HEADER + SHOP), **PARTS}
    found = read(zipped({**parts, "xl/embeddings/inner.zip": inner}))
    assert (found["rows"], found["told"]) == (1, "")


def test_a_zip_of_very_many_parts_is_refused(read: Read) -> None:
    parts = {f"p{n}": b"" for n in range(1_001)}
    found = read(zipped({"xl/worksheets/sheet1.xml": sheet(SHOP), **PARTS, **parts}))
    assert "it has 1,007 parts; the limit is 1,000" in found["told"]
    found = read(zipped({f"{'x' * 60_000}{n}": b"" for n in range(20)}))
    assert "its directory has more than 1,048,576 bytes" in found["told"]


@sizes(1_000_000, 20_000_000)
def test_a_csv_of_a_quote_that_is_never_closed_is_refused(read: Read, size: int) -> None:
    found = read(repeated('site,ip\r\n"', "x,1\r\n", size, ""))
    assert "the quote opened here is not closed" in found["told"]


@sizes(3 * MIB, 50 * MIB)
@pytest.mark.parametrize(
    "piece", ["\0", "x", "x,", '"', "[", pytest.param("\r\n", marks=pytest.mark.long)]
)
def test_a_csv_of_one_thing_without_end_is_refused(read: Read, piece: str, size: int) -> None:
    found = read(repeated("site,ip\r\n", piece, size // len(piece), ""))
    assert found["told"]


@sizes(3 * MIB, 30 * MIB)
@pytest.mark.parametrize("piece", ["[", '{"a":', '"', "0"])
def test_json_of_one_thing_without_end_is_refused(read: Read, piece: str, size: int) -> None:
    found = read(repeated('[{"site":"b.example"},', piece, size // len(piece), ""))
    assert found["told"]
