"""A JSON list is read to its end, or refused: what is cut off is not taken for all."""

from io import BytesIO

import pytest

from incidents.filing.lists import table_file
from incidents.filing.lists.table_row import TableError

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
