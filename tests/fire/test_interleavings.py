"""No interleaving of two daemons and an operator, and no crash, breaks a rule; wrong designs do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fire import interleaving_design as d
from tests.fire.interleaving_design import DESIGNS, POSTGRESQL, SQLITE, Design
from tests.fire.interleaving_programs import ACTS, PASTS, POLICIES, Program, program
from tests.fire.interleaving_record import beginning
from tests.fire.interleavings import Found, Search, chunk

designs = pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)


def searched(program: Program) -> Found:
    found = Search(program).run()
    assert found is not None, "too many states for a short run"
    return found


PROGRAMS = (
    ("new", ("log", "reached", "void-contact")),
    ("called about", ("reached --at the deadline", "void")),
    ("suspended", ("reached --at the deadline", "recur")),
    ("one miss from closing", ("log", "reached")),
    ("suspended and held", ("unhold", "removed")),
    ("disputed", ("reinstate", "approve")),
)
OFTEN = (PROGRAMS[1], PROGRAMS[5])


@designs
@pytest.mark.parametrize(
    ("past", "acts"),
    [pytest.param(*p, marks=() if p in OFTEN else pytest.mark.long) for p in PROGRAMS],
    ids=lambda value: value if isinstance(value, str) else ", ".join(value),
)
def test_in_all_states_the_rules_hold_whoever_comes_first_and_whoever_dies(
    design: Design, past: str, acts: tuple[str, ...]
) -> None:
    found = searched(program(*acts, design=design, past=past))
    assert found.states > 20 * len(acts)
    assert found.final > 0


@pytest.mark.long
def test_a_daemon_whose_clock_is_behind_breaks_nothing() -> None:
    late = timedelta(minutes=90)
    assert searched(program("log", design=POSTGRESQL, slow=late)).final > 0


@designs
def test_an_act_without_a_key_that_is_not_repeated_breaks_nothing(design: Design) -> None:
    acts = ("reached", "refused")
    assert searched(program(*acts, design=design, past="called about", unkeyed=True)).final


@pytest.mark.parametrize("policy", POLICIES[1:], ids=lambda policy: policy.digest[7:13])
def test_under_other_policies_the_rules_hold_as_well(policy: object) -> None:
    assert isinstance(policy, type(POLICIES[0]))
    found = searched(program("removed", design=POSTGRESQL, past="told", policy=policy))
    assert found.final > 0


def test_a_daemon_that_takes_a_site_that_is_no_longer_due_does_nothing() -> None:
    """The second look at `next_due`, under the lock, saves work; safety rests on the reading."""
    careless = replace(
        POSTGRESQL, daemon=(d.BEGIN, d.PEEK, d.LOCK_FREE, d.CLOCK, d.READ, d.WRITE, d.COMMIT)
    )
    assert searched(program("reached", design=careless, past="called about")).final > 0


def _moved(steps: tuple[str, ...], step: str, before: str) -> tuple[str, ...]:
    rest = [each for each in steps if each != step]
    rest.insert(rest.index(before), step)
    return tuple(rest)


def _operator(design: Design, step: str, before: str) -> Design:
    return replace(design, operator=_moved(design.operator, step, before))


def _daemon(design: Design, step: str, before: str) -> Design:
    return replace(design, daemon=_moved(design.daemon, step, before))


_UNLOCKED = tuple(step for step in POSTGRESQL.operator if step != d.LOCK)

MUTANTS: dict[str, tuple[Design, str, str]] = {
    "the operator takes no lock": (
        replace(POSTGRESQL, operator=_UNLOCKED), "called about", "entries are not dense",
    ),
    "the daemon takes no lock": (
        replace(POSTGRESQL, daemon=(d.BEGIN, d.PEEK, *POSTGRESQL.daemon[2:])),
        "called about", "entries are not dense",
    ),
    "the operator reads the clock before the lock": (
        _operator(POSTGRESQL, d.CLOCK, d.LOCK), "called about", "the site was held from",
    ),
    "the daemon reads the clock before the lock": (
        _daemon(SQLITE, d.CLOCK, d.LOCK), "called about", "the site was held from",
    ),
    "the operator reads the case before the lock": (
        _operator(POSTGRESQL, d.READ, d.LOCK), "called about", "entries are not dense",
    ),
    "the daemon acts on what it read when it looked for due sites": (
        replace(POSTGRESQL, daemon=(d.BEGIN, d.READ, d.LOCK_FREE, d.CLOCK, d.WRITE, d.COMMIT)),
        "called about", "entries are not dense",
    ),
    "the daemon passes the file's lock by, and reads the case before it": (
        _daemon(SQLITE, d.READ, d.LOCK), "called about", "entries are not dense",
    ),
    "the key is looked for before the lock": (
        _operator(POSTGRESQL, d.KEYS, d.LOCK), "new", "act 0 was done 2 times",
    ),
    "the key is not kept with what was done": (
        replace(POSTGRESQL, keeps_key=False), "new", "act 0 was done 2 times",
    ),
    "the person is told before the commit": (
        _operator(POSTGRESQL, d.ACKNOWLEDGE, d.COMMIT), "new", "and is lost",
    ),
    "the next due time is not saved": (
        replace(POSTGRESQL, saves_next_due=False), "new", "left undone",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("design", "past", "said"), MUTANTS.values(), ids=MUTANTS)
def test_the_search_finds_what_a_wrong_design_breaks(design: Design, past: str, said: str) -> None:
    with pytest.raises(AssertionError, match=said) as broken:
        Search(program("log", "reached", design=design, past=past)).run()
    way = str(broken.value).splitlines()[2:]
    assert any(step.startswith(("operator, log: ", "daemon ")) for step in way), "it is told"


def test_a_chunk_draws_the_same_programs_for_a_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fire.interleavings.ENOUGH", 200)
    monkeypatch.setattr("tests.fire.interleavings.MOST", 4_000)
    first, second = chunk(3, tmp_path), chunk(3, tmp_path)
    assert first == second
    assert first["states"] >= 200
    assert first["final"] > 0


@pytest.mark.parametrize("act", ACTS)
def test_each_act_of_the_vocabulary_comes_to_something_after_one_of_the_pasts(act: str) -> None:
    begun = [beginning(POLICIES[0], past) for past in PASTS.values()]
    later = [(record, now + timedelta(hours=2)) for record, now in begun]
    assert any(
        written.refusal is None and written.events
        for record, now in begun + later
        for written in [record.decide(0, ACTS[act](record.case, now), now)]
    )
