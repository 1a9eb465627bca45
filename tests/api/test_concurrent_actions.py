"""Acts that come at one moment: one transaction for all, and for each an answer of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import httpx
import pytest

from incidents.api.endpoints import actions
from incidents.api.limits import AsyncBatcher
from incidents.app import App
from incidents.contract.documents.actions import Acted
from incidents.desk import Answer, Desk, Envelope
from incidents.desk.locks import LockTimeoutError
from incidents.errors import DatabaseError
from tests.api.desk import fill
from tests.api.rig import BASE, Rig
from tests.patience import PATIENCE_S, until

SITE = "/api/v1/sites/shop.example"


class _Busy:
    """A desk whose first transaction lasts until let go; with `is_locked` it refuses to wait."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.transactions: list[int] = []
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.is_locked = False

    def submit(self, envelopes: Sequence[Envelope], **given: Any) -> list[Answer]:
        self.transactions.append(len(envelopes))
        self.begun.set()
        assert self.let_go.wait(PATIENCE_S)
        if self.is_locked and given.get("lock_timeout") is not None:
            raise LockTimeoutError
        return self.desk.submit(envelopes, **given)


@pytest.fixture
def busy(api: Rig) -> _Busy:
    """The desk of `api`, as busy as the test says."""
    fill(api)
    found = _Busy(api.app.desk)
    api.app.group_commit._desk = found  # type: ignore[assignment]  # as much of a desk as it needs
    return found


async def _logged_at_one_moment(api: Rig, busy: _Busy) -> list[httpx.Response]:
    """By one, and while that is being written by three others, of whom the viewer may not."""
    roles = {"op-2": "operator", "op-3": "operator", "looker": "viewer", "panel-2": "integrator"}
    tokens = {handle: api.token(api.account(handle, role)) for handle, role in roles.items()}
    transport = httpx.ASGITransport(api.asgi_app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:

        def log(handle: str) -> asyncio.Task[httpx.Response]:
            headers = {"Authorization": f"Bearer {tokens[handle]}"}
            words = {"note": f"by {handle}", "again": True}
            return asyncio.create_task(
                client.post(f"{SITE}/incidents", json=words, headers=headers)
            )

        first = log("op-2")
        assert await asyncio.to_thread(busy.begun.wait, PATIENCE_S)
        more = [log(handle) for handle in ("op-3", "looker", "panel-2")]
        [waiting] = api.asgi_app.state.command_batch._of_loop.values()
        await asyncio.to_thread(until, lambda: len(waiting.places) == 2, "two who wait")
        busy.let_go.set()
        return [await task for task in (first, *more)]


LOGGED = [("op-2", 201), ("op-3", 201), ("looker", 403), ("panel-2", 201)]


def test_what_comes_while_the_desk_writes_shares_its_next_transaction(
    api: Rig, busy: _Busy
) -> None:
    answers = asyncio.run(_logged_at_one_moment(api, busy))
    assert [answer.status_code for answer in answers] == [status for _, status in LOGGED]
    logged = [answer.json()["incident"] for answer in answers if answer.status_code == 201]
    assert [each["note"] for each in logged] == ["by op-2", "by op-3", "by panel-2"]
    assert [each["by"] for each in logged] == ["op-2", "op-3", "panel-2"]
    assert busy.transactions == [1, 2]


def test_what_finds_its_site_locked_by_another_server_is_asked_alone(api: Rig, busy: _Busy) -> None:
    busy.is_locked = True
    answers = asyncio.run(_logged_at_one_moment(api, busy))
    assert [answer.status_code for answer in answers] == [status for _, status in LOGGED]
    assert sorted(busy.transactions) == [1, 1, 1, 1, 2], "two that were refused, and three alone"


def test_a_look_that_fails_for_many_fails_for_nobody_whose_act_is_on_record(
    api: Rig, busy: _Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, looks = actions.action_documents, []

    def told(app: App, answers: Sequence[Answer]) -> list[Acted]:
        looks.append(len(answers))
        if len(answers) > 1:
            raise DatabaseError("it is away")
        return shared(app, answers)

    monkeypatch.setattr(
        api.asgi_app.state, "document_batch", AsyncBatcher(partial(told, api.app), at_once=1)
    )
    answers = asyncio.run(_logged_at_one_moment(api, busy))
    assert [answer.status_code for answer in answers] == [status for _, status in LOGGED]
    assert 2 in looks, "one was of two, and failed"
