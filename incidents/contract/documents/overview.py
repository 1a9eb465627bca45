"""The documents of the overview: a desk's numbers for today and for the last thirty days."""

from __future__ import annotations

from typing_extensions import TypedDict


class Spread(TypedDict):
    """A distribution of durations in seconds: median, 90th percentile, maximum (null if empty).

    `classes`: for each bound, the number of durations up to it and above the previous bound; last,
    the number above all bounds.
    """

    count: int
    median_s: float | None
    p90_s: float | None
    most_s: float | None
    bounds_s: list[float]
    classes: list[int]


class ContactTimes(Spread):
    """The times from logging a violation to the call that reached the person (R2).

    The person was reached `in_time` in that many of the `decided` violations; `share` is null if
    none was decided.
    """

    decided: int
    in_time: int
    share: float | None


class Lateness(Spread):
    """The delay from a deadline to the clock's decision; `capped`: there may be more."""

    capped: bool


class Today(TypedDict):
    """The actions of people and of the clock since midnight; `capped`: there may be more."""

    violations: int
    contacts: int
    suspensions: int
    closures: int
    closed_by: dict[str, int]
    capped: bool


class Load(TypedDict):
    """The actions of people in each of the last 24 hours, by the beginning of the hour."""

    hours: list[str]
    logged: list[int]
    contacts: list[int]
    other: list[int]
    capped: bool


class Standing(TypedDict):
    """The work that is open now: the queue by kind and in total, and the sites suspended under R2.

    `capped`: the queue may have more items.
    """

    queue: dict[str, int]
    waiting: int
    suspended: int
    capped: bool


class OfCategory(TypedDict):
    """The violations of one category by day; null: violations without a category.

    `other`: the violations of all categories that are not listed.
    """

    category: str | None
    other: bool
    counts: list[int]


class Violations(TypedDict):
    """The violations by day and category, without voided ones."""

    total: int
    categories: list[OfCategory]


class OfRule(TypedDict):
    """The number of sites that a rule closed, by day."""

    rule: str
    counts: list[int]


class Closures(TypedDict):
    """The sites that each rule closed, by day; a site that was closed twice counts twice."""

    total: int
    rules: list[OfRule]


_From = TypedDict("_From", {"from": str})


class Overview(_From):
    """A desk today, and on the days of `zone` from `from` to today."""

    zone: str
    days: list[str]
    today: Today
    now: Standing
    violations: Violations
    closures: Closures
    contact: ContactTimes
    lateness: Lateness
    load: Load
