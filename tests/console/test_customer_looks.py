"""A customer asks the desk to look at the page again: what is shown, how often, and of what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from freezegun import freeze_time

from incidents import clock
from incidents.desk.inbox.snapshots import Taken
from incidents.inbox.snapshots import by_customer
from incidents.inbox.snapshots.by_customer import DAY, PAUSE, PER_DAY, may_look
from incidents.inbox.snapshots.taking import Snapshots
from incidents.machine import commands as c
from incidents.notices.customer_link import Incident
from incidents.store.inbox import snapshots
from tests.console.customers import Customers, Page, path
from tests.console.test_reports_pages import receive
from tests.served_desk import Visitor

URL = "http://shop.example/x"
MAIL = b"From: a@user.example\r\nSubject: phishing\r\n\r\nsee %s and http://other.example/y\r\n"
ASKED = b"look=again"


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were looked at; the server answers 200, and then 404."""
    urls: list[str] = []

    def one(_: Snapshots, _sites: object, _pictures: object, url: str) -> Taken:
        urls.append(url)
        if len(urls) == 1:
            return Taken(url=url, final=url, status=200, digest="a" * 64, title="Pills")
        return Taken(url=url, final=url, status=404)

    monkeypatch.setattr(Snapshots, "_one", one)
    return urls


def reported(served: Customers, **more: str) -> Incident:
    """An incident that came of a report about two sites."""
    for site in ("shop.example", "other.example"):
        served.do(site, c.AddSite(by="li", phone="+86 10 5555 0100"))
    receive(served, MAIL % URL.encode())
    Visitor(served, "li").post("/reports/r1/log", {"site": "shop.example", **more})
    return (1, 1)


def ask(served: Customers, incident: Incident) -> Page:
    return served.post(path(incident), ASKED)


def test_a_customer_looks_at_their_own_page_and_nothing_is_decided(
    served: Customers, looked_at: list[str]
) -> None:
    incident = reported(served)
    assert "立即查看" in served.get(incident).text
    before = served.incident(incident), served.items(incident).keys()
    Visitor(served, "li").post("/incidents/1-1/retest")
    # What the desk saw is the desk's.
    assert "返回状态" not in served.get(incident).read

    shown = ask(served, incident)
    assert shown.status == 200
    assert f"<bdi>{URL}</bdi>" in shown.text
    assert "返回状态 404，内容与首次查看时不同" in shown.read
    assert "answered with status 404, not the same as when we first looked" in shown.read
    assert "Pills" not in shown.text
    assert looked_at == [URL, URL]
    with served.app.reading() as connection:
        assert [each.by for each in snapshots.of_reports(connection, [1])] == ["li", "customer"]
    assert len(served.entries("report_snapshot")) == 2
    assert (served.incident(incident), served.items(incident).keys()) == before


def test_a_second_look_waits(served: Customers, looked_at: list[str]) -> None:
    incident = reported(served)
    assert ask(served, incident).status == 200
    again = ask(served, incident)
    assert again.status == 429
    assert "Not checked: the last check was too short a time ago." in again.text
    assert "answered with status 200" in again.read
    assert len(looked_at) == 1


def test_all_customers_together_ask_for_no_flood(
    served: Customers, looked_at: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_customer, "PER_HOUR", 0)
    assert ask(served, reported(served)).status == 429
    assert looked_at == []


def test_where_there_is_nothing_to_look_at_nobody_is_asked_to(
    served: Customers, looked_at: list[str]
) -> None:
    of_no_report = served.logged(urls=("http://s1.example/a",))
    assert "立即查看" not in served.get(of_no_report).text
    assert ask(served, of_no_report).status == 409
    assert looked_at == []


def test_nothing_is_looked_at_that_may_show_child_abuse(
    served: Customers, looked_at: list[str]
) -> None:
    incident = reported(served, category="child_abuse")
    assert "立即查看" not in served.get(incident).text
    assert ask(served, incident).status == 409
    assert looked_at == []


def test_when_the_incident_is_settled_there_is_no_look(
    served: Customers, looked_at: list[str]
) -> None:
    incident = reported(served)
    served.do(incident[0], c.StateRemoved(by="li", incident=1))
    assert "立即查看" not in served.get(incident).text
    assert ask(served, incident).status == 409
    assert looked_at == []


@freeze_time("2026-03-02 02:00")
def test_looks_are_apart_and_a_day_has_so_many() -> None:
    now = clock.now()
    assert may_look((), now)
    assert may_look([now - PAUSE], now)
    assert not may_look([now - PAUSE + timedelta(seconds=1)], now)
    day = [now - n * timedelta(hours=1) for n in range(1, PER_DAY + 1)]
    assert not may_look(day, now)
    assert may_look([*day[1:], now - DAY], now)
