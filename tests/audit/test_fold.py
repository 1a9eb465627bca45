"""The fold: each entry names the policy that was active, and what was due came first."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from incidents.audit.fold import Periods
from incidents.machine import commands as c
from incidents.machine.policy import DOCUMENTED
from incidents.record.entry import DESK, decode, encode
from tests.audit.decided import (
    LOGIN,
    Decided,
    Entry,
    added,
    altered,
    first_wrong,
    kinds,
    missed,
    periods_of,
    redecided,
    with_,
    wrong_in,
)

pytestmark = pytest.mark.usefixtures("how")

HOUR = timedelta(hours=1)
FOUR = replace(DOCUMENTED, repeat_count=4)


def _two_policies() -> Decided:
    """Added and logged under the documented policy, whose hour lapses before another is active."""
    site = added().log().later(timedelta(minutes=90))
    site.activate(replace(DOCUMENTED, suspend_for=HOUR)).edit()
    assert kinds(site.entries)[2:] == ["clock_lapsed", "site_suspended", "site_edited"]
    return site


def test_a_policy_that_was_not_active_is_found_although_it_decides_alike() -> None:
    site = _two_policies()
    for n in (2, 5):
        wrong = FOUR if n == 2 else DOCUMENTED
        named = with_(site.entries, n, altered(site.entries[n - 1], policy=wrong.digest))
        periods = periods_of(site.own)
        periods.policies[FOUR.digest] = FOUR
        _, finding = redecided(named, periods)
        assert finding is not None
        assert finding.row == f"7-{n}"
        assert str(finding.found).endswith(f"but it says {wrong.digest}")
        # Without the desk's own stream that cannot be told.
        assert redecided(named, periods, alone=True)[1] is None


def test_a_policy_that_nobody_knows_decides_nothing() -> None:
    entries = missed().entries
    named = with_(entries, 2, altered(entries[1], policy="sha256:9"))
    finding = wrong_in(named, alone=True)
    assert (finding.row, finding.found) == ("7-2", "there is no policy sha256:9 to decide it by")


def test_what_was_due_before_an_activation_and_was_done_after_it_is_found() -> None:
    """Done under the new policy the suspension would last an hour, not twelve."""
    site = _two_policies()
    late = Decided(policy=site.policy, case=site.case.copy(), now=site.now)
    late.case = _case_of(site.entries[:2])
    late.entries = list(site.entries[:2])
    late.do(c.EditSite(by="li", phone="sha256:1"), minutes=1)
    after = [replace(entry, place=99) for entry in late.entries[2:]]
    assert kinds(after) == ["clock_lapsed", "site_suspended", "site_edited"]
    finding = wrong_in([*site.entries[:2], *after], site.own)
    assert finding.row == "7-3"
    assert finding.found == (
        "what was due at 2026-03-01T11:00:00Z is not done, and at 2026-03-01T11:30:00Z another "
        "policy was activated, which does what is due first"
    )


def _case_of(entries: list[Entry]) -> Any:
    redecision, finding = redecided(entries, Periods())
    assert finding is None
    assert redecision.case is not None
    return redecision.case.copy()


def test_what_was_due_before_an_activation_is_missed_also_at_the_end() -> None:
    site = _two_policies()
    assert first_wrong(site.entries[:2], site.own) == 3
    assert first_wrong(site.entries[:2], []) is None


def test_what_was_due_before_the_later_of_two_activations_is_missed() -> None:
    site = added().log().later(HOUR / 2).activate(FOUR).later(HOUR)
    site.activate(DOCUMENTED).edit()
    assert first_wrong(site.entries, site.own) is None
    assert first_wrong(site.entries[:2], site.own[:1]) is None
    assert first_wrong(site.entries[:2], site.own) == 3
    assert first_wrong([*site.entries[:2], site.entries[-1]], site.own) == 3


def test_what_is_due_at_the_moment_of_an_activation_is_not_due_before_it() -> None:
    site = added().log().later(HOUR).activate(FOUR).elapse(1)
    assert kinds(site.entries)[2:] == ["clock_lapsed", "site_suspended"]
    assert {entry.event.policy for entry in site.entries[2:]} == {FOUR.digest}
    assert first_wrong(site.entries, site.own) is None


def test_what_falls_due_under_a_policy_after_a_clock_stepped_back_is_in_order() -> None:
    """Logged after the activation, by a clock that shows two hours less."""
    site = added().later(2 * HOUR).activate(FOUR).later(-2 * HOUR).log().edit()
    site.elapse(61)
    assert kinds(site.entries)[-1] == "site_suspended"
    assert first_wrong(site.entries, site.own) is None


def test_an_activation_by_a_clock_that_stepped_back_has_done_what_was_due_by_that_clock() -> None:
    """Its entry stands at its predecessor's time; what lapsed in between was not yet due."""
    site = added().later(2 * HOUR).activate(FOUR).later(-2 * HOUR).log()
    site.activate(DOCUMENTED).elapse(61)
    assert site.own[0].event.recorded_at == site.own[1].event.recorded_at
    assert site.entries[-1].event.policy == DOCUMENTED.digest
    assert first_wrong(site.entries, site.own) is None


def test_an_activation_that_stands_before_its_predecessor_is_found() -> None:
    site = Decided()
    site.activate(FOUR).activate(DOCUMENTED)
    first, second = (encode(own.event, DESK, 0, n, LOGIN) for n, own in enumerate(site.own, 1))
    periods = Periods()
    assert periods.take(*decode(first), 5) is None
    finding = periods.take(*decode(second), 5)
    assert finding is not None
    assert finding.found == "it stands before the activation before it"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"previous": FOUR.digest}, "the active policy was "),
        ({"policy": "sha256:1"}, "the policy in it is "),
        ({"toml": "[repeat]\ncount = 0\n"}, "the policy in it cannot be used: repeat.count"),
        ({"policy": DOCUMENTED.digest}, "that policy was active already"),
    ],
)
def test_an_activation_that_could_not_be_is_found(changed: dict[str, str], why: str) -> None:
    [own] = _two_policies().own
    body = encode(altered(own, **changed).event, DESK, 0, 1, LOGIN)
    finding = Periods().take(*decode(body), own.place)
    assert finding is not None
    assert (finding.site, finding.row, finding.problem) == ("the desk", "0-1", "not_decided")
    assert str(finding.found).startswith(why)
