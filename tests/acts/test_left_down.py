"""What a loss leaves down: no daemon opens a site whose reason to be down may be what is lost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from incidents import clock, settings
from incidents.acts import recovery, routing
from incidents.acts.port import State
from incidents.acts.routing import Routing
from incidents.bootstrap import House
from incidents.daemon import recovery_duty
from incidents.daemon.recovery_duty import Recovery
from incidents.desk import resumption
from incidents.desk.resumption import ANOTHER_SERVER, ASKED, ENTRIES_LOST, Resumption
from incidents.machine import commands as c
from incidents.store import lineage
from incidents.store.engine import writing
from incidents.views.history import history
from tests.acts.lost_rig import Receiver, deliver, give, hold, lift, record, standing

pytestmark = pytest.mark.both_databases

NEW = "new.example"
COURT, SHOP, HELD = NAMES = ("court.example", "shop.example", "held.example")


class Panel(Receiver):
    """It tells how sites are, unless it is `mute`."""

    def __init__(self) -> None:
        super().__init__()
        self.mute = False

    def state(self, site: str) -> State | None:
        found: State = self.sites.get(site, "active")  # type: ignore[assignment]
        return None if self.mute else found


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> Panel:
    found = Panel()
    monkeypatch.setattr(routing, "load", lambda: Routing(default=found))
    return found


@pytest.fixture
def house(db_url: str, panel: Panel) -> Iterator[House]:
    """Of three sites one is held on record. A court's order against another one is lost, and so is
    that the hold was lifted: both stand in the world alone."""
    house = House(settings.load(db=db_url))
    for name in NAMES:
        give(house, name, c.AddSite(by="operator-1"))
    hold(house, HELD)
    deliver(house)
    panel.sites = {COURT: "suspended", SHOP: "active", HELD: "active"}
    panel.seen.clear()
    yield house
    house.close()


def lose(house: House, cause: str = ENTRIES_LOST, by: str = resumption.DAEMON) -> None:
    """The record goes on from less; a person says why."""
    reason = None if by == resumption.DAEMON else "the disk is gone"
    why = Resumption(cause=cause, by=by, reason=reason)
    house.desk.on_record(lambda connection: resumption.resume(connection, why, clock.now))


def rounds(house: House, *duties: Recovery) -> None:
    """What daemons do until there is nothing left to do."""
    for _round in range(3):
        for duty in duties or (Recovery(house),):
            duty.recover()
            deliver(house)


def recover(house: House) -> None:
    """A person goes on, and all is compared."""
    lose(house, ASKED, by="sre-1")
    for _ in recovery.compared(house.engine, house.desk, house.reading, by="sre-1", login=None):
        pass


def named(house: House) -> list[str]:
    """The sites that people are told of."""
    with house.reading() as connection:
        found = history(connection, house.now(connection))["left_down"]
    return [] if found is None else found["sites"]


def pass_by(monkeypatch: pytest.MonkeyPatch, time: timedelta) -> None:
    ahead = clock.now() + time - datetime.now(UTC)
    monkeypatch.setattr(clock, "source", lambda: datetime.now(UTC) + ahead)


def is_proved(house: House) -> bool:
    return standing(house).unproved_since is None


@pytest.mark.parametrize("mute", [False, True])
def test_a_courts_order_that_is_lost_keeps_its_site_down_until_a_person_goes_on(
    house: House, panel: Panel, *, mute: bool
) -> None:
    panel.mute = mute
    lose(house)

    rounds(house)

    assert panel.sites == {COURT: "suspended", SHOP: "active", HELD: "suspended"}
    assert record(house)[COURT] == ("active", "unknown" if mute else "suspended")
    assert record(house)[SHOP] == ("active", "unknown" if mute else "active")
    assert not is_proved(house)
    assert set(panel.seen) == {3}, "nobody was told to open a site"

    recover(house)
    rounds(house)

    assert panel.sites == {COURT: "active", SHOP: "active", HELD: "suspended"}
    assert is_proved(house)
    assert set(record(house).values()) == {("active", "active"), ("suspended", "suspended")}


def test_what_could_not_be_asked_for_a_while_is_asked_again(
    house: House, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_duty, "_MUTE_AT_ONCE", 1)
    panel.mute = True
    lose(house)
    duty = Recovery(house)
    rounds(house, duty)
    assert record(house)[SHOP] == ("active", "unknown")

    panel.mute = False
    rounds(house, duty)

    assert record(house)[SHOP] == ("active", "active")
    assert record(house)[COURT] == ("active", "suspended")
    panel.sites[COURT] = "active"
    rounds(house, duty)
    assert is_proved(house)


def test_what_must_stay_down_is_held_and_needs_nothing_more(house: House, panel: Panel) -> None:
    lose(house)
    duty = Recovery(house)
    rounds(house, duty)

    hold(house, COURT)
    rounds(house, duty)

    assert is_proved(house)
    assert record(house)[COURT] == ("suspended", "suspended")
    assert panel.sites[COURT] == "suspended"

    recover(house)
    rounds(house)

    assert is_proved(house)
    assert panel.sites[COURT] == "suspended"


def repair(house: House, *names: str) -> None:
    house.compare(names, by="sre-1", login=None, key=None, repair=True)


@pytest.mark.parametrize("mute", [False, True])
def test_a_person_may_open_them_one_by_one(house: House, panel: Panel, *, mute: bool) -> None:
    panel.mute = mute
    lose(house)
    duty = Recovery(house)
    rounds(house, duty)

    repair(house, COURT)
    rounds(house, duty)

    assert panel.sites[COURT] == "active"
    assert record(house)[COURT] == ("active", "active")
    assert is_proved(house) is not mute, "of the other one nobody knows"

    repair(house, SHOP)
    rounds(house, duty)

    assert is_proved(house)


def test_what_people_and_clocks_decide_after_a_loss_goes_out(house: House, panel: Panel) -> None:
    lose(house)
    rounds(house)

    lift(house, HELD)
    rounds(house)

    assert panel.sites == {COURT: "suspended", SHOP: "active", HELD: "active"}
    assert record(house)[HELD] == ("active", "active")


def test_several_daemons_put_it_on_record_once(house: House, panel: Panel) -> None:
    lose(house)
    duties = [Recovery(house) for _ in range(3)]
    rounds(house, *duties)

    assert panel.sites[COURT] == "suspended"
    with house.reading() as connection:
        found = house.views.why(connection, COURT, clock.now())
    assert [line["kind"] for line in found["timeline"]] == ["site_added", "state_seen"]

    recover(house)
    rounds(house, *duties)

    assert panel.sites[COURT] == "active"
    assert is_proved(house)


def test_a_daemon_does_not_open_the_rest_when_a_persons_recovery_was_cut_off(
    house: House, panel: Panel
) -> None:
    lose(house)
    lose(house, ASKED, by="sre-1")

    rounds(house)

    assert panel.sites == {COURT: "suspended", SHOP: "active", HELD: "suspended"}
    assert not is_proved(house)


def test_a_site_that_is_added_after_a_loss_and_is_down_is_left_down(
    house: House, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two commands of a person who puts a lost order on record again."""
    lose(house)
    rounds(house)
    recover(house)
    duty = Recovery(house)
    rounds(house, duty)
    assert is_proved(house)
    pass_by(monkeypatch, timedelta(days=14))
    panel.sites["strange.example"] = "suspended"
    give(house, "strange.example", c.AddSite(by="operator-1"))

    rounds(house, duty)

    assert panel.sites["strange.example"] == "suspended"
    assert record(house)["strange.example"] == ("active", "suspended")
    assert not is_proved(house)
    rounds(house, Recovery(house))
    assert not is_proved(house), "another daemon, or this one once it is started again"

    hold(house, "strange.example")
    rounds(house, duty)

    assert panel.sites["strange.example"] == "suspended"
    assert is_proved(house)


def test_what_a_daemon_found_before_another_one_doubted_it_proves_nothing(
    house: House, panel: Panel
) -> None:
    recover(house)
    one = Recovery(house)
    rounds(house, one)
    give(house, "new.example", c.AddSite(by="operator-1"))
    rounds(house, one)
    panel.sites["new.example"] = "suspended"
    assert is_proved(house)
    Recovery(house).recover()

    one.recover()

    assert not is_proved(house)
    assert record(house)["new.example"] == ("active", "suspended")


# ── A site that is added where nobody can be asked


def strange(house: House, panel: Panel) -> Recovery:
    """A person has gone on, nobody can be asked, and a site is added that the world may know."""
    panel.mute = True
    lose(house)
    rounds(house)
    recover(house)
    duty = Recovery(house)
    rounds(house, duty)
    assert is_proved(house)
    panel.seen.clear()
    give(house, NEW, c.AddSite(by="operator-1"))
    rounds(house, duty)
    return duty


def test_a_site_that_is_added_after_a_loss_is_named_where_nobody_can_tell_how_it_is(
    house: House, panel: Panel
) -> None:
    strange(house, panel)

    assert named(house) == [NEW]
    assert record(house)[NEW] == ("active", "unknown")
    assert panel.seen == {}, "no daemon orders anything"
    rounds(house, Recovery(house), Recovery(house))
    assert named(house) == [NEW]


@pytest.mark.parametrize("way", ["repair", "recover", "hold", "close"])
def test_it_is_until_a_person_opens_holds_or_closes_it(
    house: House, panel: Panel, way: str
) -> None:
    duty = strange(house, panel)

    if way == "repair":
        repair(house, NEW)
    elif way == "recover":
        recover(house)
    elif way == "hold":
        hold(house, NEW)
    else:
        give(house, NEW, c.StateFalse(by="operator-1", field="phone", evidence="rings elsewhere"))
    rounds(house, duty)

    assert named(house) == []
    assert is_proved(house)
    down = {"hold": "suspended", "close": "closed"}.get(way, "active")
    assert (record(house)[NEW], panel.sites[NEW]) == ((down, down), down)


def test_or_thirty_days_after_the_loss(
    house: House, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty = strange(house, panel)
    pass_by(monkeypatch, timedelta(days=29))
    rounds(house, duty)
    assert named(house) == [NEW]

    pass_by(monkeypatch, timedelta(days=1))

    assert named(house) == []
    rounds(house, duty)
    assert is_proved(house)
    give(house, "newer.example", c.AddSite(by="operator-1"))
    rounds(house, duty, Recovery(house))
    assert named(house) == []
    assert NEW not in panel.sites


def test_where_another_server_took_over_and_nothing_is_missing_new_sites_are_believed(
    house: House, panel: Panel
) -> None:
    panel.mute, panel.sites[COURT] = True, "active"
    lose(house, ANOTHER_SERVER)
    rounds(house)
    give(house, NEW, c.AddSite(by="operator-1"))

    rounds(house)

    assert record(house)[NEW] == ("active", "active")
    assert is_proved(house)


# ── A suspension that the clock decides


def suspend(house: House, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is reached within the hour (R2)."""
    give(house, name, c.Log(by="operator-1", at=None))
    pass_by(monkeypatch, timedelta(hours=1, seconds=1))
    elapse(house, name)


def elapse(house: House, name: str) -> None:
    give(house, name, c.Elapse())


@pytest.mark.parametrize("mute", [False, True])
@pytest.mark.parametrize("ends", ["by the clock", "by late truth"])
def test_the_end_of_a_suspension_opens_no_site_that_a_loss_had_left_down(
    house: House, panel: Panel, monkeypatch: pytest.MonkeyPatch, *, mute: bool, ends: str
) -> None:
    panel.mute = mute
    lose(house)
    duty = Recovery(house)
    rounds(house, duty)
    suspend(house, COURT, monkeypatch)
    rounds(house, duty)
    assert record(house)[COURT] == ("suspended", "suspended")

    if ends == "by late truth":
        void = c.VoidIncident(by="operator-1", incident=1, reason="no violation")
        give(house, COURT, void)
    else:
        pass_by(monkeypatch, timedelta(hours=12, seconds=1))
        elapse(house, COURT)
    rounds(house, duty)

    assert record(house)[COURT] == ("active", "suspended")
    assert panel.sites[COURT] == "suspended"
    assert COURT in named(house)
    rounds(house, Recovery(house))
    assert COURT in named(house)

    recover(house)
    rounds(house, duty)

    assert panel.sites[COURT] == "active"
    assert named(house) == []


def test_it_opens_one_about_which_a_person_has_decided_since(
    house: House, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(house)
    duty = Recovery(house)
    rounds(house, duty)
    suspend(house, COURT, monkeypatch)
    hold(house, COURT)
    lift(house, COURT)
    rounds(house, duty)
    pass_by(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)

    rounds(house, duty)

    assert panel.sites[COURT] == "active"
    assert is_proved(house)


def test_it_opens_one_that_was_up_or_that_was_suspended_before_the_loss(
    house: House, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspend(house, COURT, monkeypatch)
    panel.sites[COURT] = "suspended"
    lose(house)
    duty = Recovery(house)
    rounds(house, duty)
    suspend(house, SHOP, monkeypatch)
    rounds(house, duty)
    pass_by(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)
    elapse(house, SHOP)

    rounds(house, duty)

    assert (panel.sites[COURT], panel.sites[SHOP]) == ("active", "active")
    assert is_proved(house)


@pytest.mark.parametrize("mute", [False, True])
def test_where_nothing_is_known_to_be_missing_what_is_up_is_believed(
    house: House, panel: Panel, *, mute: bool
) -> None:
    """After a standby took over which had received everything nobody need be called."""
    panel.mute, panel.sites[COURT] = mute, "active"
    lose(house, ANOTHER_SERVER)

    rounds(house)

    assert panel.sites == {COURT: "active", SHOP: "active", HELD: "suspended"}
    assert set(panel.seen) == {3}
    assert is_proved(house)


def test_what_is_seen_to_be_down_is_left_so_also_where_nothing_is_known_to_be_missing(
    house: House, panel: Panel
) -> None:
    lose(house, ANOTHER_SERVER)

    rounds(house)

    assert panel.sites[COURT] == "suspended"
    assert not is_proved(house)


def test_nothing_is_compared_with_a_record_from_which_nothing_is_carried_out(
    house: House, panel: Panel
) -> None:
    lose(house)
    with writing(house.engine) as connection:
        lineage.halt(connection, clock.now(), lineage.LOST_AGAIN)

    assert not Recovery(house).recover()

    assert record(house)[COURT] == ("active", "active")
    assert panel.sites[HELD] == "active"
