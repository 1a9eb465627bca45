"""Acts that come at one moment: one transaction for all, and for each an answer of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from incidents.desk import Answer, Desk, Envelope
from incidents.desk.locked import StillLockedError
from tests.acceptance.daemons import until
from tests.api.desk import fill
from tests.api.rig import BASE, Rig

SITE = "/api/v1/sites/shop.example"
PATIENCE_S = 20


class _Busy:
    """A desk whose first transaction lasts until it is let go; it refuses to wait for `locked`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.transactions: list[int] = []
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.is_locked = False

    def submit(self, envelopes: Sequence[Envelope], **given: Any) -> list[Answer]:
        self.transactions.append(len(envelopes))
        self.begun.set()
        assert self.let_go.wait(PATIENCE_S)
        if self.is_locked and given.get("patience") is not None:
            raise StillLockedError
        return self.desk.submit(envelopes, **given)


@pytest.fixture
def busy(api: Rig) -> _Busy:
    """The desk of `api`, as busy as the test says."""
    fill(api)
    found = _Busy(api.house.desk)
    api.house.gatherer._desk = found  # type: ignore[assignment]  # as much of a desk as it needs
    return found


async def _logged_at_one_moment(api: Rig, busy: _Busy) -> list[httpx.Response]:
    """One, and while it is being written three more."""
    headers = {"Authorization": f"Bearer {api.token(api.account('op-2', 'operator'))}"}
    transport = httpx.ASGITransport(api.app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
        path = f"{SITE}/incidents"
        first = asyncio.create_task(client.post(path, json={"note": "0", "again": True}))
        assert await asyncio.to_thread(busy.begun.wait, PATIENCE_S)
        more = [
            asyncio.create_task(client.post(path, json={"note": f"{n}", "again": True}))
            for n in (1, 2, 3)
        ]
        [waiting] = api.app.state.at_the_desk._of_loop.values()
        await asyncio.to_thread(until, lambda: len(waiting.places) == 3, "three who wait")
        busy.let_go.set()
        return [await task for task in (first, *more)]


def test_what_comes_while_the_desk_writes_shares_its_next_transaction(
    api: Rig, busy: _Busy
) -> None:
    answers = asyncio.run(_logged_at_one_moment(api, busy))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert [answer.json()["incident"]["note"] for answer in answers] == ["0", "1", "2", "3"]
    assert busy.transactions == [1, 3]


def test_what_finds_its_site_locked_by_another_server_is_asked_alone(api: Rig, busy: _Busy) -> None:
    busy.is_locked = True
    answers = asyncio.run(_logged_at_one_moment(api, busy))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert sorted(busy.transactions) == [1, 1, 1, 1, 1, 3], "two that were refused, and four alone"
