"""The application by itself: a slow form, a database that is away, a place in another one."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import Connection

from incidents import clock
from incidents.console.customer import customer_app
from incidents.console.customer.customer_app import CustomerApp
from incidents.console.customer.customer_page import CustomerPage
from incidents.desk import Desk
from incidents.errors import DatabaseError
from incidents.notices import samples
from incidents.store.database.engine import create
from tests.console.customers import FORM, LINKS
from tests.notices.lane import WORDING

PAGE = CustomerPage(WORDING, samples.OFFICE)


def _away() -> AbstractContextManager[Connection]:
    raise DatabaseError("the database desk.host.example does not answer as it should")


@pytest.fixture
def app() -> CustomerApp:
    """Its database is away."""
    return CustomerApp(Desk(create("sqlite:////nothing/there.db")), _away, LINKS, PAGE)


def ask(
    app: CustomerApp, *, method: str = "GET", at: str | None = None, receive: Any = None,
    **said: Any,
) -> tuple[int, bytes]:  # fmt: skip
    """The status and the body of what is answered."""
    path = at or LINKS.address((1, 1), clock.now()).removeprefix(LINKS.base_url)
    scope = {
        "type": "http", "method": method, "path": path,
        "headers": [(b"content-type", FORM.encode())], **said,
    }  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive or _gone, send))
    start, body = sent
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
    return start["status"], body["body"]


async def _gone() -> Any:
    return {"type": "http.request", "body": b"remark=gone"}


def test_while_the_database_is_away_the_page_asks_for_patience(
    app: CustomerApp, capsys: pytest.CaptureFixture[str]
) -> None:
    for method in ("GET", "POST"):
        status, body = ask(app, method=method)
        assert status == 503
        assert "请稍后重新打开本页" in body.decode()
        assert "host.example/c" not in body.decode()
        assert "does not answer" not in body.decode()
    logged = capsys.readouterr().err
    assert '"incident": "1-1"' in logged
    assert '"error": "DatabaseError"' in logged
    assert LINKS.address((1, 1), clock.now())[-32:] not in logged


def test_who_has_no_link_is_not_even_looked_up(app: CustomerApp) -> None:
    for at in (
        "/c/1-1.x",
        "/",
        LINKS.address((1, 1), clock.now()).removeprefix(LINKS.base_url)[:-1],
    ):
        assert ask(app, at=at)[0] == 404


def test_a_form_that_does_not_come_in_time_is_not_waited_for(
    app: CustomerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_app, "READ_S", 0.05)

    async def slow() -> Any:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    status, body = ask(app, method="POST", receive=slow)
    assert status == 408
    assert "连接过慢" in body.decode()


def test_of_a_client_that_has_gone_nothing_is_recorded(app: CustomerApp) -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    assert ask(app, method="POST", receive=gone)[0] == 413


def test_it_can_be_mounted_in_another_application(app: CustomerApp) -> None:
    token = LINKS.address((1, 1), clock.now()).rpartition("/")[2]
    assert ask(app, at=f"/desk/c/{token}", root_path="/desk")[0] == 503
    assert ask(app, at=f"/desk/c/{token}")[0] == 404


def test_what_is_not_http_is_left_alone(app: CustomerApp) -> None:
    async def never(*_: Any) -> Any:
        raise AssertionError

    asyncio.run(app({"type": "websocket", "path": "/"}, never, never))
