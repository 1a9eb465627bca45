"""An XLSX file is read as its sheet shows it, and one that no spreadsheet writes is told."""

import datetime as dt
import zipfile
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from incidents.filing.lists import table_file
from incidents.filing.lists.table_file import TableFile
from incidents.filing.lists.table_row import Row, TableError
from incidents.filing.lists.xlsx_table import column_letters, number
from tests.filing.sheets import (
    HEADER,
    MAIN,
    PARTS,
    SHOP,
    inline,
    relations,
    sheet,
    workbook,
    xlsx,
    zipped,
)

READ = [Row(2, {"site": "shop.example", "subject_name": "示例"})]


def table_of(content: bytes) -> tuple[TableFile, list[Row]]:
    with table_file.read(BytesIO(content), "list.xlsx") as table:
        return table, list(table.rows)


def rows(content: bytes) -> list[Row]:
    return table_of(content)[1]


def refused(content: bytes) -> str:
    with pytest.raises(TableError) as caught:
        rows(content)
    return caught.value.message


def written(*lines: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for line in lines:
        sheet.append(line)
    kept = BytesIO()
    book.save(kept)
    return kept.getvalue()


def value_of(cell: Any) -> str | None:
    found = rows(written(["site", "value"], ["shop.example", cell]))
    return found[0].cells.get("value")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (13512345678, "13512345678"),
        (13512345678.0, "13512345678"),
        (1.5, "1.5"),
        (-3, "-3"),
        (999_999_999_999_999, "999999999999999"),
        (True, "TRUE"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),  # noqa: DTZ001 - a sheet's
        (dt.time(3, 4), "03:04:00"),
        ("  示例  ", "示例"),
        ("", None),
        (None, None),
    ],
)
def test_a_cell_is_the_text_that_its_writer_meant(cell: Any, text: str | None) -> None:
    assert value_of(cell) == text


@settings(max_examples=max(10, settings().max_examples // 4))
@given(st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff_'=")),
    st.integers(-(10**14), 10**14), st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)),
))  # fmt: skip
def test_what_openpyxl_reads_is_what_is_read(cell: str | int | dt.date) -> None:
    content = written(["site", "value"], ["shop.example", cell])
    sheet = openpyxl.load_workbook(BytesIO(content), read_only=True).worksheets[0]
    theirs = list(sheet.iter_rows(values_only=True))[1][1]
    told = theirs.date().isoformat() if isinstance(theirs, dt.datetime) else str(theirs)
    assert rows(content)[0].cells.get("value", "") == (told.strip() if theirs is not None else "")


def test_a_number_with_an_exponent_is_written_out() -> None:
    assert number("1.3512345678E10") == "13512345678"
    assert number("1E-2") == "0.01"


def test_a_number_of_more_digits_than_a_spreadsheet_keeps_is_no_fact() -> None:
    row = rows(written(["site", "number"], ["shop.example", 440300199001011234]))[0]
    assert [wrong.column for wrong in row.wrong] == ["number"]
    assert "more than 15 digits" in row.wrong[0].detail


@pytest.mark.parametrize("formula", ["=1+1", '=HYPERLINK("http://a.example")'])
def test_a_formula_is_no_fact_and_its_row_says_so(formula: str) -> None:
    bad, good = rows(written(["site", "ip"], ["a.example", formula], ["b.example", "192.0.2.1"]))
    assert [(wrong.column, wrong.detail.code) for wrong in bad.wrong] == [("ip", "list_formula")]
    assert good.wrong == ()


def test_a_formula_is_refused_whatever_value_it_was_kept_with() -> None:
    cell = '<c r="B2" t="str"><f>A2</f><v>示例</v></c>'
    row = rows(xlsx(HEADER + f'<row r="2">{inline("A2", "a.example")}{cell}</row>'))[0]
    assert [(wrong.column, wrong.value) for wrong in row.wrong] == [("subject_name", "示例")]
    header = f'<row r="1">{inline("A1", "site")}<c r="B1"><f>1</f><v>1</v></c></row>'
    assert refused(xlsx(header)).startswith("list.xlsx, row 1, column B: it is a formula")


def test_an_error_of_a_formula_is_no_fact() -> None:
    cell = '<c r="B2" t="e"><v>#REF!</v></c>'
    row = rows(xlsx(HEADER + f'<row r="2">{inline("A2", "a.example")}{cell}</row>'))[0]
    assert "the formula error #REF!" in row.wrong[0].detail


def test_a_text_in_pieces_is_one_text_without_how_it_is_said() -> None:
    pieces = "<is><r><t>示</t></r><r><t>例</t></r><rPh><t>shi</t></rPh></is>"
    shared = (
        f'<sst xmlns="{MAIN}"><si><r><t>sub</t></r><r><t>ject_name</t></r><rPh><t>x</t></rPh></si>'
        "<si><t>si_x0074_e</t></si></sst>"
    )
    header = '<row><c t="s"><v>1</v></c><c t="s"><v>0</v></c></row>'
    shop = (
        f'<row><c t="inlineStr"><is><t>shop.example</t></is></c><c t="inlineStr">{pieces}</c></row>'
    )
    assert rows(xlsx(header + shop, sharedStrings=shared)) == READ


def test_the_first_sheet_that_is_shown_is_read_and_the_others_are_named() -> None:
    book = workbook(
        'name="old" sheetId="1" state="hidden" r:id="rId9"',
        'name="客户" sheetId="2" r:id="rId1"',
        'name="notes" sheetId="3" r:id="rId8"',
    )
    table, found = table_of(xlsx(workbook=book))
    assert (table.kind, table.sheet, table.other_sheets, found) == (
        "XLSX",
        "客户",
        ("notes",),
        READ,
    )


def test_days_count_from_1904_where_the_workbook_says_so() -> None:
    styles = (
        f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
        "</styleSheet>"
    )
    day = HEADER + f'<row r="2">{inline("A2", "a.example")}<c r="B2" s="1"><v>44563</v></c></row>'
    book = workbook('name="a" sheetId="1" r:id="rId1"', more='<workbookPr date1904="1"/>')
    assert rows(xlsx(day, styles=styles))[0].cells["subject_name"] == "2022-01-02"
    assert rows(xlsx(day, styles=styles, workbook=book))[0].cells["subject_name"] == "2026-01-03"


def test_the_prefix_of_a_namespace_and_an_absolute_target_make_no_difference() -> None:
    prefixed = sheet(HEADER + SHOP).replace("<", "<x:").replace("<x:/", "</x:")
    prefixed = prefixed.replace("xmlns=", "xmlns:x=")
    targets = relations(("rId1", "worksheet", "/xl/worksheets/sheet1.xml"))
    parts = {**PARTS, "xl/worksheets/sheet1.xml": prefixed, "xl/_rels/workbook.xml.rels": targets}
    assert rows(zipped(parts)) == READ


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04 and nothing more", "list.xlsx: it is not a readable XLSX file"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512,
            "list.xlsx: it is an old .xls file or",
        ),
        (
            zipped({"a.txt": "a"}),
            "list.xlsx: it is a ZIP file but not XLSX (_rels/.rels is missing)",
        ),
        (
            xlsx(workbook=workbook()),
            "list.xlsx: it has no sheet with cells",
        ),
        (xlsx(" "), "list.xlsx: it is empty"),
        (xlsx("<row><c/></row>"), "list.xlsx: it is empty"),
        (xlsx('<row r="x"/>'), "list.xlsx: the cell x is not written as in XLSX"),
        (xlsx('<row r="1"><c r="A2"/></row>'), "list.xlsx, row 1: the cell A2 is not written"),
        (
            xlsx('<row r="1"><c r="AAAA1"/></row>'),
            "list.xlsx, row 1: the cell AAAA1 is not written",
        ),
        (xlsx('<row r="2"/><row r="2"/>'), "list.xlsx, row 2: row 2 comes after row 2"),
        (xlsx('<row><c t="s"><v>7</v></c></row>'), "list.xlsx: the cell 7 is not written"),
        (xlsx("<row>"), "list.xlsx: its part xl/worksheets/sheet1.xml is not readable XML"),
        (
            xlsx(styles="<a><cellXfs><xf numFmtId='x'/></cellXfs></a>"),
            "list.xlsx: its part xl/styl",
        ),
    ],
)
def test_a_file_that_is_no_xlsx_says_why(content: bytes, told: str) -> None:
    assert refused(content).startswith(told)


def test_an_xlsb_is_told_what_to_be_saved_as() -> None:
    parts = {"_rels/.rels": relations(("rId1", "officeDocument", "xl/workbook.bin"))}
    assert refused(zipped(parts)) == "list.xlsx: it is an .xlsb file: save it as .xlsx or as CSV"


def test_a_part_that_is_encrypted_says_so() -> None:
    content = xlsx()
    with zipfile.ZipFile(BytesIO(content)) as made:
        member = made.getinfo("_rels/.rels")
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(member.filename.encode()))
    marked = content[: at + 8] + b"\x01" + content[at + 9 :]
    assert "its part _rels/.rels is encrypted" in refused(marked)


def test_a_cell_far_to_the_right_is_told_and_one_below_the_last_row_too() -> None:
    far = SHOP.replace("</row>", inline("XFD2", "x") + "</row>")
    row = rows(xlsx(HEADER + far))[0]
    assert [wrong.detail.code for wrong in row.wrong] == ["list_too_many_cells"]
    assert "more than 1,048,576 rows" in refused(xlsx(HEADER + '<row r="1048577"/>'))


def test_columns_are_called_what_a_spreadsheet_calls_them() -> None:
    assert [column_letters(n) for n in (0, 25, 26, 701, 702, 16_383)] == [
        "A",
        "Z",
        "AA",
        "ZZ",
        "AAA",
        "XFD",
    ]
