"""One clock: pages count by the database's, as what enforces the deadlines does."""

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from incidents import clock
from incidents.app import App
from incidents.clock import rfc3339
from incidents.machine import commands as c
from incidents.store import monitoring
from incidents.store.database.engine import writing
from tests.served_desk import ConsoleDesk, Visitor

SITE = "shop.example"
AHEAD = timedelta(minutes=4)


def database_ahead(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The database's clock is ahead of the server's; what it shows."""
    now = clock.now().replace(microsecond=0) + AHEAD

    def ahead(_app: App, _connection: Connection) -> datetime:
        return now

    monkeypatch.setattr(App, "now", ahead)
    return now


@pytest.mark.parametrize(
    "path",
    [
        "/sites/shop.example", "/sites/shop.example/filing", "/incidents/1-1", "/orders",
        "/orders/1-o2.notice", "/queue/list", "/unreported", "/overview", "/terms", "/audit", "/",
        "/sites", "/policy",
    ],
)  # fmt: skip
def test_a_page_counts_by_the_clock_of_the_database(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    desk.violation(SITE)
    now = database_ahead(monkeypatch)
    answer = Visitor(desk, "wang").get(path)

    assert answer.status_code == 200
    assert set(re.findall(r'data-now="([^"]*)"', answer.text)) == {rfc3339(now)}


def test_so_does_what_the_desk_answers_to_an_act(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon carries orders out only while it is heard of."""
    desk.do(SITE, c.AddSite(by="li"))
    with writing(desk.app.engine) as connection:
        now = clock.now()
        beat = monitoring.Heartbeat(daemon="d", host="h", pid=7, started_at=now, beat_at=now)
        monitoring.beat(connection, beat)
    wang = Visitor(desk, "wang")

    def held() -> str:
        answer = wang.post(f"/sites/{SITE}/hold", {"reason": "by order of a court"})
        return str(wang.get(answer.headers["location"]).text)

    assert "NOT DOWN YET" not in held()
    wang.post(f"/sites/{SITE}/unhold", {"reason": "lifted"})
    database_ahead(monkeypatch)

    page = held()

    assert "held by order" in page
    assert "NOT DOWN YET" in page
