"""The state of the queue's screen, independent of any terminal: content, selection, keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from incidents.cli.next_steps import command_line
from incidents.cli.queue import keys as queue_keys
from incidents.cli.queue.keys import PendingAction, carry_out
from incidents.cli.queue.table import mine_to_do
from incidents.errors import AwayError, IncidentsError
from incidents.values.ids import read_item_id

if TYPE_CHECKING:
    from datetime import datetime

    from incidents.cli.run import Run
    from incidents.contract.documents.queue import QueueItem, QueuePage
    from incidents.locale.language import Language


class Selection:
    """The items of a page: which item is selected, and which items are visible."""

    def __init__(self, items: Sequence[QueueItem], first: str | None) -> None:
        self.items = items
        self.index = 0
        self._id = first
        self._top = 0
        self.refresh(items)

    @property
    def item(self) -> QueueItem | None:
        """The selected item; None if no item is selected, or if it has left the queue."""
        return None if self._id is None else self.items[self.index]

    def refresh(self, items: Sequence[QueueItem]) -> str | None:
        """Replace the items.

        Return the ID of the selected item if it has just left the queue, otherwise None.
        """
        self.items = items
        places = {item["id"]: n for n, item in enumerate(items)}
        lost = None if self._id is None or self._id in places else self._id
        if lost is not None:
            self._id = None
        self.index = max(0, min(places.get(self._id or "", self.index), len(items) - 1))
        return lost

    def move(self, by: int) -> None:
        """Select the item `by` rows further down.

        If the selected item has left the queue, count from where it was.
        """
        if not self.items:
            return
        if self._id is None and by > 0:
            by -= 1
        self.index = max(0, min(self.index + by, len(self.items) - 1))
        self._id = self.items[self.index]["id"]

    def visible_items(self, rows: int) -> tuple[int, Sequence[QueueItem]]:
        """The items that fit `rows`, including the selected item, and the index of the first."""
        rows = max(rows, 1)
        self._top = min(self._top, self.index, max(0, len(self.items) - rows))
        self._top = max(self._top, self.index - rows + 1)
        return self._top, self.items[self._top : self._top + rows]


LIST, ITEM, HELP = "list", "item", "help"
PAGE = 10
"""The number of items or lines by which a page key moves."""

# The same outcome of the same item again within this time is most likely a slip.
_SLIP_S = 60.0
_MOVES = {
    "j": 1, "down": 1, "k": -1, "up": -1, "page-down": PAGE, "page-up": -PAGE,
    "g": -1_000, "home": -1_000, "G": 1_000, "end": 1_000,
}  # fmt: skip
_OPEN = frozenset({"enter", "space"})
_CLOSE = frozenset({"enter", "space", "escape"})


class Screen:
    """The state of the screen, and its inputs: a refresh of the queue, a key, an answer.

    `problem`: why the last refresh failed; the list then shows the queue as of `looked_at`.
    `message`: the result of the last key. `asked`: the action that waits for the key y.
    """

    def __init__(self, run: Run, fetch: Callable[[], QueuePage]) -> None:
        self.run = run
        self.person = run.app.person
        self.language: Language = run.when.language
        self._fetch = fetch
        self.found = fetch()
        self.looked_at: datetime = run.when.now
        items = self.found["items"]
        first = mine_to_do(items, self.person)["id"] if items else None
        self.selection = Selection(items, first)
        self.mode = LIST
        self.scroll = 0
        self.is_over = False
        self.problem: str | None = None
        self.message = ""
        self.is_error = False
        self.asked: PendingAction | None = None
        self._revealed: QueueItem | None = None
        self._unsure: list[PendingAction] = []
        self._last: tuple[str, str, float] | None = None

    @property
    def item(self) -> QueueItem | None:
        """The selected item, with its full phone number if the person asked for it."""
        item = self.selection.item
        if item is not None and self._revealed is not None:
            seen = self._revealed
            return {
                **item, "phone": seen["phone"], "person": seen["person"], "email": seen["email"],
                "note": seen["note"], "say": seen["say"],
            }  # fmt: skip
        return item

    def look(self) -> None:
        """Fetch the queue again; if this fails, show the error and keep the list."""
        try:
            found = self._fetch()
            revealed = None if self._revealed is None else self._ask_for(self._revealed["id"])
        except AwayError as error:
            self.problem = error.message
            return
        self.problem, self.found, self.looked_at = None, found, self.run.when.now
        self._revealed = revealed
        lost = self.selection.refresh(found["items"])
        if lost is not None:
            self._leave(lost)

    def press(self, key: str) -> PendingAction | None:
        """Handle a key; return the action to carry out, if any."""
        if self.asked is not None:
            return self._answered(key)
        self._say("")
        if key in {"q", "Q", "hung-up"}:
            self.is_over = True
        elif key == "pasted":
            self._tell("queue.pasted")
        elif self.mode == HELP:
            self._press_in_help(key)
        elif key == "?":
            self.mode, self.scroll = HELP, 0
        elif self.mode == ITEM and key in _CLOSE:
            self.mode = LIST
        elif key in _MOVES:
            self._move(_MOVES[key])
        else:
            return self._press_on_item(key)
        return None

    def carry_out(self, action: PendingAction) -> bool:
        """Send the action to the desk, and show the answer.

        Return False if the result of the action is unknown.
        """
        try:
            told = carry_out(self.run, action)
        except AwayError as error:
            self._unsure = [*(known for known in self._unsure if known != action), action]
            unsure = self.language.say("queue.unsure", what=action.words, why=error.message)
            self._say(unsure, is_error=True)
            return False
        except IncidentsError as error:
            self._say(error.message, is_error=True)
        else:
            self._say(told.words, is_error=told.is_refusal)
        self._unsure = [known for known in self._unsure if known != action]
        message, bad = self.message, self.is_error
        self.look()
        # The outcome of the action matters more than that its item has left the queue.
        self._say(message, is_error=bad)
        return True

    def _answered(self, key: str) -> PendingAction | None:
        action, self.asked = self.asked, None
        if action is not None and key in {"y", "Y"}:
            return self._sent(action)
        self._tell("queue.not_done")
        return None

    def _press_in_help(self, key: str) -> None:
        if key in _MOVES:
            self.scroll = max(0, self.scroll + _MOVES[key])
        else:
            self.mode, self.scroll = LIST, 0

    def _move(self, by: int) -> None:
        """Scroll the opened item; in the list, move the selection and hide the phone number."""
        if self.mode == ITEM:
            self.scroll = max(0, self.scroll + by)
        else:
            self._revealed = None
            self.selection.move(by)

    def _press_on_item(self, key: str) -> PendingAction | None:
        if key == "a":
            return self._again()
        item = self.selection.item
        if item is None:
            self._tell("queue.none_selected")
        elif key in _OPEN:
            self.mode, self.scroll = ITEM, 0
        elif key == "n":
            self._reveal_or_hide(item)
        elif key == "t":
            self._say(self._typed(item))
        elif key in queue_keys.ACTIONS:
            return self._action(key, item)
        else:
            self._tell("queue.no_key")
        return None

    def _action(self, key: str, item: QueueItem) -> PendingAction | None:
        action = queue_keys.pending_action(key, item, self.person, self.language)
        if action is None:
            keys = queue_keys.listed(item, self.person, self.language)
            self._tell("queue.key_of_others", key=key, id=item["id"], keys=keys)
            return None
        question = action.question or self._repeat_question(key, action)
        if question is not None:
            self.asked = action
            self._say(question)
            return None
        return self._sent(action, key)

    def _sent(self, action: PendingAction, key: str = "") -> PendingAction:
        self._last = (action.item, key, time.monotonic())
        self._tell("queue.sending", what=action.words)
        return action

    def _repeat_question(self, key: str, action: PendingAction) -> str | None:
        """Ask before the same outcome is recorded twice within a minute.

        The number of attempts counts, so a slip of the key would matter.
        """
        if key not in queue_keys.OUTCOMES or self._last is None:
            return None
        item, last, at = self._last
        if (item, last) != (action.item, key) or time.monotonic() - at > _SLIP_S:
            return None
        return self.language.say("queue.twice", what=action.words)

    def _again(self) -> PendingAction | None:
        if self._unsure:
            return self._sent(self._unsure[0])
        self._tell("queue.nothing_unsure")
        return None

    def _reveal_or_hide(self, item: QueueItem) -> None:
        if self._revealed is not None:
            self._revealed = None
            return
        try:
            self._revealed = self._ask_for(item["id"])
        except AwayError as error:
            self._say(error.message, is_error=True)
            return
        if self._revealed is None:
            self._tell("queue.gone", id=item["id"])
        elif not (self._revealed["phone"] or self._revealed["email"]):
            self._tell("queue.no_number", site=item["site"])

    def _ask_for(self, id_: str) -> QueueItem | None:
        of = read_item_id(id_)
        assert of is not None
        with self.run.queries() as queries:
            return queries.item(of, reveal=True)

    def _leave(self, id_: str) -> None:
        """Close the script and the question of an item that has left the queue."""
        self._revealed = self.asked = None
        self.mode = LIST if self.mode == ITEM else self.mode
        self._tell("queue.gone.choose", id=id_)

    def _tell(self, code: str, **facts: str) -> None:
        self._say(self.language.say(code, when=None, **facts))

    def _say(self, words: str, *, is_error: bool = False) -> None:
        self.message, self.is_error = words, is_error

    def _typed(self, item: QueueItem) -> str:
        found, say = queue_keys.typed_only_hints(item), self.language.say
        if not found:
            command = command_line(item["hints"][0], self.language)
            return say("queue.typed.also", id=item["id"], command=command)
        lines = [command_line(each, self.language) for each in found]
        commands = say("list.semicolon").join(lines)
        return say("queue.typed", id=item["id"], commands=commands)
