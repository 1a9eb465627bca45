"""What people are told and asked at the command line, before they open what a loss left down."""

from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents import clock as clocks
from incidents.app import App
from incidents.desk import resumption
from incidents.desk.resumption import ENTRIES_LOST, Resumption
from incidents.enforcement import routing
from incidents.enforcement.routing import Routing
from incidents.settings import sources
from incidents.store.database.engine import writing
from incidents.store.log import lineage
from tests.cli.conftest import Cli
from tests.enforcement.left_rig import Panel

COURT, FALSE, SHOP = NAMES = ("court.example", "false.example", "shop.example")


@pytest.fixture
def panel(
    monkeypatch: pytest.MonkeyPatch, cli: Cli, sqlite_url: str, clock: FrozenDateTimeFactory
) -> Panel:
    """Of three sites one was suspended and one was closed by what the record has lost."""
    found = Panel()
    monkeypatch.setattr(routing, "load", lambda: Routing(default=found))
    monkeypatch.setenv("INCIDENTS_DB", sqlite_url)
    for name in NAMES:
        assert cli("site", "add", name).status == 0
    found.sites = {COURT: "suspended", FALSE: "closed"}
    lose(sqlite_url)
    clock.tick(timedelta(seconds=1))
    assert cli("daemon", "--once").status == 0
    return found


def lose(url: str) -> None:
    app = App(sources.load(db=url))
    why = Resumption(cause=ENTRIES_LOST)
    app.desk.on_record(lambda connection: resumption.resume(connection, why, clocks.now))
    app.close()


def test_a_repair_opens_what_was_left_down_by_its_name_alone(cli: Cli, panel: Panel) -> None:
    looked = cli("acts", "reconcile", "--json")
    repaired = cli("acts", "reconcile", "--repair")
    cli("daemon", "--once")

    assert [each["verdict"] for each in looked.json] == ["left_down"] * 2
    assert repaired.status == 5
    assert repaired.out.count("LEFT DOWN") == 2
    assert "Then: incidents orders reconcile SITE --repair" in repaired.err
    assert panel.sites[COURT] == "suspended"

    assert cli("acts", "reconcile", COURT, "--repair").status == 0
    cli("daemon", "--once")

    assert panel.sites == {COURT: "active", FALSE: "closed"}


def test_a_struck_case_says_that_it_does_not_open_what_a_loss_left_down(
    cli: Cli, panel: Panel, clock: FrozenDateTimeFactory
) -> None:
    cli("log", COURT)
    clock.tick(timedelta(hours=1, minutes=1))
    cli("daemon", "--once")
    shown = cli("site", "show", COURT)

    voided = cli("void", "1-1", "--reason", "no violation")
    cli("daemon", "--once")

    assert "may have left the site down; it stays down until a person decides" in shown.out
    assert (
        "lost records might have left court.example down, so it stays down until a person decides"
        in (voided.out)
    )
    assert "next: incidents site why court.example" in voided.out
    assert "is open again" not in voided.out
    assert panel.sites[COURT] == "suspended"


def test_a_hold_says_that_nothing_is_carried_out(cli: Cli, panel: Panel, sqlite_url: str) -> None:
    app = App(sources.load(db=sqlite_url))
    with writing(app.engine) as connection:
        lineage.halt(connection, clocks.now(), lineage.LOST_AGAIN)
    app.close()

    up = cli("site", "hold", SHOP, "--reason", "court order")
    down = cli("site", "hold", COURT, "--reason", "court order")

    assert up.out.splitlines()[1] == (
        "NOT DOWN YET: no orders are being carried out. See: incidents daemon status. If"
        " shop.example cannot wait, take it down by hand"
    )
    assert "NOT DOWN YET" not in down.out


def test_a_hold_says_that_no_daemon_carries_it_out(cli: Cli, clock: FrozenDateTimeFactory) -> None:
    def hold(site: str) -> str:
        cli("site", "add", site)
        return cli("site", "hold", site, "--reason", "court order").out

    assert "NOT DOWN YET" in hold("never.example")
    cli("daemon", "--once")
    assert "NOT DOWN YET" not in hold("cron.example"), "cron starts the next one"
    clock.tick(timedelta(minutes=11))
    assert "NOT DOWN YET" in hold("stopped.example")


def test_a_site_that_cannot_be_asked_is_shown_as_unknown(cli: Cli, panel: Panel) -> None:
    panel.mute = True
    cli("site", "add", "new.example")
    cli("daemon", "--once")

    shown = cli("site", "show", "new.example").out

    assert "the actual state cannot be checked" in shown
    assert "left down" not in shown


def test_a_recovery_shows_before_what_it_would_open_and_does_nothing(
    cli: Cli, panel: Panel
) -> None:
    seen = dict(panel.seen)
    people = cli("recover", "--reason", "the disk is gone", "--dry-run")
    programs = cli("recover", "--reason", "the disk is gone", "--dry-run", "--json")

    assert people.status == programs.status == 0
    assert people.out.splitlines()[:2] == [
        "This opens 2 sites that are down: court.example (suspended), false.example (closed)",
        (
            "Actually closed: 1. If a rule closed a site, record the reason instead:"
            " incidents log, refused, or site false-info"
        ),
    ]
    assert "it would begin a new epoch, with higher order numbers" in people.out
    assert "new key" not in people.out
    assert programs.json == {
        "new_key": False, "signed": None, "sites": {"agrees": 1, "ordered_again": 2},
        "opened": [COURT, FALSE], "closed": [FALSE], "taken_down": [], "uncompared": [],
    }  # fmt: skip
    cli("daemon", "--once")
    assert panel.sites == {COURT: "suspended", FALSE: "closed"}
    assert panel.seen == seen
    assert "THE RECORD LOST ITS LATEST ENTRIES" in cli("queue").err


def test_it_names_before_and_after_what_could_not_be_compared_and_people_are_told_until_it_is(
    cli: Cli, panel: Panel
) -> None:
    panel.bad = set(NAMES)
    line = ("recover", "--reason", "the disk is gone")
    why = "panel: adapter fault: OSError"
    told = (
        f"{', '.join(NAMES)} ({why}). Until the sites are checked, no deadline suspends them,"
        " no order opens them, and their notices wait. Repair the adapter: a daemon retries"
        " at least every 30 seconds"
    )

    before = cli(*line, "--dry-run")
    programs = cli(*line, "--dry-run", "--json")
    after = cli(*line)
    cli("daemon", "--once")

    assert (before.status, programs.status, after.status) == (5, 5, 5)
    assert before.out.splitlines()[:2] == [
        f"3 sites could not be compared: {told}",
        "3 sites: 0 matching, 3 could not be compared",
    ]
    assert programs.json["sites"] == {"failed": 3}
    assert programs.json["uncompared"] == [{"site": each, "problem": why} for each in NAMES]
    assert before.out.splitlines()[0] in after.out.splitlines()
    now = f"SITES WHOSE ACTUAL STATE IS NOT CHECKED: 3, since 0 s ago: {told}"
    assert now in cli("queue").err
    assert now in cli("daemon", "status").out

    panel.bad = set()
    cli("daemon", "--once")

    assert "NOT CHECKED" not in cli("queue").err
    assert panel.sites == {COURT: "suspended", FALSE: "closed"}


@pytest.mark.parametrize(("typed", "status"), [("", 4), ("1\n", 4), ("2\n", 0)])
def test_on_a_terminal_a_recovery_asks_for_the_number_of_sites_that_it_opens(
    cli: Cli, panel: Panel, typed: str, status: int
) -> None:
    answer = cli("recover", "--reason", "the disk is gone", typed=typed, asked=True)

    assert answer.status == status
    assert "false.example (closed)" in answer.err
    assert "Type the number of sites, 2, to confirm: " in answer.err
    cli("daemon", "--once")
    assert (panel.sites[FALSE] == "active") is (status == 0)


def test_a_recovery_names_also_what_an_order_that_waits_will_open(cli: Cli, panel: Panel) -> None:
    """What is lost may have cancelled that order."""
    cli("site", "hold", SHOP, "--reason", "an order")
    cli("daemon", "--once")
    cli("site", "unhold", SHOP, "--reason", "lifted")

    foretold = cli("recover", "--reason", "the disk is gone", "--dry-run")
    wrong = cli("recover", "--reason", "the disk is gone", "--confirm", "2")

    assert "This opens 2 sites that are down: court.example (suspended)" in foretold.out
    assert "An order to open 1 site is waiting: shop.example." in foretold.out
    assert wrong.status == 4
    assert "opening 3 sites was not confirmed" in wrong.err


def test_a_recovery_names_also_what_a_suspension_that_is_over_will_open(
    cli: Cli, panel: Panel, clock: FrozenDateTimeFactory
) -> None:
    """What is lost may have held that site down for longer."""
    cli("log", SHOP)
    clock.tick(timedelta(hours=1, minutes=1))
    cli("daemon", "--once")
    assert panel.sites[SHOP] == "suspended"
    clock.tick(timedelta(hours=12, minutes=1))

    foretold = cli("recover", "--reason", "the disk is gone", "--dry-run")
    wrong = cli("recover", "--reason", "the disk is gone", "--confirm", "2")
    right = cli("recover", "--reason", "the disk is gone", "--confirm", "3")

    assert "An order to open 1 site is waiting: shop.example." in foretold.out
    assert "opening 3 sites was not confirmed" in wrong.err
    assert right.status == 0
    assert "changed meanwhile" not in foretold.out + right.out


def test_a_script_confirms_the_number_in_advance(cli: Cli, panel: Panel) -> None:
    wrong = cli("recover", "--reason", "the disk is gone", "--confirm", "3")
    assert wrong.status == 4
    assert "opening 2 sites was not confirmed" in wrong.err
    assert "--confirm says '3'; write --confirm 2" in wrong.err
    right = cli("recover", "--reason", "the disk is gone", "--confirm", "2")
    assert right.status == 0
    assert "no notice goes to the customers of these sites: inform them yourself" in right.err


def test_on_a_terminal_the_name_of_a_site_that_a_repair_opens_is_asked_for(
    cli: Cli, panel: Panel
) -> None:
    line = ("acts", "reconcile", FALSE, "--repair")

    refused = cli(*line, typed="court.example\n", asked=True)
    cli("daemon", "--once")
    assert refused.status == 4
    assert "This opens 1 site that is down: false.example (closed)" in refused.err
    assert panel.sites[FALSE] == "closed"

    assert cli(*line, "--confirm", FALSE).status == 0
    cli("daemon", "--once")
    assert panel.sites[FALSE] == "active"


def test_a_repair_of_what_no_loss_left_down_asks_nobody(cli: Cli, panel: Panel) -> None:
    assert cli("recover", "--reason", "the disk is gone").status == 0
    cli("daemon", "--once")
    panel.sites[SHOP] = "suspended"

    assert cli("acts", "reconcile", SHOP, "--repair", typed="", asked=True).status == 0


# ── Closed in the world by what is lost


def test_the_lift_of_a_hold_says_that_a_closed_site_stays_so_and_what_to_do(
    cli: Cli, panel: Panel
) -> None:
    cli("site", "hold", FALSE, "--reason", "court order")
    cli("daemon", "--once")
    shown, why = cli("site", "show", FALSE).out, cli("site", "why", FALSE).out
    would = cli("site", "unhold", FALSE, "--reason", "the court says so", "--dry-run").out
    lifted = cli("site", "unhold", FALSE, "--reason", "the court says so").out
    cli("daemon", "--once")

    said = (
        "Hold on false.example lifted; false.example is actually closed and the reason might have"
        " been lost, so false.example stays closed. Record the reason again; or, once"
        " false.example is not suspended, check the actual state and repeat the order to reopen"
        " false.example"
    )
    fit = "next: incidents orders reconcile false.example --repair  # with accounts, a supervisor"
    assert lifted.splitlines()[0] == said
    assert lifted.splitlines()[-1] == fit
    assert "next: incidents orders reconcile" not in why
    assert "false-info" not in lifted + why
    assert would.splitlines()[0] == f"dry run: {said}"
    assert "the site is actually closed, and the reason may be lost. A person must decide" in shown
    assert (
        "The reason for closing false.example might have been lost, so false.example stays closed"
        in why
    )
    assert "lifting the hold does not open the site, because it is actually closed" in why
    assert panel.sites[FALSE] == "closed"
    assert "is open again" not in cli("site", "why", FALSE).out
    assert "closed: false.example" in cli("queue").err

    assert cli("acts", "reconcile", FALSE, "--repair").status == 0
    cli("daemon", "--once")

    assert panel.sites[FALSE] == "active"


def test_a_repair_orders_no_suspension_over_a_closure_and_says_so(cli: Cli, panel: Panel) -> None:
    cli("site", "hold", FALSE, "--reason", "court order")
    cli("daemon", "--once")

    repaired = cli("acts", "reconcile", FALSE, "--repair")

    assert repaired.status == 5
    assert "ordered again" not in repaired.out + repaired.err
    assert (
        "1 suspended on record but closed: no order sent, as the reason may be lost."
        " See: incidents site why SITE"
    ) in repaired.err
    assert "hold those" not in repaired.err.lower()
    cli("daemon", "--once")
    assert panel.sites[FALSE] == "closed"
