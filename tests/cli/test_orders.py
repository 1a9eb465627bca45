"""The orders on the command line: what is not carried out is seen, tried again, or cancelled."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.enforcement import routing
from incidents.enforcement.port import Delivered, Failed, Retry, State
from incidents.enforcement.verdict import VERDICTS
from incidents.locale.catalogue import phrases
from tests.cli.conftest import Cli, Result
from tests.conftest import WriteSettings
from tests.enforcement import dispatcher_rig
from tests.enforcement.dispatcher_rig import StubAdapter

DOWN = Retry(problem="http_503", detail="it is away")
FALSE = ("--field", "phone", "--evidence", "rings elsewhere")
GONE = Failed(problem="gone", detail="410 Gone")
Move = Callable[..., object]


@pytest.fixture
def panel(write_settings: WriteSettings, monkeypatch: pytest.MonkeyPatch) -> StubAdapter:
    """The adapter of all sites, as the settings name it."""
    write_settings('[acts]\nadapter = "panel"\n[acts.panel]\ntype = "told"\n')
    monkeypatch.setitem(routing.TYPES, "told", "tests.enforcement.dispatcher_rig")
    monkeypatch.setitem(dispatcher_rig.ADAPTERS, "panel", StubAdapter("panel"))
    return dispatcher_rig.ADAPTERS["panel"]


@pytest.fixture
def later(clock: FrozenDateTimeFactory) -> Move:
    return lambda **by: clock.tick(timedelta(**by))


def _suspended(cli: Cli, later: Move) -> Result:
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    later(hours=1, seconds=1)
    return cli("daemon", "--once")


def test_what_is_carried_out_is_in_force_and_nothing_is_listed(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    done = _suspended(cli, later)
    assert "NOTHING IS ENFORCED" not in done.err
    assert panel.kinds == ["suspend"]
    listed = cli("acts", "list", "--json").json
    assert [order["lane"] for order in listed] == ["notice", "notice"]
    assert [order["kind"] for order in listed] == ["notify", "suspend"]
    rows = [row.split("\t") for row in cli("acts", "list").out.splitlines()]
    assert [row[2] for row in rows] == [
        "notify customer (notify)", "notify customer (suspend)",
    ]  # fmt: skip
    told = cli("acts", "show", "1-o4.notice").out
    assert "order: notify customer (suspend) for shop.example (1-o4.notice)" in told
    assert cli("site", "show", "shop.example", "--json").json["in_force"] == "suspended"
    shown = cli("acts", "show", "1-o4")
    assert "state: delivered" in shown.out
    assert "Carried out by panel: shop.example is now suspended" in shown.out


def test_how_late_the_next_try_is(desk: Cli, later: Move) -> None:
    assert (
        "next: 2026-03-02 12:00 Asia/Shanghai (in 0 s)" in desk("orders", "show", "1-o2.notice").out
    )
    later(minutes=5)
    assert "next: 2026-03-02 12:00 (5 min late)\n" in desk("orders", "show", "1-o2.notice").out
    told = desk("orders", "show", "1-o2.notice", "--lang", "zh").out
    assert "下次尝试：2026-03-02 12:00（已晚于计划 5 分钟）\n" in told


def test_what_the_brake_holds_is_seen_and_released_or_cancelled_by_hand(
    cli: Cli, write_settings: WriteSettings, panel: StubAdapter
) -> None:
    write_settings(
        '[acts]\nadapter = "panel"\n[acts.panel]\ntype = "told"\n[acts.brake]\ncount = 1\n'
    )
    for site in ("a.example", "b.example", "c.example"):
        cli("site", "add", site)
        cli("site", "false-info", site, *FALSE, "--confirm", site)
    cli("daemon", "--once")
    assert [order.site for order in panel.got] == ["a.example"]
    queue = cli("queue").err
    assert "THE BRAKE IS ON: closures or suspensions waiting for a supervisor: 2, first" in queue
    assert "close b.example (2-o2). See: incidents orders list --braked" in queue
    rows = cli("acts", "list", "--braked", "--json").json
    assert {row["id"] for row in rows if row["lane"] == "act"} == {"2-o2", "3-o2"}
    assert {row["state"] for row in rows} == {"braked"}
    assert cli("acts", "list", "--dead", "--json").json == []
    for look in ("show", "why"):
        told = cli("site", look, "b.example").out
        assert "next: incidents orders release 2-o2  # with accounts, a supervisor" in told
        assert "brake" in told
    assert "HELD BY THE BRAKE: close b.example" in cli("acts", "show", "2-o2").out

    released = cli("acts", "release", "2-o2")
    assert released.status == 0
    assert "Retrying now: close b.example" in released.out
    assert "tried again" not in released.out + cli("acts", "show", "2-o2").out
    assert cli("acts", "cancel", "3-o2", "--reason", "a stolen token").status == 0
    cli("daemon", "--once")
    assert [order.site for order in panel.got] == ["a.example", "b.example"]
    assert "THE BRAKE" not in cli("queue").err
    why = cli("site", "why", "c.example").out
    assert "next: incidents orders reconcile c.example --repair --cancelled" in why
    assert "brake" not in why
    assert cli("acts", "list", "--braked").err == "the brake holds no orders\n"
    dead = cli("acts", "list", "--dead", "--site", "c.example")
    assert dead.err == "no dead letters for c.example\n"


def test_without_an_adapter_it_is_said_loudly_that_nothing_is_enforced(
    cli: Cli, later: Move
) -> None:
    done = _suspended(cli, later)
    assert "NOTHING IS ENFORCED: 1 order only logged" in done.err
    why = cli("site", "why", "shop.example").out
    assert "NOT IN FORCE: actual state active (ordered: suspended)" in why
    assert "The order was only logged. Set an adapter under [acts]" in why
    assert "Then: incidents orders reconcile shop.example --repair" in why
    # It would be in vain, as long as no adapter is set.
    assert "next: incidents orders reconcile" not in why
    assert "state: only logged, not enforced" in cli("acts", "show", "1-o4").out
    order = cli("acts", "show", "1-o4", "--json").json
    assert (order["state"], order["only_logged"]) == ("delivered", True)
    assert "ONLY LOGGED, NOT ENFORCED: suspend shop.example, ordered" in cli("queue").err
    assert "in force: active" in cli("site", "list").out


NAMES_ONE = '[{section}]\nchannels = ["mail"]\n'


@pytest.mark.parametrize(("lane", "section"), [("notice", "notices"), ("desk", "alarms")])
def test_what_waits_for_a_channel_that_is_not_set_says_which_setting_sets_one(
    cli: Cli, later: Move, write_settings: WriteSettings, lane: str, section: str
) -> None:
    cli("site", "add", "shop.example")
    for _ in range(3):
        cli("log", "shop.example", "--again", "--confirm", "shop.example")
    order = next(each["id"] for each in cli("acts", "list", "--json").json if each["lane"] == lane)
    missing = f"no channel is set ([{section}] channels)"

    def told() -> list[bool]:
        [row] = [row for row in cli("acts", "list").out.splitlines() if row.startswith(order)]
        return [missing in row, missing in cli("acts", "show", order).out]

    later(minutes=4, seconds=59)
    assert told() == [False, False], "a daemon that has one may be about to try it"
    later(seconds=1)
    assert told() == [True, True]
    assert cli("acts", "show", order, "--json").json["unset"] == f"[{section}] channels"
    write_settings(NAMES_ONE.format(section=section))
    assert told() == [False, False]


def test_what_is_ordered_again_without_an_adapter_still_differs(cli: Cli, later: Move) -> None:
    _suspended(cli, later)
    repaired = cli("acts", "reconcile", "shop.example", "--repair")
    assert repaired.status == 5
    assert "1 compared, 1 differ" in repaired.err
    assert "1 ordered again WITHOUT EFFECT: set an adapter under [acts]" in repaired.err
    assert repaired.out.endswith("ORDERED AGAIN WITHOUT EFFECT\n")


def test_an_adapter_that_is_set_later_takes_down_what_was_only_logged(
    cli: Cli, later: Move, request: pytest.FixtureRequest
) -> None:
    _suspended(cli, later)
    panel: StubAdapter = request.getfixturevalue("panel")
    assert cli("acts", "reconcile", "shop.example", "--repair").status == 0
    assert "ONLY LOGGED" not in cli("queue").err
    cli("daemon", "--once")
    assert panel.kinds == ["suspend"]
    assert "NOT IN FORCE" not in cli("site", "why", "shop.example").out
    assert "ONLY LOGGED" not in cli("queue").err


def test_what_fails_is_listed_with_the_reason_and_the_next_attempt(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    panel.outcome = DOWN
    done = _suspended(cli, later)
    assert "1 order not carried out. See: incidents orders list" in done.err
    [order] = cli("acts", "list", "--site", "shop.example", "--json").json[:1]
    assert (order["id"], order["state"], order["attempts"]) == ("1-o4", "waiting", 1)
    assert (order["problem"], order["detail"]) == ("http_503", "it is away")
    why = cli("site", "why", "shop.example").out
    assert "See the orders for shop.example." in why
    assert "next: incidents orders list --site shop.example" in why
    shown = cli("acts", "show", "1-o4").out
    assert "http_503: it is away" in shown
    assert "(0 s ago)" in shown
    assert "overdue" not in shown
    assert "What happened" not in shown


def test_a_dead_letter_is_a_red_line_in_the_queue_until_it_is_tried_again(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    panel.outcome = GONE
    _suspended(cli, later)
    told = cli("queue").err
    assert "DEAD LETTERS: 1, first suspend shop.example (1-o4, recipient no longer exists)" in told
    assert "incidents orders list --dead" in told
    assert cli("acts", "list", "--dead", "-q").out == "1-o4\n"
    assert cli("site", "show", "shop.example", "--json").json["in_force"] == "unknown"
    panel.outcome = Delivered()
    again = cli("acts", "retry", "1-o4")
    assert again.status == 0
    assert "Retrying now: suspend shop.example" in again.out
    cli("daemon", "--once")
    assert "DEAD LETTERS" not in cli("queue").err
    assert cli("site", "show", "shop.example", "--json").json["in_force"] == "suspended"
    assert cli("audit", "replay").status == 0


def test_only_what_is_still_ordered_can_be_tried_again(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    panel.outcomes = {"suspend": GONE}
    _suspended(cli, later)
    cli("void", "1-1", "--reason", "slip")
    refused = cli("acts", "retry", "1-o4", "--json")
    assert (refused.status, refused.refused["name"]) == (3, "overtaken")


def test_a_dead_letter_is_done_with_when_what_was_ordered_after_it_is_carried_out(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    panel.outcomes = {"suspend": GONE}
    _suspended(cli, later)
    cli("void", "1-1", "--reason", "slip")
    assert "DEAD LETTERS" in cli("queue").err
    cli("daemon", "--once")
    assert panel.kinds == ["suspend", "reopen"]
    assert "DEAD LETTERS" not in cli("queue").err
    shown = cli("acts", "show", "1-o4").out
    assert "suspend shop.example (a later order was carried out)" in shown
    assert cli("site", "show", "shop.example", "--json").json["in_force"] == "active"
    assert cli("audit", "replay").status == 0
    assert cli("audit", "verify").status == 0


def test_an_order_is_cancelled_with_a_reason_and_the_decision_stands(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    panel.outcome = DOWN
    _suspended(cli, later)
    done = cli("acts", "cancel", "1-o4", "--reason", "the server was given back")
    assert done.status == 0
    assert "Not carried out: suspend shop.example (cancelled by hand)" in done.out
    site = cli("site", "show", "shop.example", "--json").json
    assert (site["state"], site["in_force"]) == ("suspended", "unknown")
    assert "the server was given back" in cli("acts", "show", "1-o4").out


@pytest.mark.parametrize("given", ["1-4", "1-o", "x", "1-o4.", "o4"])
def test_what_is_no_order_is_refused_with_how_one_looks(cli: Cli, given: str) -> None:
    for act in (("show",), ("retry",), ("cancel", "--reason", "r")):
        refused = cli("acts", act[0], given, *act[1:], "--json")
        assert (refused.status, refused.refused["name"]) == (3, "unknown_order")
        assert "12-o45" in refused.refused["message"]


def test_an_order_that_never_was_is_refused(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    for act in (("show",), ("retry",), ("cancel", "--reason", "r")):
        refused = cli("acts", act[0], "1-o9", *act[1:], "--json")
        assert (refused.status, refused.refused["name"]) == (3, "unknown_order")


def test_a_reconciliation_agrees_where_the_world_is_as_it_was_ordered(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    _suspended(cli, later)
    panel.states["shop.example"] = "suspended"
    compared = cli("acts", "reconcile", "--json")
    assert compared.status == 0
    assert [each["verdict"] for each in compared.json] == ["agrees"]


def test_a_site_that_somebody_has_opened_by_hand_is_found_and_taken_down_again(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    _suspended(cli, later)
    panel.states["shop.example"] = "active"
    found = cli("acts", "reconcile", "--json")
    assert (found.status, found.json[0]["verdict"]) == (5, "differs")
    assert cli("site", "show", "shop.example", "--json").json["in_force"] == "active"
    repaired = cli("acts", "reconcile", "--repair")
    assert repaired.status == 0
    cli("daemon", "--once")
    assert panel.kinds == ["suspend", "suspend"]
    assert panel.got[0].until == panel.got[1].until
    assert cli("site", "show", "shop.example", "--json").json["in_force"] == "suspended"
    assert cli("audit", "replay").status == 0


def test_what_still_waits_is_not_ordered_twice(cli: Cli, panel: StubAdapter, later: Move) -> None:
    panel.outcome = DOWN
    _suspended(cli, later)
    panel.states["shop.example"] = "active"
    compared = cli("acts", "reconcile", "--repair", "--json")
    assert (compared.status, compared.json[0]["verdict"]) == (0, "waits")


def test_where_the_world_cannot_be_asked_the_record_is_believed(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    _suspended(cli, later)
    assert cli("acts", "reconcile", "--json").json[0]["verdict"] == "cannot_be_asked"
    assert cli("acts", "reconcile", "shop.example").status == 0


@pytest.mark.parametrize("more", [[], ["--repair"]])
def test_an_adapter_that_fails_when_it_is_asked_is_named_with_the_site(
    cli: Cli, panel: StubAdapter, later: Move, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    _suspended(cli, later)

    def fail(site: str) -> State | None:
        raise OSError(site)

    monkeypatch.setattr(panel, "state", fail)

    answer = cli("acts", "reconcile", "shop.example", *more)

    assert (answer.status, answer.out) == (1, "")
    assert answer.err == (
        f"incidents: cannot check the actual state of shop.example: {panel.name}: adapter fault:"
        " OSError. Repair that adapter; you can still check sites of other adapters by name\n"
    )


def test_programs_are_told_a_verdict_as_a_code_and_people_in_words(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    told = {id_ for id_ in phrases("zh_CN", "cli") if id_.startswith("reconciled.")}
    assert told == {f"reconciled.{verdict}" for verdict in VERDICTS}
    assert all(code.isidentifier() and code.islower() for code in VERDICTS)
    _suspended(cli, later)
    assert "cannot be checked\n" in cli("acts", "reconcile").out
    panel.states["shop.example"] = "active"
    assert "DIFFERS\n" in cli("acts", "reconcile").out
    assert "ordered again\n" in cli("acts", "reconcile", "--repair").out


def test_a_wrong_setting_is_named_and_nothing_is_carried_out(
    cli: Cli, write_settings: WriteSettings
) -> None:
    for text, named in (
        ('[acts]\nadapter = "panel"\n', "[acts.panel]"),
        ("[acts]\nworker = 3\n", "worker"),
        ('[acts]\nadapter = "p"\n[acts.p]\ntype = "carrier-pigeon"\n', "carrier-pigeon"),
        ('[acts]\ngive_up_after = "soon"\n', "soon"),
        ('[[acts.group]]\nsites = ["*.a.example"]\nadapter = "b"\n', "'b'"),
    ):
        write_settings(text)
        refused = cli("daemon", "--once")
        assert refused.status == 1
        assert named in refused.err


def test_a_stopped_machine_is_enough_for_a_closed_site(
    cli: Cli, panel: StubAdapter, later: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    _suspended(cli, later)
    cli(
        "site", "false-info", "shop.example", *FALSE, "--confirm", "shop.example",
    )  # fmt: skip
    cli("daemon", "--once")
    panel.states["shop.example"] = "suspended"
    assert cli("acts", "reconcile", "shop.example").status == 5
    monkeypatch.setattr(panel, "tells_closed", False, raising=False)
    assert cli("acts", "reconcile", "shop.example").status == 0


def test_once_goes_on_until_nothing_is_left_that_was_not_tried(
    cli: Cli, panel: StubAdapter, later: Move
) -> None:
    """What waits behind an order that succeeds at last, or that was lifted, is carried out too."""
    cli("site", "add", "a.example")
    cli("site", "add", "b.example")
    panel.outcome = DOWN
    cli("site", "hold", "a.example", "--reason", "ordered")
    cli("daemon", "--once")
    confirmed = ("--confirm", "a.example")
    cli("site", "false-info", "a.example", *FALSE, *confirmed)
    for act in ("hold", "unhold", "hold"):
        cli("site", act, "b.example", "--reason", "ordered")
    panel.outcome = Delivered()
    later(seconds=5)
    cli("daemon", "--once")
    assert panel.by_site.keys() == {"a.example", "b.example"}
    assert [order.kind for order in panel.got if order.site == "a.example"] == [
        "suspend", "suspend", "close",
    ]  # fmt: skip
    assert [order.kind for order in panel.got if order.site == "b.example"] == ["suspend"]
    assert [each["lane"] for each in cli("acts", "list", "--json").json].count("act") == 0


def test_once_tries_what_fails_once(cli: Cli, panel: StubAdapter, later: Move) -> None:
    panel.outcome = DOWN
    _suspended(cli, later)
    assert panel.kinds == ["suspend"]
