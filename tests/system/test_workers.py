"""The workers: real processes behind one socket, and what becomes of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from incidents.system import web_server, workers
from incidents.system.child_process import ChildProcess
from incidents.system.handed_socket import Handed
from incidents.system.workers import Serve
from tests.patience import PATIENCE_S, until

ENDED = "a process ended: it is started again"

_PROGRAM = """
import os, signal, socket, sys
from incidents.system import workers

def serve(opened):
    opened.settimeout(0.05)
    while True:
        opened.beat()
        try:
            connection, _ = opened.accept()
        except TimeoutError:
            continue
        if os.path.exists(sys.argv[1] + ".block"):
            signal.pause()
        with connection:
            connection.sendall(str(os.getpid()).encode())

def check():
    if os.path.exists(sys.argv[1]):
        raise SystemExit("told to end")

opened = socket.create_server(("127.0.0.1", 0))
print(opened.getsockname()[1], flush=True)
workers.LOOK_S = 0.01
workers.PASSED_OVER_S = 0.5
workers.run(serve, opened, 2, check)
"""


class Program:
    """A program of two workers, each of which answers with its pid."""

    def __init__(self, folder: Path) -> None:
        self.ends_it = folder / "end"
        self.blocks_them = folder / "end.block"
        self._told = folder / "told"
        with self._told.open("w") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, self.ends_it], text=True,
                stdout=subprocess.PIPE, stderr=told,
            )  # fmt: skip
        assert self.process.stdout is not None
        self._port = int(self.process.stdout.readline())

    def ask(self) -> int:
        """The pid of the one that answers."""
        with socket.create_connection(("127.0.0.1", self._port), PATIENCE_S) as connection:
            return int(connection.recv(100) or 0)

    def ask_once(self) -> int:
        """The pid of the one that answers soon; 0 if none does."""
        address = ("127.0.0.1", self._port)
        with suppress(TimeoutError), socket.create_connection(address, 0.2) as connection:
            return int(connection.recv(100) or 0)
        return 0

    def block(self) -> None:
        """Have each worker wait for ever."""
        self.blocks_them.touch()
        for _ in range(2):
            socket.create_connection(("127.0.0.1", self._port), PATIENCE_S).close()

    def told(self) -> str:
        """What it told."""
        return self._told.read_text()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    found = Program(tmp_path)
    with found.process:
        try:
            yield found
        finally:
            found.process.kill()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # It may be left to this process, which reaps nobody.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_connections_go_to_the_workers_in_turn(program: Program) -> None:
    first, second, *more = [program.ask() for _ in range(6)]
    assert len({first, second, program.process.pid}) == 3
    assert more == [first, second, first, second]


def test_a_worker_that_dies_is_started_again_and_the_others_go_on(program: Program) -> None:
    first, second = program.ask(), program.ask()
    os.kill(first, signal.SIGKILL)
    until(lambda: ENDED in program.told(), "its end is logged")
    assert {program.ask() for _ in range(3)} <= {second, *new(program, first, second)}
    assert len(new(program, first, second)) == 1
    [line] = [json.loads(each) for each in program.told().splitlines()]
    assert (line["event"], line["pid"], line["reason"]) == (ENDED, first, "killed by signal 9")
    assert line["process"] == "serve-worker-1"


def new(program: Program, *known: int) -> set[int]:
    """The workers that are new, once there are any."""
    return until(lambda: {program.ask() for _ in range(4)} - set(known), "a new worker")


def test_one_that_hangs_gets_no_more_connections(program: Program) -> None:
    first, second = program.ask(), program.ask()
    os.kill(first, signal.SIGSTOP)
    try:
        until(lambda: program.ask_once() == second == program.ask_once(), "the other one has both")
        assert [program.ask() for _ in range(4)] == [second] * 4
    finally:
        os.kill(first, signal.SIGCONT)
    until(lambda: first in {program.ask(), program.ask()}, "it is heard again")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_them_all(program: Program, number: signal.Signals) -> None:
    known = [program.ask(), program.ask()]
    program.process.send_signal(number)
    assert program.process.wait(PATIENCE_S) == 0
    assert all(map(is_gone, known))


def test_they_end_with_their_parent_though_it_is_killed(program: Program) -> None:
    known = [program.ask(), program.ask()]
    program.process.kill()
    until(lambda: all(map(is_gone, known)), "the workers to end")


def test_so_does_one_that_does_not_look_at_its_channel(program: Program) -> None:
    known = [program.ask(), program.ask()]
    program.block()
    try:
        until(lambda: all(map(is_paused, known)), "the workers to be blocked")
        program.process.kill()
        until(lambda: all(map(is_gone, known)), "the workers to end", looks=100)
    finally:
        for pid in known:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def is_paused(pid: int) -> bool:
    return "pause" in Path(f"/proc/{pid}/wchan").read_text()


def test_what_makes_their_work_impossible_ends_them_and_is_raised(program: Program) -> None:
    known = [program.ask(), program.ask()]
    program.ends_it.touch()
    assert program.process.wait(PATIENCE_S) == 1
    assert program.told() == "told to end\n"
    assert all(map(is_gone, known))


def test_a_signal_that_came_before_them_starts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a worker was started"))

    async def app(*_: object) -> None:
        """Answer nothing."""

    def listening(_address: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def served(serve: Serve, opened: socket.socket, is_stopped: Callable[[], bool]) -> None:
        workers.run(serve, opened, 2, is_stopped=is_stopped)

    web_server.run(
        app, host="127.0.0.1", port=0, listening=listening, extra="console", served=served
    )


def test_a_signal_that_comes_while_one_is_being_started_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fork, worker = os.fork, ChildProcess("worker", print)

    def fork_with_a_signal() -> int:
        pid = fork()
        if not pid:
            os.kill(os.getpid(), signal.SIGTERM)
        return pid

    monkeypatch.setattr(os, "fork", fork_with_a_signal)
    with socket.create_server(("127.0.0.1", 0)) as opened, workers._signals() as received:
        workers._start(worker, lambda _: None, opened)
        assert worker.pid is not None
        _, status = os.waitpid(worker.pid, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
        assert signal.SIGTERM not in received.recv(100), "the parent does not take it for its own"
    worker.channel.close()


def test_no_program_that_a_worker_starts_inherits_its_connections() -> None:
    ours, theirs = socket.socketpair()
    with ours, Handed(fileno=theirs.detach()) as handed, socket.socket() as given:
        with socket.create_server(("127.0.0.1", 0)) as opened:
            given.connect(opened.getsockname())
            socket.send_fds(ours, [b"."], [given.fileno()])
            connection, _ = handed.accept()
        with connection:
            assert not connection.get_inheritable()
