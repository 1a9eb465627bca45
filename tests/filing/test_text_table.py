"""Lists as text: CSV in the encodings that customers send, JSON to its end, names seen before."""

import codecs
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.filing.lists import table_file
from incidents.filing.lists.table_file import ENCODINGS
from incidents.filing.lists.table_row import MAX_COLUMNS, Row, TableError
from incidents.filing.lists.text_table import NameIndex

LIST = "域名,主体名称\r\nshop.example,示例公司\r\n"
READ = [Row(2, {"域名": "shop.example", "主体名称": "示例公司"})]


def rows(content: bytes | str) -> list[Row]:
    with table_file.read(BytesIO(_bytes(content)), "list.csv") as table:
        return list(table.rows)


def refused(content: bytes | str) -> str:
    with pytest.raises(TableError) as caught:
        rows(content)
    return caught.value.message


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (LIST.encode(), "UTF-8"),
        (codecs.BOM_UTF8 + LIST.encode(), "UTF-8 with BOM"),
        (codecs.BOM_UTF16_LE + LIST.encode("utf-16-le"), "UTF-16"),
        (codecs.BOM_UTF16_BE + LIST.encode("utf-16-be"), "UTF-16"),
        (LIST.encode("gb18030"), "GB18030"),
    ],
)
def test_the_encoding_is_found_and_named(content: bytes, name: str) -> None:
    with table_file.read(BytesIO(content), "list.csv") as table:
        assert (table.kind, table.encoding) == ("CSV", name)
        assert list(table.rows) == READ
    assert name in ENCODINGS.values()


def test_a_byte_of_no_encoding_is_named_with_its_offset() -> None:
    assert refused(LIST.encode() + b"\xff\r\n") == (
        "list.csv: the byte 0xFF at offset 48 is neither UTF-8 nor GB18030: save the list as UTF-8,"
        " or as UTF-16 with a byte order mark (BOM)"
    )
    late = b"site\r\n" + b"shop.example\r\n" * 40_000 + b"\x80"
    assert "0x80 at offset 560,006" in refused(late)
    assert "not UTF-8, although the byte order mark" in refused(codecs.BOM_UTF8 + b"site\n\xff")
    assert "not UTF-16, although the byte order mark" in refused(
        codecs.BOM_UTF16_LE + b"s\x00i\x00\x00"
    )
    assert "UTF-32" in refused(codecs.BOM_UTF32_LE + "site".encode("utf-32-le"))


def test_utf_16_without_a_mark_is_told_by_its_nul_characters() -> None:
    assert "the name of column 1 contains the character U+0000" in refused(
        "site,x".encode("utf-16-le")
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_in_the_header(delimiter: str) -> None:
    text = f'"a,;b"{delimiter}site\r\nx{delimiter}"q,;\ty"\r\n'
    assert rows(text) == [Row(2, {"a,;b": "x", "site": "q,;\ty"})]


def test_rows_are_counted_by_the_line_that_they_begin_on() -> None:
    found = rows('\r\nsite,subject_name\r\na.example,"two\r\nlines"\r\n,,\r\nb.example,x\r\n')
    assert [(row.number, row.cells["site"]) for row in found] == [
        (3, "a.example"),
        (6, "b.example"),
    ]
    assert found[0].cells["subject_name"] == "two\nlines"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "list.csv: it is empty"),
        (" \r\n\r\n", "list.csv: it is empty"),
        (",,\r\n", "list.csv, row 1: it has no header"),
        ("site,Site\r\n", "list.csv, row 1: the column Site occurs twice: keep one of them"),
        ("site,,ip\r\n", "list.csv, row 1: column 2 has no name"),
        (f"site,{'x' * 201}\r\n", "list.csv, row 1: a column name has more than 200 characters"),
        (
            "," * MAX_COLUMNS + "x\r\n",
            "list.csv, row 1: it has 1,025 columns; the limit is 1,024",
        ),
        (
            'site,ip\r\na.example,"192',
            "list.csv, row 2: the quote opened here is never closed",
        ),
    ],
)
def test_a_file_that_is_no_list_says_why(content: str, told: str) -> None:
    assert refused(content).startswith(told)


def test_a_quote_that_is_closed_too_late_says_where_it_opens() -> None:
    text = 'site,ip\r\na.example,1\r\nb.example,"' + "x.example,1\r\n" * 20_000
    assert refused(text).startswith(
        "list.csv, row 3: the quote opened here is not closed within 131,072 characters"
    )


def test_a_field_of_ten_megabytes_is_refused_with_its_line() -> None:
    text = "site,ip\r\na.example," + "x" * 10 * 2**20 + "\r\n"
    assert refused(text).startswith("list.csv, row 2: a line has more than 1,048,576 characters")


@pytest.mark.parametrize(
    ("line", "column", "told"),
    [
        ("a.example,b,c", "", "it has more cells than the header has columns (2)"),
        ("a.example,\0", "ip", "it contains the character U+0000"),
        ("a.example," + "x" * 32_768, "ip", "it has 32,768 characters; the limit is 32,767"),
        ('a.example,"b"c', "", "it is not CSV"),
    ],
)
def test_what_is_wrong_with_one_row_leaves_the_others(line: str, column: str, told: str) -> None:
    bad, good = rows(f"site,ip\r\n{line}\r\nb.example,\r\n")
    assert [(wrong.column, str(wrong.detail)[: len(told)]) for wrong in bad.wrong] == [
        (column, told)
    ]
    assert good == Row(3, {"site": "b.example"})


def test_a_formula_in_csv_is_text() -> None:
    found = rows("site,subject_name\r\na.example,=1+1\r\nb.example,'=1+1\r\nc.example,'x\r\n")
    assert [row.cells["subject_name"] for row in found] == ["=1+1", "=1+1", "'x"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('[{"site":"a.example"', "list.csv, row 1: it is not JSON"),
        ('{"site":"a.example"} {"site"', "list.csv, row 2: it is not JSON"),
        ("[" * 200_000, "list.csv, row 1: it is not JSON"),
        ('[{"site":"' + "x" * 2**21 + '"}]', "list.csv, row 1: one filing has more than 1,048,576"),
        ('{"site":"a.example","site":"b.example"}', "list.csv, row 1: it is not JSON"),
    ],
)
def test_json_that_cannot_be_followed_says_from_where(content: str, told: str) -> None:
    assert refused(content).startswith(told)


@pytest.mark.parametrize(
    ("filing", "column", "told"),
    [
        ("[]", "", "it is not a JSON object"),
        ('{"site":"a.example","level":"3"}', "level", "it is not a JSON object"),
        ('{"site":"a.example","details":{"level":3.5}}', "level", "it is a decimal number"),
        ('{"site":"a.example","details":{"level":true}}', "level", "it is true or false"),
        (
            '{"site":"a.example","details":{"ip":"\\u0000"}}',
            "ip",
            "it contains the character U+0000",
        ),
        ('{"site":"\\ud800"}', "site", "it contains the character U+D800"),
    ],
)
def test_a_filing_in_json_that_cannot_be_used_leaves_the_others(
    filing: str, column: str, told: str
) -> None:
    bad, good = rows(f'[{filing},\n{{"site":"b.example","details":{{"level":3}}}}]')
    assert [(wrong.column, str(wrong.detail)[: len(told)]) for wrong in bad.wrong] == [
        (column, told)
    ]
    assert good == Row(2, {"site": "b.example", "level": "3"})


def test_what_goes_by_is_told_for_a_progress_bar() -> None:
    content = LIST.encode()
    heard: list[int] = []
    with table_file.read(BytesIO(content), "list.csv", done=heard.append) as table:
        assert list(table.rows) == READ
    assert sum(heard) >= len(content)


@given(st.lists(st.text(max_size=3)))
def test_the_first_row_of_a_name_is_told(names: list[str]) -> None:
    seen = NameIndex()
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        first.setdefault(name, row)
        assert seen.first(name, row) == first[name]


def test_fifty_thousand_names_are_told_apart() -> None:
    seen = NameIndex()
    names = [f"shop-{n}.example" for n in range(50_000)]
    assert [seen.first(name, row) for row, name in enumerate(names)] == list(range(50_000))
    assert [seen.first(name, 7) for name in names] == list(range(50_000))


def test_a_name_whose_hash_is_nought_is_a_name() -> None:
    seen = NameIndex()
    assert hash("") == 0
    assert (seen.first("", 3), seen.first("", 4)) == (3, 3)


ONE, TWO = '{"site":"a.example"}', '{"site":"b.example"}'


def sites(text: str) -> list[str]:
    with table_file.read(BytesIO(text.encode()), "list.json") as table:
        return [row.cells["site"] for row in table.rows]


@pytest.mark.parametrize(
    "text", [f"[{ONE},{TWO}]", f"[\n{ONE},\n{TWO}\n]\n", f"{ONE}\n{TWO}\n", f"{ONE}\n{TWO}"]
)
def test_an_array_and_lines_are_read_alike(text: str) -> None:
    assert sites(text) == ["a.example", "b.example"]


@pytest.mark.parametrize(
    "text",
    [f"[{ONE},{TWO}", f"[{ONE},", f"[{ONE}", f"{ONE}\n]\n{TWO}", f"[{ONE}]\n{TWO}", f"[{ONE}]]"],
)
def test_a_list_that_does_not_end_as_it_began_is_refused(text: str) -> None:
    with pytest.raises(TableError):
        sites(text)
