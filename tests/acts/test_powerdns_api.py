"""What PowerDNS' API answers amiss has a name, and so has a wrong setting."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from incidents.acts.options import Options
from incidents.acts.powerdns import adapter as powerdns
from incidents.errors import SettingError, UnknownSettingError
from tests.acts import powerdns_rig
from tests.acts.orders import SITE, order, problem
from tests.acts.powerdns_rig import KEY, PowerDns
from tests.acts.powerdns_zone import NOTICE, NOTICE_6, ZONE, A, adapter

# ── what PowerDNS answers amiss ──────────────────────────────────────────────────────────────────


def test_a_wrong_key_is_told_as_such(dns: PowerDns) -> None:
    dns.has_zone(ZONE, [A])
    made = adapter(dns, api_key="another")
    assert problem(made.deliver(order("suspend"))) == "Retry credentials"
    assert made.state(SITE) is None


def test_a_wrong_server_is_told_from_a_missing_zone(dns: PowerDns) -> None:
    made = adapter(dns, server="elsewhere")
    assert problem(made.deliver(order("suspend"))) == "Retry http_404"


def test_a_server_that_is_away_is_tried_again(tmp_path: Path) -> None:
    with powerdns_rig.serving(tmp_path / "powerdns") as dns:
        made = adapter(dns)
        dns.kill()
        assert problem(made.deliver(order("suspend"))) == "Retry unreachable"
        assert made.state(SITE) is None


class _Odd(BaseHTTPRequestHandler):
    """Answers everything with `answer`; `asked` is what it was asked."""

    answer: bytes = b""
    freed = threading.Event()
    asked: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["X-API-Key"]))
        self.wfile.write(self.answer)
        if self.answer == b"":
            self.freed.wait(20)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def odd() -> Iterator[Any]:
    handler: Any = type("Odd", (_Odd,), {"asked": [], "freed": threading.Event()})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        handler.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield handler
        handler.freed.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nno JSON", "Retry malformed"),
        (b"HTTP/1.0 200 OK\r\n\r\n{}", "Failed no_zone"),
        (b"HTTP/1.0 200 OK\r\n\r\n[1]", "Retry malformed"),
        (b'HTTP/1.0 200 OK\r\n\r\n[{"name": "shop.example."}]', "Retry malformed"),
        (b"HTTP/1.0 500 Oops\r\n\r\n", "Retry http_500"),
        (b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "Retry http_302"),
        (b"not HTTP at all\r\n\r\n", "Retry unreachable"),
        (b"", "Retry timeout"),
    ],
)
def test_an_answer_that_is_none_is_tried_again(
    odd: Any, monkeypatch: pytest.MonkeyPatch, answer: bytes, expected: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    odd.answer = answer
    made = powerdns.make(
        "dns",
        Options(
            "[acts.dns]", {"url": odd.url, "api_key": KEY, "notice_a": NOTICE, "timeout": "1s"}
        ),
    )
    assert problem(made.deliver(order("suspend"))) == expected
    assert odd.asked[0] == (
        "/api/v1/servers/localhost/zones?zone=shop.example.&dnssec=false",
        KEY,
    )


# ── settings ─────────────────────────────────────────────────────────────────────────────────────

_GOOD: dict[str, Any] = {
    "url": "http://127.0.0.1:8081",
    "api_key": "not-to-be-shown",
    "notice_a": [NOTICE],
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"url": None}, "url"),
        ({"url": "127.0.0.1:8081"}, "http://127.0.0.1:8081"),
        ({"url": "http://operator-1@127.0.0.1"}, "url"),
        ({"url": "http://127.0.0.1:x"}, "url"),
        ({"url": "http://127.0.0.1/?key=1"}, "url"),
        ({"api_key": None}, "api_key"),
        ({"api_key": "not-to-be-shown\n"}, "api_key"),
        ({"server": "local/host"}, "server"),
        ({"notice_a": None}, "notice_aaaa"),
        ({"notice_a": ["198.51.100.7", "notice.example"]}, "IPv4 addresses"),
        ({"notice_a": NOTICE_6}, "IPv4 addresses"),
        ({"notice_aaaa": NOTICE}, "IPv6 addresses"),
        ({"notice_aaaa": "::ffff:192.0.2.1"}, "IPv6 addresses"),
        ({"notice_aaaa": "fe80::1%eth0"}, "IPv6 addresses"),
        ({"ttl": "0s"}, "ttl"),
        ({"ttl": 60}, "ttl"),
        ({"timeout": "20s"}, "timeout"),
        ({"www": "yes"}, "www"),
        ({"ca": "/no/such/file"}, "ca"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_must_be(changed: dict[str, Any], said: str) -> None:
    table = {key: value for key, value in (_GOOD | changed).items() if value is not None}
    with pytest.raises(SettingError) as refused:
        powerdns.make("dns", Options("[acts.dns]", table))
    assert said in refused.value.message
    assert "[acts.dns]" in refused.value.message
    assert "not-to-be-shown" not in refused.value.message


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(UnknownSettingError):
        powerdns.make("dns", Options("[acts.dns]", _GOOD | {"zone": "shop.example"}))
