"""After a loss a site is compared with the world before anything is delivered to it: what was down
there stays down, whatever clocks decide since."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from incidents import clock
from incidents.app import App
from incidents.daemon.delivery import Delivery
from incidents.daemon.recovery_duty import Recovery
from incidents.desk import resumption
from incidents.desk.resumption import ANOTHER_SERVER, ENTRIES_LOST, Resumption
from incidents.enforcement import routing
from incidents.enforcement.routing import Routing
from incidents.errors import SettingsFileError
from incidents.machine import commands as c
from incidents.machine.command import DAEMON
from incidents.machine.events import Event
from incidents.record import entry
from incidents.store import after_loss
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.tables import sites
from tests.enforcement.left_rig import (
    COURT,
    NAMES,
    SHOP,
    Panel,
    advance_clock,
    elapse,
    is_proved,
    left_down_app,
    left_down_sites,
    lose,
    recover,
    repair,
    run_daemons,
    suspend,
)
from tests.enforcement.lost_rig import deliver, give, hold, lift, record

pytestmark = pytest.mark.both_databases

HOUR = timedelta(hours=1)


@pytest.fixture
def app(db_url: str, panel: Panel) -> Iterator[App]:
    with left_down_app(db_url, panel) as found:
        yield found


def lapse(
    app: App, name: str, monkeypatch: pytest.MonkeyPatch, *, knows_late: bool, by: str = DAEMON
) -> None:
    """A clock that ran at the copy lapses: before anybody knows of the loss, or just after."""
    give(app, name, c.Log(by="operator-1", at=None))
    since = clock.now()
    advance_clock(monkeypatch, 2 * HOUR)
    if knows_late:
        elapse(app, name)
    lose_since(app, since, by)
    elapse(app, name)
    assert record(app)[name] == ("suspended", "active")


def lose_since(app: App, since: datetime, by: str = DAEMON) -> None:
    reason = None if by == DAEMON else "the disk is gone"
    why = Resumption(cause=ENTRIES_LOST, since=since, by=by, reason=reason)
    app.desk.on_record(lambda connection: resumption.resume(connection, why, clock.now))


def end(app: App, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twelve hours are over."""
    advance_clock(monkeypatch, 12 * HOUR + timedelta(seconds=1))
    elapse(app, name)


def closed_in_the_world(app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suspension runs at the copy, and the closure that came then is lost."""
    panel.sites[COURT] = "active"
    suspend(app, COURT, monkeypatch)
    deliver(app)
    panel.sites[COURT] = "closed"
    panel.seen.clear()
    lose(app)


def orders_of(app: App, name: str) -> list[Event]:
    with app.reading() as connection:
        asked = entries.select().join(sites, sites.c.id == entries.c.site_id)
        asked = asked.where(sites.c.name == name).order_by(entries.c.site_seq)
        return [entry.decode(row.body)[1] for row in connection.execute(asked)]


# ── A clock that ran at the copy


@pytest.mark.parametrize("by", [DAEMON, "sre-1"])
@pytest.mark.parametrize("knows_late", [False, True])
@pytest.mark.parametrize("mute", [False, True])
def test_a_clock_that_lapses_before_the_first_comparison_hides_no_site_that_was_down(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, by: str, *, mute: bool,
    knows_late: bool,
) -> None:  # fmt: skip
    """Whoever finds the loss first."""
    panel.mute = mute
    lapse(app, COURT, monkeypatch, knows_late=knows_late, by=by)
    run_daemons(app)
    assert record(app)[COURT] == ("suspended", "suspended")
    assert not is_proved(app)
    run_daemons(app, Recovery(app))
    assert not is_proved(app)

    end(app, COURT, monkeypatch)
    run_daemons(app)

    assert panel.sites[COURT] == "suspended"
    assert record(app)[COURT] == ("active", "suspended")
    assert COURT in left_down_sites(app)

    repair(app, COURT)
    run_daemons(app)

    assert panel.sites[COURT] == "active"
    assert COURT not in left_down_sites(app)


def test_of_one_that_was_up_it_ends_as_ever(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.sites[COURT] = "active"
    lapse(app, SHOP, monkeypatch, knows_late=True)
    run_daemons(app)
    assert panel.sites[SHOP] == "suspended"
    assert is_proved(app)

    end(app, SHOP, monkeypatch)
    run_daemons(app)

    assert panel.sites[SHOP] == "active"


def test_a_suspension_of_before_the_loss_that_was_not_carried_out_on_record_ends_as_ever(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was on record, and was carried out in what is lost."""
    suspend(app, COURT, monkeypatch)
    lose(app)
    run_daemons(app)
    assert record(app)[COURT] == ("suspended", "suspended")
    assert is_proved(app)

    end(app, COURT, monkeypatch)
    run_daemons(app)

    assert panel.sites[COURT] == "active"


# ── A closure that is lost


def test_a_closure_that_is_lost_is_not_undone_by_a_suspension_that_ran_at_the_copy(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_in_the_world(app, panel, monkeypatch)

    run_daemons(app)

    assert panel.sites[COURT] == "closed"
    assert record(app)[COURT] == ("suspended", "closed")
    assert "order_repeated" not in [each.kind for each in orders_of(app, COURT)]
    assert not is_proved(app)

    end(app, COURT, monkeypatch)
    run_daemons(app)

    assert panel.sites[COURT] == "closed"
    assert left_down_sites(app) == [COURT]


def test_nor_by_a_clock_that_lapses_before_the_first_comparison(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.sites[COURT] = "closed"
    lapse(app, COURT, monkeypatch, knows_late=False)

    run_daemons(app)

    assert panel.sites[COURT] == "closed"
    assert record(app)[COURT] == ("suspended", "closed")

    end(app, COURT, monkeypatch)
    run_daemons(app)

    assert panel.sites[COURT] == "closed"
    assert left_down_sites(app) == [COURT]


@pytest.mark.parametrize("when", ["before the first comparison", "after it"])
def test_a_hold_on_one_leaves_it_closed_and_needs_nothing_more(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    panel.sites[COURT] = "closed"
    lose(app)
    if when == "after it":
        run_daemons(app)
    hold(app, COURT)

    run_daemons(app, Recovery(app))

    assert panel.sites[COURT] == "closed"
    assert record(app)[COURT] == ("suspended", "closed")
    assert is_proved(app)

    lift(app, COURT)
    run_daemons(app, Recovery(app))

    assert panel.sites[COURT] == "closed"
    assert record(app)[COURT] == ("active", "closed")
    assert left_down_sites(app) == [COURT]

    repair(app, COURT)
    run_daemons(app, Recovery(app))

    assert panel.sites[COURT] == "active"
    assert is_proved(app)


def test_a_hold_while_a_suspension_runs_and_its_lift_leave_one_closed(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_in_the_world(app, panel, monkeypatch)
    run_daemons(app)
    hold(app, COURT)
    run_daemons(app)
    lift(app, COURT)
    run_daemons(app)
    assert record(app)[COURT] == ("suspended", "closed")

    end(app, COURT, monkeypatch)
    run_daemons(app)

    assert panel.sites[COURT] == "closed"
    assert left_down_sites(app) == [COURT]


def test_where_nobody_can_look_a_hold_suspends_over_a_lost_closure_and_its_lift_opens_the_site(
    app: App, panel: Panel
) -> None:
    panel.mute, panel.sites[COURT] = True, "closed"
    lose(app)
    run_daemons(app)
    assert panel.sites[COURT] == "closed"

    hold(app, COURT)
    run_daemons(app)
    assert panel.sites[COURT] == "suspended"

    lift(app, COURT)
    run_daemons(app)
    assert panel.sites[COURT] == "active"


def test_one_that_is_closed_again_and_reinstated_is_opened(app: App, panel: Panel) -> None:
    panel.sites[COURT] = "closed"
    lose(app)
    run_daemons(app)
    give(app, COURT, c.StateFalse(by="operator-1", field="phone", evidence="the carrier says so"))
    run_daemons(app, Recovery(app))
    assert is_proved(app)

    give(app, COURT, c.AskReinstatement(by="operator-1", reason="the phone is right"))
    give(app, COURT, c.Approve(by="boss"))
    run_daemons(app, Recovery(app))

    assert panel.sites[COURT] == "active"


def test_a_recovery_by_a_person_suspends_no_closed_site(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_in_the_world(app, panel, monkeypatch)

    recover(app)
    run_daemons(app)

    assert panel.sites[COURT] == "closed"


# ── An opening that waited at the copy


def opening_waits(app: App, panel: Panel) -> None:
    panel.sites[COURT] = "active"
    hold(app, COURT)
    deliver(app)
    lift(app, COURT)
    panel.seen.clear()


@pytest.mark.parametrize("mute", [False, True])
def test_an_opening_that_waited_at_the_copy_opens_no_site_that_is_down(
    app: App, panel: Panel, *, mute: bool
) -> None:
    panel.mute = mute
    opening_waits(app, panel)
    lose(app)

    run_daemons(app)

    assert panel.sites[COURT] == "suspended"
    assert COURT in left_down_sites(app)

    recover(app)
    run_daemons(app)

    assert panel.sites[COURT] == "active"
    assert is_proved(app)


def test_one_goes_out_that_a_person_orders_after_the_loss(app: App, panel: Panel) -> None:
    opening_waits(app, panel)
    lose(app)
    hold(app, COURT)
    lift(app, COURT)

    run_daemons(app)

    assert panel.sites[COURT] == "active"


@pytest.mark.parametrize("who", ["another server", "a person"])
def test_it_goes_out_where_nothing_is_missing_or_a_person_goes_on(
    app: App, panel: Panel, who: str
) -> None:
    opening_waits(app, panel)
    if who == "a person":
        recover(app)
    else:
        lose(app, ANOTHER_SERVER)

    run_daemons(app)

    assert panel.sites[COURT] == "active"
    assert is_proved(app)


# ── A site that cannot be compared


def test_what_the_clock_orders_waits_for_a_site_to_be_compared_and_a_hold_does_not(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.bad = {COURT, SHOP}
    lapse(app, COURT, monkeypatch, knows_late=False)
    hold(app, SHOP)

    run_daemons(app)

    assert panel.sites[SHOP] == "suspended"
    assert 1 not in panel.seen, "nothing was delivered to it"

    panel.bad = set()
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(app, Recovery(app))
    end(app, COURT, monkeypatch)
    run_daemons(app, Recovery(app))

    assert panel.sites[COURT] == "suspended"
    assert COURT in left_down_sites(app)


def test_settings_that_cannot_be_read_any_more_hold_up_what_waits_for_a_comparison_alone(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Delivery(app, decided=lambda _: None)
    daemon.run()
    lapse(app, COURT, monkeypatch, knows_late=False)
    hold(app, SHOP)

    def fail() -> Routing:
        raise SettingsFileError(file="incidents.toml", detail="it is no TOML")

    monkeypatch.setattr(routing, "load", fail)
    daemon.run()
    daemon.close()

    assert daemon.errors == []
    assert panel.sites[SHOP] == "suspended"
    with app.reading() as connection:
        why = after_loss.problems_of_uncompared(connection)[COURT]
    assert why.endswith("it is no TOML")
    assert 1 not in panel.seen


def test_where_the_settings_cannot_be_read_all_that_was_not_compared_is_named(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing is ordered."""
    lose(app)

    def fail() -> Routing:
        raise SettingsFileError(file="incidents.toml", detail="it is no TOML")

    duty = Recovery(app)
    with monkeypatch.context() as broken:
        broken.setattr(routing, "load", fail)
        for _look in range(2):
            with pytest.raises(SettingsFileError):
                duty.recover()
    with app.reading() as connection:
        known = after_loss.problems_of_uncompared(connection)

    assert set(known) == set(NAMES)
    assert all(why.endswith("it is no TOML") for why in known.values())

    run_daemons(app, duty)
    with app.reading() as connection:
        assert after_loss.problems_of_uncompared(connection) == {}
    monkeypatch.setattr(routing, "load", fail)
    with pytest.raises(SettingsFileError):
        Recovery(app).recover()
    with app.reading() as connection:
        assert after_loss.problems_of_uncompared(connection) == {}
