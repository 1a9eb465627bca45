"""Limits: looks that are asked once for many requests, and how many acts somebody may do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from incidents.accounts.identity import Identity
from incidents.api import limits
from incidents.api.limits import AsyncBatcher, Quota, TooManyActsError
from tests import forked
from tests.api.rig import Rig
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Work:
    """Answers with each item's double, in rounds that wait to be let go."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.begun, self.let_go = threading.Event(), threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.rounds.append(list(items))
        self.begun.set()
        assert self.let_go.wait(PATIENCE_S)
        return [2 * item for item in items]

    async def first(self, rounds: AsyncBatcher[int, int], item: int) -> asyncio.Task[int]:
        """One whose round has begun."""
        task = asyncio.create_task(rounds.take(item))
        assert await asyncio.to_thread(self.begun.wait, PATIENCE_S)
        return task


async def waiting(rounds: AsyncBatcher[int, int], *items: int) -> list[asyncio.Task[int]]:
    """They have come, and wait."""
    tasks = [asyncio.create_task(rounds.take(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize(
    ("most", "rounds"), [(9, [[1], [2, 3, 4]]), (2, [[1], [2, 3], [4]])], ids=["all", "two"]
)
async def test_those_who_come_during_a_round_share_the_next_ones_in_their_order(
    most: int, rounds: list[list[int]]
) -> None:
    work = Work()
    asked = AsyncBatcher(work, most=most)
    first = await work.first(asked, 1)
    others = await waiting(asked, 2, 3, 4)
    work.let_go.set()
    assert [await task for task in (first, *others)] == [2, 4, 6, 8]
    assert work.rounds == rounds


async def test_what_fails_fails_for_all_of_its_round_and_for_nobody_else() -> None:
    def work(items: Sequence[int]) -> list[int]:
        if 2 in items:
            raise LookupError(2)
        return list(items)

    rounds = AsyncBatcher(work)
    found = await asyncio.gather(rounds.take(2), rounds.take(3), return_exceptions=True)
    assert [type(each) for each in found] == [LookupError, LookupError]
    assert await rounds.take(4) == 4


async def test_whoever_goes_meanwhile_takes_nobody_along() -> None:
    work = Work()
    rounds = AsyncBatcher(work)
    first = await work.first(rounds, 1)
    gone, stays = await waiting(rounds, 2, 3)
    first.cancel()
    gone.cancel()
    work.let_go.set()
    assert await stays == 6
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await rounds.take(5) == 10


def test_each_loop_has_rounds_of_its_own() -> None:
    begun, let_go = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> list[int]:
        if 1 in items:
            begun.set()
            assert let_go.wait(PATIENCE_S)
        return [2 * item for item in items]

    rounds = AsyncBatcher(work)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(asyncio.run, rounds.take(1))
        assert begun.wait(PATIENCE_S)
        assert asyncio.run(rounds.take(2)) == 4, "of this loop nothing is under way"
        let_go.set()
        assert first.result(PATIENCE_S) == 2


async def test_so_many_rounds_as_may_be_are_under_way_at_once() -> None:
    work = Work()
    rounds = AsyncBatcher(work, at_once=2)
    first = await work.first(rounds, 1)
    others = await waiting(rounds, 2, 3, 4)
    while len(work.rounds) < 2:
        await asyncio.to_thread(work.begun.wait, PATIENCE_S)
    work.let_go.set()
    assert [await task for task in (first, *others)] == [2, 4, 6, 8]
    assert work.rounds[0] == [1]
    assert len(work.rounds) == 2


async def test_a_round_waits_for_who_has_been_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GATHERING_S", PATIENCE_S)
    work = Work()
    work.let_go.set()
    rounds = AsyncBatcher(work)
    with rounds.coming() as coming, rounds.coming():
        [first] = await waiting(rounds, 1)
        coming.arrived()
        [second] = await waiting(rounds, 2)
        await asyncio.sleep(0)
        assert not work.rounds
    # The other one does not come.
    assert [await first, await second] == [2, 4]
    assert work.rounds == [[1, 2]]


async def test_a_round_waits_for_nobody_for_long() -> None:
    work = Work()
    work.let_go.set()
    rounds = AsyncBatcher(work)
    with rounds.coming():
        assert await rounds.take(1) == 2


async def test_who_gets_no_outcome_is_told_so_and_nobody_hangs() -> None:
    rounds: AsyncBatcher[int, int] = AsyncBatcher(lambda _: [])
    with pytest.raises(ValueError, match="shorter"):
        await rounds.take(1)


PROGRAM = Identity(handle="panel-1", role="integrator", token="t1")
OTHER = Identity(handle="panel-1", role="integrator", token="t2")
PERSON = Identity(handle="panel-1", role="integrator")


class Seconds:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def test_each_token_and_each_account_has_a_quota_of_its_own(seconds: Seconds) -> None:
    quota = Quota(2, seconds)
    for identity in (PROGRAM, OTHER, PERSON):
        quota.take(identity)
        quota.take(identity)
        with pytest.raises(TooManyActsError):
            quota.take(identity)


def test_who_has_any_left_may_do_a_batch_and_then_waits_as_long_as_is_told(
    seconds: Seconds,
) -> None:
    quota = Quota(60, seconds)
    quota.take(PROGRAM, 59)
    quota.take(PROGRAM, 100)
    with pytest.raises(TooManyActsError) as refused:
        quota.take(PROGRAM)
    assert refused.value.facts["wait_s"] == 100
    seconds.now = 99.9
    with pytest.raises(TooManyActsError):
        quota.take(PROGRAM)
    seconds.now = 100.0
    quota.take(PROGRAM)


def test_the_workers_of_a_server_share_the_quota(seconds: Seconds) -> None:
    quota = Quota(2, seconds)
    quota.take(PROGRAM)
    assert forked.done(lambda: quota.take(PROGRAM)) == 0
    with pytest.raises(TooManyActsError):
        quota.take(PROGRAM)


def test_callers_whose_quota_is_full_again_are_forgotten(seconds: Seconds) -> None:
    quota = Quota(60, seconds)
    for n in range(100):
        quota.take(replace(PROGRAM, token=f"t{n}"), 2)
    seconds.now = 2.0
    quota.take(PERSON)
    assert len(quota._done.get()) == 1


def test_a_limit_of_none_refuses_nobody(seconds: Seconds) -> None:
    quota = Quota(0, seconds)
    quota.take(PROGRAM, 10**9)
    quota.take(PROGRAM)


def test_beyond_the_quota_nothing_is_done_and_the_answer_says_when_to_ask_again(api: Rig) -> None:
    api.asgi_app.state.quota = Quota(3)
    program = api.client("integrator")
    commands = [{"do": "site.add", "to": f"{n}.shop.example", "words": {}} for n in range(4)]
    assert program.post("/api/v1/batch", json={"commands": commands}).status_code == 200
    refused = program.post("/api/v1/sites", json={"site": "one-more.example"})
    assert (refused.status_code, refused.json()["type"][22:]) == (429, "too-many-acts")
    assert int(refused.headers["Retry-After"]) > 0
    assert program.get("/api/v1/sites/one-more.example").status_code == 404


def test_a_path_that_is_not_there_names_the_document_of_those_that_are(api: Rig) -> None:
    answer = api.client("viewer").get("/api/v1")

    assert answer.status_code == 404
    assert answer.json()["detail"] == "Not Found. /openapi.json lists the paths."
