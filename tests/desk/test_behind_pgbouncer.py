"""Behind pgbouncer in transaction mode, with fewer connections to the server than desks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from incidents.audit.pool import WorkerPool
from incidents.desk import Desk, Envelope
from tests.desk import test_concurrent_actions as at_once
from tests.desk.rehearsal import Rehearsal, random_command, rehearsal
from tests.pgbouncer import TRACKED, UNTRACKED, pgbouncer

KINDS = pytest.mark.parametrize(
    "tracked", [UNTRACKED, pytest.param(TRACKED, marks=pytest.mark.long)]
)
SITES = ("a.example", "b.example", "c.example")
_DESKS, _ACTS = 4, 25


@KINDS
@pytest.mark.parametrize(
    "holds",
    [
        at_once.test_two_writers_on_one_site_lose_nothing_and_number_without_a_gap,
        at_once.test_the_same_key_at_one_moment_is_done_once,
        at_once.test_the_same_key_for_two_sites_at_one_moment_serves_one,
        at_once.test_a_site_added_by_two_at_one_moment_is_added_once,
        at_once.test_two_daemons_and_an_operator_suspend_each_site_once,
    ],
)
def test_what_holds_at_a_server_holds_behind_a_pooler(
    postgresql_url: str, tracked: int, holds: Callable[[Rehearsal, str], None]
) -> None:
    with pgbouncer(postgresql_url, size=2, tracked=tracked) as pooled, rehearsal(pooled) as day:
        day.add("a.example")
        if "two_sites" in holds.__name__:
            day.add("b.example")
        holds(day, pooled)
        assert day.findings() == []


@KINDS
def test_random_acts_of_several_desks_are_recorded_as_they_were_done(
    postgresql_url: str, tracked: int
) -> None:
    """Each desk has connections of its own, as in a process, and acts on the same sites."""
    with pgbouncer(postgresql_url, size=3, tracked=tracked) as pooled, rehearsal(pooled) as day:
        day.add(*SITES)
        with (
            at_once.several_desks(pooled, day, _DESKS) as desks,
            ThreadPoolExecutor(_DESKS) as threads,
        ):
            done = sum(threads.map(_act, desks, range(_DESKS), [day] * _DESKS))
        assert done > _DESKS * _ACTS / 4
        assert day.findings() == []


@KINDS
def test_processes_share_one_state_of_the_database(postgresql_url: str, tracked: int) -> None:
    with (
        pgbouncer(postgresql_url, size=3, tracked=tracked) as pooled,
        rehearsal(pooled) as day,
        WorkerPool(day.engine, 2) as workers,
    ):
        assert len(workers.pids) == 2


def _act(desk: Desk, seed: int, day: Rehearsal) -> int:
    """Act at random, and let time go on; return how many acts were not refused."""
    draw, done = Random(seed), 0
    for _ in range(_ACTS):
        command = random_command(draw, day.now, incidents=draw.randrange(1, 6))
        if draw.random() < 0.1:
            day.later(minutes=draw.choice((5, 61)))
            done += len(desk.elapse(limit=2))
        batch = [Envelope(site=site, command=command) for site in draw.sample(SITES, 2)]
        done += sum(answer.refusal is None for answer in desk.submit(batch))
    return done
