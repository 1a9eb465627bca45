"""The panel: it carries signed orders out in their order, and says that it is a stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook

from incidents import clock
from incidents.demo.panel import Panel
from incidents.enforcement import webhook
from incidents.enforcement.port import Delivered, Order
from incidents.locale.language import language
from incidents.machine.orders import ACT
from incidents.settings.options import Options

SECRET = "whsec_" + "A" * 44
SITES = {"shop.example": "active", "xn--1jqq80b.example": "closed"}


@pytest.fixture
def panel() -> Iterator[Panel]:
    def say(id_: str, /, **facts: object) -> str:
        return language("en", "cli").say(id_, when=str, **facts)

    with Panel(SITES, SECRET, clock.now, say) as made:
        made.start()
        yield made


def ask(panel: Panel, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    connection = HTTPConnection(str(urlsplit(panel.url).netloc))
    connection.request(method, path, body.encode() or None, headers)
    with connection.getresponse() as answer:
        found = answer.status, answer.read().decode()
    connection.close()
    return found


def order(panel: Panel, kind: str, seq: int, *, secret: str = SECRET) -> int:
    """Send it an order for shop.example, signed with that secret; the status of its answer."""
    body = json.dumps({
        "type": f"order.{kind}", "data": {"kind": kind, "site": "shop.example", "seq": str(seq)}
    })  # fmt: skip
    now = datetime.now(UTC)
    headers = {
        "webhook-id": f"1-o{seq}", "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(f"1-o{seq}", now, body),
    }  # fmt: skip
    return ask(panel, "POST", "/orders", body, **headers)[0]


def state(panel: Panel) -> object:
    return json.loads(ask(panel, "GET", "/state?site=shop.example")[1])["state"]


def test_a_site_goes_down_and_up_as_orders_come(panel: Panel) -> None:
    found = []
    for seq, kind in enumerate(("suspend", "reopen", "close"), 1):
        assert order(panel, kind, seq) == 204
        found.append(state(panel))
    assert found == ["suspended", "active", "closed"]


def test_an_order_that_comes_after_a_later_one_changes_nothing(panel: Panel) -> None:
    order(panel, "reopen", 7)
    assert order(panel, "suspend", 5) == 204
    assert state(panel) == "active"


def test_an_order_without_the_secret_is_refused(panel: Panel) -> None:
    assert order(panel, "close", 1, secret="whsec_" + "B" * 44) == 401
    assert ask(panel, "POST", "/orders", "{}")[0] == 401
    assert state(panel) == "active"


def test_the_page_shows_each_site_and_says_that_it_is_a_stand_in(panel: Panel) -> None:
    order(panel, "suspend", 1)
    status, page = ask(panel, "GET", "/")
    assert status == 200
    assert "stand-in for your hosting panel" in page
    assert "书店.example" in page
    assert page.index("down: suspended") < page.index("down: closed")
    assert "Down: 2. Up: 0." in page


def test_a_site_that_it_does_not_host_is_not_found(panel: Panel) -> None:
    assert ask(panel, "GET", "/state?site=other.example")[0] == 404
    assert ask(panel, "GET", "/elsewhere")[0] == 404


def test_an_order_is_signed_by_the_machines_time_whatever_the_fast_clock_shows(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A day ahead: receivers accept five minutes.
    pace = clock.Pace(60, clock.machine_now() - timedelta(minutes=24))
    monkeypatch.setattr(clock, "pace", pace)
    table = {"url": f"{panel.url}/orders", "secret": SECRET, "allow": ["127.0.0.1"]}
    adapter = webhook.make("panel", Options("[acts.panel]", table))
    suspend = Order(
        id="1-o1", kind="suspend", lane=ACT, site="shop.example", site_id=1, seq=1,
        ordered_at=clock.now(),
    )  # fmt: skip
    assert adapter.deliver(suspend) == Delivered()
    adapter.close()
    assert state(panel) == "suspended"
