"""The schedule: when an order is tried again, and when it is given up."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST = timedelta(seconds=2)
MOST = timedelta(hours=2)
MOST_ASKED = timedelta(hours=24)


def wait(attempt: int, chance: float, asked: timedelta | None = None) -> timedelta:
    """How long to wait after the `attempt`th one: 2, 4, 8 … seconds, 2 hours at most.

    Each is shortened by up to a half by `chance` (0 to 1), so that what failed together does not
    come again together. What the other side has `asked` for (RFC 9110, section 10.2.3) is kept,
    up to a day, and lengthened by up to a tenth.
    """
    if asked is not None and asked > timedelta(0):
        return min(asked, MOST_ASKED) * (1 + chance / 10)
    # Beyond this it is the longest anyway, and a power without bound would overflow.
    doubled = FIRST * 2.0 ** min(attempt - 1, 20)
    return min(doubled, MOST) * (1 - chance / 2)


def is_given_up(since: datetime, now: datetime, give_up_after: timedelta) -> bool:
    """Whether an order that was given at `since` and failed at `now` (UTC) is a dead letter."""
    return now - since >= give_up_after
