"""The processes of a daemon: killed, begun again, stopped, and gone with the first one."""

import errno
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine, func, select

from incidents import clock
from incidents.daemon import journal, processes
from incidents.daemon.loop import Loop
from incidents.daemon.signals import blocked_signals
from incidents.desk import Envelope
from incidents.machine.commands import AddSite, SetHold
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import leaves
from tests.acceptance.daemons import (
    Daemon,
    Timeline,
    carried_out,
    count_in,
    daemon,
    desk_at,
    engine_of,
    heartbeats_of,
    log_on,
)
from tests.patience import until

HOUR = timedelta(hours=1)
CLOCK, RECORD, DELIVERY = PARTS = ("daemon-clock", "daemon-record", "daemon-delivery"[:15])
SEVERAL = {"INCIDENTS_DAEMON_PROCESSES": "several"}
DIED = "a process of this daemon died: it is started again"


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    with engine_of(sqlite_url) as found:
        yield found


@pytest.fixture
def running(sqlite_url: str, tmp_path: Path, engine: Engine) -> Iterator[Daemon]:
    """A daemon of several processes, which enforces."""
    with daemon(sqlite_url, tmp_path, env=SEVERAL) as found:
        until(lambda: heartbeats_of(engine) and len(parts_of(found)) == len(PARTS), "it enforces")
        yield found


def parts_of(running: Daemon) -> dict[str, int]:
    """The other processes of a daemon, by name."""
    first = running.process.pid
    pids = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return {name: int(pid) for pid in pids if (name := name_of(int(pid))) in PARTS}


def name_of(pid: int) -> str:
    """The name that `ps` shows; empty if the process has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    name, _, rest = fields.partition("(")[2].rpartition(")")
    return "" if rest.split()[0] == "Z" else name


def is_all_done(engine: Engine) -> bool:
    """Whether what is due is decided, numbered and carried out."""
    with engine.connect() as connection:
        counts = [connection.scalar(select(func.count()).select_from(t)) for t in (entries, leaves)]
    return bool(count_in(engine, "suspended")) and carried_out(engine) and counts[0] == counts[1]


@pytest.mark.parametrize("name", PARTS)
def test_a_process_that_is_killed_is_begun_again_and_goes_on(
    running: Daemon, engine: Engine, name: str
) -> None:
    before = parts_of(running)

    os.kill(before[name], signal.SIGKILL)
    said = running.says(DIED)
    log_on(engine, ["a.example"], clock.now() - 2 * HOUR)
    until(lambda: is_all_done(engine), "it is decided, numbered and carried out")

    assert (said["duty"], said["reason"]) == (name.split("-")[1], "killed by signal 9")
    until(lambda: parts_of(running).keys() == before.keys(), "it is there again")
    assert {each for each in PARTS if parts_of(running)[each] != before[each]} == {name}
    assert running.stop() == 0
    assert len(running.lines(DIED)) == len(running.lines("started")) == 1


def test_those_that_are_stopped_by_somebody_else_are_begun_again(running: Daemon) -> None:
    before = parts_of(running)

    os.kill(before[RECORD], signal.SIGTERM)

    assert running.says(DIED)["reason"] == "exit status 0"
    until(lambda: parts_of(running).get(RECORD, before[RECORD]) != before[RECORD], "again")


def test_if_the_first_is_killed_the_others_are_gone_with_it(running: Daemon) -> None:
    pids = parts_of(running).values()

    running.process.kill()

    until(lambda: not any(map(name_of, pids)), "they are gone")


def test_ctrl_c_reaches_all_of_them_and_stops_them_in_good_order(
    running: Daemon, engine: Engine
) -> None:
    pids = parts_of(running).values()

    os.killpg(running.process.pid, signal.SIGINT)

    assert running.process.wait() == 0
    assert not any(map(name_of, pids))
    assert [line["signal"] for line in running.lines("stopping")] == ["SIGINT"]
    assert len(running.lines("stopped")) == 1
    assert "immediately" not in running.text()
    assert running.lines(DIED) == []
    assert heartbeats_of(engine) == []


def test_one_that_hangs_keeps_the_daemon_from_stopping_for_seconds_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Here the daemon is stopped without a fork: of a program that never hears of it."""
    said: list[str] = []
    monkeypatch.setattr(journal, "error", lambda sentence, **_: said.append(sentence))
    monkeypatch.setattr(processes, "_STOP_S", 0.2)
    hung = subprocess.Popen(["sleep", "infinity"])
    os.kill(hung.pid, signal.SIGSTOP)
    # Of two pending signals SIGTERM is delivered first.
    os.waitpid(hung.pid, os.WUNTRACED)
    process = processes._Process("record", cast("Loop", None), journal.Systemd({}))
    process._pid = hung.pid
    whole = object.__new__(processes.Processes)
    whole._all = [process]

    with blocked_signals():
        whole._stop()

    hung.returncode = -signal.SIGKILL
    assert said[0] == "a process of this daemon did not stop: it is killed"
    assert not name_of(hung.pid)


def test_after_a_stop_the_file_of_sqlite_has_everything(sqlite_url: str, tmp_path: Path) -> None:
    with daemon(sqlite_url, tmp_path) as running:
        with engine_of(sqlite_url) as engine:
            until(lambda: heartbeats_of(engine), "something is written")
        assert running.stop() == 0

    assert not Path(f"{sqlite_url.removeprefix('sqlite:///')}-wal").exists()


def test_a_second_signal_ends_all_of_them_at_once(running: Daemon) -> None:
    pids = parts_of(running)

    # It cannot finish what it has in hand.
    os.kill(pids[CLOCK], signal.SIGSTOP)
    running.process.send_signal(signal.SIGTERM)
    running.says("stopping")
    running.process.send_signal(signal.SIGINT)

    assert running.process.wait() == -signal.SIGINT
    until(lambda: not any(map(name_of, pids.values())), "they are gone")


def test_a_process_for_which_there_is_no_room_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    process = processes._Process("clock", cast("Loop", None), journal.Systemd({}))

    def no_room() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    before = sorted(map(str, Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(os, "fork", no_room)
    process.try_to_begin()

    said = json.loads(capsys.readouterr().err)
    assert (said["duty"], said["reason"]) == ("clock", "Resource temporarily unavailable")
    assert list(process.look()) == []
    assert sorted(map(str, Path("/proc/self/fd").iterdir())) == before


def test_a_clock_that_is_set_back_holds_up_no_process(sqlite_url: str, tmp_path: Path) -> None:
    timeline = Timeline(tmp_path)
    env = timeline.environment | SEVERAL
    with engine_of(sqlite_url) as engine, daemon(sqlite_url, tmp_path, env=env) as running:
        log_on(engine, ["a.example"], clock.now() - 2 * HOUR)
        until(lambda: is_all_done(engine), "each duty has run")
        timeline.move(-3 * HOUR)
        running.says("this machine's clock was set back")

        desk = desk_at(engine, timeline.now())
        for command in (AddSite(by="operator-1"), SetHold(by="operator-1", reason="ordered")):
            desk.submit([Envelope(site="b.example", command=command)])
        until(lambda: is_all_done(engine), "the hold is carried out and numbered", looks=600)

        assert len(running.lines("this machine's clock was set back")) == 1


@pytest.mark.parametrize(
    ("variables", "parts"),
    [({"INCIDENTS_DAEMON_PROCESSES": "one"}, set()), (SEVERAL, set(PARTS))],
    ids=["one", "several"],
)
def test_the_setting_says_how_many_there_are(
    sqlite_url: str, tmp_path: Path, variables: Mapping[str, str], parts: set[str]
) -> None:
    with engine_of(sqlite_url) as engine, daemon(sqlite_url, tmp_path, env=variables) as running:
        log_on(engine, ["a.example"], clock.now() - 2 * HOUR)
        until(lambda: is_all_done(engine), "each duty has run")

        assert parts_of(running).keys() == parts
        assert running.stop() == 0


def test_a_mistake_in_the_settings_of_the_log_keeps_all_of_them_from_starting(
    sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("[audit]\nlog = 7\n")
    env = SEVERAL | {"INCIDENTS_CONFIG": str(tmp_path / "config.toml")}
    with daemon(sqlite_url, tmp_path, env=env) as running:
        assert running.process.wait() == 1
        assert "audit" in running.text()
        assert running.lines("started") == []
