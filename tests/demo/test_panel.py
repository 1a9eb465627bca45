"""The panel: it carries signed orders out in their order, and says that it is a stand-in."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook

from incidents import clock
from incidents.demo.demo_folder import DemoFolder
from incidents.demo.panel import Panel
from incidents.demo.panel_state import MOST_NOTICES
from incidents.enforcement import webhook
from incidents.enforcement.port import Delivered, Order
from incidents.locale.language import language
from incidents.machine.orders import ACT
from incidents.notices import notice_settings
from incidents.notices.letter import Letter, Recipient
from incidents.settings.options import Options
from tests.patience import PATIENCE_S

SECRET = "whsec_" + "A" * 44
PASSWORD = "a-password"
CONSOLE = "http://127.0.0.1:7390"
SITES = {"shop.example": "active", "xn--1jqq80b.example": "closed"}


@pytest.fixture
def panel() -> Iterator[Panel]:
    def say(id_: str, /, **facts: object) -> str:
        return language("en", "cli").say(id_, when=str, **facts)

    with Panel(SITES, clock.now, say, secret=SECRET, password=PASSWORD) as made:
        made.start(CONSOLE)
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


def notify(panel: Panel, path: str, subject: str, *, password: str = PASSWORD) -> int:
    """Send it a notice as Apprise does; the status of its answer."""
    body = json.dumps({"version": "1.0", "title": subject, "message": "The <text>.\nIts end."})
    given = b64encode(f"incidents:{password}".encode()).decode()
    return ask(panel, "POST", path, body, Authorization=f"Basic {given}")[0]


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
    assert "Down: 2" in page
    assert "Up: 0" in page


def test_the_page_leads_to_the_console_and_to_each_site_in_it(panel: Panel) -> None:
    _, page = ask(panel, "GET", "/")
    assert set(re.findall(r'href="(http[^"]+)"', page)) == {
        f"{CONSOLE}/", f"{CONSOLE}/sites/shop.example", f"{CONSOLE}/sites/xn--1jqq80b.example"
    }  # fmt: skip


def test_the_page_lists_who_was_told_what_the_last_first(panel: Panel) -> None:
    assert "Nothing yet" in ask(panel, "GET", "/")[1]
    assert notify(panel, "/notices/customer?to=%2B861055550100", "Site <closed>") == 204
    assert notify(panel, "/notices/desk", "ALARM: call") == 204
    _, page = ask(panel, "GET", "/")
    assert "Nothing yet" not in page
    told = re.findall(r'<span class="to [^"]+">([^<]+)</span>', page)
    assert told == ["Desk", "Customer, +861055550100"]
    assert page.index("ALARM: call") < page.index("Site &lt;closed&gt;")


def test_a_notice_is_read_in_full_on_a_page_of_its_own(panel: Panel) -> None:
    notify(panel, "/notices/customer?to=%2B861055550100", "Site closed")
    status, page = ask(panel, "GET", "/notices/1")
    assert status == 200
    assert "Customer, +861055550100" in page
    assert "The &lt;text&gt;.\nIts end." in page
    for other in ("/notices/2", "/notices/", "/notices/one"):
        assert ask(panel, "GET", other)[0] == 404


def test_only_the_last_notices_are_kept(panel: Panel) -> None:
    for n in range(MOST_NOTICES + 1):
        notify(panel, "/notices/desk", f"number {n}.")
    _, page = ask(panel, "GET", "/")
    assert page.count('href="/notices/') == MOST_NOTICES
    assert "number 0." not in page
    assert ask(panel, "GET", "/notices/1")[0] == 404


def test_a_notice_without_the_password_is_refused(panel: Panel) -> None:
    assert notify(panel, "/notices/desk", "Site closed", password="another") == 401
    assert ask(panel, "POST", "/notices/customer", "{}")[0] == 401
    assert "Nothing yet" in ask(panel, "GET", "/")[1]


# Apprise imports it for some of its plugins.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_the_desks_own_channels_reach_it_by_the_settings_of_the_demonstration(
    panel: Panel, tmp_path: Path
) -> None:
    folder = DemoFolder(tmp_path)
    folder.write_settings(panel.address, SECRET, PASSWORD, "en")
    environ = {"INCIDENTS_CONFIG": str(folder.config)}
    letter = Letter(id="1-o1", subject="Site closed", text="The text.", html="", languages=("en",))
    customers = notice_settings.customer_settings(UTC, environ).channels
    desk = [outlet.channel for outlet in notice_settings.desk_settings(UTC, environ).outlets]
    for channel in (*customers, *desk):
        to = Recipient(phone="+86 10 5555 0100")
        assert channel.send(letter, to, within_s=PATIENCE_S) == Delivered()
    kept = [(each.to, each.subject, each.text) for each in panel.state.notices()]
    assert kept == [
        (None, "Site closed", "The text."), ("+861055550100", "Site closed", "The text.")
    ]  # fmt: skip


def test_a_site_that_it_does_not_host_is_not_found(panel: Panel) -> None:
    assert ask(panel, "GET", "/state?site=other.example")[0] == 404
    assert ask(panel, "GET", "/elsewhere")[0] == 404


def test_an_order_is_signed_by_the_machines_time_whatever_the_fast_clock_shows(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A day ahead: receivers accept five minutes.
    fast_clock = clock.FastClock(60, clock.machine_now() - timedelta(minutes=24))
    monkeypatch.setattr(clock, "fast_clock", fast_clock)
    table = {"url": f"{panel.url}/orders", "secret": SECRET, "allow": ["127.0.0.1"]}
    adapter = webhook.make("panel", Options("[acts.panel]", table))
    suspend = Order(
        id="1-o1", kind="suspend", lane=ACT, site="shop.example", site_id=1, seq=1,
        ordered_at=clock.now(),
    )  # fmt: skip
    assert adapter.deliver(suspend) == Delivered()
    adapter.close()
    assert state(panel) == "suspended"
