"""The recovery: nothing but a world that agrees ends it, and no site holds up another."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incidents import clock
from incidents.app import App
from incidents.daemon.recovery_duty import Recovery
from incidents.desk import accounts, resumption
from incidents.desk.own_stream import Actor
from incidents.desk.resumption import ENTRIES_LOST, Resumption
from incidents.enforcement import comparison, routing
from incidents.enforcement.continuity import Continuity
from incidents.enforcement.mark import mark_path
from incidents.enforcement.nginx import folder as page
from incidents.enforcement.nginx.adapter import Nginx
from incidents.enforcement.nginx.folder import Folder
from incidents.enforcement.nginx.map import HostNames
from incidents.enforcement.nginx.server import Layout, Server
from incidents.enforcement.routing import Routing
from incidents.errors import ActionRefusedError
from incidents.machine import commands as c
from incidents.store import deliveries
from incidents.store.cases import sites
from incidents.store.log.lineage import MAY_BE_LOST_FOR
from tests.enforcement.left_rig import Panel, is_proved, run_daemons
from tests.enforcement.lost_rig import (
    carry_out,
    deliver,
    desk,
    give,
    go_on,
    hold,
    lift,
    losing,
    record,
    standing,
)

NAMES = [f"site-{n}.example" for n in range(6)]
LAST = NAMES[-1]


@pytest.fixture
def app(tmp_path: Path, panel: Panel) -> Iterator[App]:
    """Of six sites the last one is held; in the world it is up, for what is lost. Its epoch has
    begun, and nothing was compared: nobody can be asked."""
    panel.mute = True
    with desk(tmp_path) as app:
        for name in NAMES:
            give(app, name, c.AddSite(by="operator-1"))
        hold(app, LAST)
        carry_out(app)
    with losing(tmp_path) as app:
        lift(app, LAST)
        carry_out(app)
    with desk(tmp_path) as app:
        deliver(app)
        assert panel.sites[LAST] == "active"
        panel.asked.clear()
        yield app


def verdicts(app: App) -> dict[str, str]:
    compared = comparison.compare_sites(app.engine, app.desk, app.reading, by="sre-1", login=None)
    return {each.site: each.verdict for each in compared}


def test_an_error_at_one_site_holds_up_no_other_and_is_tried_again(app: App, panel: Panel) -> None:
    panel.mute, panel.bad = False, {NAMES[0]}
    duty = Recovery(app)
    run_daemons(app, duty)
    assert panel.sites[LAST] == "suspended"
    assert set(panel.asked) == set(NAMES)
    assert not is_proved(app), "nobody knows of the one"
    asked = panel.asked.count(NAMES[1])

    panel.bad = set()
    duty.recover()
    deliver(app)
    duty.recover()

    assert is_proved(app)
    assert panel.asked.count(NAMES[1]) == asked, "what was found to agree is not asked about again"


def test_whoever_may_not_compare_is_told_so_once_and_not_for_each_site(
    app: App, panel: Panel
) -> None:
    by = Actor(person="admin-1", login=None)
    app.desk.on_record(
        lambda connection: accounts.make(connection, by, "admin-1", "administrator", clock.now)
    )

    with pytest.raises(
        ActionRefusedError,
        match="only a supervisor can check actual states; sre-1 is not a supervisor",
    ):
        verdicts(app)

    assert not is_proved(app)


def test_sites_that_are_down_come_first(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "MAX_CONCURRENT", 1)
    verdicts(app)
    assert panel.asked == [LAST, *NAMES[:-1]]


def test_what_was_ordered_again_is_proved_when_it_was_carried_out(app: App, panel: Panel) -> None:
    assert set(verdicts(app).values()) == {"ordered_again"}
    assert not is_proved(app)
    assert set(verdicts(app).values()) == {"waits"}
    assert not is_proved(app)

    deliver(app)

    assert set(verdicts(app).values()) == {"cannot_be_asked"}
    assert is_proved(app)
    assert panel.sites[LAST] == "suspended"


def test_what_is_not_as_it_was_ordered_in_the_end_is_not_proved(app: App, panel: Panel) -> None:
    panel.mute, panel.fails = False, True
    duty = Recovery(app)
    run_daemons(app, duty)
    assert record(app)[LAST] == ("suspended", "active")
    assert not is_proved(app)

    panel.fails = False
    [order] = dead(app)
    give(app, LAST, c.RetryOrder(by="sre-1", order=order, lane="act"))
    deliver(app)
    duty.recover()

    assert is_proved(app)
    assert panel.sites[LAST] == "suspended"


def dead(app: App) -> list[int]:
    with app.reading() as connection:
        row = sites.named(connection, LAST)
        return [order for _site, order in deliveries.dead_letters(connection, [row["id"]])]


@pytest.mark.parametrize("days", [0, 31])
def test_for_thirty_days_a_site_that_is_added_after_a_loss_is_asked_about(
    app: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """It may be one that the record has lost, and is down for what nobody knows any more."""
    panel.mute = False
    duty = Recovery(app)
    run_daemons(app, duty)
    assert is_proved(app)
    panel.asked.clear()
    since = standing(app).resumed_at
    assert since is not None
    assert timedelta(days=30) == MAY_BE_LOST_FOR
    monkeypatch.setattr(clock, "source", lambda: datetime.now(UTC) + timedelta(days=days))
    panel.sites |= {"strange.example": "suspended", "new.example": "active"}
    for name in ("strange.example", "new.example"):
        give(app, name, c.AddSite(by="operator-1"))

    run_daemons(app, duty)

    assert ("new.example" in panel.asked) is (days == 0)
    seen = "suspended" if days == 0 else "active"
    assert record(app)["strange.example"] == ("active", seen)


def test_a_site_that_is_added_after_a_loss_and_is_up_is_asked_about_once(
    app: App, panel: Panel
) -> None:
    """It stays without an order, for as long as it may be one that the record has lost."""
    panel.mute = False
    duty = Recovery(app)
    run_daemons(app, duty)
    panel.asked.clear()

    for name in ("new-1.example", "new-2.example"):
        give(app, name, c.AddSite(by="operator-1"))
        for _round in range(2):
            duty.recover()
            deliver(app)

    assert panel.asked == ["new-1.example", "new-2.example"]


def test_a_comparison_that_ends_after_the_next_loss_proves_nothing_of_it(app: App) -> None:
    epoch = standing(app).epoch
    app.desk.on_record(
        lambda connection: resumption.resume(connection, Resumption(cause=ENTRIES_LOST), clock.now)
    )

    comparison.prove(app.engine, epoch)

    assert not is_proved(app)


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nginx:
    """An nginx whose file says how sites stand."""
    folder = tmp_path / "nginx"
    folder.mkdir()
    found = Nginx(
        "nginx", folder=Folder(folder),
        server=Server(test_command=("true",), reload_command=("true",), probe=None),
        layout=Layout(
            hosts=HostNames(www=False, aliases={}).of,
            pages={kind: page.page(kind, None) for kind in ("suspended", "closed")},
            zone=UTC, probe=None,
        ),
        timeout=timedelta(seconds=8),
    )  # fmt: skip
    monkeypatch.setattr(routing, "load", lambda: Routing(default=found))
    return found


def test_a_server_keeps_down_what_is_lost_until_a_person_goes_on(
    tmp_path: Path, web: Nginx
) -> None:
    with desk(tmp_path) as app:
        for name in (NAMES[0], LAST):
            give(app, name, c.AddSite(by="operator-1"))
        carry_out(app)
    with losing(tmp_path) as app:
        hold(app, LAST)
        carry_out(app)

    with desk(tmp_path) as app:
        carry_out(app)

        assert (web.state(NAMES[0]), web.state(LAST)) == ("active", "suspended")
        assert record(app) == {NAMES[0]: ("active", "active"), LAST: ("active", "suspended")}
        assert not is_proved(app)

        go_on(app, tmp_path)

        assert web.state(LAST) == "active"
        assert is_proved(app)


def test_a_server_takes_what_waited_at_the_loss_for_newer_than_all_before(
    tmp_path: Path, web: Nginx
) -> None:
    """Also where the recovery comes before the delivery."""
    with desk(tmp_path) as app:
        give(app, LAST, c.AddSite(by="operator-1"))
        carry_out(app)
        hold(app, LAST)
    with losing(tmp_path) as app:
        carry_out(app)
        lift(app, LAST)
        carry_out(app)
    assert web.state(LAST) in (None, "active")

    with desk(tmp_path) as app:
        mark = mark_path(tmp_path / "audit.key")
        assert Continuity(app.engine, app.desk, mark, clock.now).check() is not None
        duty = Recovery(app)
        run_daemons(app, duty)
        duty.recover()

        assert web.state(LAST) == "suspended"
        assert record(app)[LAST] == ("suspended", "suspended")
        assert is_proved(app)


def test_the_daemons_log_names_the_first_sites_that_are_left_down_and_taken_down_again(
    tmp_path: Path, panel: Panel, capsys: pytest.CaptureFixture[str]
) -> None:
    panel.mute = False
    many = [f"shop-{n:02}.example" for n in range(22)]
    with desk(tmp_path) as app:
        for name in [*many, LAST]:
            give(app, name, c.AddSite(by="operator-1"))
        hold(app, LAST)
        carry_out(app)
    with losing(tmp_path) as app:
        for name in many:
            hold(app, name)
        lift(app, LAST)
        carry_out(app)
    capsys.readouterr()

    with desk(tmp_path) as app:
        carry_out(app)

    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    first = next(each for each in told if each["event"].startswith("sites were compared"))
    assert (first["left_down"], first["left_down_more"]) == (many[:20], 2)
    assert first["taken_down"] == [LAST]
    assert "taken_down_more" not in first
    assert "withheld" not in first
