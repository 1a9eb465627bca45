"""What people are told and asked at the command line, before they open what a loss left down."""

from collections.abc import Iterator

import pytest

from incidents import clock, settings
from incidents.acts import routing
from incidents.acts.routing import Routing
from incidents.bootstrap import House
from incidents.desk import resumption
from incidents.desk.resumption import ENTRIES_LOST, Resumption
from tests.acts.left_rig import Panel
from tests.cli.conftest import Cli

COURT, FALSE, SHOP = NAMES = ("court.example", "false.example", "shop.example")


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch, cli: Cli, sqlite_url: str) -> Iterator[Panel]:
    """Of three sites one was suspended and one was closed by what the record has lost."""
    found = Panel()
    monkeypatch.setattr(routing, "load", lambda: Routing(default=found))
    monkeypatch.setenv("INCIDENTS_DB", sqlite_url)
    for name in NAMES:
        assert cli("site", "add", name).status == 0
    found.sites = {COURT: "suspended", FALSE: "closed"}
    lose(sqlite_url)
    assert cli("daemon", "--once").status == 0
    return found


def lose(url: str) -> None:
    house = House(settings.load(db=url))
    why = Resumption(cause=ENTRIES_LOST)
    house.desk.on_record(lambda connection: resumption.resume(connection, why, clock.now))
    house.close()


def test_a_repair_opens_what_was_left_down_by_its_name_alone(cli: Cli, panel: Panel) -> None:
    looked = cli("acts", "reconcile", "--json")
    repaired = cli("acts", "reconcile", "--repair")
    cli("daemon", "--once")

    assert [each["verdict"] for each in looked.json] == ["left_down"] * 2
    assert repaired.status == 5
    assert repaired.out.count("LEFT DOWN") == 2
    assert "incidents acts reconcile SITE --repair opens one" in repaired.err
    assert panel.sites[COURT] == "suspended"

    assert cli("acts", "reconcile", COURT, "--repair").status == 0
    cli("daemon", "--once")

    assert panel.sites == {COURT: "active", FALSE: "closed"}
