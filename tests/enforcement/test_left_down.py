"""What a loss leaves down: no daemon opens a site whose reason to be down may be what is lost."""

from collections.abc import Iterator
from datetime import UTC, timedelta

import pytest

from incidents import clock, views
from incidents.app import App
from incidents.daemon import recovery_duty
from incidents.daemon.recovery_duty import Recovery
from incidents.desk.resumption import ANOTHER_SERVER, ASKED
from incidents.locale.words import TimeFormat
from incidents.machine import commands as c
from incidents.store.database.engine import writing
from incidents.store.log import lineage
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
def app(db_url: str, panel: Panel) -> Iterator[App]:
    with left_down_app(db_url, panel) as found:
        yield found


@pytest.mark.parametrize("mute", [False, True])
def test_a_courts_order_that_is_lost_keeps_its_site_down_until_a_person_goes_on(
    app: App, panel: Panel, *, mute: bool
) -> None:
    panel.mute = mute
    lose(app)

    run_daemons(app)

    assert panel.sites == {COURT: "suspended", SHOP: "active", HELD: "suspended"}
    assert record(app)[COURT] == ("active", "unknown" if mute else "suspended")
    assert record(app)[SHOP] == ("active", "unknown" if mute else "active")
    assert not is_proved(app)
    assert set(panel.seen) == {3}, "nobody was told to open a site"

    recover(app)
    run_daemons(app)

    assert panel.sites == {COURT: "active", SHOP: "active", HELD: "suspended"}
    assert is_proved(app)
    assert set(record(app).values()) == {("active", "active"), ("suspended", "suspended")}


def test_what_could_not_be_asked_for_a_while_is_asked_again(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_duty, "_MAX_UNKNOWN", 1)
    panel.mute = True
    lose(app)
    duty = Recovery(app)
    run_daemons(app, duty)
    assert record(app)[SHOP] == ("active", "unknown")

    panel.mute = False
    run_daemons(app, duty)

    assert record(app)[SHOP] == ("active", "active")
    assert record(app)[COURT] == ("active", "suspended")
    panel.sites[COURT] = "active"
    run_daemons(app, duty)
    assert is_proved(app)


def test_what_must_stay_down_is_held_and_needs_nothing_more(app: App, panel: Panel) -> None:
    lose(app)
    duty = Recovery(app)
    run_daemons(app, duty)

    hold(app, COURT)
    run_daemons(app, duty)

    assert is_proved(app)
    assert record(app)[COURT] == ("suspended", "suspended")
    assert panel.sites[COURT] == "suspended"

    recover(app)
    run_daemons(app)

    assert is_proved(app)
    assert panel.sites[COURT] == "suspended"


@pytest.mark.parametrize("mute", [False, True])
def test_a_person_may_open_them_one_by_one(app: App, panel: Panel, *, mute: bool) -> None:
    panel.mute = mute
    lose(app)
    duty = Recovery(app)
    run_daemons(app, duty)

    repair(app, COURT)
    run_daemons(app, duty)

    assert panel.sites[COURT] == "active"
    assert record(app)[COURT] == ("active", "active")
    assert is_proved(app) is not mute, "of the other one nobody knows"

    repair(app, SHOP)
    run_daemons(app, duty)

    assert is_proved(app)


def test_what_people_and_clocks_decide_after_a_loss_goes_out(app: App, panel: Panel) -> None:
    lose(app)
    run_daemons(app)

    lift(app, HELD)
    run_daemons(app)

    assert panel.sites == {COURT: "suspended", SHOP: "active", HELD: "active"}
    assert record(app)[HELD] == ("active", "active")


def test_several_daemons_put_it_on_record_once(app: App, panel: Panel) -> None:
    lose(app)
    duties = [Recovery(app) for _ in range(3)]
    run_daemons(app, *duties)

    assert panel.sites[COURT] == "suspended"
    with app.reading() as connection:
        found = views.why(connection, COURT, TimeFormat(zone=UTC, now=clock.now()))
    assert [line["kind"] for line in found["timeline"]] == ["site_added", "state_seen"]

    recover(app)
    run_daemons(app, *duties)

    assert panel.sites[COURT] == "active"
    assert is_proved(app)


def test_a_daemon_does_not_open_the_rest_when_a_persons_recovery_was_cut_off(
    app: App, panel: Panel
) -> None:
    lose(app)
    lose(app, ASKED, by="sre-1")

    run_daemons(app)

    assert panel.sites == {COURT: "suspended", SHOP: "active", HELD: "suspended"}
    assert not is_proved(app)


def test_a_site_that_is_added_after_a_loss_and_is_down_is_left_down(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two commands of a person who puts a lost order on record again."""
    lose(app)
    run_daemons(app)
    recover(app)
    duty = Recovery(app)
    run_daemons(app, duty)
    assert is_proved(app)
    advance_clock(monkeypatch, timedelta(days=14))
    panel.sites["strange.example"] = "suspended"
    give(app, "strange.example", c.AddSite(by="operator-1"))

    run_daemons(app, duty)

    assert panel.sites["strange.example"] == "suspended"
    assert record(app)["strange.example"] == ("active", "suspended")
    assert not is_proved(app)
    run_daemons(app, Recovery(app))
    assert not is_proved(app), "another daemon, or this one once it is started again"

    hold(app, "strange.example")
    run_daemons(app, duty)

    assert panel.sites["strange.example"] == "suspended"
    assert is_proved(app)


def test_what_a_daemon_found_before_another_one_doubted_it_proves_nothing(
    app: App, panel: Panel
) -> None:
    recover(app)
    one = Recovery(app)
    run_daemons(app, one)
    give(app, "new.example", c.AddSite(by="operator-1"))
    run_daemons(app, one)
    panel.sites["new.example"] = "suspended"
    assert is_proved(app)
    Recovery(app).recover()

    one.recover()

    assert not is_proved(app)
    assert record(app)["new.example"] == ("active", "suspended")


def test_one_that_is_left_down_later_is_asked_about_alone(app: App, panel: Panel) -> None:
    """Others were compared, and what was found of them holds."""
    recover(app)
    duty = Recovery(app)
    run_daemons(app, duty)
    assert is_proved(app)
    panel.sites[NEW] = "suspended"
    give(app, NEW, c.AddSite(by="operator-1"))
    Recovery(app).recover()
    panel.asked.clear()

    duty.recover()

    assert panel.asked == [NEW]
    assert not is_proved(app)
    assert left_down_sites(app) == [NEW]

    hold(app, NEW)
    deliver(app)
    duty.recover()

    assert set(panel.asked) == {NEW}
    assert not is_proved(app), "another daemon had doubted, and may have seen more"

    duty.recover()

    assert set(panel.asked) > {NEW}
    assert is_proved(app)


def test_one_whose_opening_has_failed_before_is_left_down_whoever_can_be_asked(
    app: App, panel: Panel
) -> None:
    """The record knew it before the server changed, so it is not believed to be up."""
    deliver(app)
    lift(app, HELD)
    panel.fails = True
    deliver(app)
    lose(app, ANOTHER_SERVER)
    panel.fails, panel.mute = False, True

    run_daemons(app)

    assert not is_proved(app)
    assert left_down_sites(app) == [HELD]


@pytest.mark.parametrize("mute", [False, True])
def test_where_nothing_is_known_to_be_missing_what_is_up_is_believed(
    app: App, panel: Panel, *, mute: bool
) -> None:
    """After a standby took over which had received everything nobody need be called."""
    panel.mute, panel.sites[COURT] = mute, "active"
    lose(app, ANOTHER_SERVER)

    run_daemons(app)

    assert panel.sites == {COURT: "active", SHOP: "active", HELD: "suspended"}
    assert set(panel.seen) == {3}
    assert is_proved(app)


def test_what_is_seen_to_be_down_is_left_so_also_where_nothing_is_known_to_be_missing(
    app: App, panel: Panel
) -> None:
    lose(app, ANOTHER_SERVER)

    run_daemons(app)

    assert panel.sites[COURT] == "suspended"
    assert not is_proved(app)


def test_nothing_is_compared_with_a_record_from_which_nothing_is_carried_out(
    app: App, panel: Panel
) -> None:
    lose(app)
    with writing(app.engine) as connection:
        lineage.halt(connection, clock.now(), lineage.LOST_AGAIN)

    assert not Recovery(app).recover()

    assert record(app)[COURT] == ("active", "active")
    assert panel.sites[HELD] == "active"
