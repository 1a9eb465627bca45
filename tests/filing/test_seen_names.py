"""A name that has been seen is known by the row that had it first, however many there are."""

from hypothesis import given
from hypothesis import strategies as st

from incidents.filing.lists.text_table import SeenNames


@given(st.lists(st.text(max_size=3)))
def test_the_first_row_of_a_name_is_told(names: list[str]) -> None:
    seen = SeenNames()
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        first.setdefault(name, row)
        assert seen.first(name, row) == first[name]


def test_fifty_thousand_names_are_told_apart() -> None:
    seen = SeenNames()
    names = [f"shop-{n}.example" for n in range(50_000)]
    assert [seen.first(name, row) for row, name in enumerate(names)] == list(range(50_000))
    assert [seen.first(name, 7) for name in names] == list(range(50_000))


def test_a_name_whose_hash_is_nought_is_a_name() -> None:
    seen = SeenNames()
    assert hash("") == 0
    assert (seen.first("", 3), seen.first("", 4)) == (3, 3)
