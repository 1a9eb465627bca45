"""The documents of the overview: today's numbers of a desk, and its last thirty days."""

from __future__ import annotations

from typing_extensions import TypedDict


class Spread(TypedDict):
    """A distribution of lengths, in seconds: median, 90th percentile and maximum, null if there are
    none. `classes` counts the lengths up to each bound and above the one before; last, the rest."""

    count: int
    median_s: float | None
    p90_s: float | None
    most_s: float | None
    bounds_s: list[float]
    classes: list[int]


class ContactTimes(Spread):
    """The times from the record of a violation to the call that reached the person (R2), `in_time`
    of `decided` violations; `share` is null if none was decided."""

    decided: int
    in_time: int
    share: float | None


class Lateness(Spread):
    """How long after a deadline the clock decided; `capped`: there may be more."""

    capped: bool


class Today(TypedDict):
    """The acts of people and of the clock since midnight; `capped`: there may be more."""

    violations: int
    contacts: int
    suspensions: int
    closures: int
    closed_by: dict[str, int]
    capped: bool


class Load(TypedDict):
    """The acts of people in each of the last 24 hours, by when the hour began."""

    hours: list[str]
    logged: list[int]
    contacts: list[int]
    other: list[int]
    capped: bool


class Standing(TypedDict):
    """What is open now: the queue by kind and in total, and the number of sites suspended by R2;
    `capped`: the queue may have more."""

    queue: dict[str, int]
    waiting: int
    suspended: int
    capped: bool


class OfCategory(TypedDict):
    """The violations of one category each day, null if they have none; `other`: of all categories
    that are not listed."""

    category: str | None
    other: bool
    counts: list[int]


class Violations(TypedDict):
    """The violations each day by category, without the voided ones."""

    total: int
    categories: list[OfCategory]


class OfRule(TypedDict):
    """The sites that a rule closed each day."""

    rule: str
    counts: list[int]


class Closures(TypedDict):
    """The sites that each rule closed each day; a site closed twice counts twice."""

    total: int
    rules: list[OfRule]


_From = TypedDict("_From", {"from": str})


class Overview(_From):
    """A desk today, and in the days that begin at `from` and end with today, as days of `zone`."""

    zone: str
    days: list[str]
    today: Today
    now: Standing
    violations: Violations
    closures: Closures
    contact: ContactTimes
    lateness: Lateness
    load: Load
