"""What PowerDNS' API answers amiss has a name, and so has a wrong setting."""

import socket
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from incidents.enforcement.powerdns import adapter as powerdns
from incidents.enforcement.powerdns import server, settings
from incidents.errors import SettingError, UnknownSettingError
from incidents.outbound.faults import TlsError
from incidents.outbound.message import Request
from incidents.settings.options import Options
from tests.enforcement import powerdns_rig
from tests.enforcement.orders import SITE, order, problem
from tests.enforcement.powerdns_rig import KEY, PowerDns
from tests.enforcement.powerdns_zone import NOTICE, NOTICE_6, ZONE, A, adapter
from tests.outbound.rig import LOOPBACK, Authority, always, receiver, request_of, talker
from tests.patience import PATIENCE_S

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


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nno JSON", "Retry malformed"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 60_000, "Retry malformed"),
        (b"HTTP/1.0 200 OK\r\n\r\n{}", "Failed no_zone"),
        (b"HTTP/1.0 200 OK\r\n\r\n[1]", "Retry malformed"),
        (b'HTTP/1.0 200 OK\r\n\r\n[{"name": "shop.example."}]', "Retry malformed"),
        (b"HTTP/1.0 500 Oops\r\n\r\n", "Retry http_500"),
        (b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "Retry http_302"),
        (b"not HTTP at all\r\n\r\n", "Retry unreachable"),
        (
            b"HTTP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b" " * 2**17,
            "Retry answer_too_large",
        ),
        (None, "Retry timeout"),
    ],
)
def test_an_answer_that_is_none_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, answer: bytes | None, expected: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setattr(server, "MAX_ANSWER_BYTES", 2**16)
    asked: list[bytes] = []

    def script(channel: socket.socket, over: threading.Event) -> None:
        asked.append(request_of(channel))
        channel.sendall(answer or b"")
        if answer is None:
            over.wait()

    with talker(script) as there:
        url = there.url.removesuffix("/hook")
        table = {"url": url, "api_key": KEY, "notice_a": NOTICE, "timeout": "1s"}
        made = powerdns.make("dns", Options("[acts.dns]", table))
        assert problem(made.deliver(order("suspend"))) == expected
    [request, *_] = asked
    path = b"/api/v1/servers/localhost/zones?zone=shop.example.&dnssec=false"
    assert request.startswith(b"GET " + path + b" HTTP/1.1\r\n")
    assert f"\r\nx-api-key: {KEY}\r\n".encode() in request.lower()


def test_https_is_believed_by_an_authority_of_the_machine_or_by_one_of_the_setting(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(always(503), tls=authority.server(LOOPBACK)) as there:
        table = _GOOD | {"url": there.url.removesuffix("/hook")}

        def status(**more: str) -> int:
            sender = settings.read_settings(Options("[acts.dns]", table | more)).server.sender
            asked = Request(method="GET", target=sender.guard.target(there.url))
            with closing(sender):
                return sender.send(asked, within_s=PATIENCE_S, cap=0).status

        with pytest.raises(TlsError, match="certificate"):
            status()
        assert status(ca=str(authority.file)) == 503
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert status() == 503


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
        ({"api_key": " not-to-be-shown"}, "api_key"),
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
