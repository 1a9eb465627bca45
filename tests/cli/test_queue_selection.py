"""The selection: it stays on its item, and slips to no other."""

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from incidents.cli.queue.screen import Selection
from incidents.contract.documents.queue import QueueItem


def items(*ids: str) -> list[QueueItem]:
    return [cast("QueueItem", {"id": id_}) for id_ in ids]


_LISTS = st.lists(st.integers(1, 12), unique=True, max_size=10).map(
    lambda numbers: items(*(f"1-{n}" for n in numbers))
)
_STEPS = st.lists(st.one_of(_LISTS, st.integers(-12, 12)), max_size=12)


def selected(selection: Selection) -> str | None:
    return None if selection.item is None else selection.item["id"]


def test_nothing_is_selected_when_its_item_has_left_and_the_next_one_is_one_step_away() -> None:
    selection = Selection(items("1-1", "1-2", "1-3"), "1-2")
    assert selection.refresh(items("1-1", "1-3")) == "1-2"
    assert selected(selection) is None
    selection.move(1)
    assert selected(selection) == "1-3"
    selection.refresh(items("1-1"))
    selection.move(-1)
    assert selected(selection) == "1-1"


@given(_LISTS, _STEPS, st.integers(1, 5))
def test_a_refresh_never_selects_another_item(
    first: list[QueueItem], steps: list[Any], rows: int
) -> None:
    selection = Selection(first, first[0]["id"] if first else None)
    for step in steps:
        before = selected(selection)
        if isinstance(step, int):
            selection.move(step)
            assert (selected(selection) is not None) == bool(selection.items)
        else:
            lost = selection.refresh(step)
            assert selected(selection) in (before, None)
            assert lost == (None if selected(selection) == before else before)
        top, shown = selection.visible_items(rows)
        assert shown == selection.items[top : top + rows]
        assert len(shown) == min(rows, len(selection.items))
        if selection.item is not None:
            assert shown[selection.index - top] is selection.item
