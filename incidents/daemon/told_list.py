"""The told list: of which sites that a loss has left down the desk was told, so that it is told
again of another one.

The row of the alarm keeps their names as its subject. An hour after the last time at the earliest
the desk is told of the list as it is then; of a list that only shrinks it was told.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from incidents.store.monitoring import Raised

APART = timedelta(hours=1)


def subject(names: Collection[str]) -> str:
    """How the row names them; no name of a site has a space."""
    return " ".join(sorted(names))


def renewed(raised: Raised, names: Collection[str], now: datetime) -> Raised | None:
    """How its row is to be where these are on the list at `now` (UTC); None if it is so already, or
    somebody has it in hand."""
    told = set(raised.subject.split(" "))
    if raised.told_at is None:
        found = replace(raised, subject=subject(names)) if raised.due(now) else raised
    elif told.issuperset(names) or now - raised.told_at < APART:
        # One that was taken off the list, and is left down once more, is another one.
        found = replace(raised, subject=subject(told.intersection(names)))
    else:
        found = replace(
            raised, subject=subject(names), raised_at=now, next_at=now, attempts=0, told_at=None
        )
    return None if found == raised else found
