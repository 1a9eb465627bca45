"""What comes after a loss: a site that is added, and a suspension that the clock decides."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from incidents.app import App
from incidents.daemon.recovery_duty import Recovery
from incidents.desk.resumption import ANOTHER_SERVER
from incidents.machine import commands as c
from incidents.views.record_health import record_health
from tests.enforcement.left_rig import (
    COURT,
    NEW,
    SHOP,
    Panel,
    advance_clock,
    elapse,
    is_proved,
    left_down_app,
    left_down_health,
    left_down_sites,
    lose,
    recover,
    repair,
    run_daemons,
    suspend,
)
from tests.enforcement.lost_rig import deliver, give, hold, lift, record

pytestmark = pytest.mark.both_databases


@pytest.fixture
def app(db_url: str, panel: Panel) -> Iterator[App]:
    with left_down_app(db_url, panel) as found:
        yield found


# ── A site that is added where nobody can be asked


def strange(app: App, panel: Panel) -> Recovery:
    """A person has gone on, nobody can be asked, and a site is added that the world may know."""
    panel.mute = True
    lose(app)
    run_daemons(app)
    recover(app)
    duty = Recovery(app)
    run_daemons(app, duty)
    assert is_proved(app)
    panel.seen.clear()
    give(app, NEW, c.AddSite(by="operator-1"))
    run_daemons(app, duty)
    return duty


def test_a_site_that_is_added_after_a_loss_is_named_where_nobody_can_tell_how_it_is(
    app: App, panel: Panel
) -> None:
    strange(app, panel)

    assert left_down_sites(app) == [NEW]
    assert record(app)[NEW] == ("active", "unknown")
    assert panel.seen == {}, "no daemon orders anything"
    run_daemons(app, Recovery(app), Recovery(app))
    assert left_down_sites(app) == [NEW]


@pytest.mark.parametrize("way", ["repair", "recover", "hold", "close"])
def test_it_is_until_a_person_opens_holds_or_closes_it(app: App, panel: Panel, way: str) -> None:
    duty = strange(app, panel)

    if way == "repair":
        repair(app, NEW)
    elif way == "recover":
        recover(app)
    elif way == "hold":
        hold(app, NEW)
    else:
        give(app, NEW, c.StateFalse(by="operator-1", field="phone", evidence="rings elsewhere"))
    run_daemons(app, duty)

    assert left_down_sites(app) == []
    assert is_proved(app)
    down = {"hold": "suspended", "close": "closed"}.get(way, "active")
    assert (record(app)[NEW], panel.sites[NEW]) == ((down, down), down)


def test_or_thirty_days_after_the_loss(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty = strange(app, panel)
    advance_clock(monkeypatch, timedelta(days=29))
    run_daemons(app, duty)
    assert left_down_sites(app) == [NEW]

    advance_clock(monkeypatch, timedelta(days=1))

    assert left_down_sites(app) == []
    run_daemons(app, duty)
    assert is_proved(app)
    give(app, "newer.example", c.AddSite(by="operator-1"))
    run_daemons(app, duty, Recovery(app))
    assert left_down_sites(app) == []
    assert NEW not in panel.sites


def test_by_then_a_comparison_believes_that_it_is_up_but_can_order_it_again(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty = strange(app, panel)
    [before] = app.compare([NEW], by="sre-1")
    advance_clock(monkeypatch, timedelta(days=30))
    run_daemons(app, duty)

    [after] = app.compare([NEW], by="sre-1")

    assert (before.verdict, after.verdict) == ("differs", "cannot_be_asked")
    repair(app, NEW)
    deliver(app)
    assert record(app)[NEW] == ("active", "active")


def test_who_goes_on_once_more_begins_no_new_thirty_days(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty = strange(app, panel)
    noticed = left_down_health(app)["since"]
    advance_clock(monkeypatch, timedelta(days=20))
    recover(app)
    run_daemons(app, duty)
    give(app, "newer.example", c.AddSite(by="operator-1"))
    run_daemons(app, duty)
    assert left_down_sites(app) == ["newer.example"]
    assert left_down_health(app)["since"] == noticed

    advance_clock(monkeypatch, timedelta(days=10))

    run_daemons(app, duty)
    assert left_down_sites(app) == []
    assert is_proved(app)


def test_where_another_server_took_over_and_nothing_is_missing_who_goes_on_has_lost_nothing(
    app: App, panel: Panel
) -> None:
    panel.mute, panel.sites[COURT] = True, "active"
    lose(app, ANOTHER_SERVER)
    run_daemons(app)
    recover(app)
    run_daemons(app)
    give(app, NEW, c.AddSite(by="operator-1"))

    run_daemons(app)

    assert left_down_sites(app) == []
    assert is_proved(app)


def test_a_loss_that_nobody_had_noticed_is_noticed_by_who_goes_on(app: App, panel: Panel) -> None:
    panel.mute = True
    recover(app)
    run_daemons(app)
    give(app, NEW, c.AddSite(by="operator-1"))

    run_daemons(app)

    assert left_down_sites(app) == [NEW]


def test_where_another_server_took_over_and_nothing_is_missing_new_sites_are_believed(
    app: App, panel: Panel
) -> None:
    panel.mute, panel.sites[COURT] = True, "active"
    lose(app, ANOTHER_SERVER)
    run_daemons(app)
    give(app, NEW, c.AddSite(by="operator-1"))

    run_daemons(app)

    assert record(app)[NEW] == ("active", "active")
    assert is_proved(app)


# ── A suspension that the clock decides


@pytest.mark.parametrize("mute", [False, True])
@pytest.mark.parametrize("ends", ["by the clock", "by late truth"])
def test_the_end_of_a_suspension_opens_no_site_that_a_loss_had_left_down(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, *, mute: bool, ends: str
) -> None:
    panel.mute = mute
    lose(app)
    duty = Recovery(app)
    run_daemons(app, duty)
    suspend(app, COURT, monkeypatch)
    run_daemons(app, duty)
    assert record(app)[COURT] == ("suspended", "suspended")

    if ends == "by late truth":
        void = c.VoidIncident(by="operator-1", incident=1, reason="no violation")
        give(app, COURT, void)
    else:
        advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
        elapse(app, COURT)
    run_daemons(app, duty)

    assert record(app)[COURT] == ("active", "suspended")
    assert panel.sites[COURT] == "suspended"
    assert COURT in left_down_sites(app)
    run_daemons(app, Recovery(app))
    assert COURT in left_down_sites(app)

    recover(app)
    run_daemons(app, duty)

    assert panel.sites[COURT] == "active"
    assert left_down_sites(app) == []


def test_it_opens_one_about_which_a_person_has_decided_since(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(app)
    duty = Recovery(app)
    run_daemons(app, duty)
    suspend(app, COURT, monkeypatch)
    hold(app, COURT)
    lift(app, COURT)
    run_daemons(app, duty)
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(app, COURT)

    run_daemons(app, duty)

    assert panel.sites[COURT] == "active"
    assert is_proved(app)


def test_it_opens_one_that_was_up_or_that_was_suspended_before_the_loss(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspend(app, COURT, monkeypatch)
    panel.sites[COURT] = "suspended"
    lose(app)
    duty = Recovery(app)
    run_daemons(app, duty)
    suspend(app, SHOP, monkeypatch)
    run_daemons(app, duty)
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(app, COURT)
    elapse(app, SHOP)

    run_daemons(app, duty)

    assert (panel.sites[COURT], panel.sites[SHOP]) == ("active", "active")
    assert is_proved(app)


# ── The mark of a site that was left down


def left_and_suspended(app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> Recovery:
    """A site is left down, and suspended then."""
    lose(app)
    duty = Recovery(app)
    run_daemons(app, duty)
    suspend(app, COURT, monkeypatch)
    run_daemons(app, duty)
    assert panel.sites[COURT] == "suspended"
    return duty


def suspended_now(app: App) -> list[str]:
    with app.reading() as connection:
        found = record_health(connection, app.now(connection))["left_down"]
    return [] if found is None else found["suspended_now"]


@pytest.mark.parametrize("mute", [False, True])
def test_a_site_that_was_left_down_stays_on_the_list_while_it_is_suspended(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, *, mute: bool
) -> None:
    panel.mute = mute
    duty = left_and_suspended(app, panel, monkeypatch)

    for _look in range(2):
        assert COURT in left_down_sites(app)
        assert suspended_now(app) == [COURT]
        assert not is_proved(app)
        run_daemons(app, duty, Recovery(app))

    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(app, COURT)
    run_daemons(app, duty)

    assert COURT in left_down_sites(app)
    assert suspended_now(app) == []


def test_another_epoch_takes_no_mark_away(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_and_suspended(app, panel, monkeypatch)
    lose(app, ANOTHER_SERVER)
    run_daemons(app)
    assert suspended_now(app) == [COURT]

    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(app, COURT)
    run_daemons(app)

    assert panel.sites[COURT] == "suspended"
    assert left_down_sites(app) == [COURT]


def test_a_recovery_opens_it_only_once_it_is_no_more_suspended_on_record(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_and_suspended(app, panel, monkeypatch)

    recover(app)
    run_daemons(app)
    assert left_down_sites(app) == [COURT]
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(app, COURT)
    run_daemons(app)
    assert (panel.sites[COURT], left_down_sites(app)) == ("suspended", [COURT])

    recover(app)
    run_daemons(app)
    assert (panel.sites[COURT], left_down_sites(app)) == ("active", [])


def test_a_hold_and_its_lift_while_it_is_suspended_take_it_away(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_and_suspended(app, panel, monkeypatch)

    hold(app, COURT)
    lift(app, COURT)
    run_daemons(app)
    assert left_down_sites(app) == []
    assert is_proved(app)
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(app, COURT)
    run_daemons(app)

    assert panel.sites[COURT] == "active"
