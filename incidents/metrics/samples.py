"""The samples: what the metrics say, each by its name and the values of its labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from incidents.metrics.catalogue import BY_NAME
from incidents.metrics.histogram import Histogram
from incidents.metrics.limit import MOST

Labels = tuple[str, ...]
Value = float | Histogram

_NOTHING: Mapping[Labels, Value] = {}


class Samples:
    """What was found; a name that is not in the catalogue is a mistake."""

    def __init__(self) -> None:
        self._found: dict[str, dict[Labels, Value]] = {}

    def put(self, name: str, value: Value, *labels: str) -> None:
        """One sample; the values of its labels stand in the catalogue's order."""
        assert len(labels) == len(BY_NAME[name].labels), name
        self._found.setdefault(name, {})[labels] = value

    def put_age(self, name: str, now: datetime, then: datetime | None, *labels: str) -> None:
        """The seconds from `then` to `now`; nothing without a `then`."""
        if then is not None:
            self.put(name, (now - then).total_seconds(), *labels)

    def put_count(self, name: str, count: int, *, capped: bool | None = None) -> None:
        """A count that goes no further than to the limit, and whether it stands there."""
        self.put(name, count)
        self.put_capped(name, capped=count >= MOST if capped is None else capped)

    def put_capped(self, name: str, *, capped: bool) -> None:
        """Whether a count stands at the limit."""
        self.put("incidents_count_capped", float(capped), name.removeprefix("incidents_"))

    def take(self, others: Samples) -> None:
        """What others have found too."""
        for name, found in others._found.items():
            self._found.setdefault(name, {}).update(found)

    def of(self, name: str) -> Mapping[Labels, Value]:
        """The samples of one metric."""
        return self._found.get(name, _NOTHING)

    def __iter__(self) -> Iterator[tuple[str, Labels, Value]]:
        for name in BY_NAME:
            for labels, value in self.of(name).items():
                yield name, labels, value
