"""Delivery: the duty that has orders carried out, beside the clock and never in its way."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from sqlalchemy import Engine, text

from incidents import clock
from incidents.app import App
from incidents.cli import main
from incidents.daemon import loop
from incidents.daemon.delivery import Delivery
from incidents.daemon.duties import DELIVERY
from incidents.daemon.journal import Systemd
from incidents.desk import Envelope
from incidents.errors import DONE, FAILED
from incidents.machine import commands as c
from incidents.settings import sources
from incidents.store import monitoring
from tests.acceptance import daemons
from tests.acceptance.daemons import (
    Timeline,
    carried_out,
    daemon,
    engine_of,
    incidents,
    log_on,
    site,
    story,
)
from tests.daemon.conftest import Said
from tests.databases import SqliteDatabases, compares_clocks
from tests.enforcement import own_adapter_rig
from tests.enforcement.own_adapter_rig import Panel
from tests.notices.mail_server import desk_mail
from tests.patience import PATIENCE_S, until

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
NOT_CARRIED_OUT = "the orders are not carried out"
NOBODY_IS_TOLD = [
    "no notices are sent to customers: no channel is set ([notices] channels)",
    "no alarms are sent: no channel is set ([alarms] channels)",
]
NOTHING_IS_ENFORCED = "NOTHING IS ENFORCED: [acts] names no adapter but log"


@pytest.fixture
def panel() -> Iterator[Panel]:
    with own_adapter_rig.panel() as running:
        yield running


@pytest.fixture
def env(tmp_path: Path, panel: Panel) -> dict[str, str]:
    """The variables of a daemon whose orders go to the panel, by an adapter of somebody else's."""
    return environment(tmp_path, panel.settings(timeout="15s"))


def environment(folder: Path, text: str) -> dict[str, str]:
    config = folder / "config.toml"
    config.write_text(text)
    packages = own_adapter_rig.install(folder / "site-packages")
    return {"INCIDENTS_CONFIG": str(config), "PYTHONPATH": f"{packages}:{Path.cwd()}"}


def hold(engine: Engine, name: str, at: datetime | None = None) -> None:
    """A site that is ordered down."""
    desk = daemons.desk_at(engine, clock.now() if at is None else at)
    for command in (c.AddSite(by="operator-1"), c.SetHold(by="operator-1", reason="by order")):
        [answer] = desk.submit([Envelope(site=name, command=command)])
        assert answer.refusal is None


def outcomes(engine: Engine, name: str) -> list[str]:
    return [entry["kind"] for entry in story(engine, name) if entry["actor"] == "courier"]


# Settings.


@pytest.mark.parametrize(
    ("acts", "told"),
    [
        ('adapter = "panel"', "[acts.panel]"),
        ('adapter = "panel"\n[acts.panel]\ntype = "pannel"', "type"),
        ('adapter = "panel"\n[acts.panel]\ntype = "webhook"', "secret"),
        ("workers = 0", "workers"),
        ('give_up_after = "soon"', "give_up_after"),
        ("[acts.brake]\ncount = -1", "[acts.brake]"),
        ('[acts.brake]\nwithin = "2d"', "within"),
        ('adapter = "brake"\n[acts.brake]\ntype = "log"', "type"),
        ("[acts.brakes]\ncount = 3", "the section [acts.brakes] of the settings file has no type"),
        ('adaptor = "log"', "adaptor"),
        ('[[acts.group]]\nadapter = "log"', "sites"),
        ('[alarm]\nchannels = ["mail"]', "[alarm]"),
        ('[retention]\nkeep = "1d"', "184d"),
        ('[report]\nwithin = "soon"', "within"),
    ],
)
def test_wrong_settings_are_told_in_one_sentence_before_a_daemon_is_started_with_them(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], acts: str, told: str,
) -> None:  # fmt: skip
    config = tmp_path / "config.toml"
    config.write_text(f"[acts]\n{acts}\n")
    monkeypatch.setenv("INCIDENTS_CONFIG", str(config))
    monkeypatch.setenv("INCIDENTS_DB", sqlite_url)

    assert main(["daemon", "check"]) == FAILED

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("incidents: ")
    assert told in line


def test_a_program_that_is_not_there_is_named_before_a_daemon_is_started_with_it(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    config = tmp_path / "config.toml"
    config.write_text(
        '[[acts.group]]\nsites = ["*.example"]\nadapter = "panel"\n'
        f'[acts.panel]\ntype = "exec"\ncommand = ["{tmp_path}/panel"]\n'
    )
    monkeypatch.setenv("INCIDENTS_CONFIG", str(config))
    monkeypatch.setenv("INCIDENTS_DB", sqlite_url)

    assert main(["daemon", "check"]) == FAILED
    assert capsys.readouterr().err == (
        f"incidents: the adapter 'panel' cannot work here: there is no program {tmp_path}/panel\n"
    )
    (tmp_path / "panel").touch(0o755)
    assert main(["daemon", "check"]) == DONE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[report]\nwithin = "soon"\n', "within"),
        ('[alarms]\nchannels = ["mail"]\n', "desk_name"),
        ('[metrics]\nlisten = "9464"\n', "9464"),
        ('[acts]\nadapter = "panel"\n', "[acts.panel]"),
    ],
)
def test_a_daemon_with_wrong_settings_enforces_the_clock_and_cries(
    sqlite_url: str, tmp_path: Path, text: str, told: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text)
    env = {"INCIDENTS_CONFIG": str(config)}

    def logged() -> list[dict[str, Any]]:
        return [line for line in running.lines() if told in str(line.get("reason"))]

    with engine_of(sqlite_url) as engine, daemon(sqlite_url, tmp_path, env=env) as running:
        log_on(engine, ["a.example"], clock.now() - 2 * HOUR)
        until(lambda: site(engine, "a.example")["state"] == "suspended", "it is suspended")
        # What is wrong is noticed by another thread than that which suspends.
        until(logged, "it is logged")
        assert running.stop() == 0

    assert logged()
    # Once, whoever has to do with it.
    assert len({line["event"] for line in logged()}) == len(logged())


def test_wrong_settings_of_a_mail_server_keep_no_site_up(
    sqlite_url: str, tmp_path: Path, panel: Panel, env: dict[str, str]
) -> None:
    config = Path(env["INCIDENTS_CONFIG"])
    config.write_text(config.read_text() + '\n[notices]\nchannels = ["mail"]\n')
    with engine_of(sqlite_url) as engine, daemon(sqlite_url, tmp_path, env=env) as running:
        hold(engine, "a.example")
        until(lambda: panel.states, "it is down")
        running.says("customers are not notified")
        assert running.stop() == 0


def test_wrong_settings_of_a_mail_server_fail_once_which_has_done_all_else(
    sqlite_url: str, panel: Panel, env: dict[str, str]
) -> None:
    config = Path(env["INCIDENTS_CONFIG"])
    config.write_text(config.read_text() + '\n[notices]\nchannels = ["mail"]\n')
    with engine_of(sqlite_url) as engine:
        hold(engine, "a.example")
        done = incidents(sqlite_url, "daemon", "--once", env=env, status=FAILED)

    assert panel.states == {"a.example": "suspended"}
    assert "desk_name" in done.stderr.splitlines()[-1]


def test_settings_that_are_mended_are_worked_with_and_no_daemon_is_restarted(
    sqlite_url: str, tmp_path: Path, panel: Panel, env: dict[str, str]
) -> None:
    config = Path(env["INCIDENTS_CONFIG"])
    right = config.read_text()
    config.write_text("[acts]\nworkers = 0\n")
    with engine_of(sqlite_url) as engine, daemon(sqlite_url, tmp_path, env=env) as running:
        hold(engine, "a.example")
        running.says(NOT_CARRIED_OUT)
        config.write_text(right)
        until(lambda: carried_out(engine), "it is carried out")
        assert running.stop() == 0

    assert panel.states == {"a.example": "suspended"}


def test_wrong_settings_of_a_panel_silence_nobody_else(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    config = tmp_path / "config.toml"
    with desk_mail(config) as mailbox, engine_of(sqlite_url) as engine:
        text = config.read_text().replace("[notices]", '[notices]\nchannels = ["mail"]')
        config.write_text(text + '[acts]\nadapter = "pannel"\n')
        env = {"INCIDENTS_CONFIG": str(config), "INCIDENTS_CLOCK": "own"}
        log_on(engine, ["a.example"], clock.now() - 2 * HOUR)
        desk = daemons.desk_at(engine, clock.now())
        told = c.EditSite(by="operator-1", email="customer-1@customer.example")
        desk.submit([Envelope(site="a.example", command=told)])
        done = incidents(sqlite_url, "daemon", "--once", env=env, status=FAILED)
        waiting = json.loads(incidents(sqlite_url, "acts", "list", "--json", env=env).stdout)

    [line] = done.stderr.splitlines()
    assert "pannel" in line
    subjects = [str(letter["Subject"]) for letter in mailbox.mails]
    # The customer is told of the suspension, which nobody carries out, and the desk of that daemon.
    assert len(subjects) >= 2
    assert {order["lane"] for order in waiting} == {"act"}


def test_settings_that_can_be_worked_with_are_said_to_be_so(
    sqlite_url: str, tmp_path: Path, env: dict[str, str]
) -> None:
    done = incidents(sqlite_url, "daemon", "check", env=env)
    Path(env["INCIDENTS_CONFIG"]).write_text("")
    only_logged = incidents(sqlite_url, "daemon", "check", env=env)

    right = "Settings OK"
    assert (done.status, done.stderr) == (DONE, "\n".join([right, *NOBODY_IS_TOLD]) + "\n")
    undone = "\n".join([right, NOTHING_IS_ENFORCED, *NOBODY_IS_TOLD])
    assert (only_logged.status, only_logged.stderr) == (DONE, f"{undone}\n")


def test_a_database_that_a_daemon_does_not_start_on_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/mistyped.db")

    assert main(["daemon", "check"]) == FAILED

    [line] = capsys.readouterr().err.splitlines()
    assert f"there is no database {tmp_path}/mistyped.db" in line
    assert list(tmp_path.iterdir()) == []


def test_the_check_of_the_settings_is_a_document_for_programs(
    sqlite_url: str, env: dict[str, str]
) -> None:
    right = incidents(sqlite_url, "daemon", "check", "--json", env=env)
    Path(env["INCIDENTS_CONFIG"]).write_text("")
    only_logged = incidents(sqlite_url, "daemon", "check", "--json", env=env)

    assert (right.status, right.stderr) == (DONE, "")
    assert json.loads(right.stdout) == {"valid": True, "idle_lanes": ["notice", "desk"]}
    assert json.loads(only_logged.stdout)["idle_lanes"] == ["act", "notice", "desk"]


@pytest.mark.parametrize("adapter", ["log", "panel"])
def test_a_daemon_says_once_that_nothing_is_enforced_where_that_is_so(
    sqlite_url: str, tmp_path: Path, env: dict[str, str], adapter: str
) -> None:
    if adapter == "log":
        Path(env["INCIDENTS_CONFIG"]).write_text("")
    with (
        engine_of(sqlite_url) as engine,
        daemon(sqlite_url, tmp_path, env=env) as running,
    ):
        hold(engine, "a.example")
        until(lambda: carried_out(engine), "it is carried out")
        assert running.stop() == 0
        in_force = site(engine, "a.example")["in_force"]

    assert len(running.lines(NOTHING_IS_ENFORCED)) == (adapter == "log")
    assert in_force == ("active" if adapter == "log" else "suspended")


# The duty, step by step.


def test_it_waits_for_its_database_and_says_so_once(
    sqlite_databases: SqliteDatabases, tmp_path: Path, said: Said
) -> None:
    file = tmp_path / "volume" / "incidents.db"
    app = App(sources.load(db=f"sqlite:///{file}"))
    delivery = Delivery(app)
    try:
        # A look at the back-off's clock alone would be over before it ends.
        for _ in range(3):
            delivery._part._backoff._until = 0.0
            delivery.run()
        [enforces_nothing, *nobody_is_told, waits] = said()

        file.parent.mkdir()
        with sqlite_databases.at_head() as url:
            file.write_bytes(Path(url.removeprefix("sqlite:///")).read_bytes())
        with engine_of(f"sqlite:///{file}") as engine:
            hold(engine, "a.example")
            delivery._part._backoff._until = 0.0
            delivery.run()
            assert carried_out(engine)
    finally:
        delivery.close()
        app.close()

    assert enforces_nothing["event"] == NOTHING_IS_ENFORCED
    assert [line["event"] for line in nobody_is_told] == NOBODY_IS_TOLD
    assert (waits["event"], waits["level"]) == (NOT_CARRIED_OUT, "error")
    assert "cannot open the file" in waits["reason"]
    assert [line["event"] for line in said()][-1] == f"no longer: {NOT_CARRIED_OUT}"


def test_it_begins_nothing_once_it_is_stopped(app: App) -> None:
    hold(app.engine, "a.example")
    delivery = Delivery(app, stopped=lambda: True)

    delivery.run()

    assert delivery.round is None
    assert not carried_out(app.engine)


def test_with_another_clock_than_the_databases_nothing_is_carried_out(
    postgresql_url: str,
) -> None:
    app = App(sources.load(db=compares_clocks(postgresql_url)))
    delivery = Delivery(app)
    try:
        hold(app.engine, "a.example")
        with freeze_time(clock.now() + 10 * SECOND):
            delivery.run()
        assert outcomes(app.engine, "a.example") == []

        delivery.run()
        assert outcomes(app.engine, "a.example") == ["order_delivered"]
    finally:
        delivery.close()
        app.close()


# A daemon, and an adapter that keeps it waiting.


def test_a_panel_that_does_not_answer_holds_up_neither_the_clock_nor_the_heartbeat(
    sqlite_url: str, tmp_path: Path, panel: Panel, env: dict[str, str]
) -> None:
    panel.thaw.clear()
    with engine_of(sqlite_url) as engine, daemon(sqlite_url, tmp_path, env=env) as running:
        hold(engine, "a.example")
        until(lambda: panel.orders, "it is in hand")
        beaten = until(lambda: last_beat(engine), "it enforces")

        log_on(engine, ["b.example"], clock.now() - HOUR + 2 * SECOND)
        decided = running.says("decided")

        assert decided["site"] == "b.example"
        until(lambda: last_beat(engine) not in (None, beaten), "its heart beats on")
        assert outcomes(engine, "a.example") == []


def test_sigterm_waits_for_the_answer_that_is_on_its_way_and_begins_nothing_more(
    db_url: str, tmp_path: Path, panel: Panel, env: dict[str, str]
) -> None:
    panel.thaw.clear()
    with engine_of(db_url) as engine, daemon(db_url, tmp_path, env=env) as running:
        hold(engine, "a.example")
        until(lambda: panel.orders, "it is in hand")
        running.process.send_signal(signal.SIGTERM)
        running.says("stopping")
        hold(engine, "b.example")
        assert running.process.poll() is None
        panel.thaw.set()

        assert running.process.wait(PATIENCE_S) == 0

        assert panel.states == {"a.example": "suspended"}
        assert site(engine, "a.example")["in_force"] == "suspended"
        assert outcomes(engine, "b.example") == []


def test_a_second_signal_does_not_wait_for_the_panel_and_the_next_daemon_carries_it_out(
    sqlite_url: str, tmp_path: Path, panel: Panel, env: dict[str, str]
) -> None:
    timeline = Timeline(tmp_path)
    env |= timeline.environment
    panel.thaw.clear()
    with engine_of(sqlite_url) as engine:
        with daemon(sqlite_url, tmp_path, env=env) as running:
            hold(engine, "a.example")
            until(lambda: panel.orders, "it is in hand")
            running.process.send_signal(signal.SIGTERM)
            running.says("stopping")
            assert running.stop() == -signal.SIGTERM
        panel.thaw.set()
        incidents(sqlite_url, "daemon", "--once", env=env)
        assert outcomes(engine, "a.example") == []

        # The lease of the dead one ends; by then nobody knows what came of its attempt.
        timeline.move(30 * SECOND)
        incidents(sqlite_url, "daemon", "--once", env=env)

        assert panel.orders == ["1-o2", "1-o2"]
        [delivered] = [e for e in story(engine, "a.example") if e["kind"] == "order_delivered"]
        assert delivered["data"]["attempts"] == 2


IMPATIENT = "tests.daemon.impatient"


def test_an_adapter_that_never_comes_back_keeps_no_daemon_from_ending(
    sqlite_url: str, tmp_path: Path, panel: Panel, env: dict[str, str]
) -> None:
    panel.thaw.clear()
    impatient = daemon(sqlite_url, tmp_path, env=env, module=IMPATIENT)
    with engine_of(sqlite_url) as engine, impatient as running:
        hold(engine, "a.example")
        until(lambda: panel.orders, "it is in hand")

        # Its panel has not answered yet.
        assert running.stop() == 0

        assert running.lines("an attempt outlasts its lease")[0]["order"] == "1-o2"
        assert outcomes(engine, "a.example") == []


def test_nor_does_it_keep_once_from_ending(
    sqlite_url: str, panel: Panel, env: dict[str, str]
) -> None:
    panel.thaw.clear()
    with engine_of(sqlite_url) as engine:
        hold(engine, "a.example")

        done = incidents(sqlite_url, "daemon", "--once", env=env, module=IMPATIENT)

        assert "an attempt outlasts its lease" in done.stderr
        assert panel.orders == ["1-o2"]
        assert outcomes(engine, "a.example") == []


def test_a_daemon_that_was_paused_past_its_lease_doubles_nothing_when_it_goes_on(
    postgresql_url: str, tmp_path: Path, panel: Panel, env: dict[str, str]
) -> None:
    # On SQLite it may be paused with the whole file in its hands, and nobody gets past it.
    timeline = Timeline(tmp_path)
    env |= timeline.environment | {"INCIDENTS_CLOCK": "own"}
    panel.thaw.clear()
    with engine_of(postgresql_url) as engine, daemon(postgresql_url, tmp_path, env=env) as running:
        hold(engine, "a.example")
        until(lambda: panel.orders, "it is in hand")
        os.killpg(running.process.pid, signal.SIGSTOP)
        panel.thaw.set()
        timeline.move(30 * SECOND)
        incidents(postgresql_url, "daemon", "--once", env=env)
        assert outcomes(engine, "a.example") == ["order_delivered"]

        os.killpg(running.process.pid, signal.SIGCONT)
        hold(engine, "b.example", timeline.now())
        until(lambda: "b.example" in panel.states, "it goes on")
        assert running.stop() == 0

        assert outcomes(engine, "a.example") == ["order_delivered"]
        assert panel.states == {"a.example": "suspended", "b.example": "suspended"}


@pytest.mark.parametrize("adapter", ["log", "panel"])
def test_a_log_that_cannot_be_written_holds_up_neither_orders_nor_the_end(
    sqlite_url: str, tmp_path: Path, env: dict[str, str], adapter: str
) -> None:
    if adapter == "log":
        Path(env["INCIDENTS_CONFIG"]).write_text("")
    with engine_of(sqlite_url) as engine:
        hold(engine, "a.example")
        with daemon(sqlite_url, tmp_path, env=env, stderr=Path("/dev/full")) as running:
            # What is only logged, and could not be, was not carried out.
            done = partial(problem, engine) if adapter == "log" else partial(carried_out, engine)
            until(done, "it is tried")
            assert running.stop() == 0
        assert problem(engine) == ("fault" if adapter == "log" else None)


# Clocks that are set.


@pytest.mark.parametrize("by", [-3 * HOUR, 3 * HOUR], ids=["back", "forward"])
def test_a_clock_that_is_set_wakes_it(
    sqlite_url: str, tmp_path: Path, panel: Panel, env: dict[str, str], by: timedelta
) -> None:
    timeline = Timeline(tmp_path)
    env |= timeline.environment
    with engine_of(sqlite_url) as engine, daemon(sqlite_url, tmp_path, env=env) as running:
        hold(engine, "a.example")
        until(lambda: panel.states, "it carries orders out")

        timeline.move(by)
        hold(engine, "b.example", timeline.now())
        incidents(sqlite_url, "site", "unhold", "a.example", "--reason", "over", env=env)
        until(lambda: panel.states == {"a.example": "active", "b.example": "suspended"}, "woken")
        assert running.stop() == 0


def test_what_was_put_off_is_tried_when_the_clock_has_come_to_it(
    sqlite_url: str, tmp_path: Path, panel: Panel, env: dict[str, str]
) -> None:
    timeline = Timeline(tmp_path)
    panel.status = 503
    with engine_of(sqlite_url) as engine:
        hold(engine, "a.example")
        with daemon(sqlite_url, tmp_path, env=env | timeline.environment):
            until(lambda: problem(engine) == "http_503", "it is put off, for 90 seconds")
            panel.status = None
            timeline.move(2 * MINUTE)
            until(lambda: panel.states, "it is tried again")


def test_a_suspension_whose_hours_passed_while_nobody_was_there_is_done_to_nobody(
    sqlite_url: str, panel: Panel, env: dict[str, str], tmp_path: Path
) -> None:
    now = clock.now()
    with engine_of(sqlite_url) as engine:
        log_on(engine, ["a.example"], now - 20 * HOUR)
        daemons.desk_at(engine, now - 18 * HOUR).elapse()
        log_on(engine, ["b.example"], now - 2 * HOUR)

        with daemon(sqlite_url, tmp_path, env=env):
            until(lambda: carried_out(engine), "all is carried out")

        assert panel.states == {"b.example": "suspended"}
        assert outcomes(engine, "a.example") == ["order_cancelled", "order_cancelled"]


def test_it_is_woken_with_the_other_duties_when_the_clock_is_set(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(sources.load(db=sqlite_url))
    whole = loop.Loop(app, Systemd({}))
    woken: list[str] = []
    monkeypatch.setattr(whole, "_run_now", woken.append)

    whole._run_all_now()

    assert DELIVERY in woken
    app.close()


def last_beat(engine: Engine) -> datetime | None:
    with engine.connect() as connection:
        return max((beat.beat_at for beat in monitoring.known_daemons(connection)), default=None)


def problem(engine: Engine) -> str | None:
    """What came of the last attempt of the only order into the world that waits."""
    with engine.connect() as connection:
        asked = text("SELECT problem FROM deliveries WHERE lane = 'act'")
        found: str | None = connection.scalar(asked)
        return found
