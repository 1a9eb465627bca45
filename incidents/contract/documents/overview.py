"""The documents of the overview: the desk's numbers for today and for a period."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


class Spread(TypedDict):
    """A distribution of durations in seconds: median, 90th percentile, and maximum.

    The values are null if there are no durations. `classes`: for each bound, the number of
    durations up to that bound and above the previous one; the last number counts the durations
    above all bounds.
    """

    count: int
    median_s: float | None
    p90_s: float | None
    most_s: float | None
    bounds_s: list[float]
    classes: list[int]


class ContactTimes(Spread):
    """The times from logging a violation to the call that reached the person (R2).

    `decided`: the number of violations for which the deadline was met or missed. `in_time`: how
    many of the `decided` violations met it; `share` is null if `decided` is 0.
    """

    decided: int
    in_time: int
    share: float | None


class Lateness(Spread):
    """The delays from a deadline to the decision; `capped`: there may be more."""

    capped: bool


class Today(TypedDict):
    """The numbers of actions by people and of decisions since midnight.

    `capped`: there may be more.
    """

    violations: int
    contacts: int
    suspensions: int
    closures: int
    closed_by: dict[str, int]
    capped: bool


class Load(TypedDict):
    """The number of actions by people in each of the last 24 hours.

    `hours` are the beginnings of the hours.
    """

    hours: list[str]
    logged: list[int]
    contacts: list[int]
    other: list[int]
    capped: bool


class Standing(TypedDict):
    """The work that is open now: the queue by kind and in total, and the suspended sites (R2).

    `capped`: the queue may have more items.
    """

    queue: dict[str, int]
    waiting: int
    suspended: int
    capped: bool


class OfCategory(TypedDict):
    """The violations of one category by hour or day.

    `category` is null for violations without a category. `other`: this row is for all categories
    that are not listed.
    """

    category: str | None
    other: bool
    counts: list[int]


class Violations(TypedDict):
    """The violations by category; voided violations do not count."""

    total: int
    categories: list[OfCategory]


class OfRule(TypedDict):
    """The number of sites that one rule closed, by hour or day."""

    rule: str
    counts: list[int]


class Closures(TypedDict):
    """The sites that each rule closed; a site that was closed twice counts twice."""

    total: int
    rules: list[OfRule]


class Overview(TypedDict):
    """The numbers of a desk for today, and for each hour or day of a period in the zone `zone`.

    `begins`: the beginnings of the hours or days (`unit`); `end`: the end of the last one.
    """

    zone: str
    unit: Literal["hour", "day"]
    begins: list[str]
    end: str
    today: Today
    now: Standing
    violations: Violations
    closures: Closures
    contact: ContactTimes
    lateness: Lateness
    load: Load
