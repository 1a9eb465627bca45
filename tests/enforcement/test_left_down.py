"""What a loss leaves down: no daemon opens a site whose reason to be down may be what is lost."""

from collections.abc import Iterator
from datetime import UTC, timedelta

import pytest

from incidents import clock, views
from incidents.app import App
from incidents.daemon import recovery_duty
from incidents.daemon.recovery_duty import Recovery
from incidents.desk.resumption import ANOTHER_SERVER, ASKED
from incidents.locale.words import When
from incidents.machine import commands as c
from incidents.store import lineage
from incidents.store.database.engine import writing
from tests.enforcement.left_rig import (
    COURT,
    HELD,
    NEW,
    SHOP,
    Panel,
    advance_clock,
    is_proved,
    left_down_app,
    left_down_sites,
    lose,
    recover,
    repair,
    run_daemons,
)
from tests.enforcement.lost_rig import deliver, give, hold, lift, record

pytestmark = pytest.mark.both_databases


@pytest.fixture
def house(db_url: str, panel: Panel) -> Iterator[App]:
    with left_down_app(db_url, panel) as found:
        yield found


@pytest.mark.parametrize("mute", [False, True])
def test_a_courts_order_that_is_lost_keeps_its_site_down_until_a_person_goes_on(
    house: App, panel: Panel, *, mute: bool
) -> None:
    panel.mute = mute
    lose(house)

    run_daemons(house)

    assert panel.sites == {COURT: "suspended", SHOP: "active", HELD: "suspended"}
    assert record(house)[COURT] == ("active", "unknown" if mute else "suspended")
    assert record(house)[SHOP] == ("active", "unknown" if mute else "active")
    assert not is_proved(house)
    assert set(panel.seen) == {3}, "nobody was told to open a site"

    recover(house)
    run_daemons(house)

    assert panel.sites == {COURT: "active", SHOP: "active", HELD: "suspended"}
    assert is_proved(house)
    assert set(record(house).values()) == {("active", "active"), ("suspended", "suspended")}


def test_what_could_not_be_asked_for_a_while_is_asked_again(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_duty, "_MAX_UNKNOWN", 1)
    panel.mute = True
    lose(house)
    duty = Recovery(house)
    run_daemons(house, duty)
    assert record(house)[SHOP] == ("active", "unknown")

    panel.mute = False
    run_daemons(house, duty)

    assert record(house)[SHOP] == ("active", "active")
    assert record(house)[COURT] == ("active", "suspended")
    panel.sites[COURT] = "active"
    run_daemons(house, duty)
    assert is_proved(house)


def test_what_must_stay_down_is_held_and_needs_nothing_more(house: App, panel: Panel) -> None:
    lose(house)
    duty = Recovery(house)
    run_daemons(house, duty)

    hold(house, COURT)
    run_daemons(house, duty)

    assert is_proved(house)
    assert record(house)[COURT] == ("suspended", "suspended")
    assert panel.sites[COURT] == "suspended"

    recover(house)
    run_daemons(house)

    assert is_proved(house)
    assert panel.sites[COURT] == "suspended"


@pytest.mark.parametrize("mute", [False, True])
def test_a_person_may_open_them_one_by_one(house: App, panel: Panel, *, mute: bool) -> None:
    panel.mute = mute
    lose(house)
    duty = Recovery(house)
    run_daemons(house, duty)

    repair(house, COURT)
    run_daemons(house, duty)

    assert panel.sites[COURT] == "active"
    assert record(house)[COURT] == ("active", "active")
    assert is_proved(house) is not mute, "of the other one nobody knows"

    repair(house, SHOP)
    run_daemons(house, duty)

    assert is_proved(house)


def test_what_people_and_clocks_decide_after_a_loss_goes_out(house: App, panel: Panel) -> None:
    lose(house)
    run_daemons(house)

    lift(house, HELD)
    run_daemons(house)

    assert panel.sites == {COURT: "suspended", SHOP: "active", HELD: "active"}
    assert record(house)[HELD] == ("active", "active")


def test_several_daemons_put_it_on_record_once(house: App, panel: Panel) -> None:
    lose(house)
    duties = [Recovery(house) for _ in range(3)]
    run_daemons(house, *duties)

    assert panel.sites[COURT] == "suspended"
    with house.reading() as connection:
        found = views.why(connection, COURT, When(zone=UTC, now=clock.now()))
    assert [line["kind"] for line in found["timeline"]] == ["site_added", "state_seen"]

    recover(house)
    run_daemons(house, *duties)

    assert panel.sites[COURT] == "active"
    assert is_proved(house)


def test_a_daemon_does_not_open_the_rest_when_a_persons_recovery_was_cut_off(
    house: App, panel: Panel
) -> None:
    lose(house)
    lose(house, ASKED, by="sre-1")

    run_daemons(house)

    assert panel.sites == {COURT: "suspended", SHOP: "active", HELD: "suspended"}
    assert not is_proved(house)


def test_a_site_that_is_added_after_a_loss_and_is_down_is_left_down(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two commands of a person who puts a lost order on record again."""
    lose(house)
    run_daemons(house)
    recover(house)
    duty = Recovery(house)
    run_daemons(house, duty)
    assert is_proved(house)
    advance_clock(monkeypatch, timedelta(days=14))
    panel.sites["strange.example"] = "suspended"
    give(house, "strange.example", c.AddSite(by="operator-1"))

    run_daemons(house, duty)

    assert panel.sites["strange.example"] == "suspended"
    assert record(house)["strange.example"] == ("active", "suspended")
    assert not is_proved(house)
    run_daemons(house, Recovery(house))
    assert not is_proved(house), "another daemon, or this one once it is started again"

    hold(house, "strange.example")
    run_daemons(house, duty)

    assert panel.sites["strange.example"] == "suspended"
    assert is_proved(house)


def test_what_a_daemon_found_before_another_one_doubted_it_proves_nothing(
    house: App, panel: Panel
) -> None:
    recover(house)
    one = Recovery(house)
    run_daemons(house, one)
    give(house, "new.example", c.AddSite(by="operator-1"))
    run_daemons(house, one)
    panel.sites["new.example"] = "suspended"
    assert is_proved(house)
    Recovery(house).recover()

    one.recover()

    assert not is_proved(house)
    assert record(house)["new.example"] == ("active", "suspended")


def test_one_that_is_left_down_later_is_asked_about_alone(house: App, panel: Panel) -> None:
    """Others were compared, and what was found of them holds."""
    recover(house)
    duty = Recovery(house)
    run_daemons(house, duty)
    assert is_proved(house)
    panel.sites[NEW] = "suspended"
    give(house, NEW, c.AddSite(by="operator-1"))
    Recovery(house).recover()
    panel.asked.clear()

    duty.recover()

    assert panel.asked == [NEW]
    assert not is_proved(house)
    assert left_down_sites(house) == [NEW]

    hold(house, NEW)
    deliver(house)
    duty.recover()

    assert set(panel.asked) == {NEW}
    assert not is_proved(house), "another daemon had doubted, and may have seen more"

    duty.recover()

    assert set(panel.asked) > {NEW}
    assert is_proved(house)


def test_one_whose_opening_has_failed_before_is_left_down_whoever_can_be_asked(
    house: App, panel: Panel
) -> None:
    """The record knew it before the server changed, so it is not believed to be up."""
    deliver(house)
    lift(house, HELD)
    panel.fails = True
    deliver(house)
    lose(house, ANOTHER_SERVER)
    panel.fails, panel.mute = False, True

    run_daemons(house)

    assert not is_proved(house)
    assert left_down_sites(house) == [HELD]


@pytest.mark.parametrize("mute", [False, True])
def test_where_nothing_is_known_to_be_missing_what_is_up_is_believed(
    house: App, panel: Panel, *, mute: bool
) -> None:
    """After a standby took over which had received everything nobody need be called."""
    panel.mute, panel.sites[COURT] = mute, "active"
    lose(house, ANOTHER_SERVER)

    run_daemons(house)

    assert panel.sites == {COURT: "active", SHOP: "active", HELD: "suspended"}
    assert set(panel.seen) == {3}
    assert is_proved(house)


def test_what_is_seen_to_be_down_is_left_so_also_where_nothing_is_known_to_be_missing(
    house: App, panel: Panel
) -> None:
    lose(house, ANOTHER_SERVER)

    run_daemons(house)

    assert panel.sites[COURT] == "suspended"
    assert not is_proved(house)


def test_nothing_is_compared_with_a_record_from_which_nothing_is_carried_out(
    house: App, panel: Panel
) -> None:
    lose(house)
    with writing(house.engine) as connection:
        lineage.halt(connection, clock.now(), lineage.LOST_AGAIN)

    assert not Recovery(house).recover()

    assert record(house)[COURT] == ("active", "active")
    assert panel.sites[HELD] == "active"
