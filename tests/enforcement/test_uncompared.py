"""After a loss, a site whose adapter raises where it is asked: people are told, no clock opens it,
and its comparison is still owed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from incidents import clock
from incidents.app import App
from incidents.daemon import delivery
from incidents.daemon.recovery_duty import Recovery
from incidents.desk.resumption import ANOTHER_SERVER
from incidents.enforcement import comparison
from incidents.enforcement.port import Order, Outcome, Retry
from incidents.enforcement.reconciliation import FAILED
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.machine.command import DAEMON
from incidents.store import after_loss, lineage
from incidents.store.database.engine import writing
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import deliveries
from incidents.views.record_health import record_health
from tests.enforcement.left_rig import (
    COURT,
    HELD,
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
    run_daemons,
    suspend,
)
from tests.enforcement.lost_rig import Letters, deliver, give, hold, lift, record, standing

pytestmark = pytest.mark.both_databases

WHY = "panel: adapter fault: OSError"


@pytest.fixture
def house(db_url: str, panel: Panel) -> Iterator[App]:
    with left_down_app(db_url, panel) as found:
        yield found


def kept(house: App) -> dict[str, str]:
    """Those that could not be compared, with why."""
    with house.reading() as connection:
        return after_loss.problems_of_uncompared(connection)


def said(house: App) -> Any:
    """What people are told of them."""
    with house.reading() as connection:
        return record_health(connection, house.now(connection))["uncompared"]


def keep_down(house: App, name: str, how: str) -> None:
    if how == "held":
        hold(house, name)
    else:
        why = "the carrier says so"
        give(house, name, c.StateFalse(by="operator-1", field="phone", evidence=why))


def let_up(house: App, name: str, how: str) -> None:
    if how == "held":
        lift(house, name)
    else:
        give(house, name, c.AskReinstatement(by="operator-1", reason="the phone is right"))
        give(house, name, c.Approve(by="boss"))


def entries_in(house: App) -> int:
    with house.reading() as connection:
        return len(connection.execute(entries.select()).all())


def lapse(house: App, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that ran at the copy lapses after the loss, before anybody has compared."""
    give(house, name, c.Log(by="operator-1", at=None))
    lose(house)
    advance_clock(monkeypatch, timedelta(hours=1, seconds=1))
    elapse(house, name)


def test_the_record_says_not_compared_until_it_was(house: App, panel: Panel) -> None:
    panel.bad = {COURT}
    lose(house)

    run_daemons(house)
    since = said(house)["since"]
    duty = Recovery(house)
    run_daemons(house, duty)

    assert kept(house) == {COURT: WHY}
    assert said(house) == {
        "count": 1, "since": since, "sites": [{"site": COURT, "problem": WHY}],
    }  # fmt: skip
    assert not standing(house).is_compared
    assert left_down_health(house)["complete"] is False
    assert record(house)[COURT] == ("active", "unknown"), "nobody can tell"

    panel.bad = set()
    duty.recover()

    assert kept(house) == {}
    assert said(house) is None
    assert standing(house).is_compared
    assert left_down_sites(house) == [COURT]
    assert left_down_health(house)["complete"] is True


def test_of_one_that_is_down_on_record_or_where_nothing_is_missing_the_record_is_believed(
    house: App, panel: Panel
) -> None:
    panel.bad = {HELD, SHOP}
    lose(house, ANOTHER_SERVER)

    run_daemons(house)

    assert kept(house) == {HELD: WHY, SHOP: WHY}
    assert record(house)[HELD] == ("suspended", "suspended")
    assert record(house)[SHOP] == ("active", "active")


def test_what_is_found_once_the_world_is_proved_is_nobodys_business(house: App) -> None:
    """Of two daemons one may have failed while the other was proving it."""
    lose(house)
    comparison.record_failures(house.engine, {COURT: "the settings cannot be read"})
    assert said(house)["count"] == 1

    comparison.prove(house.engine, standing(house).epoch)

    assert said(house) is None


def test_when_all_were_compared_is_known_of_each_epoch_alone_and_stays(house: App) -> None:
    lose(house)
    former = standing(house).epoch
    lose(house)
    comparison.finish(house.engine, former)
    assert standing(house).compared_at is None

    comparison.finish(house.engine, standing(house).epoch)
    known = standing(house).compared_at
    comparison.finish(house.engine, standing(house).epoch)

    assert standing(house).compared_at == known is not None


@pytest.mark.parametrize("others", [set(), {HELD}])
def test_once_one_was_compared_a_look_that_fails_is_no_news_of_it(
    house: App, panel: Panel, others: set[str]
) -> None:
    """An adapter that fails now and then must not fill the record."""
    panel.sites |= {COURT: "active", SHOP: "suspended"}
    lose(house)
    for bad in ({COURT}, set[str](), {COURT}):
        panel.bad = others | bad
        run_daemons(house)
    written = entries_in(house)

    run_daemons(house)

    assert entries_in(house) == written
    assert record(house)[COURT] == ("active", "active")
    assert set(kept(house)) == others


def test_one_that_was_up_is_known_to_be_once_it_was_compared(house: App, panel: Panel) -> None:
    panel.bad = {SHOP}
    panel.sites[COURT] = "active"
    lose(house)
    duty = Recovery(house)
    run_daemons(house, duty)
    assert not is_proved(house)

    panel.bad = set()
    run_daemons(house, duty)

    assert record(house)[SHOP] == ("active", "active")
    assert is_proved(house)
    assert standing(house).is_compared


@pytest.mark.parametrize("knows", ["a daemon knew before", "nobody did"])
def test_a_recovery_that_could_not_compare_a_site_lets_no_clock_open_it(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, knows: str
) -> None:
    panel.bad = {COURT}
    if knows == "nobody did":
        give(house, COURT, c.Log(by="operator-1", at=None))
        recover(house)
        advance_clock(monkeypatch, timedelta(hours=1, seconds=1))
        elapse(house, COURT)
    else:
        lapse(house, COURT, monkeypatch)
        run_daemons(house)
        recover(house)
    assert kept(house) == {COURT: WHY}
    assert panel.sites[COURT] == "suspended"

    panel.bad = set()
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(house, Recovery(house))
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)
    run_daemons(house, Recovery(house))

    assert panel.sites[COURT] == "suspended"
    assert left_down_sites(house) == [COURT]
    assert kept(house) == {}


def test_nor_is_it_opened_at_the_end_if_it_could_be_compared_at_no_time(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.bad = {COURT}
    lapse(house, COURT, monkeypatch)
    run_daemons(house)
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)

    run_daemons(house)

    assert panel.sites[COURT] == "suspended"
    assert kept(house) == {COURT: WHY}

    panel.bad = set()
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(house, Recovery(house))

    assert panel.sites[COURT] == "suspended"
    assert left_down_sites(house) == [COURT]


def test_that_all_were_compared_is_not_said_while_one_that_was_added_since_could_not_be(
    house: App, panel: Panel
) -> None:
    lose(house)
    duty = Recovery(house)
    run_daemons(house, duty)
    assert left_down_health(house)["complete"] is True

    panel.bad = {NEW}
    give(house, NEW, c.AddSite(by="operator-1"))
    duty.recover()

    assert kept(house) == {NEW: WHY}
    assert left_down_health(house)["complete"] is False


def test_who_goes_on_is_told_of_it_before_and_after(house: App, panel: Panel) -> None:
    panel.bad = {COURT, HELD}
    lose(house)

    before = comparison.summarize(
        comparison.preview(house.desk, house.reading, by="sre-1", login=None, now=clock.now())
    )
    assert kept(house) == {}, "nothing is done"
    after = comparison.summarize(
        comparison.compare_sites(house.engine, house.desk, house.reading, by="sre-1", login=None)
    )

    assert before.failed == after.failed == [(COURT, WHY), (HELD, WHY)]
    assert before.counts[FAILED] == after.counts[FAILED] == 2
    assert COURT not in after.opened


def test_each_why_is_the_newest_and_since_when_the_first(house: App, panel: Panel) -> None:
    hold(house, SHOP)
    panel.bad = {SHOP}
    lose(house)
    run_daemons(house)
    since = said(house)["since"]

    comparison.record_failures(house.engine, {SHOP: "the settings cannot be read"})

    assert kept(house) == {SHOP: "the settings cannot be read"}
    assert said(house)["since"] == since


def test_the_letter_of_an_order_that_waits_to_be_compared_waits_with_it(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = Letters()
    panel.sites[COURT] = "active"
    panel.bad = {COURT, SHOP}
    lapse(house, COURT, monkeypatch)
    hold(house, SHOP)
    monkeypatch.setattr(delivery, "notice_lane", lambda _house, _lane: letters)

    run_daemons(house)
    assert [site for site, *_ in letters.sent if site == SHOP], "a hold is carried out and told"
    told_before = [site for site, *_ in letters.sent if site == COURT]

    panel.bad = set()
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(house, Recovery(house))

    assert panel.sites[COURT] == "suspended"
    told_since = [site for site, *_ in letters.sent if site == COURT]
    assert len(told_before) == 1, "of the violation"
    assert len(told_since) == 2


@pytest.mark.parametrize("decided", ["held", "closed"])
def test_what_a_person_holds_or_closes_waits_for_no_comparison_behind_what_a_clock_ordered(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, decided: str
) -> None:
    letters = Letters()
    panel.sites[COURT] = "active"
    panel.bad = {COURT}
    lapse(house, COURT, monkeypatch)
    monkeypatch.setattr(delivery, "notice_lane", lambda _house, _lane: letters)
    run_daemons(house)
    assert panel.sites[COURT] == "active"

    keep_down(house, COURT, decided)
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(house)

    assert panel.sites[COURT] == ("suspended" if decided == "held" else "closed")
    assert record(house)[COURT][0] == record(house)[COURT][1] == panel.sites[COURT]
    with house.reading() as connection:
        waiting = connection.execute(deliveries.select()).all()
    assert waiting == [], "nor do the letters"


@pytest.mark.parametrize("decided", ["held", "closed"])
def test_nor_behind_an_opening_that_waits(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, decided: str
) -> None:
    panel.sites[COURT] = "active"
    suspend(house, COURT, monkeypatch)
    deliver(house)
    panel.bad = {COURT}
    lose(house)
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)
    run_daemons(house)
    assert panel.sites[COURT] == "suspended"

    keep_down(house, COURT, decided)
    panel.sites[COURT] = "opened by somebody else"
    for _round in range(2):
        advance_clock(monkeypatch, timedelta(seconds=30))
        run_daemons(house)

    assert panel.sites[COURT] == ("suspended" if decided == "held" else "closed")

    let_up(house, COURT, decided)
    panel.bad = set()
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(house)

    assert panel.sites[COURT] == "active", "a person has it opened"


def test_what_was_compared_since_the_loss_waits_no_more_when_its_adapter_fails_later(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.sites |= {COURT: "active", SHOP: "suspended"}
    lose(house)
    run_daemons(house)
    assert not is_proved(house)
    panel.bad = {COURT, SHOP}

    suspend(house, COURT, monkeypatch)
    suspend(house, SHOP, monkeypatch)
    run_daemons(house)

    assert panel.sites[COURT] == "suspended"
    assert record(house)[SHOP] == ("suspended", "suspended")
    assert said(house) is None

    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(house, COURT)
    elapse(house, SHOP)
    run_daemons(house)

    assert panel.sites[COURT] == "active"
    assert panel.sites[SHOP] == "suspended", "it was left down"
    assert left_down_sites(house) == [SHOP]


@pytest.mark.parametrize("fails", [False, True])
def test_one_of_an_order_that_was_carried_out_or_given_up_before_the_loss_waits_for_nothing(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    panel.sites[COURT], panel.fails = "active", fails
    suspend(house, COURT, monkeypatch)
    with monkeypatch.context() as broken:
        broken.setattr(delivery, "notice_lane", lambda _house, _lane: Busy())
        deliver(house)
    assert panel.sites[COURT] == ("active" if fails else "suspended")
    panel.bad = {COURT}
    lose(house)
    letters = Letters()
    monkeypatch.setattr(delivery, "notice_lane", lambda _house, _lane: letters)
    advance_clock(monkeypatch, timedelta(minutes=10))

    deliver(house)

    assert [site for site, *_ in letters.sent].count(COURT) == 2


class Busy(Letters):
    """A channel that takes nothing now."""

    def deliver(self, order: Order) -> Outcome:  # noqa: ARG002 - whatever it is
        return Retry(problem="busy")


def test_of_a_doubt_of_another_nobody_proves_what_they_have_not_asked_about(
    house: App, panel: Panel
) -> None:
    """The panel answers one daemon, and then none."""
    panel.sites = {COURT: "active", SHOP: "active", HELD: "suspended"}
    lose(house, ANOTHER_SERVER)
    one = Recovery(house)
    one.recover()
    assert is_proved(house)
    panel.bad = {SHOP}
    with writing(house.engine) as connection:
        lineage.doubt(connection, standing(house).epoch, clock.now())

    one.recover()
    assert not is_proved(house)
    panel.asked.clear()
    one.recover()

    assert SHOP in panel.asked
    assert not is_proved(house)


def test_what_could_not_be_compared_with_an_epoch_is_nothing_to_the_next(house: App) -> None:
    lose(house)
    comparison.record_failures(house.engine, {SHOP: WHY})
    assert kept(house) == {SHOP: WHY}

    lose(house)

    assert kept(house) == {}


def test_people_are_told_while_others_are_still_asked_about(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "_PUBLISH_EVERY_S", 0.0)
    panel.bad = {COURT, SHOP, HELD}
    lose(house)
    found = comparison.compare_sites(
        house.engine, house.desk, house.reading, by=DAEMON, login=None, opens=False
    )

    first = next(found)

    assert kept(house) == {first.site: WHY}


def test_a_database_that_fails_at_the_first_question_is_told_as_such(house: App) -> None:
    broken = Mock(side_effect=DatabaseError("it does not answer"))
    found = comparison.compare_sites(house.engine, house.desk, broken, by=DAEMON, login=None)

    with pytest.raises(DatabaseError, match="it does not answer"):
        list(found)
