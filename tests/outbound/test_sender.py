"""The sender: an answer comes whole, in time and within its cap, or its fault has a name."""

import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from incidents.outbound import connection as connections
from incidents.outbound import trust
from incidents.outbound.client import Sender
from incidents.outbound.faults import (
    BadAnswerError,
    Deadline,
    LostConnectionError,
    OutboundError,
    TimedOutError,
    TlsError,
)
from incidents.outbound.guard import Guard
from incidents.outbound.message import Answer, Request
from tests.outbound.rig import (
    LOOPBACK,
    Authority,
    Handler,
    Script,
    always,
    dripping,
    dripping_at_once,
    receiver,
    request_of,
    resetting,
    saying,
    silent,
    talker,
)
from tests.patience import PATIENCE_S

CAP = 1_000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def sender() -> Iterator[Sender]:
    """A sender that may send to the loopback."""
    made = Sender(Guard(allow=[LOOPBACK]))
    yield made
    made.close()


def sent(
    sender: Sender,
    url: str,
    *,
    method: str = "POST",
    body: bytes = b"{}",
    within_s: float = 5.0,
    repeatable: bool = False,
) -> Answer:
    """The answer to a request with a small cap."""
    request = Request(method=method, target=sender.guard.target(url), body=body)
    return sender.send(request, within_s=within_s, cap=CAP, repeatable=repeatable)


def test_a_request_arrives_as_it_was_given_and_the_answer_comes_back(sender: Sender) -> None:
    with receiver(always(202, b"taken", X_Mark="one")) as there:
        request = Request(
            method="POST",
            target=sender.guard.target(f"{there.url}?a=b%20c#d"),
            headers=[("Content-Type", "text/plain"), ("X-Mark", "two")],
            body=b"\x00\xff",
        )
        answer = sender.send(request, within_s=5, cap=CAP)
        sender.close()
    assert (answer.status, answer.body, answer.cut) == (202, b"taken", False)
    assert answer.header("x-mark") == "one"
    assert answer.header("x-none") is None
    (seen,) = there.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/hook?a=b%20c", b"\x00\xff")
    assert seen.headers == {
        "host": f"{LOOPBACK}:{there.port}",
        "content-type": "text/plain",
        "x-mark": "two",
        "content-length": "2",
    }


@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 308, 404, 429, 500, 599])
def test_whatever_the_status_is_it_is_an_answer_and_no_redirect_is_followed(
    sender: Sender, status: int
) -> None:
    with (
        receiver(always(200)) as elsewhere,
        receiver(always(status, Location=elsewhere.url)) as there,
    ):
        assert sent(sender, there.url).status == status
        sender.close()
    assert elsewhere.seen == []


def test_no_proxy_of_the_environment_is_asked(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(always(200, b"there")) as there, receiver(always(200, b"proxy")) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert sent(sender, there.url).body == b"there"
        sender.close()
    assert proxy.seen == []


# ── the deadline and the cap ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "script",
    [
        silent,
        dripping(b"", b"H"),
        dripping(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n"),
        dripping(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    ],
)
def test_a_server_that_hangs_or_drips_is_given_up_at_the_deadline_of_the_whole(
    sender: Sender, script: Script
) -> None:
    # Each step waits 0.05 s; with a timeout for each step there would be none.
    given_up = pytest.raises(TimedOutError, match=r"127\.0\.0\.1 did not answer within 0\.3 sec")
    with talker(script) as there, given_up:
        sent(sender, there.url, within_s=0.3)


def test_a_server_that_drips_its_side_of_the_handshake_is_given_up_too() -> None:
    sender = Sender(Guard(allow=[LOOPBACK]))
    # A record of TLS that promises 16,000 bytes of handshake.
    script = dripping_at_once(b"\x16\x03\x03\x3e\x80\x02\x00\x3e\x7c", b"\x00")
    with talker(script) as there, pytest.raises(TimedOutError):
        sent(sender, there.url.replace("http:", "https:"), within_s=0.3)


def test_a_server_that_takes_nothing_in_is_given_up_at_the_deadline(sender: Sender) -> None:
    def script(channel: socket.socket, over: threading.Event) -> None:
        over.wait()

    with talker(script) as there, pytest.raises(TimedOutError):
        sent(sender, there.url, body=b"x" * 50_000_000, within_s=0.3)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5f5e100\r\n",
    ],
)
def test_of_a_huge_body_no_more_than_the_cap_is_kept(sender: Sender, head: bytes) -> None:
    with talker(_flooding(head, b"x" * 10_000)) as there:
        answer = sent(sender, there.url)
    assert (answer.status, answer.cut) == (200, True)
    assert answer.body == b"x" * CAP


def test_a_body_of_just_the_cap_is_whole(sender: Sender) -> None:
    with receiver(always(200, b"x" * CAP)) as there:
        answer = sent(sender, there.url)
        sender.close()
    assert (len(answer.body), answer.cut) == (CAP, False)


def test_chunks_that_are_nearly_all_frame_are_cut_too(sender: Sender) -> None:
    frame = b"1;" + b"y" * 5_000 + b"\r\nx\r\n"
    with talker(
        _flooding(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", frame)
    ) as there:
        answer = sent(sender, there.url)
    assert answer.cut
    assert len(answer.body) < 100


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n" * 1_000),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 10_000),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 1_000),
    ],
)
def test_an_answer_that_never_comes_to_the_point_is_a_bad_one(
    sender: Sender, head: bytes, more: bytes
) -> None:
    with talker(_flooding(head, more)) as there, pytest.raises(BadAnswerError):
        sent(sender, there.url)


def _flooding(head: bytes, more: bytes) -> Script:
    def script(channel: socket.socket, over: threading.Event) -> None:
        request_of(channel)
        channel.sendall(head)
        while not over.is_set():
            channel.sendall(more)

    return script


# ── what goes wrong has a name ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (resetting, LostConnectionError),
        (saying(), LostConnectionError),
        (saying(b"HTTP/1.1 200 O"), LostConnectionError),
        (saying(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), BadAnswerError),
        (saying(b"HTTP/1.1 abc OK\r\n\r\n"), BadAnswerError),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nxy"), BadAnswerError),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nxy"), BadAnswerError),
        (saying(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), BadAnswerError),
        (saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), BadAnswerError),
        (saying(b"\x15\x03\x01\x00\x02\x02\x28"), BadAnswerError),
    ],
)
def test_a_server_that_does_not_answer_as_it_should_has_its_own_error(
    sender: Sender, script: Script, expected: type[OutboundError]
) -> None:
    with talker(script) as there, pytest.raises(expected, match=r"127\.0\.0\.1"):
        sent(sender, there.url)


def test_an_answer_that_comes_before_the_request_was_taken_is_an_answer(sender: Sender) -> None:
    """A server that wants no more of a request says why, and shuts its ears."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        theirs.shutdown(socket.SHUT_RD)
        target = sender.guard.target(f"http://{LOOPBACK}/")
        connection = connections.Connection(target, ours)
        request = Request(method="POST", target=target, body=b"x" * 100)
        answer, again = connection.ask(request, deadline=Deadline(LOOPBACK, 5), cap=CAP)
        connection.close()
    assert (answer.status, again) == (413, False)


# ── kept connections ─────────────────────────────────────────────────────────────────────────────


def test_one_connection_serves_many_requests(sender: Sender) -> None:
    with receiver(always(200, b"x" * 10)) as there:
        for _ in range(5):
            sent(sender, there.url)
        sender.close()
    assert len({seen.connection for seen in there.seen}) == 1


def test_threads_share_connections_and_each_gets_its_own_answer(sender: Sender) -> None:
    def answering(handler: Handler) -> None:
        handler.answer(200, handler.path.encode())

    with receiver(answering) as there, ThreadPoolExecutor(8) as threads:
        urls = [f"http://{LOOPBACK}:{there.port}/{n}" for n in range(200)]
        answers = list(threads.map(lambda url: sent(sender, url), urls))
        sender.close()
    assert [answer.body for answer in answers] == [f"/{n}".encode() for n in range(200)]
    assert len({seen.connection for seen in there.seen}) <= 8


@pytest.mark.parametrize(
    "script",
    [
        saying(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        saying(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
        saying(b"HTTP/1.1 200 OK\r\n\r\nok"),
        # A second answer behind the first must not be taken for that to the next request.
        saying(OK + b"HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_a_connection_that_is_not_good_for_another_request_is_not_used_again(
    sender: Sender, script: Script
) -> None:
    with talker(script) as there:
        for _ in range(2):
            assert sent(sender, there.url).body == b"ok"
        assert there.connections == 2


def test_a_second_answer_that_comes_later_is_not_taken_for_that_to_the_next_request(
    sender: Sender,
) -> None:
    said = threading.Event()

    def script(channel: socket.socket, over: threading.Event) -> None:
        request_of(channel)
        channel.sendall(OK)
        channel.sendall(b"HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n")
        said.set()
        over.wait()

    with talker(script) as there:
        sent(sender, there.url)
        assert said.wait(PATIENCE_S)
        assert sent(sender, there.url).body == b"ok"
        assert there.connections == 2


def _ending_after_one(ended: threading.Event) -> Script:
    """Answers the first request of a connection, and ends it when the second has come."""

    def script(channel: socket.socket, over: threading.Event) -> None:
        request_of(channel)
        channel.sendall(OK)
        if request_of(channel):
            ended.set()

    return script


def test_a_kept_connection_that_ends_just_then_is_replaced_if_the_request_is_repeatable(
    sender: Sender,
) -> None:
    ended = threading.Event()
    with talker(_ending_after_one(ended)) as there:
        sent(sender, there.url)
        assert sent(sender, there.url, repeatable=True).body == b"ok"
        assert ended.is_set()
        assert there.connections == 2


def test_a_request_that_is_not_repeatable_is_not_sent_twice(sender: Sender) -> None:
    with talker(_ending_after_one(threading.Event())) as there:
        sent(sender, there.url)
        with pytest.raises(LostConnectionError):
            sent(sender, there.url)
        assert there.connections == 1


def test_a_request_that_was_half_answered_is_not_sent_twice_though_it_is_repeatable(
    sender: Sender,
) -> None:
    def script(channel: socket.socket, over: threading.Event) -> None:
        request_of(channel)
        channel.sendall(OK)
        request_of(channel)
        channel.sendall(b"HTTP/1.1 200 ")

    with talker(script) as there:
        sent(sender, there.url)
        with pytest.raises(LostConnectionError):
            sent(sender, there.url, repeatable=True)
        assert there.connections == 1


def test_a_new_connection_that_ends_without_an_answer_is_not_tried_again(sender: Sender) -> None:
    with talker(saying()) as there:
        with pytest.raises(LostConnectionError):
            sent(sender, there.url, repeatable=True)
        assert there.connections == 1


def test_a_connection_that_the_server_has_ended_is_noticed_before_it_is_used(
    sender: Sender,
) -> None:
    with talker(saying(OK)) as there:
        sent(sender, there.url)
        there.threads[0].join()
        assert sent(sender, there.url).body == b"ok"
        assert there.connections == 2


@pytest.mark.parametrize("limit", ["IDLE_S", "MAX_AGE_S"])
def test_a_connection_is_not_kept_beyond_its_time(
    sender: Sender, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(always(200)) as there:
        monkeypatch.setattr(connections, limit, 0.0)
        for _ in range(2):
            sent(sender, there.url)
        sender.close()
    assert len({seen.connection for seen in there.seen}) == 2


def test_no_more_connections_are_kept_than_are_wanted() -> None:
    with receiver(always(200)) as one, receiver(always(200)) as two:
        sender = Sender(Guard(allow=[LOOPBACK]), keep=1)
        for url in (one.url, two.url, one.url, two.url, two.url):
            sent(sender, url)
        sender.close()
    assert len({seen.connection for seen in one.seen}) == 2
    assert len({seen.connection for seen in two.seen}) == 2


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────


def _to_panel(authority: Authority | None) -> Sender:
    guard = Guard(allow=["panel.example"], resolve=lambda host, port: [LOOPBACK])
    return Sender(guard, tls=None if authority is None else trust.context(authority.file))


def test_a_connection_by_tls_is_kept_and_used_again(authority: Authority) -> None:
    sender = _to_panel(authority)
    with receiver(always(200), tls=authority.server("panel.example")) as there:
        for _ in range(3):
            assert sent(sender, f"https://panel.example:{there.port}/").status == 200
        sender.close()
    assert there.names == ["panel.example"]
    assert len({seen.connection for seen in there.seen}) == 1


def test_a_server_that_nobody_known_vouches_for_is_not_sent_to(authority: Authority) -> None:
    with receiver(always(200), tls=authority.server("panel.example")) as there:
        with pytest.raises(TlsError, match=r"panel\.example: unable to get local issuer"):
            sent(_to_panel(None), f"https://panel.example:{there.port}/")
        assert there.seen == []


def test_a_server_of_another_name_is_not_sent_to(authority: Authority) -> None:
    with receiver(always(200), tls=authority.server("other.example", LOOPBACK)) as there:
        with pytest.raises(TlsError, match="ostname mismatch"):
            sent(_to_panel(authority), f"https://panel.example:{there.port}/")
        assert there.seen == []


def test_a_certificate_for_an_address_serves_that_address(authority: Authority) -> None:
    sender = Sender(Guard(allow=[LOOPBACK]), tls=trust.context(authority.file))
    with receiver(always(200), tls=authority.server(LOOPBACK)) as there:
        assert sent(sender, there.url).status == 200
        sender.close()


def test_a_server_that_speaks_no_tls_is_a_tls_fault(authority: Authority) -> None:
    with receiver(always(200)) as there, pytest.raises(TlsError, match=r"panel\.example"):
        sent(_to_panel(authority), f"https://panel.example:{there.port}/")


_OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)


def test_old_tls_is_not_spoken(authority: Authority) -> None:
    server = authority.server("panel.example")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        server.minimum_version, server.maximum_version = _OLD
    server.set_ciphers("ALL:@SECLEVEL=0")
    with receiver(always(200), tls=server) as there, pytest.raises(TlsError):
        sent(_to_panel(authority), f"https://panel.example:{there.port}/")


def test_the_authorities_of_this_machine_are_trusted_where_it_names_them(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    sender = _to_panel(None)
    with receiver(always(200), tls=authority.server("panel.example")) as there:
        assert sent(sender, f"https://panel.example:{there.port}/").status == 200
        sender.close()


def test_a_machine_without_authorities_trusts_those_that_come_with_the_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert trust.context().cert_store_stats()["x509_ca"] > 50


def test_a_connection_that_ends_in_its_handshake_has_a_name(authority: Authority) -> None:
    with talker(resetting) as there, pytest.raises((LostConnectionError, TlsError)):
        sent(_to_panel(authority), f"https://panel.example:{there.port}/")
