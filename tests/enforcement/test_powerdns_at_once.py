"""Several daemons at one moment, killed daemons and killed servers: nothing is lost of a name."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from incidents.enforcement.port import Adapter, Delivered, Order, Outcome, Retry
from incidents.enforcement.powerdns import server
from incidents.enforcement.powerdns.adapter import PowerDns as Shipped
from incidents.outbound.faults import LostConnectionError
from incidents.outbound.message import Answer, Request
from tests.enforcement import powerdns_rig
from tests.enforcement.orders import SITE, order, problem
from tests.enforcement.powerdns_rig import PowerDns, rrset
from tests.enforcement.powerdns_zone import (
    AAAA,
    CNAME,
    HTTPS,
    NOTICE,
    STATES,
    TXT,
    WITH_MORE,
    WWW,
    ZONE,
    A,
    adapter,
)
from tests.patience import PATIENCE_S

# ── at once ──────────────────────────────────────────────────────────────────────────────────────


def until_delivered(made: Adapter, asked: Order, attempts: int = 100) -> None:
    """However often it takes: what is asked for at one moment may be told to come again."""
    for _ in range(attempts):
        outcome = made.deliver(asked)
        if outcome == Delivered():
            return
        assert isinstance(outcome, Retry), outcome
    raise AssertionError("it was never delivered")


def test_two_daemons_with_the_same_order_at_one_moment_lose_nothing(dns: PowerDns) -> None:
    before = dns.has_zone(ZONE, [WITH_MORE, AAAA, CNAME])
    daemons = [adapter(dns, www=True) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        for seq in range(1, 11, 2):
            for kind, at in (("suspend", seq), ("reopen", seq + 1)):
                asked = order(kind, at)
                list(pool.map(lambda made, o=asked: until_delivered(made, o), daemons * 2))
                assert dns.ask(WWW, "A")[0] == (
                    f"A {NOTICE}" if kind == "suspend" else "A 192.0.2.1"
                )
    assert dns.contents(ZONE) == before
    assert dns.notes(ZONE) == []


def test_many_sites_of_one_zone_at_one_moment_do_not_get_into_each_others_way(
    dns: PowerDns,
) -> None:
    sites = [f"s{n}.shop.example" for n in range(24)]
    before = dns.has_zone(
        ZONE, [rrset(f"{site}.", "A", 60, f"192.0.2.{n}") for n, site in enumerate(sites)]
    )
    made = adapter(dns)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda site: until_delivered(made, order("suspend", 1, site)), sites))
        assert {made.state(site) for site in sites} == {"suspended"}
        list(pool.map(lambda site: until_delivered(made, order("reopen", 2, site)), sites))
    assert dns.contents(ZONE) == before


def test_a_site_and_that_of_its_www_at_one_moment_both_hold_the_name(dns: PowerDns) -> None:
    before = dns.has_zone(ZONE, [A, CNAME])
    made = adapter(dns, www=True)
    with ThreadPoolExecutor(2) as pool:
        for seq in range(1, 9, 3):
            both = [order("suspend", seq), order("close", seq, WWW)]
            list(pool.map(lambda asked: until_delivered(made, asked), both))
            until_delivered(made, order("reopen", seq + 1))
            assert dns.ask(WWW, "A") == [f"A {NOTICE}"]
            until_delivered(made, order("reopen", seq + 2, WWW))
            assert dns.contents(ZONE) == before


def held_up(made: Adapter, at: Callable[[Request], bool]) -> tuple[threading.Event, Any]:
    """An adapter whose first such request waits: an event that it has come, one that frees it."""
    come, freed = threading.Event(), threading.Event()

    def wait(request: Request) -> None:
        if at(request) and not come.is_set():
            come.set()
            assert freed.wait(PATIENCE_S)

    requests_of(made, wait)
    return come, freed


def test_a_daemon_that_reads_while_another_one_acts_takes_no_notice_for_what_was_there(
    dns: PowerDns,
) -> None:
    before = dns.has_zone(ZONE, [A, AAAA])
    slow = adapter(dns, notice_a="198.51.100.8", notice_aaaa=None)
    count = iter(range(100))
    come, freed = held_up(slow, lambda _: next(count) == 2)
    with ThreadPoolExecutor(1) as pool:
        attempt = pool.submit(slow.deliver, order("suspend"))
        assert come.wait(PATIENCE_S)
        assert adapter(dns).deliver(order("suspend")) == Delivered()
        freed.set()
        assert attempt.result(PATIENCE_S) == Delivered()
    assert dns.ask(SITE, "A") == ["A 198.51.100.8"]
    kept = [json.loads(note["metadata"][0])["kept"] for note in dns.notes(ZONE)]
    assert kept
    assert "198.51.100." not in str(kept)
    assert adapter(dns).deliver(order("reopen", 2)) == Delivered()
    assert dns.contents(ZONE) == before


def test_a_daemon_that_reads_while_another_one_puts_all_back_takes_nothing_for_lost(
    dns: PowerDns,
) -> None:
    before = dns.has_zone(ZONE, [A, AAAA])
    assert adapter(dns).deliver(order("suspend", 1)) == Delivered()
    slow = adapter(dns)
    come, freed = held_up(slow, lambda request: "metadata" in request.target.path)
    with ThreadPoolExecutor(1) as pool:
        attempt = pool.submit(slow.deliver, order("reopen", 2))
        assert come.wait(PATIENCE_S)
        assert adapter(dns).deliver(order("reopen", 2)) == Delivered()
        freed.set()
        assert attempt.result(PATIENCE_S) == Delivered()
    assert dns.contents(ZONE) == before


def test_what_is_late_changes_nothing(dns: PowerDns, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dns.has_zone(ZONE, [A])
    late, asked = adapter(dns), list[str]()

    def take_long(request: Request) -> None:
        asked.append(request.target.path)
        if "metadata" in request.target.path:
            monkeypatch.setattr(server, "monotonic", lambda: time.monotonic() + 15)

    requests_of(late, take_long)
    assert problem(late.deliver(order("suspend"))) == "Retry timeout"
    assert "metadata" in asked[-1], "it was the last that was asked"
    assert dns.contents(ZONE) == before
    assert dns.notes(ZONE) == []


# ── killed in between ────────────────────────────────────────────────────────────────────────────


class _KilledError(Exception):
    """The daemon is gone."""


Hook = Callable[[Request], None]


def requests_of(made: Adapter, hook: Hook, answered: Hook = lambda _: None) -> None:
    """The adapter's requests go to a hook before they are sent, and to another when answered."""
    assert isinstance(made, Shipped)
    sender = made._settings.server.sender
    send = sender.send

    def hooked(request: Request, **how: Any) -> Answer:
        hook(request)
        answer = send(request, **how)
        answered(request)
        return answer

    sender.send = hooked  # type: ignore[method-assign]


def answers_of(made: Adapter, hook: Hook) -> None:
    requests_of(made, lambda _: None, hook)


@pytest.mark.parametrize("before_request", [True, False], ids=["before", "after"])
def test_a_daemon_killed_at_any_request_leaves_what_the_next_one_brings_to_its_end(
    dns: PowerDns, before_request: bool
) -> None:
    before = dns.has_zone(ZONE, [WITH_MORE, HTTPS, CNAME, TXT])
    asked = {"suspend": order("suspend", 1), "reopen": order("reopen", 2)}
    killed = 0
    for kind in ("suspend", "reopen"):
        for n in range(100):
            doomed, count = adapter(dns, www=True), iter(range(1000))

            def die(_: object, at: int = n, count: Iterator[int] = count) -> None:
                if next(count) == at:
                    raise _KilledError

            (requests_of if before_request else answers_of)(doomed, die)
            try:
                outcome = doomed.deliver(asked[kind])
            except _KilledError:
                killed += 1
            else:
                assert outcome == Delivered()
                break
            made = adapter(dns, www=True)
            if kind == "suspend":
                # Whatever was reached, a reopening finds the way back, and a suspension forward.
                assert made.deliver(asked["suspend"]) == Delivered()
                assert dns.ask(WWW, "A") == [f"A {NOTICE}"]
                assert made.deliver(asked["reopen"]) == Delivered()
            else:
                assert made.deliver(asked["reopen"]) == Delivered()
            assert dns.contents(ZONE) == before
            assert dns.notes(ZONE) == []
            if kind == "reopen":
                assert made.deliver(asked["suspend"]) == Delivered()
    assert dns.contents(ZONE) == before
    assert killed >= 14


@pytest.mark.parametrize("before_request", [True, False], ids=["before", "after"])
def test_a_server_killed_at_any_change_has_lost_nothing_when_it_is_back(
    tmp_path: Path, before_request: bool
) -> None:
    with powerdns_rig.serving(tmp_path / "powerdns") as dns:
        before = dns.has_zone(ZONE, [WITH_MORE, HTTPS, CNAME])
        for seq, kind in enumerate(["suspend", "close", "reopen"], start=1):
            killed: set[str] = set()
            made = adapter(dns, www=True)

            def kill(request: Request, killed: set[str] = killed) -> None:
                # A note's kind begins with its name's digits and ends in ten by chance.
                path = request.target.path
                change = f"{request.method} {path[:-10] if 'metadata' in path else path}"
                if request.method != "GET" and change not in killed:
                    killed.add(change)
                    dns.kill()
                    raise LostConnectionError(host=request.target.host)

            (requests_of if before_request else answers_of)(made, kill)
            for _ in range(10):
                outcome = made.deliver(order(kind, seq))
                if outcome == Delivered():
                    break
                assert problem(outcome) == "Retry unreachable"
                dns.start()
            # Two notes and one change; two notes and two old ones; one change and two old ones.
            assert len(killed) == {"suspend": 3, "close": 4, "reopen": 3}[kind]
            assert made.state(SITE) == STATES[kind]
        assert dns.contents(ZONE) == before
        assert dns.notes(ZONE) == []


@pytest.mark.long
def test_a_server_that_is_killed_over_and_over_loses_nothing(tmp_path: Path) -> None:
    with powerdns_rig.serving(tmp_path / "powerdns") as dns:
        before = dns.has_zone(ZONE, [WITH_MORE, CNAME])
        made = adapter(dns, www=True)
        done = threading.Event()
        outcomes: list[Outcome] = []

        def deliver() -> None:
            seq = 0
            while not done.is_set() or seq % 3:
                asked = order(("suspend", "close", "reopen")[seq % 3], seq)
                seq += 1
                while (outcome := made.deliver(asked)) != Delivered():
                    assert isinstance(outcome, Retry), outcome
                    outcomes.append(outcome)
                    time.sleep(0.02)

        with ThreadPoolExecutor(1) as pool:
            daemon = pool.submit(deliver)
            for _ in range(8):
                dns.restart()
            done.set()
            daemon.result(PATIENCE_S)
        assert outcomes, "it was never in the way"
        assert dns.contents(ZONE) == before
        assert dns.notes(ZONE) == []
