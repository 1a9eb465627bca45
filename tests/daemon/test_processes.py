"""The processes of a daemon: killed, begun again, stopped, and gone with the first one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine, func, select

from incidents import clock
from incidents.daemon import processes
from incidents.daemon.signals import blocked_signals
from incidents.desk import Envelope
from incidents.machine.commands import AddSite, SetHold
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import leaves
from incidents.system.child_process import ChildProcess
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
from tests.nursery import Child
from tests.patience import until

HOUR = timedelta(hours=1)
CLOCK, RECORD, DELIVERY = PARTS = ("daemon-clock", "daemon-record", "daemon-delivery"[:15])
SEVERAL = {"INCIDENTS_DAEMON_PROCESSES": "several"}
# Real seconds, without a rule in them: the daemon is to be heard each half second.
IMPATIENT = """
from incidents.cli import main
from incidents.system import child_process
child_process.SILENT_S = 1.5
main(["daemon"])
"""
DIED = "a process ended: it is started again"


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

    assert (said["process"][:15], said["reason"]) == (name, "killed by signal 9")
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
    said: list[str] = []
    monkeypatch.setattr(processes, "STOP_S", 0.2)
    child = ChildProcess("daemon-record", lambda sentence, **_: said.append(sentence))
    with blocked_signals():
        # With the signal blocked, it never hears of it.
        child.start(lambda _: signal.pause())
        processes.stop([child])

    assert {*said} == {"a process did not stop: it is killed"}
    assert child.pid is None


def test_one_that_hangs_is_killed_and_begun_again(sqlite_url: str, tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", IMPATIENT], stderr=errors,
            env={**os.environ, "INCIDENTS_DB": sqlite_url, **SEVERAL},
        )  # fmt: skip
    running = Daemon(cast("Child", process), log)

    def killed() -> list[int]:
        return [line["pid"] for line in running.lines("a process hangs: it is killed")]

    with process:
        try:
            until(lambda: len(parts_of(running)) == len(PARTS), "they run")
            hung = parts_of(running)[RECORD]
            os.kill(hung, signal.SIGSTOP)

            until(lambda: hung in killed(), "it is killed")
            until(lambda: parts_of(running).get(RECORD, hung) != hung, "it is begun again")
        finally:
            process.kill()


@pytest.fixture
def programs(sqlite_url: str, tmp_path: Path, engine: Engine) -> Iterator[tuple[Daemon, int, int]]:
    """A daemon with a program that does not end: the program's process, and its child's."""
    pid_file, config = tmp_path / "pid", tmp_path / "config.toml"
    # The shell and its child are one group.
    script = f"echo $$ > {pid_file}.part; mv {pid_file}.part {pid_file}; sleep 1000; true"
    config.write_text(
        f'[acts]\nadapter = "own"\n[acts.own]\ntype = "exec"\ntimeout = "18s"\n'
        f'command = ["/bin/sh", "-c", "{script}"]\n'
    )
    env = SEVERAL | {"INCIDENTS_CONFIG": str(config)}
    with daemon(sqlite_url, tmp_path, env=env) as running:
        log_on(engine, ["a.example"], clock.now() - 2 * HOUR)
        until(pid_file.exists, "the program runs")
        program = int(pid_file.read_text())
        children = Path(f"/proc/{program}/task/{program}/children")
        yield running, program, int(until(children.read_text, "and its child"))


def test_a_program_of_a_process_that_is_killed_ends_with_it(
    programs: tuple[Daemon, int, int],
) -> None:
    running, program, child = programs

    os.kill(parts_of(running)[DELIVERY], signal.SIGKILL)

    assert running.says("a program was left running: it is killed")["pid"] == program
    until(lambda: not name_of(program) and not name_of(child), "both are gone")


def test_a_second_signal_ends_programs_too(programs: tuple[Daemon, int, int]) -> None:
    running, program, child = programs

    running.process.send_signal(signal.SIGTERM)
    running.says("stopping")
    running.process.send_signal(signal.SIGTERM)

    assert running.process.wait() == -signal.SIGTERM
    until(lambda: not name_of(program) and not name_of(child), "both are gone")


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
