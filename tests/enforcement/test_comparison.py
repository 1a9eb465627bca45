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
from incidents.desk.own_stream import By
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
from incidents.errors import ActRefusedError
from incidents.machine import commands as c
from incidents.store import deliveries
from incidents.store.cases import sites
from incidents.store.lineage import MAY_BE_LOST_FOR
from tests.enforcement.left_rig import Panel, is_proved, rounds
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
def house(tmp_path: Path, panel: Panel) -> Iterator[App]:
    """Of six sites the last one is held; in the world it is up, for what is lost. Its epoch has
    begun, and nothing was compared: nobody can be asked."""
    panel.mute = True
    with desk(tmp_path) as house:
        for name in NAMES:
            give(house, name, c.AddSite(by="operator-1"))
        hold(house, LAST)
        carry_out(house)
    with losing(tmp_path) as house:
        lift(house, LAST)
        carry_out(house)
    with desk(tmp_path) as house:
        deliver(house)
        assert panel.sites[LAST] == "active"
        panel.asked.clear()
        yield house


def verdicts(house: App) -> dict[str, str]:
    compared = comparison.compare_sites(
        house.engine, house.desk, house.reading, by="sre-1", login=None
    )
    return {each.site: each.verdict for each in compared}


def test_an_error_at_one_site_holds_up_no_other_and_is_tried_again(
    house: App, panel: Panel
) -> None:
    panel.mute, panel.bad = False, {NAMES[0]}
    duty = Recovery(house)
    rounds(house, duty)
    assert panel.sites[LAST] == "suspended"
    assert set(panel.asked) == set(NAMES)
    assert not is_proved(house), "nobody knows of the one"
    asked = panel.asked.count(NAMES[1])

    panel.bad = set()
    duty.recover()
    deliver(house)
    duty.recover()

    assert is_proved(house)
    assert panel.asked.count(NAMES[1]) == asked, "what was found to agree is not asked about again"


def test_whoever_may_not_compare_is_told_so_once_and_not_for_each_site(
    house: App, panel: Panel
) -> None:
    by = By(person="admin-1", login=None)
    house.desk.on_record(
        lambda connection: accounts.make(connection, by, "admin-1", "administrator", clock.now)
    )

    with pytest.raises(
        ActRefusedError, match="only a supervisor may check actual state; sre-1 is not one"
    ):
        verdicts(house)

    assert not is_proved(house)


def test_sites_that_are_down_come_first(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "MAX_CONCURRENT", 1)
    verdicts(house)
    assert panel.asked == [LAST, *NAMES[:-1]]


def test_what_was_ordered_again_is_proved_when_it_was_carried_out(house: App, panel: Panel) -> None:
    assert set(verdicts(house).values()) == {"ordered_again"}
    assert not is_proved(house)
    assert set(verdicts(house).values()) == {"waits"}
    assert not is_proved(house)

    deliver(house)

    assert set(verdicts(house).values()) == {"cannot_be_asked"}
    assert is_proved(house)
    assert panel.sites[LAST] == "suspended"


def test_what_is_not_as_it_was_ordered_in_the_end_is_not_proved(house: App, panel: Panel) -> None:
    panel.mute, panel.fails = False, True
    duty = Recovery(house)
    rounds(house, duty)
    assert record(house)[LAST] == ("suspended", "active")
    assert not is_proved(house)

    panel.fails = False
    [order] = dead(house)
    give(house, LAST, c.RetryOrder(by="sre-1", order=order, lane="act"))
    deliver(house)
    duty.recover()

    assert is_proved(house)
    assert panel.sites[LAST] == "suspended"


def dead(house: App) -> list[int]:
    with house.reading() as connection:
        row = sites.named(connection, LAST)
        return [order for _site, order in deliveries.dead_letters(connection, [row["id"]])]


@pytest.mark.parametrize("days", [0, 31])
def test_for_thirty_days_a_site_that_is_added_after_a_loss_is_asked_about(
    house: App, panel: Panel, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """It may be one that the record has lost, and is down for what nobody knows any more."""
    panel.mute = False
    duty = Recovery(house)
    rounds(house, duty)
    assert is_proved(house)
    panel.asked.clear()
    since = standing(house).resumed_at
    assert since is not None
    assert timedelta(days=30) == MAY_BE_LOST_FOR
    monkeypatch.setattr(clock, "source", lambda: datetime.now(UTC) + timedelta(days=days))
    panel.sites |= {"strange.example": "suspended", "new.example": "active"}
    for name in ("strange.example", "new.example"):
        give(house, name, c.AddSite(by="operator-1"))

    rounds(house, duty)

    assert ("new.example" in panel.asked) is (days == 0)
    seen = "suspended" if days == 0 else "active"
    assert record(house)["strange.example"] == ("active", seen)


def test_a_site_that_is_added_after_a_loss_and_is_up_is_asked_about_once(
    house: App, panel: Panel
) -> None:
    """It stays without an order, for as long as it may be one that the record has lost."""
    panel.mute = False
    duty = Recovery(house)
    rounds(house, duty)
    panel.asked.clear()

    for name in ("new-1.example", "new-2.example"):
        give(house, name, c.AddSite(by="operator-1"))
        for _round in range(2):
            duty.recover()
            deliver(house)

    assert panel.asked == ["new-1.example", "new-2.example"]


def test_a_comparison_that_ends_after_the_next_loss_proves_nothing_of_it(house: App) -> None:
    epoch = standing(house).epoch
    house.desk.on_record(
        lambda connection: resumption.resume(connection, Resumption(cause=ENTRIES_LOST), clock.now)
    )

    comparison.prove(house.engine, epoch)

    assert not is_proved(house)


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
    with desk(tmp_path) as house:
        for name in (NAMES[0], LAST):
            give(house, name, c.AddSite(by="operator-1"))
        carry_out(house)
    with losing(tmp_path) as house:
        hold(house, LAST)
        carry_out(house)

    with desk(tmp_path) as house:
        carry_out(house)

        assert (web.state(NAMES[0]), web.state(LAST)) == ("active", "suspended")
        assert record(house) == {NAMES[0]: ("active", "active"), LAST: ("active", "suspended")}
        assert not is_proved(house)

        go_on(house, tmp_path)

        assert web.state(LAST) == "active"
        assert is_proved(house)


def test_a_server_takes_what_waited_at_the_loss_for_newer_than_all_before(
    tmp_path: Path, web: Nginx
) -> None:
    """Also where the recovery comes before the delivery."""
    with desk(tmp_path) as house:
        give(house, LAST, c.AddSite(by="operator-1"))
        carry_out(house)
        hold(house, LAST)
    with losing(tmp_path) as house:
        carry_out(house)
        lift(house, LAST)
        carry_out(house)
    assert web.state(LAST) in (None, "active")

    with desk(tmp_path) as house:
        mark = mark_path(tmp_path / "audit.key")
        assert Continuity(house.engine, house.desk, mark, clock.now).check() is not None
        duty = Recovery(house)
        rounds(house, duty)
        duty.recover()

        assert web.state(LAST) == "suspended"
        assert record(house)[LAST] == ("suspended", "suspended")
        assert is_proved(house)


def test_the_daemons_log_names_the_first_sites_that_are_left_down_and_taken_down_again(
    tmp_path: Path, panel: Panel, capsys: pytest.CaptureFixture[str]
) -> None:
    panel.mute = False
    many = [f"shop-{n:02}.example" for n in range(22)]
    with desk(tmp_path) as house:
        for name in [*many, LAST]:
            give(house, name, c.AddSite(by="operator-1"))
        hold(house, LAST)
        carry_out(house)
    with losing(tmp_path) as house:
        for name in many:
            hold(house, name)
        lift(house, LAST)
        carry_out(house)
    capsys.readouterr()

    with desk(tmp_path) as house:
        carry_out(house)

    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    first = next(each for each in told if each["event"].startswith("sites were compared"))
    assert (first["left_down"], first["left_down_more"]) == (many[:20], 2)
    assert first["taken_down"] == [LAST]
    assert "taken_down_more" not in first
    assert "withheld" not in first
