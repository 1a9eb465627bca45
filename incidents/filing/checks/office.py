"""The code of the public-security office where the servers stand: six digits, or twelve."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from functools import cache
from importlib import resources

from incidents.filing.checks import area
from incidents.filing.checks.finding import Finding, ok, suspect, unknown, wrong
from incidents.filing.checks.item import servers
from incidents.filing.checks.record_number import plain
from incidents.machine.filing import Details

SOURCE = "domain.md 5, office codes by server city"
FIELD = "office_code"
_CODE = re.compile("[0-9]{6}(?:[0-9]{6})?")


@cache
def offices() -> dict[str, str]:
    """The code of the office by the city, 深圳, as the documentation lists them."""
    text = (resources.files("incidents.filing.checks") / "offices.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def check(details: Details, *, today: date) -> list[Finding]:
    """What is to be said of the code: of its form, of its area, and of the servers' cities."""
    if FIELD not in details:
        return []
    code = plain(details[FIELD])
    if not _CODE.fullmatch(code):
        return [wrong(FIELD, "office_unreadable", SOURCE)]
    if _listed(code) is None:
        warned = area.warnings(FIELD, code[:6], today.year)
        if warned:
            return warned
    return [_of_city(code, {server.city for server in servers(details)} - {""})]


def _of_city(code: str, cities: set[str]) -> Finding:
    """A code is of the city that lists it, and else of the one that its area lies in."""
    city = _listed(code) or area.city(code) or code[:6]
    if cities and cities.isdisjoint({city, _county(code)}):
        served = ", ".join(sorted(cities))
        return suspect(FIELD, "office_of_another_city", SOURCE, city=city, served=served)
    listed = offices().get(city)
    if listed is not None and not _same(listed, code):
        return unknown(FIELD, "office_not_listed", SOURCE, city=city, listed=listed)
    return ok(FIELD, "office_ok", SOURCE, city=city)


def _listed(code: str) -> str | None:
    return next((city for city, listed in offices().items() if _same(listed, code)), None)


def _county(code: str) -> str:
    """A city may be one of a county's rank, and lie in another."""
    here = area.find(code)
    return "" if here is None else here.last_name.removesuffix("市")


def _same(one: str, other: str) -> bool:
    return one.ljust(12, "0") == other.ljust(12, "0")
