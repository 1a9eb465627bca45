"""What is exported is imported unchanged, whatever a filing holds, in every format."""

from collections.abc import Callable
from io import BytesIO

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from openpyxl.cell.cell import TYPE_STRING
from openpyxl.utils.escape import escape

from incidents.filing import export
from incidents.filing.lists import table_file
from incidents.filing.lists.customer_list import CustomerList
from tests.filing.registers import Register, registers

MANY, FEW, EACH = 50, 6, 100


def json_file(register: Register) -> bytes:
    return "".join(export.json_document(register)).encode()


def jsonl_file(register: Register) -> bytes:
    return "".join(export.json_lines(register)).encode()


def csv_file(register: Register) -> bytes:
    return "".join(export.csv_lines(lambda: register)).encode()


def gb18030_file(register: Register) -> bytes:
    lines = "".join(export.csv_lines(lambda: register)).removeprefix(export.BOM)
    # What is in ASCII alone is UTF-8; the row of one who has no details makes it none.
    return f"{lines}示例.example\r\n".encode("gb18030")


def utf_16_file(register: Register) -> bytes:
    return "".join(export.csv_lines(lambda: register)).removeprefix(export.BOM).encode("utf-16")


def xlsx_file(register: Register) -> bytes:
    book, columns = openpyxl.Workbook(write_only=True), export.csv_columns(register)
    sheet = book.create_sheet("客户")
    for line in (columns, *(export.csv_cells(filing, columns) for filing in register)):
        cells = []
        for text in line:
            cell = openpyxl.cell.WriteOnlyCell(sheet)
            # Past the library's own eyes, which would take a text for a formula.
            cell._value = escape(text.replace("_x", "_x005F_x"))  # type: ignore[attr-defined]
            cell.data_type = TYPE_STRING
            cells.append(cell if text else None)
        sheet.append(cells)
    kept = BytesIO()
    book.save(kept)
    return kept.getvalue()


def imported(content: bytes, file: str = "customers") -> Register:
    """What an import reads; every row of it can be taken."""
    with table_file.read(BytesIO(content), file) as table:
        customers = list(CustomerList(table).customers())
    assert [str(problem) for customer in customers for problem in customer.problems] == []
    return [(str(customer.site), customer.changes) for customer in customers]


def come_back(
    *formats: Callable[[Register], bytes], times: int, more: Register | None = None
) -> int:
    """Sends that many registers out and in again in each format; how many filings each had."""
    seen = 0

    @settings(max_examples=times, deadline=None, suppress_health_check=list(HealthCheck))
    @given(registers(EACH))
    def goes_through(register: Register) -> None:
        nonlocal seen
        seen += len(register)
        for write in formats:
            found = imported(write(register))
            assert [(site, dict(sorted(told.items()))) for site, told in found] == [
                *register, *(more or [])
            ], write.__name__  # fmt: skip

    goes_through()
    return seen


@pytest.mark.long
def test_five_thousand_filings_come_back_unchanged() -> None:
    assert come_back(json_file, csv_file, times=MANY) >= 5_000


def test_filings_come_back_unchanged_in_every_format() -> None:
    formats = (json_file, jsonl_file, csv_file, utf_16_file, xlsx_file)
    assert come_back(*formats, times=FEW) >= FEW * EACH


def test_filings_come_back_unchanged_from_gb18030() -> None:
    last: Register = [("xn--fsq092h.example", {})]
    assert come_back(gb18030_file, times=FEW, more=last) >= FEW * EACH


def test_more_servers_than_columns_stand_in_one_cell_and_come_back() -> None:
    filings: Register = [
        (f"shop-{n}.example", {f"server.own-{n}": '{"city":"深圳","ip":"192.0.2.1"}'})
        for n in range(export.MAX_ITEM_COLUMNS + 1)
    ]
    assert "servers" in export.csv_columns(filings)
    assert len(export.csv_columns(filings)) == len(export.csv_columns([])) + 1
    assert imported(csv_file(filings)) == filings


def test_no_filings_are_an_empty_list_in_every_format() -> None:
    assert json_file([]) == b"[]\n"
    assert jsonl_file([]) == b""
    assert imported(csv_file([])) == []


def test_no_cell_of_an_exported_file_begins_as_a_formula_does() -> None:
    details = {"subject_name": "=HYPERLINK(1)", "support_name": "@x", "responsible_phone": "+1"}
    lines = "".join(export.csv_lines(lambda: [("shop.example", details)]))
    assert "'=HYPERLINK(1)" in lines
    assert "'@x" in lines
    assert "'+1" in lines
    assert imported(lines.encode()) == [("shop.example", details)]
