"""The two tables: every row is reached by some history, and nothing moves beside them."""

import gc
import inspect
import weakref
from collections.abc import Callable

import pytest
from transitions import Machine

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine import state
from incidents.machine.apply import CHANGES, apply
from incidents.machine.decide import DECISIONS
from tests.machine.history import MICROSECOND, History

Move = tuple[str, str, str]

# What the machines answered is kept; here they are asked each time.
move = inspect.unwrap(state._move)


def rows(table: list[state.Row]) -> list[Move]:
    """Trigger, source, destination of every row, one per source."""
    return [
        (row["trigger"], source, row["dest"])
        for row in table
        for source in ([row["source"]] if isinstance(row["source"], str) else row["source"])
    ]


def late_contact(site: History) -> History:
    return site.contact(1, ago=MICROSECOND)


def unreached_refused(site: History) -> History:
    """Refused after a contact that came late, and that was none."""
    return site.miss().contact(1).refused(1).void_contact(1)


SITE: dict[Move, Callable[[History], object]] = {
    ("log", "active", "closed"): lambda s: s.closed_by_repeat(),
    ("log", "suspended", "closed"): lambda s: s.miss().log().log(),
    ("lapse", "active", "closed"): lambda s: s.closed_by_run(),
    ("lapse", "active", "suspended"): lambda s: s.miss(),
    ("state_false", "active", "closed"): lambda s: s.false_info(),
    ("state_false", "suspended", "closed"): lambda s: s.miss().false_info(),
    ("refuse", "active", "closed"): lambda s: s.closed_by_refusal(),
    ("refuse", "suspended", "closed"): lambda s: s.miss().contact(1).refused(1),
    ("end_suspension", "suspended", "active"): lambda s: s.miss().sit_out(),
    ("strike", "suspended", "active"): lambda s: late_contact(s.miss()),
    ("hold", "active", "suspended"): lambda s: s.hold(),
    ("lift_hold", "suspended", "active"): lambda s: s.hold().unhold(),
    ("reinstate", "closed", "active"): lambda s: s.false_info().reopened(),
}

INCIDENT: dict[Move, Callable[[History], object]] = {
    ("log", "new", "moot"): lambda s: s.false_info().log(),
    ("log", "new", "open"): lambda s: s.log(),
    ("import", "new", "removed"): lambda s: s.imported(at="09:00", removed="09:30"),
    ("import", "new", "notified"): lambda s: s.imported(at="09:00", contact="reached"),
    ("import", "new", "open"): lambda s: s.imported(at="09:00"),
    ("reach", "open", "notified"): lambda s: s.log().contact(1),
    ("reach", "unreached", "notified"): lambda s: s.miss().contact(1),
    ("lapse", "open", "unreached"): lambda s: s.miss(),
    ("remove", "open", "removed"): lambda s: s.log().removed(1),
    ("remove", "unreached", "removed"): lambda s: s.miss().removed(1),
    ("remove", "notified", "removed"): lambda s: s.log().contact(1).removed(1),
    ("refuse", "notified", "refused"): lambda s: s.closed_by_refusal(),
    ("void_contact", "notified", "unreached"): lambda s: s.miss().contact(1).void_contact(1),
    ("void_contact", "notified", "open"): lambda s: s.log().contact(1).void_contact(1),
    ("take_back", "removed", "notified"): lambda s: s.log().contact(1).removed(1).take_back(1),
    ("take_back", "refused", "notified"): lambda s: s.closed_by_refusal().take_back(1),
    ("take_back", "removed", "unreached"): lambda s: s.miss().removed(1).take_back(1),
    ("take_back", "refused", "unreached"): lambda s: unreached_refused(s).take_back(1),
    ("take_back", "removed", "open"): lambda s: s.log().removed(1).take_back(1),
    ("take_back", "refused", "open"): lambda s: s.closed_by_refusal().void_contact(1).take_back(1),
    ("void", "open", "voided"): lambda s: s.log().void(1),
    ("void", "notified", "voided"): lambda s: s.log().contact(1).void(1),
    ("void", "unreached", "voided"): lambda s: s.miss().void(1),
    ("void", "removed", "voided"): lambda s: s.log().removed(1).void(1),
    ("void", "refused", "voided"): lambda s: s.closed_by_refusal().void(1),
    ("void", "moot", "voided"): lambda s: s.false_info().log().void(1),
}


def test_each_row_has_its_history_here_and_no_history_is_of_a_row_that_is_gone() -> None:
    assert set(SITE) == set(rows(state.SITE))
    assert set(INCIDENT) == set(rows(state.INCIDENT))


@pytest.mark.parametrize("move", SITE, ids="-".join)
def test_every_row_of_the_sites_table_is_reached(move: Move) -> None:
    site = History(at="10:00")
    SITE[move](site)
    moves = [(event.site_from, event.site_to) for event in site.decision.events
             if isinstance(event, e.SiteEvent)]  # fmt: skip
    assert moves[-1] == move[1:]


@pytest.mark.parametrize("move", INCIDENT, ids="-".join)
def test_every_row_of_the_incidents_table_is_reached(move: Move) -> None:
    site = History(at="10:00")
    INCIDENT[move](site)
    moves = [(event.state_from, event.state_to) for event in site.decision.events
             if isinstance(event, e.IncidentEvent)]  # fmt: skip
    assert moves[-1] == move[1:]


# Guards.


def test_what_closes_a_site_or_suspends_it_for_a_miss_names_its_rule() -> None:
    ruled = {row["rule"][:2] for row in state.SITE if "rule" in row}
    assert ruled == {"R1", "R2", "R3", "R4", "R5"}
    assert all("rule" in row for row in state.SITE if row["dest"] == "closed")


def test_without_a_guard_that_lets_it_pass_the_state_stays() -> None:
    assert move("site", "active", "lapse", frozenset()) == "active"
    assert move("site", "active", "lapse", frozenset({"unreachable"})) == "suspended"


def test_a_guard_that_forbids_leaves_the_state() -> None:
    site = History().hold()
    assert state.move_site("suspended", "end_suspension", site.case) == "suspended"
    assert state.move_site("closed", "reinstate", site.case) == "closed"
    running = History().miss()
    assert state.move_site("suspended", "lift_hold", running.case) == "suspended"


def test_where_there_is_no_row_the_state_stays_and_no_guard_is_asked() -> None:
    assert state.move_site("closed", "lapse", None, None, None) == "closed"
    assert state.move_incident("voided", "reach") == "voided"
    assert not state.can_move_incident("voided", "void")


def test_r3_is_asked_before_r2() -> None:
    both = frozenset({"completes_run", "unreachable"})
    assert move("site", "active", "lapse", both) == "closed"
    assert move("site", "active", "lapse", both - {"completes_run"}) == "suspended"


def test_a_trigger_that_no_table_has_is_a_mistake_of_the_program() -> None:
    with pytest.raises(KeyError):
        state.move_site("active", "no_such_trigger")


@pytest.mark.parametrize("name", ["no_such_guard", "datetime", "still_met"])
def test_a_guard_that_no_table_has_is_a_mistake_of_the_program(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        getattr(state._Facts("active", frozenset()), name)


# Recorded moves.


@pytest.mark.parametrize("move", [*SITE, ("log", "closed", "closed")])
def test_a_recorded_move_that_the_sites_table_has_is_taken(move: Move) -> None:
    assert state.checked_site(*move) == move[2]


@pytest.mark.parametrize(
    "move",
    [
        ("lift_hold", "closed", "active"),
        ("log", "active", "suspended"),
        ("reinstate", "suspended", "active"),
        ("nothing", "active", "closed"),
    ],
)
def test_a_recorded_move_that_the_sites_table_does_not_have_is_refused_by_name(move: Move) -> None:
    with pytest.raises(state.ImpossibleMoveError) as raised:
        state.checked_site(*move)
    assert str(raised.value) == f"no site moves from {move[1]} to {move[2]} by {move[0]}"


@pytest.mark.parametrize(
    "move", [("reach", "voided", "notified"), ("lapse", "notified", "unreached")]
)
def test_so_is_one_that_the_incidents_table_does_not_have(move: Move) -> None:
    with pytest.raises(state.ImpossibleMoveError, match="no incident moves from"):
        state.checked_incident(*move)


def test_apply_refuses_an_event_that_records_an_impossible_move() -> None:
    site = History().log()
    impossible = e.IncidentRefused(
        occurred_at=site.clock, recorded_at=site.clock, by="ann", policy="sha256:",
        incident=1, state_from="open", state_to="refused",
    )  # fmt: skip
    with pytest.raises(state.ImpossibleMoveError, match="from open to refused by refuse"):
        apply(site.case, impossible)


def test_every_kind_of_event_is_applied_and_named_once() -> None:
    assert set(CHANGES) == set(e.KINDS.values())
    assert all(kind.kind == name for name, kind in e.KINDS.items())


def test_every_command_is_decided_but_the_clocks() -> None:
    kinds = {each for each in vars(c).values() if isinstance(each, type)}
    of_many = {c.Command, c.OrderCommand, c.FilingCommand}
    commands = {each for each in kinds - of_many if issubclass(each, c.Command)}
    assert set(DECISIONS) == commands - {c.Elapse}


# The machines of `transitions`.


@pytest.mark.parametrize(
    ("machine", "states", "table"),
    [
        (state._SITE_MACHINE, state.SITE_STATES, state.SITE),
        (state._INCIDENT_MACHINE, state.INCIDENT_STATES, state.INCIDENT),
    ],
)
def test_a_machine_has_the_states_and_the_triggers_of_its_table_and_no_other(
    machine: Machine, states: tuple[str, ...], table: list[state.Row]
) -> None:
    assert tuple(machine.states) == states
    assert set(machine.events) == {row["trigger"] for row in table}


def test_a_machine_keeps_no_model_alive() -> None:
    for _ in range(200):
        move("site", "active", "lapse", frozenset({"unreachable"}))
        move("incident", "open", "lapse", frozenset())
    gc.collect()
    assert [each for each in gc.get_objects() if type(each) is state._Facts] == []
    assert state._SITE_MACHINE.models == state._INCIDENT_MACHINE.models == []


def test_a_move_leaves_nothing_behind_for_the_collector() -> None:
    made: list[weakref.ref[object]] = []

    class Facts(state._Facts):
        def __init__(self, start: str, met: frozenset[str]) -> None:
            super().__init__(start, met)
            made.append(weakref.ref(self))

    gc.disable()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(state, "_Facts", Facts)
            move("site", "active", "hold", frozenset())
        assert [ref() for ref in made] == [None]
    finally:
        gc.enable()
