"""The failover: the leader of a synchronous cluster is lost, and the program goes on by itself.

Three hosts with etcd, Patroni and PostgreSQL, and one with `incidents serve`, two daemons and a
command line, in a network of their own. In the end no acknowledged act is lost or done twice, no
clock has fired early or was missed, and every process is the one that was started. How long it
takes from the new leader's first write to the first act of each surface is a figure, and no test.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from incidents import clock
from tests.fire import network, patroni
from tests.fire.failover_acts import API_ACTOR, API_SITES, SHELL_SITES, Api, Shell, Tries
from tests.fire.failover_desk import WAITS, Desk
from tests.fire.failover_faults import FAULTS, TURNS, Target
from tests.fire.failover_watch import Beats, Found, NewLeader, Readiness, prepare
from tests.fire.haproxy import ADDRESS, haproxy
from tests.fire.long_run import MEASURED
from tests.fire.network import Host
from tests.fire.patroni import Cluster
from tests.fire.patroni_member import Member
from tests.fire.record import Entry
from tests.patience import until

UNIT = "failovers"
PLAIN = True
"""Whether some runs give the program the members' addresses alone, with no parameter."""

# Each usual fault once; of four such blocks one goes by HAProxy.
_BLOCK, _BLOCKS = 6, 4
_CALM_S, _AFTERWARDS_S = 4.0, 5.0
_FIRST = 3
_SOON_S = 5.0


def chunk(seed: int, folder: Path) -> Counter[str]:
    """Run one failover; `TURNS` tells which fault a seed is.

    Raises:
        AssertionError: with the findings, the seed and where the evidence is.
    """
    name, drawn = TURNS[seed % len(TURNS)], random.Random(f"failover {seed}")
    with ExitStack() as stack:
        *nodes, beside = stack.enter_context(network.hosts(4))
        stack.enter_context(beside.entered())
        cluster = stack.enter_context(patroni.networked(nodes, FAULTS[name].times))
        url = given_url(cluster, drawn)
        if seed // _BLOCK % _BLOCKS == _BLOCKS - 2:
            stack.enter_context(haproxy([each.address for each in nodes], folder))
            url = f"postgresql://postgres@{ADDRESS}/{urlsplit(url).path.strip('/')}"
        members = dict(zip(cluster.members, nodes, strict=True))
        story = Story(cluster, members, url, folder)
        try:
            return story.told(name)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {name}: {error}\nlogs: {folder}") from error


def given_url(cluster: Cluster, drawn: random.Random) -> str:
    """The URL as the program gets it: mostly the leader first, which is the one that is lost."""
    url = urlsplit(cluster.url)
    person, _, hosts = url.netloc.partition("@")
    named = hosts.split(",")
    if drawn.random() < 1 / 3:
        named.reverse()
    plain = PLAIN and drawn.random() < 0.5
    return url._replace(
        netloc=f"{person}@{','.join(named)}", query="" if plain else url.query
    ).geturl()


class Story:
    """One failover, from the first act to the judgement."""

    def __init__(self, cluster: Cluster, hosts: dict[Member, Host], url: str, folder: Path) -> None:
        self._cluster, self._hosts, self._url, self._folder = cluster, hosts, url, folder
        self._desk = Desk(url, folder)
        self._over = threading.Event()

    def told(self, name: str) -> Counter[str]:
        """All of it; what was seen."""
        old = self._cluster.leader()
        prepare(old)
        self._desk.begin([*API_SITES, *SHELL_SITES], API_ACTOR)
        api = Api(self._desk, self._folder, self._over)
        shell = Shell(self._desk, self._folder, self._over)
        readiness = Readiness(self._over)
        with self._desk.running():
            working = [threading.Thread(target=each.work) for each in (api, shell, readiness)]
            for each in working:
                each.start()
            try:
                time.sleep(_CALM_S)
                until(lambda: _are_at_work(api, shell), "acts are done", looks=WAITS)
                began = time.monotonic()
                found, beats = self._fail(name, old, [api.tries, shell.tries])
            finally:
                self._over.set()
                for each in working:
                    each.join()
            due_by = clock.now()
            self._desk.settle(self._cluster.url)
        wrong = [*api.tries.wrong, *shell.tries.wrong]
        assert not wrong, "\n".join(wrong[:20])
        ledgers = [each.tries.ledger.ledger for each in (api, shell)]
        self._desk.told("daemon", "--once", env={"INCIDENTS_DB": self._cluster.url})
        entries = self._desk.judge(self._cluster.url, ledgers, due_by=due_by)
        self._desk.no_fault()
        seconds = {
            "to a new leader": found.at - began,
            "api": _after(found, api.tries),
            "api, before": api.tries.usual(began),
            "command line": _after(found, shell.tries),
            "command line, before": shell.tries.usual(began),
            "command line, longest failure": shell.tries.longest_failure(),
            "daemon": _first_decision(found, entries),
            "last daemon's heartbeat": max(beats.heard.values()) - found.at,
            "api, longest gap later": api.tries.longest_gap(found.at),
            "ready while acts failed": readiness.untrue(api.tries.attempts),
        }
        self._keep(name, seconds, [api.tries, shell.tries])
        late = Counter(
            f"{name}: {surface} later than {_SOON_S:.0f} s"
            for surface in ("api", "command line", "daemon")
            if seconds[surface] > _SOON_S
        )
        return late + Counter(
            {
                UNIT: 1, name: 1, "entries": len(entries),
                "acts acknowledged": sum(len(each.acknowledgements) for each in ledgers),
                "attempts without an answer": sum(each.tries.failed for each in (api, shell)),
                "clocks": sum(each.is_clocks for each in entries),
            }
        )  # fmt: skip

    def _fail(self, name: str, old: Member, tries: list[Tries]) -> tuple[Found, Beats]:
        others = [each for each in self._cluster.members if each is not old]
        target = Target(old, self._hosts[old], [self._hosts[each] for each in others])
        fault, began = FAULTS[name], time.monotonic()
        watch = NewLeader(others)
        fault.do(target)
        found = watch.wait()
        beats = Beats(found.member, self._desk.daemons(), self._over)
        time.sleep(max(0.0, began + fault.lasts_s - time.monotonic()))
        fault.undo(target)
        for each in tries:
            until(lambda each=each: each.first_done(found.at), "an act is done", looks=WAITS)  # type: ignore[misc]  # bound now
        until(beats.all_heard, "each daemon is heard of", looks=WAITS)
        until(lambda: found.member.has_standbys(len(others)), "all follow again", looks=WAITS)
        time.sleep(_AFTERWARDS_S)
        return found, beats

    def _keep(self, name: str, seconds: dict[str, float], tries: list[Tries]) -> None:
        measured: dict[str, object] = {
            f"{name}: {what}": round(took, 2) for what, took in seconds.items()
        }
        (self._folder / MEASURED).write_text(
            json.dumps(
                {
                    "seconds": measured, "url": self._url, "load": os.getloadavg()[0],
                    "said": [each.said() for each in tries],
                }
            )
        )  # fmt: skip


def _are_at_work(*acting: Api | Shell) -> bool:
    return all(each.tries.done >= _FIRST for each in acting)


def _after(found: Found, tries: Tries) -> float:
    first = tries.first_done(found.at)
    assert first is not None
    return first - found.at


def _first_decision(found: Found, entries: list[Entry]) -> float:
    """The seconds until a daemon decided what had fallen due."""
    decided = [e.recorded_at for e in entries if e.is_clocks and e.recorded_at > found.time]
    assert decided, "no daemon has decided anything since"
    return (min(decided) - found.time).total_seconds()
