"""An order to open a site that a loss has left down: whoever has it in hand, and however often."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from incidents.app import App
from incidents.daemon.delivery import Delivery
from incidents.daemon.recovery_duty import Recovery
from incidents.enforcement import waiting
from incidents.enforcement.outcomes import Outcomes
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.store.database.engine import writing
from incidents.store.leases import Claimed
from incidents.store.schema.desk_tables import entries
from tests.enforcement.left_rig import (
    COURT,
    HELD,
    Panel,
    advance_clock,
    elapse,
    left_down_app,
    left_down_sites,
    lose,
    recover,
    run_daemons,
    suspend,
)
from tests.enforcement.lost_rig import deliver, lift, record

pytestmark = pytest.mark.both_databases

LEASE = timedelta(seconds=40)


@pytest.fixture
def app(db_url: str, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """The hours of a site that was left down, and suspended then, are over."""
    with left_down_app(db_url, panel) as found:
        lose(found)
        run_daemons(found)
        suspend(found, COURT, monkeypatch)
        run_daemons(found)
        advance_clock(monkeypatch, timedelta(hours=12, seconds=1))
        elapse(found, COURT)
        yield found


def test_a_person_who_goes_on_while_it_waits_opens_it_by_no_order_of_a_clock(
    app: App, panel: Panel
) -> None:
    assert left_down_sites(app) == [COURT]

    recover(app)
    run_daemons(app)

    assert panel.sites[COURT] == "suspended"
    assert left_down_sites(app) == [COURT]

    recover(app)
    run_daemons(app)

    assert panel.sites[COURT] == "active"


def fail(*_: object) -> None:
    raise DatabaseError(problem="the server is gone")


def of_another(claimed: Claimed) -> c.CancelOrder:
    return replace(_CANCELLING(claimed), order=999)


_CANCELLING = waiting.cancelling_left_down


@pytest.mark.parametrize(
    ("where", "name", "trouble"),
    [
        (waiting, "left_down", fail),
        (Outcomes, "postpone", fail),
        (waiting, "cancelling_left_down", fail),
        (waiting, "cancelling_left_down", of_another),
    ],
    ids=["it dies before it asks", "before it lets go", "before it is on record", "it is refused"],
)
def test_a_daemon_that_could_not_put_it_on_record_has_not_opened_it(
    app: App,
    panel: Panel,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    name: str,
    trouble: Callable[..., object],
) -> None:
    with monkeypatch.context() as once:
        once.setattr(where, name, trouble)
        first = Delivery(app, decided=lambda _: None)
        first.run()
        first.close()
    assert panel.sites[COURT] == "suspended"

    advance_clock(monkeypatch, LEASE)
    deliver(app)
    run_daemons(app, Recovery(app))

    assert panel.sites[COURT] == "suspended"
    assert record(app)[COURT] == ("active", "suspended")
    assert left_down_sites(app) == [COURT]


def test_two_daemons_of_which_one_stalls_do_not_open_it(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = waiting.left_down

    def stall(*asked: object) -> object:
        monkeypatch.setattr(waiting, "left_down", ask)
        found = ask(*asked)  # type: ignore[arg-type]
        advance_clock(monkeypatch, LEASE)
        deliver(app)
        return found

    monkeypatch.setattr(waiting, "left_down", stall)
    deliver(app)

    assert panel.sites[COURT] == "suspended"
    assert record(app)[COURT][0] == "active"
    run_daemons(app, Recovery(app))
    assert left_down_sites(app) == [COURT]


def test_a_site_whose_entries_cannot_be_read_is_left_down_alone(
    app: App, panel: Panel, capsys: pytest.CaptureFixture[str]
) -> None:
    lift(app, HELD)
    of = entries.c
    broken = update(entries).where(of.body.contains('"kind":"site_suspended"'))
    with writing(app.engine) as connection:
        connection.execute(broken.values(body=of.body + "?"))

    run_daemons(app, Recovery(app))

    assert panel.sites[COURT] == "suspended"
    assert panel.sites[HELD] == "active"
    assert "the entries of a site cannot be read" in capsys.readouterr().err
