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
def house(db_url: str, panel: Panel) -> Iterator[App]:
    with left_down_app(db_url, panel) as found:
        yield found


# ── A site that is added where nobody can be asked


def strange(house: App, panel: Panel) -> Recovery:
    """A person has gone on, nobody can be asked, and a site is added that the world may know."""
    panel.mute = True
    lose(house)
    run_daemons(house)
    recover(house)
    duty = Recovery(house)
    run_daemons(house, duty)
    assert is_proved(house)
    panel.seen.clear()
    give(house, NEW, c.AddSite(by="operator-1"))
    run_daemons(house, duty)
    return duty


def test_a_site_that_is_added_after_a_loss_is_named_where_nobody_can_tell_how_it_is(
    house: App, panel: Panel
) -> None:
    strange(house, panel)

    assert left_down_sites(house) == [NEW]
    assert record(house)[NEW] == ("active", "unknown")
    assert panel.seen == {}, "no daemon orders anything"
    run_daemons(house, Recovery(house), Recovery(house))
    assert left_down_sites(house) == [NEW]


@pytest.mark.parametrize("way", ["repair", "recover", "hold", "close"])
def test_it_is_until_a_person_opens_holds_or_closes_it(house: App, panel: Panel, way: str) -> None:
    duty = strange(house, panel)

    if way == "repair":
        repair(house, NEW)
    elif way == "recover":
        recover(house)
    elif way == "hold":
        hold(house, NEW)
    else:
        give(house, NEW, c.StateFalse(by="operator-1", field="phone", evidence="rings elsewhere"))
    run_daemons(house, duty)

    assert left_down_sites(house) == []
    assert is_proved(house)
    down = {"hold": "suspended", "close": "closed"}.get(way, "active")
    assert (record(house)[NEW], panel.sites[NEW]) == ((down, down), down)


def test_or_thirty_days_after_the_loss(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty = strange(house, panel)
    advance_clock(monkeypatch, timedelta(days=29))
    run_daemons(house, duty)
    assert left_down_sites(house) == [NEW]

    advance_clock(monkeypatch, timedelta(days=1))

    assert left_down_sites(house) == []
    run_daemons(house, duty)
    assert is_proved(house)
    give(house, "newer.example", c.AddSite(by="operator-1"))
    run_daemons(house, duty, Recovery(house))
    assert left_down_sites(house) == []
    assert NEW not in panel.sites


def test_by_then_a_comparison_believes_that_it_is_up_but_can_order_it_again(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty = strange(house, panel)
    [before] = house.compare([NEW], by="sre-1")
    advance_clock(monkeypatch, timedelta(days=30))
    run_daemons(house, duty)

    [after] = house.compare([NEW], by="sre-1")

    assert (before.verdict, after.verdict) == ("differs", "cannot_be_asked")
    repair(house, NEW)
    deliver(house)
    assert record(house)[NEW] == ("active", "active")


def test_who_goes_on_once_more_begins_no_new_thirty_days(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty = strange(house, panel)
    noticed = left_down_health(house)["since"]
    advance_clock(monkeypatch, timedelta(days=20))
    recover(house)
    run_daemons(house, duty)
    give(house, "newer.example", c.AddSite(by="operator-1"))
    run_daemons(house, duty)
    assert left_down_sites(house) == ["newer.example"]
    assert left_down_health(house)["since"] == noticed

    advance_clock(monkeypatch, timedelta(days=10))

    run_daemons(house, duty)
    assert left_down_sites(house) == []
    assert is_proved(house)


def test_where_another_server_took_over_and_nothing_is_missing_who_goes_on_has_lost_nothing(
    house: App, panel: Panel
) -> None:
    panel.mute, panel.sites[COURT] = True, "active"
    lose(house, ANOTHER_SERVER)
    run_daemons(house)
    recover(house)
    run_daemons(house)
    give(house, NEW, c.AddSite(by="operator-1"))

    run_daemons(house)

    assert left_down_sites(house) == []
    assert is_proved(house)


def test_a_loss_that_nobody_had_noticed_is_noticed_by_who_goes_on(house: App, panel: Panel) -> None:
    panel.mute = True
    recover(house)
    run_daemons(house)
    give(house, NEW, c.AddSite(by="operator-1"))

    run_daemons(house)

    assert left_down_sites(house) == [NEW]


def test_where_another_server_took_over_and_nothing_is_missing_new_sites_are_believed(
    house: App, panel: Panel
) -> None:
    panel.mute, panel.sites[COURT] = True, "active"
    lose(house, ANOTHER_SERVER)
    run_daemons(house)
    give(house, NEW, c.AddSite(by="operator-1"))

    run_daemons(house)

    assert record(house)[NEW] == ("active", "active")
    assert is_proved(house)


# ── A suspension that the clock decides


@pytest.mark.parametrize("mute", [False, True])
@pytest.mark.parametrize("ends", ["by the clock", "by late truth"])
def test_the_end_of_a_suspension_opens_no_site_that_a_loss_had_left_down(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, *, mute: bool, ends: str
) -> None:
    panel.mute = mute
    lose(house)
    duty = Recovery(house)
    run_daemons(house, duty)
    suspend(house, COURT, monkeypatch)
    run_daemons(house, duty)
    assert record(house)[COURT] == ("suspended", "suspended")

    if ends == "by late truth":
        void = c.VoidIncident(by="operator-1", incident=1, reason="no violation")
        give(house, COURT, void)
    else:
        advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
        elapse(house, COURT)
    run_daemons(house, duty)

    assert record(house)[COURT] == ("active", "suspended")
    assert panel.sites[COURT] == "suspended"
    assert COURT in left_down_sites(house)
    run_daemons(house, Recovery(house))
    assert COURT in left_down_sites(house)

    recover(house)
    run_daemons(house, duty)

    assert panel.sites[COURT] == "active"
    assert left_down_sites(house) == []


def test_it_opens_one_about_which_a_person_has_decided_since(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(house)
    duty = Recovery(house)
    run_daemons(house, duty)
    suspend(house, COURT, monkeypatch)
    hold(house, COURT)
    lift(house, COURT)
    run_daemons(house, duty)
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)

    run_daemons(house, duty)

    assert panel.sites[COURT] == "active"
    assert is_proved(house)


def test_it_opens_one_that_was_up_or_that_was_suspended_before_the_loss(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspend(house, COURT, monkeypatch)
    panel.sites[COURT] = "suspended"
    lose(house)
    duty = Recovery(house)
    run_daemons(house, duty)
    suspend(house, SHOP, monkeypatch)
    run_daemons(house, duty)
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)
    elapse(house, SHOP)

    run_daemons(house, duty)

    assert (panel.sites[COURT], panel.sites[SHOP]) == ("active", "active")
    assert is_proved(house)


# ── The mark of a site that was left down


def left_and_suspended(house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> Recovery:
    """A site is left down, and suspended then."""
    lose(house)
    duty = Recovery(house)
    run_daemons(house, duty)
    suspend(house, COURT, monkeypatch)
    run_daemons(house, duty)
    assert panel.sites[COURT] == "suspended"
    return duty


def suspended_now(house: App) -> list[str]:
    with house.reading() as connection:
        found = record_health(connection, house.now(connection))["left_down"]
    return [] if found is None else found["suspended_now"]


@pytest.mark.parametrize("mute", [False, True])
def test_a_site_that_was_left_down_stays_on_the_list_while_it_is_suspended(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, *, mute: bool
) -> None:
    panel.mute = mute
    duty = left_and_suspended(house, panel, monkeypatch)

    for _look in range(2):
        assert COURT in left_down_sites(house)
        assert suspended_now(house) == [COURT]
        assert not is_proved(house)
        run_daemons(house, duty, Recovery(house))

    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)
    run_daemons(house, duty)

    assert COURT in left_down_sites(house)
    assert suspended_now(house) == []


def test_another_epoch_takes_no_mark_away(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_and_suspended(house, panel, monkeypatch)
    lose(house, ANOTHER_SERVER)
    run_daemons(house)
    assert suspended_now(house) == [COURT]

    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)
    run_daemons(house)

    assert panel.sites[COURT] == "suspended"
    assert left_down_sites(house) == [COURT]


def test_a_recovery_opens_it_only_once_it_is_no_more_suspended_on_record(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_and_suspended(house, panel, monkeypatch)

    recover(house)
    run_daemons(house)
    assert left_down_sites(house) == [COURT]
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)
    run_daemons(house)
    assert (panel.sites[COURT], left_down_sites(house)) == ("suspended", [COURT])

    recover(house)
    run_daemons(house)
    assert (panel.sites[COURT], left_down_sites(house)) == ("active", [])


def test_a_hold_and_its_lift_while_it_is_suspended_take_it_away(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_and_suspended(house, panel, monkeypatch)

    hold(house, COURT)
    lift(house, COURT)
    run_daemons(house)
    assert left_down_sites(house) == []
    assert is_proved(house)
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)
    run_daemons(house)

    assert panel.sites[COURT] == "active"
