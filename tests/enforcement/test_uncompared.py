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
from incidents.enforcement.verdict import FAILED
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.machine.command import DAEMON
from incidents.store import after_loss
from incidents.store.database.engine import writing
from incidents.store.log import lineage
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
def app(db_url: str, panel: Panel) -> Iterator[App]:
    with left_down_app(db_url, panel) as found:
        yield found


def kept(app: App) -> dict[str, str]:
    """Those that could not be compared, with why."""
    with app.reading() as connection:
        return after_loss.problems_of_uncompared(connection)


def said(app: App) -> Any:
    """What people are told of them."""
    with app.reading() as connection:
        return record_health(connection, app.now(connection))["uncompared"]


def keep_down(app: App, name: str, how: str) -> None:
    if how == "held":
        hold(app, name)
    else:
        why = "the carrier says so"
        give(app, name, c.StateFalse(by="operator-1", field="phone", evidence=why))


def let_up(app: App, name: str, how: str) -> None:
    if how == "held":
        lift(app, name)
    else:
        give(app, name, c.AskReinstatement(by="operator-1", reason="the phone is right"))
        give(app, name, c.Approve(by="boss"))


def entries_in(app: App) -> int:
    with app.reading() as connection:
        return len(connection.execute(entries.select()).all())


def lapse(app: App, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that ran at the copy lapses after the loss, before anybody has compared."""
    give(app, name, c.Log(by="operator-1", at=None))
    lose(app)
    advance_clock(monkeypatch, timedelta(hours=1, seconds=1))
    elapse(app, name)


def test_the_record_says_not_compared_until_it_was(app: App, panel: Panel) -> None:
    panel.bad = {COURT}
    lose(app)

    run_daemons(app)
    since = said(app)["since"]
    duty = Recovery(app)
    run_daemons(app, duty)

    assert kept(app) == {COURT: WHY}
    assert said(app) == {
        "count": 1, "since": since, "sites": [{"site": COURT, "problem": WHY}],
    }  # fmt: skip
    assert not standing(app).is_compared
    assert left_down_health(app)["complete"] is False
    assert record(app)[COURT] == ("active", "unknown"), "nobody can tell"

    panel.bad = set()
    duty.recover()

    assert kept(app) == {}
    assert said(app) is None
    assert standing(app).is_compared
    assert left_down_sites(app) == [COURT]
    assert left_down_health(app)["complete"] is True


def test_of_one_that_is_down_on_record_or_where_nothing_is_missing_the_record_is_believed(
    app: App, panel: Panel
) -> None:
    panel.bad = {HELD, SHOP}
    lose(app, ANOTHER_SERVER)

    run_daemons(app)

    assert kept(app) == {HELD: WHY, SHOP: WHY}
    assert record(app)[HELD] == ("suspended", "suspended")
    assert record(app)[SHOP] == ("active", "active")


def test_what_is_found_once_the_world_is_proved_is_nobodys_business(app: App) -> None:
    """Of two daemons one may have failed while the other was proving it."""
    lose(app)
    comparison.record_failures(app.engine, {COURT: "the settings cannot be read"})
    assert said(app)["count"] == 1

    comparison.prove(app.engine, standing(app).epoch)

    assert said(app) is None


def test_when_all_were_compared_is_known_of_each_epoch_alone_and_stays(app: App) -> None:
    lose(app)
    former = standing(app).epoch
    lose(app)
    comparison.finish(app.engine, former)
    assert standing(app).compared_at is None

    comparison.finish(app.engine, standing(app).epoch)
    known = standing(app).compared_at
    comparison.finish(app.engine, standing(app).epoch)

    assert standing(app).compared_at == known is not None


@pytest.mark.parametrize("others", [set(), {HELD}])
def test_once_one_was_compared_a_look_that_fails_is_no_news_of_it(
    app: App, panel: Panel, others: set[str]
) -> None:
    """An adapter that fails now and then must not fill the record."""
    panel.sites |= {COURT: "active", SHOP: "suspended"}
    lose(app)
    for bad in ({COURT}, set[str](), {COURT}):
        panel.bad = others | bad
        run_daemons(app)
    written = entries_in(app)

    run_daemons(app)

    assert entries_in(app) == written
    assert record(app)[COURT] == ("active", "active")
    assert set(kept(app)) == others


def test_one_that_was_up_is_known_to_be_once_it_was_compared(app: App, panel: Panel) -> None:
    panel.bad = {SHOP}
    panel.sites[COURT] = "active"
    lose(app)
    duty = Recovery(app)
    run_daemons(app, duty)
    assert not is_proved(app)

    panel.bad = set()
    run_daemons(app, duty)

    assert record(app)[SHOP] == ("active", "active")
    assert is_proved(app)
    assert standing(app).is_compared


@pytest.mark.parametrize("knows", ["a daemon knew before", "nobody did"])
def test_a_recovery_that_could_not_compare_a_site_lets_no_clock_open_it(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, knows: str
) -> None:
    panel.bad = {COURT}
    if knows == "nobody did":
        give(app, COURT, c.Log(by="operator-1", at=None))
        recover(app)
        advance_clock(monkeypatch, timedelta(hours=1, seconds=1))
        elapse(app, COURT)
    else:
        lapse(app, COURT, monkeypatch)
        run_daemons(app)
        recover(app)
    assert kept(app) == {COURT: WHY}
    assert panel.sites[COURT] == "suspended"

    panel.bad = set()
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(app, Recovery(app))
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(app, COURT)
    run_daemons(app, Recovery(app))

    assert panel.sites[COURT] == "suspended"
    assert left_down_sites(app) == [COURT]
    assert kept(app) == {}


def test_nor_is_it_opened_at_the_end_if_it_could_be_compared_at_no_time(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.bad = {COURT}
    lapse(app, COURT, monkeypatch)
    run_daemons(app)
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(app, COURT)

    run_daemons(app)

    assert panel.sites[COURT] == "suspended"
    assert kept(app) == {COURT: WHY}

    panel.bad = set()
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(app, Recovery(app))

    assert panel.sites[COURT] == "suspended"
    assert left_down_sites(app) == [COURT]


def test_that_all_were_compared_is_not_said_while_one_that_was_added_since_could_not_be(
    app: App, panel: Panel
) -> None:
    lose(app)
    duty = Recovery(app)
    run_daemons(app, duty)
    assert left_down_health(app)["complete"] is True

    panel.bad = {NEW}
    give(app, NEW, c.AddSite(by="operator-1"))
    duty.recover()

    assert kept(app) == {NEW: WHY}
    assert left_down_health(app)["complete"] is False


def test_who_goes_on_is_told_of_it_before_and_after(app: App, panel: Panel) -> None:
    panel.bad = {COURT, HELD}
    lose(app)

    before = comparison.summarize(
        comparison.preview(app.desk, app.reading, by="sre-1", login=None, now=clock.now())
    )
    assert kept(app) == {}, "nothing is done"
    after = comparison.summarize(
        comparison.compare_sites(app.engine, app.desk, app.reading, by="sre-1", login=None)
    )

    assert before.failed == after.failed == [(COURT, WHY), (HELD, WHY)]
    assert before.counts[FAILED] == after.counts[FAILED] == 2
    assert COURT not in after.opened


def test_each_why_is_the_newest_and_since_when_the_first(app: App, panel: Panel) -> None:
    hold(app, SHOP)
    panel.bad = {SHOP}
    lose(app)
    run_daemons(app)
    since = said(app)["since"]

    comparison.record_failures(app.engine, {SHOP: "the settings cannot be read"})

    assert kept(app) == {SHOP: "the settings cannot be read"}
    assert said(app)["since"] == since


def test_the_letter_of_an_order_that_waits_to_be_compared_waits_with_it(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = Letters()
    panel.sites[COURT] = "active"
    panel.bad = {COURT, SHOP}
    lapse(app, COURT, monkeypatch)
    hold(app, SHOP)
    monkeypatch.setattr(delivery, "notice_lane", lambda _app, _lane: letters)

    run_daemons(app)
    assert [site for site, *_ in letters.sent if site == SHOP], "a hold is carried out and told"
    told_before = [site for site, *_ in letters.sent if site == COURT]

    panel.bad = set()
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(app, Recovery(app))

    assert panel.sites[COURT] == "suspended"
    told_since = [site for site, *_ in letters.sent if site == COURT]
    assert len(told_before) == 1, "of the violation"
    assert len(told_since) == 2


@pytest.mark.parametrize("decided", ["held", "closed"])
def test_what_a_person_holds_or_closes_waits_for_no_comparison_behind_what_a_clock_ordered(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, decided: str
) -> None:
    letters = Letters()
    panel.sites[COURT] = "active"
    panel.bad = {COURT}
    lapse(app, COURT, monkeypatch)
    monkeypatch.setattr(delivery, "notice_lane", lambda _app, _lane: letters)
    run_daemons(app)
    assert panel.sites[COURT] == "active"

    keep_down(app, COURT, decided)
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(app)

    assert panel.sites[COURT] == ("suspended" if decided == "held" else "closed")
    assert record(app)[COURT][0] == record(app)[COURT][1] == panel.sites[COURT]
    with app.reading() as connection:
        waiting = connection.execute(deliveries.select()).all()
    assert waiting == [], "nor do the letters"


@pytest.mark.parametrize("decided", ["held", "closed"])
def test_nor_behind_an_opening_that_waits(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, decided: str
) -> None:
    panel.sites[COURT] = "active"
    suspend(app, COURT, monkeypatch)
    deliver(app)
    panel.bad = {COURT}
    lose(app)
    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(app, COURT)
    run_daemons(app)
    assert panel.sites[COURT] == "suspended"

    keep_down(app, COURT, decided)
    panel.sites[COURT] = "opened by somebody else"
    for _round in range(2):
        advance_clock(monkeypatch, timedelta(seconds=30))
        run_daemons(app)

    assert panel.sites[COURT] == ("suspended" if decided == "held" else "closed")

    let_up(app, COURT, decided)
    panel.bad = set()
    advance_clock(monkeypatch, timedelta(seconds=30))
    run_daemons(app)

    assert panel.sites[COURT] == "active", "a person has it opened"


def test_what_was_compared_since_the_loss_waits_no_more_when_its_adapter_fails_later(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.sites |= {COURT: "active", SHOP: "suspended"}
    lose(app)
    run_daemons(app)
    assert not is_proved(app)
    panel.bad = {COURT, SHOP}

    suspend(app, COURT, monkeypatch)
    suspend(app, SHOP, monkeypatch)
    run_daemons(app)

    assert panel.sites[COURT] == "suspended"
    assert record(app)[SHOP] == ("suspended", "suspended")
    assert said(app) is None

    advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
    elapse(app, COURT)
    elapse(app, SHOP)
    run_daemons(app)

    assert panel.sites[COURT] == "active"
    assert panel.sites[SHOP] == "suspended", "it was left down"
    assert left_down_sites(app) == [SHOP]


@pytest.mark.parametrize("fails", [False, True])
def test_one_of_an_order_that_was_carried_out_or_given_up_before_the_loss_waits_for_nothing(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    panel.sites[COURT], panel.fails = "active", fails
    suspend(app, COURT, monkeypatch)
    with monkeypatch.context() as broken:
        broken.setattr(delivery, "notice_lane", lambda _app, _lane: Busy())
        deliver(app)
    assert panel.sites[COURT] == ("active" if fails else "suspended")
    panel.bad = {COURT}
    lose(app)
    letters = Letters()
    monkeypatch.setattr(delivery, "notice_lane", lambda _app, _lane: letters)
    advance_clock(monkeypatch, timedelta(minutes=10))

    deliver(app)

    assert [site for site, *_ in letters.sent].count(COURT) == 2


class Busy(Letters):
    """A channel that takes nothing now."""

    def deliver(self, order: Order) -> Outcome:  # noqa: ARG002 - whatever it is
        return Retry(problem="busy")


def test_of_a_doubt_of_another_nobody_proves_what_they_have_not_asked_about(
    app: App, panel: Panel
) -> None:
    """The panel answers one daemon, and then none."""
    panel.sites = {COURT: "active", SHOP: "active", HELD: "suspended"}
    lose(app, ANOTHER_SERVER)
    one = Recovery(app)
    one.recover()
    assert is_proved(app)
    panel.bad = {SHOP}
    with writing(app.engine) as connection:
        lineage.doubt(connection, standing(app).epoch, clock.now())

    one.recover()
    assert not is_proved(app)
    panel.asked.clear()
    one.recover()

    assert SHOP in panel.asked
    assert not is_proved(app)


def test_what_could_not_be_compared_with_an_epoch_is_nothing_to_the_next(app: App) -> None:
    lose(app)
    comparison.record_failures(app.engine, {SHOP: WHY})
    assert kept(app) == {SHOP: WHY}

    lose(app)

    assert kept(app) == {}


def test_people_are_told_while_others_are_still_asked_about(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "_PUBLISH_EVERY_S", 0.0)
    panel.bad = {COURT, SHOP, HELD}
    lose(app)
    found = comparison.compare_sites(
        app.engine, app.desk, app.reading, by=DAEMON, login=None, opens=False
    )

    first = next(found)

    assert kept(app) == {first.site: WHY}


def test_a_database_that_fails_at_the_first_question_is_told_as_such(app: App) -> None:
    broken = Mock(side_effect=DatabaseError("it does not answer"))
    found = comparison.compare_sites(app.engine, app.desk, broken, by=DAEMON, login=None)

    with pytest.raises(DatabaseError, match="it does not answer"):
        list(found)
