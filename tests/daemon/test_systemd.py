"""What systemd is told, over a real socket."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from incidents.daemon.journal import Systemd


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        yield end


def sent_lines(manager: socket.socket) -> list[str]:
    lines: list[str] = []
    with suppress(BlockingIOError):
        while True:
            lines.append(manager.recv(4096).decode())
    return lines


def systemd_of(manager: socket.socket, **more: str) -> Systemd:
    return Systemd({"NOTIFY_SOCKET": manager.getsockname(), **more})


def test_ready_is_said_once(manager: socket.socket) -> None:
    systemd = systemd_of(manager)

    systemd.ready()
    systemd.ready()
    systemd.stopping()

    assert sent_lines(manager) == ["READY=1", "STOPPING=1"]


def test_a_status_is_sent_when_it_changes_and_on_one_line(manager: socket.socket) -> None:
    systemd = systemd_of(manager)

    systemd.status("enforcing\nREADY=1")
    systemd.status("enforcing\nREADY=1")
    systemd.status("waiting")

    assert sent_lines(manager) == ["STATUS=enforcing READY=1", "STATUS=waiting"]


def test_the_start_may_take_longer_only_until_it_is_complete(manager: socket.socket) -> None:
    systemd = systemd_of(manager)

    systemd.extend_start(1.5)
    systemd.ready()
    systemd.extend_start(1.5)

    assert sent_lines(manager) == ["EXTEND_TIMEOUT_USEC=1500000", "READY=1"]


def test_the_watchdog_is_fed_where_there_is_one(manager: socket.socket) -> None:
    systemd_of(manager).feed_watchdog()
    systemd_of(manager, WATCHDOG_USEC="90000000").feed_watchdog()
    systemd_of(manager, WATCHDOG_USEC="90000000", WATCHDOG_PID=str(os.getpid())).feed_watchdog()

    assert sent_lines(manager) == ["WATCHDOG=1", "WATCHDOG=1"]


def test_the_watchdog_of_another_process_is_left_to_it(manager: socket.socket) -> None:
    systemd_of(manager, WATCHDOG_USEC="90000000", WATCHDOG_PID="1").feed_watchdog()

    assert sent_lines(manager) == []


def test_an_abstract_socket_is_reached() -> None:
    name = f"incidents-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name)
        manager.setblocking(False)

        Systemd({"NOTIFY_SOCKET": "@" + name}).ready()

        assert sent_lines(manager) == ["READY=1"]


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens", "vsock:2:1"])
def test_where_nobody_listens_nothing_fails(address: str) -> None:
    Systemd({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1"}).ready()


def test_a_manager_that_does_not_read_holds_up_nothing(manager: socket.socket) -> None:
    systemd = systemd_of(manager)

    for n in range(2_000):
        systemd.status(f"look {n}")

    assert sent_lines(manager)[0] == "STATUS=look 0"
