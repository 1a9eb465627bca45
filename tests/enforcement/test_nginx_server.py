"""The server as it tells what it has loaded: when that is believed, and when it is not."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from incidents.enforcement.nginx.server import ProbeAnswer, Server
from tests.outbound.rig import LOOPBACK, receiver
from tests.patience import PATIENCE_S


@contextmanager
def answering(answer: Callable[[int], tuple[int, bytes]]) -> Iterator[Server]:
    """Something on the loopback that gives the n-th who asks that status and body."""
    count = iter(range(10**6))
    with receiver(lambda handler: handler.answer(*answer(next(count)))) as there:
        yield server(f"{LOOPBACK}:{there.port}")


def server(probe: str | None) -> Server:
    return Server(test_command=("true",), reload_command=("true",), probe=probe)


def soon(seconds: float = PATIENCE_S) -> float:
    return time.monotonic() + seconds


def test_while_workers_of_both_generations_answer_the_new_one_is_not_believed() -> None:
    asked = []

    def both(n: int) -> tuple[int, bytes]:
        asked.append(n)
        return 200, b"old " if n in (1, 4, 8, 9, 15) else b"new "

    with answering(both) as probed:
        began = time.monotonic()
        assert probed.wait_for(lambda told: told == "new", soon()) is None
    assert len(asked) > 16
    assert time.monotonic() - began > 0.25


def test_on_a_machine_that_is_too_busy_to_ask_often_two_answers_are_not_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, now = [], [0.0]

    def answer(n: int) -> tuple[int, bytes]:
        asked.append(n)
        return 200, b"old " if n == 5 else b"new "

    def a_long_while(_: float) -> None:
        now[0] += 0.3

    slow = SimpleNamespace(monotonic=lambda: now[0], sleep=a_long_while)
    monkeypatch.setattr("incidents.enforcement.nginx.server.time", slow)
    with answering(answer) as probed:
        assert probed.wait_for(lambda told: told == "new", PATIENCE_S) is None
    assert len(asked) == 6 + 12


def test_a_generation_that_never_comes_is_told_of() -> None:
    with answering(lambda _: (200, b"old ")) as probed:
        trouble = probed.wait_for(lambda told: told == "new", soon(0.2))
    assert trouble is not None
    assert trouble.problem == "reload_pending"


def test_a_generation_that_comes_and_goes_is_not_believed_either() -> None:
    with answering(lambda n: (200, b"old " if n % 3 else b"new ")) as probed:
        assert probed.wait_for(lambda told: told == "new", soon(0.6)) is not None


def test_without_a_probe_nothing_is_waited_for() -> None:
    assert server(None).wait_for(lambda told: False, soon()) is None
    assert server(None).probe_host("shop.example", soon()) is None


@pytest.mark.parametrize(
    ("body", "state"),
    [(b"0a ", "active"), (b"0a suspended", "suspended"), (b"0a closed", "closed")],
)
def test_what_it_tells_of_a_host_is_read(body: bytes, state: str) -> None:
    with answering(lambda _: (200, body)) as probed:
        told = probed.probe_host("shop.example", soon())
    assert isinstance(told, ProbeAnswer)
    assert (told.generation, told.state) == ("0a", state)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b""), (200, b"0a"), (200, b"0a held"), (200, b"<html>"), (200, b"\xff \xff"),
     (200, b"x" * 100_000), (404, b"0a closed"), (500, b"0a closed")],
)  # fmt: skip
def test_what_is_not_its_answer_is_none(status: int, body: bytes) -> None:
    with answering(lambda _: (status, body)) as probed:
        assert probed.probe_host("shop.example", soon()) is None


def test_one_that_hangs_is_not_waited_for_longer_than_the_deadline() -> None:
    over = threading.Event()

    def hang(_: int) -> tuple[int, bytes]:
        over.wait(PATIENCE_S)
        return 200, b"0a closed"

    with answering(hang) as probed:
        # Whoever waited for its answer would be told.
        assert probed.probe_host("shop.example", soon(0.2)) is None
        over.set()
        assert probed.probe_host("shop.example", soon(-1)) is None
