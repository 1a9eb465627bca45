"""One clock: pages count by the database's, as what enforces the deadlines does."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from incidents import clock
from incidents.app import House
from incidents.clock import rfc3339
from tests.served_desk import ConsoleDesk, Visitor

SITE = "shop.example"
AHEAD = timedelta(minutes=4)


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
    now = clock.now().replace(microsecond=0) + AHEAD

    def ahead(_house: House, _connection: Connection) -> object:
        return now

    monkeypatch.setattr(House, "now", ahead)
    answer = Visitor(desk, "wang").get(path)

    assert answer.status_code == 200
    assert set(re.findall(r'data-now="([^"]*)"', answer.text)) == {rfc3339(now)}
