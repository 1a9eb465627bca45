"""The selection: which item of the queue a person is at work on, however the list changes.

It never slips from one item to another by itself. When the selected item has left the queue,
nothing is selected until the person moves: a key that was meant for it must not hit its neighbour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents.contract.documents.queue import QueueItem


class Selection:
    """The items of a page, the selected one, and which of them are in sight."""

    def __init__(self, items: Sequence[QueueItem], first: str | None) -> None:
        self.items = items
        self.index = 0
        self._id = first
        self._top = 0
        self.refresh(items)

    @property
    def item(self) -> QueueItem | None:
        """The selected item; None: there is none, or it has left the queue."""
        return None if self._id is None else self.items[self.index]

    def refresh(self, items: Sequence[QueueItem]) -> str | None:
        """Take the list as it stands now; the id of the selected item, if it has just left it."""
        self.items = items
        places = {item["id"]: n for n, item in enumerate(items)}
        lost = None if self._id is None or self._id in places else self._id
        if lost is not None:
            self._id = None
        self.index = max(0, min(places.get(self._id or "", self.index), len(items) - 1))
        return lost

    def move(self, by: int) -> None:
        """Select another item, so many further down; where one has left, the next one is near."""
        if not self.items:
            return
        if self._id is None and by > 0:
            by -= 1
        self.index = max(0, min(self.index + by, len(self.items) - 1))
        self._id = self.items[self.index]["id"]

    def in_sight(self, rows: int) -> tuple[int, Sequence[QueueItem]]:
        """The items that so many rows show, the selection among them, and the first one's place."""
        rows = max(rows, 1)
        self._top = min(self._top, self.index, max(0, len(self.items) - rows))
        self._top = max(self._top, self.index - rows + 1)
        return self._top, self.items[self._top : self._top + rows]
