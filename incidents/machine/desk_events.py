"""The events of the desk's own work on a site: its tasks, and who has an item in hand."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.machine.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOpened(Event):
    """The desk has something to do for the site; `about` says what of its filing, as codes."""

    kind = "task_opened"
    task: int
    task_kind: str
    incidents: tuple[int, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompleted(Event):
    """It is done, with its outcome."""

    kind = "task_completed"
    task: int
    outcome: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemClaimed(Event):
    """`holder` works on an item of the queue."""

    kind = "item_claimed"
    item: str
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReleased(Event):
    """Nobody works on it any more."""

    kind = "item_released"
    item: str
