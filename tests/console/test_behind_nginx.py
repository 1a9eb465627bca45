"""The reference configuration of nginx before `incidents serve`: both are real ones."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from incidents.api.authentication import COOKIE
from incidents.settings import sources
from tests.enforcement.nginx_rig import free_ports, nginx
from tests.outbound.rig import Authority
from tests.patience import PATIENCE_S
from tests.served_desk import ConsoleDesk, open_desk, serving

CONFIG = Path("docs/how-to/nginx-for-serve.conf")
DESK = "desk.host.example"
PROXY = '[serve]\ntrusted_proxies = ["127.0.0.1"]\n'


class Heard:
    """The desk's application, and the headers of each request that reaches it."""

    def __init__(self, app: Any) -> None:
        self._app, self.state = app, app.state
        self.headers: list[dict[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        told = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.headers.append(told)
        await self._app(scope, receive, send)


@dataclass(frozen=True)
class Front:
    """Where nginx listens, before `desk`."""

    plain: int
    tls: int
    context: ssl.SSLContext
    desk: ConsoleDesk
    heard: Heard

    def connect(self, name: str = DESK) -> ssl.SSLSocket:
        opened = socket.create_connection(("127.0.0.1", self.tls), timeout=PATIENCE_S)
        try:
            return self.context.wrap_socket(opened, server_hostname=name)
        except BaseException:
            opened.close()
            raise

    @contextmanager
    def ask(
        self, path: str, method: str = "GET", **headers: str
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer to a request without a body, of which the head has come."""
        told = {"Host": DESK, **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        with self.connect() as channel:
            channel.sendall(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())
            with closing(http.client.HTTPResponse(channel, method=method)) as answer:
                answer.begin()
                yield answer


@contextmanager
def front(db: str, folder: Path, **other: str) -> Iterator[Front]:
    """The file as it is shown, but for places, and for the directives of `other`."""
    plain, tls = free_ports(2)
    authority = Authority(folder)
    authority.server(DESK)
    with open_desk(db, folder, PROXY, as_=ConsoleDesk) as desk:
        heard = Heard(desk.asgi_app)
        desk.asgi_app = heard  # type: ignore[assignment]  # as far as it is served
        with serving(desk):
            text = CONFIG.read_text()
            for shown, here in (
                (r"listen \[::\]:.*", ""),
                (r"listen 80", f"listen 127.0.0.1:{plain}"),
                (r"listen 443", f"listen 127.0.0.1:{tls}"),
                (r"/etc/ssl/\S+\.pem", str(folder / "server-1.pem")),
                (r"127\.0\.0\.1:7390", desk.url.removeprefix("http://")),
                *((rf"(?m)^ *{name} .*;", f"{name} {value};") for name, value in other.items()),
            ):
                text, found = re.subn(shown, here, text)
                assert found, shown
            with nginx(folder / "nginx", sites=(), more=text):
                context = ssl.create_default_context(cafile=str(authority.file))
                yield Front(plain, tls, context, desk, heard)


@pytest.fixture
def before(sqlite_url: str, tmp_path: Path) -> Iterator[Front]:
    with front(sqlite_url, tmp_path) as found:
        yield found


@pytest.mark.long
def test_the_desk_is_reached_by_tls_under_its_name_alone(before: Front) -> None:
    with before.ask("/sign-in") as answer:
        assert answer.status == 200
        told = str(answer.headers["strict-transport-security"])
        age = re.fullmatch(r"max-age=(\d+); includeSubDomains", told)
        assert age is not None
        assert int(age[1]) >= 365 * 86_400
        assert b"password" in answer.read()
    with before.ask("/c/nobody") as answer:
        assert (answer.status, "strict-transport-security" in answer.headers) == (404, True)

    plain = http.client.HTTPConnection("127.0.0.1", before.plain, timeout=PATIENCE_S)
    plain.request("GET", "/queue?mine=1")
    answer = plain.getresponse()
    assert (answer.status, answer.headers["location"]) == (308, f"https://{DESK}/queue?mine=1")
    answer.read()
    plain.request("GET", "/api/v1/queue")
    answer = plain.getresponse()
    assert (answer.status, answer.headers["location"]) == (403, None)
    assert b"revoke the token" in answer.read()
    plain.close()

    with pytest.raises(ssl.SSLError):
        before.connect("other.example")


@pytest.mark.long
def test_an_address_that_the_client_has_made_up_never_reaches_the_desk(before: Front) -> None:
    made_up = "203.0.113.9"
    with before.ask(
        "/sign-in", X_Forwarded_For=made_up, Forwarded=f"for={made_up}", X_Forwarded_Proto="http"
    ) as answer:
        assert answer.status == 200

    [told] = before.heard.headers
    assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert made_up not in str(told)


@pytest.mark.long
def test_a_file_of_evidence_passes_and_what_is_larger_is_not_let_in(before: Front) -> None:
    [limit] = re.findall(r"client_max_body_size (\d+)m;", CONFIG.read_text())
    most = int(limit) * 2**20
    assert most > sources.load().evidence_limit + 2**20

    with before.ask(
        "/api/v1/incidents/1-1/evidence", "POST", Content_Length=str(most + 1)
    ) as answer:
        assert answer.status == 413
    assert before.heard.headers == []


@pytest.mark.long
def test_changes_arrive_while_the_answer_goes_on(before: Front) -> None:
    cookie = f"{COOKIE}={before.desk.begin_session('li')}"
    with before.ask("/changes", Cookie=cookie) as answer:
        assert answer.status == 200
        told = b""
        while b"event: hello" not in told:
            told += (more := answer.read1(200))
            assert more


@pytest.mark.long
def test_one_address_has_so_many_connections_and_so_many_requests_at_a_time(
    sqlite_url: str, tmp_path: Path
) -> None:
    few = {
        "limit_conn": "incidents_connections 2",
        "limit_req_zone": "$binary_remote_addr zone=incidents_requests:1m rate=1r/m",
        "limit_req": "zone=incidents_requests burst=5 nodelay",
        "client_header_timeout": "100ms",
    }
    with front(sqlite_url, tmp_path, **few) as before:
        cookie = f"{COOKIE}={before.desk.begin_session('li')}"
        with (
            before.ask("/changes", Cookie=cookie) as one,
            before.ask("/changes", Cookie=cookie) as two,
            before.ask("/sign-in") as refused,
        ):
            assert [each.status for each in (one, two, refused)] == [200, 200, 429]
        statuses = []
        for _ in range(5):
            with before.ask("/sign-in") as answer:
                statuses.append(answer.status)
        assert (statuses[0], statuses[-1]) == (200, 429)
        # Whoever says nothing is not waited for, and not for the minute that nginx has by default.
        quiet = socket.create_connection(("127.0.0.1", before.tls))
        for silent in (quiet, before.connect()):
            with silent:
                silent.settimeout(30)
                assert silent.recv(1) == b""
