"""The throttle's numbers: the guesses in an hour, as in the guide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incidents.accounts import throttle
from incidents.accounts.throttle import RateLimit

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "accounts.md"
BEGIN = datetime(2026, 3, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def guesses(allowed: RateLimit, hours: int) -> list[int]:
    """The number of wrong guesses that are checked in each hour, without any longer wait."""
    found, failures, last, now = [0] * hours, 0, BEGIN, BEGIN
    while now <= BEGIN + hours * HOUR:
        wait = allowed.wait(failures, last, now)
        if wait > timedelta(0):
            now += wait
            continue
        found[min(hours - 1, max(0, -(-(now - BEGIN) // HOUR) - 1))] += 1
        failures, last = failures + 1, now
    return found


@pytest.mark.parametrize(("row", "allowed", "first", "later"), [
    ("of one name from one address", throttle.OWN, 12, 4),
    ("of one name from everywhere", throttle.OF_NAME, 110, 60),
    ("of all names from one address", throttle.OF_ADDRESS, 80, 60),
    ("from a browser, or an address, that this name came in by", throttle.OWN, 12, 4),
    ("beside a token of this name's", throttle.OWN, 12, 4),
    ("of one name as the second person beside one who has come in", throttle.OWN, 12, 4),
])  # fmt: skip
def test_an_hour_of_guessing_comes_to_what_the_guide_says(
    row: str, allowed: RateLimit, first: int, later: int
) -> None:
    assert guesses(allowed, 3) == [first, later, later]
    [line] = [each for each in GUIDE.read_text("utf-8").splitlines() if each.startswith(f"| {row}")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert (cells[1], cells[3], cells[4]) == (str(allowed.free), str(first), str(later))


def test_only_what_nobody_else_can_bring_about_is_a_wait_that_grows() -> None:
    for guess in (
        throttle.from_unknown_browser("li", "192.0.2.1"), throttle.from_known_browser("li", "w"),
        throttle.in_session("li", "s"), throttle.at_terminal("li", "t"),
        throttle.from_known_address("li", "192.0.2.1"), throttle.with_token("li", "t"),
        throttle.beside("li", "wang"),
    ):  # fmt: skip
        for allowed in guess.values():
            assert allowed.shared == (allowed.first == allowed.most)
        assert sum(not allowed.shared for allowed in guess.values()) == 1
