"""The record as it was exported: entries and policies, read from the JSON and nothing else."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

CLOCK, DISPATCHER, DAEMON = "clock", "courier", "daemon"
DESK_STREAM = 0

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the export; `line` is its number, from 1."""

    line: int
    site: str
    site_id: int
    site_seq: int
    kind: str
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    policy: str
    rule: str | None
    reason: dict[str, Any]
    run: int | None
    data: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.site or 'the desk'} #{self.site_seq} {self.kind}"

    @property
    def is_clocks(self) -> bool:
        """Whether nobody acted: it fell due."""
        return self.actor == CLOCK

    @property
    def is_nobodys(self) -> bool:
        """Whether no operator has asked for it."""
        return self.actor in (CLOCK, DISPATCHER) or self.is_resumption

    @property
    def is_resumption(self) -> bool:
        """Whether a daemon has noticed another server, or orders again what it may not know."""
        return self.actor == DAEMON and self.kind in ("history_resumed", "order_repeated")

    def time(self, name: str) -> datetime | None:
        """A time in its data."""
        return None if name not in self.data else moment(self.data[name])

    def number(self, name: str) -> int | None:
        """The number within the site that an id in its data ends with (`12-3`, `12-t2`, `4`)."""
        return None if name not in self.data else last_number(self.data[name])

    def numbers(self, name: str) -> list[int]:
        """The numbers of a list of ids in its data."""
        return [last_number(each) for each in self.data.get(name, [])]

    def is_of_one_act_with(self, other: Entry) -> bool:
        """Whether both can have been written by one act: the same person at the same moment."""
        mine = (self.site_id, self.actor, self.recorded_at)
        return mine == (other.site_id, other.actor, other.recorded_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers of R1 … R5; by default the documented ones (P.1)."""

    repeat_count: int = 3
    repeat_within: timedelta = timedelta(hours=24)
    unreachable_within: timedelta = timedelta(hours=1)
    suspend_for: timedelta = timedelta(hours=12)
    min_attempts: int = 0
    run_count: int = 3
    total: bool = False
    removal_within: timedelta | None = None


DOCUMENTED = Policy()


def read(lines: Iterable[str | bytes]) -> Iterator[Entry]:
    """The entries of an export, in its order.

    Raises:
        ValueError, KeyError: of a line that is no entry.
    """
    for number, line in enumerate(lines, start=1):
        found = json.loads(line)
        yield Entry(
            line=number,
            site=found["site"],
            site_id=int(found["site_id"]),
            site_seq=int(found["site_seq"]),
            kind=found["kind"],
            actor=found["actor"],
            occurred_at=moment(found["occurred_at"]),
            recorded_at=moment(found["recorded_at"]),
            policy=found["policy"],
            rule=found.get("rule"),
            reason=found.get("reason", {}),
            run=found.get("run"),
            data=found["data"],
        )


def policy(toml: str) -> Policy:
    """A policy's file; what it does not say is as documented."""
    found = tomllib.loads(toml)
    repeat, unreachable = found.get("repeat", {}), found.get("unreachable", {})
    run, removal = found.get("unreachable_run", {}), found.get("refusal", {}).get("removal_within")
    return Policy(
        repeat_count=repeat.get("count", DOCUMENTED.repeat_count),
        repeat_within=_duration(repeat.get("within", "24h")),
        unreachable_within=_duration(unreachable.get("within", "1h")),
        suspend_for=_duration(unreachable.get("suspend_for", "12h")),
        min_attempts=unreachable.get("min_attempts", 0),
        run_count=run.get("count", DOCUMENTED.run_count),
        total=run.get("run") == "total",
        removal_within=_duration(removal) if removal else None,
    )


def moment(text: str) -> datetime:
    """A time of an entry."""
    return datetime.fromisoformat(text)


def last_number(name: str) -> int:
    """The number that an id ends with."""
    return int(name.rpartition("-")[2].removeprefix("t"))


def _duration(text: str) -> timedelta:
    parts = re.findall(r"(\d+)([dhms])", text)
    return timedelta(seconds=sum(int(n) * _UNITS[unit] for n, unit in parts))
