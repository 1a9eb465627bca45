"""Alarms about the record's history: a halt, a loss, a new server, missing signatures.

Alarms about sites that are not compared or left down are here too. All are read from the document
of `views.record_health`, without a query.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from incidents.clock import read_rfc3339
from incidents.views.queue.alarm import (
    EVERYBODY,
    HALTED,
    LEFT_DOWN,
    LOST,
    MOVED,
    UNCOMPARED,
    UNSIGNED,
    Alarm,
)

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import History, Uncompared


PASSING = timedelta(minutes=1)
"""How long a site can go uncompared before it raises an alarm."""


def history_alarms(history: History, now: datetime) -> dict[str, list[Alarm]]:
    """The alarms of `history` by kind, at most one of each; `now` is in UTC."""
    uncompared = _uncompared(history["uncompared"], now)
    return {
        HALTED: _alarm(HALTED, history["halted_since"], halted_why=history["halted_why"]),
        LOST: _alarm(LOST, history["lost_since"]),
        MOVED: _alarm(MOVED, history["moved_since"]),
        UNCOMPARED: uncompared,
        LEFT_DOWN: _left_down(history, reported=bool(uncompared)),
        UNSIGNED: _alarm(UNSIGNED, history["unsigned_since"]),
    }


def _alarm(kind: str, since: str | None, **own: Any) -> list[Alarm]:
    if since is None:
        return []
    return [Alarm(kind=kind, subject=EVERYBODY, since=read_rfc3339(since), **own)]


def _uncompared(found: Uncompared | None, now: datetime) -> list[Alarm]:
    """The alarm about sites that cannot be compared, once the fault has lasted long enough."""
    if found is None or now - read_rfc3339(found["since"]) < PASSING:
        return []
    problems = dict.fromkeys(each["problem"] for each in found["sites"])
    return _alarm(
        UNCOMPARED, found["since"], sites=found["count"], problem="; ".join(problems),
        named=tuple(each["site"] for each in found["sites"]),
    )  # fmt: skip


def _left_down(history: History, *, reported: bool) -> list[Alarm]:
    """The alarm about the sites that a loss has left down.

    The alarm is raised once all sites were compared, or the uncompared sites are `reported` by a
    separate alarm: until then the list is incomplete.
    """
    found = history["left_down"]
    if found is None or not (found["complete"] or reported):
        return []
    return _alarm(
        LEFT_DOWN, found["since"], closed=found["closed"], unknown=found["unknown"],
        new=found["new"], sites=found["count"], named=tuple(found["sites"]),
        states=tuple(found["states"]), suspended_now=tuple(found["suspended_now"]),
    )  # fmt: skip
