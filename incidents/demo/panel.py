"""The panel: a stand-in for a provider's hosting panel, which takes sites down and up again.

It receives orders as docs/reference/webhook.md says, and notices as a gateway for messages does,
in the JSON of Apprise. It shows both on one page.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from standardwebhooks import Webhook, WebhookVerificationError

from incidents.demo import panel_page
from incidents.demo.panel_page import Say
from incidents.demo.panel_state import PanelState

ORDERS, STATE = "/orders", "/state"
"""The paths for orders and for the state of a site."""

NOTICE, TO_CUSTOMER, TO_DESK = "/notices/", "/notices/customer", "/notices/desk"
"""The path of a notice, before its number, and those for notices to a customer and to the desk."""

USER = "incidents"
"""The user name with which the daemon sends notices."""

_MOST_BYTES = 65_536


class Panel:
    """A panel for those sites, in a thread of its own, at a free port of the loopback.

    `secret`: of the webhook. `password`: of whoever sends notices. `clock`: aware times in UTC.
    Raises OSError if it cannot listen.
    """

    def __init__(
        self, sites: Mapping[str, str], clock: Callable[[], datetime], say: Say, *,
        secret: str, password: str,
    ) -> None:  # fmt: skip
        self.state = PanelState(sites, clock)
        self._signed, self._say, self._console = Webhook(secret), say, ""
        self._credentials = f"Basic {b64encode(f'{USER}:{password}'.encode()).decode()}"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, name="panel", daemon=True)
        host, port = self._server.server_address[:2]
        self.address = f"{host!s}:{port}"
        self.url = f"http://{self.address}"

    def start(self, console: str) -> None:
        """Begin to answer, with links to that console; whoever has asked before has waited."""
        self._console = console
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def page(self, path: str) -> str | None:
        """The page at that path; None if there is none."""
        if path == "/":
            return panel_page.panel(self.state, self._say, self._console)
        number = path.removeprefix(NOTICE)
        if number == path or not (number.isascii() and number.isdigit()):
            return None
        found = self.state.notice(int(number[:9]))
        return None if found is None else panel_page.notice(found, self._say, self._console)

    def take_order(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Carry out an order; False if it is not signed with the secret."""
        try:
            told = self._signed.verify(body, {**headers})
        except (WebhookVerificationError, ValueError):
            return False
        if told["type"].startswith("order."):
            self.state.carry_out(told["data"])
        return True

    def take_notice(self, to: str | None, body: bytes, authorization: str) -> bool:
        """Keep a notice; False if it is not from whoever knows the password."""
        if not compare_digest(authorization.encode(), self._credentials.encode()):
            return False
        told: Any = json.loads(body)
        self.state.receive(to, str(told["title"]), str(told["message"]))
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        panel = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = urlsplit(self.path)
                if path.path == STATE:
                    state = panel.state.state(parse_qs(path.query).get("site", [""])[0])
                    told = json.dumps({"state": state})
                    self._answer(404 if state is None else 200, "application/json", told)
                elif path.path in panel_page.FILES:
                    self._answer(200, *panel_page.FILES[path.path])
                elif (page := panel.page(path.path)) is not None:
                    self._answer(200, "text/html; charset=utf-8", page)
                else:
                    self._answer(404, "text/plain", "")

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(min(length, _MOST_BYTES))
                path = urlsplit(self.path)
                if path.path in (TO_CUSTOMER, TO_DESK):
                    to = parse_qs(path.query).get("to", [None])[0]
                    is_taken = panel.take_notice(to, body, self.headers.get("Authorization", ""))
                else:
                    is_taken = panel.take_order(body, dict(self.headers))
                self.close_connection = self.close_connection or not is_taken
                self._answer(204 if is_taken else 401, None if is_taken else "text/plain", "")

            def _answer(self, status: int, kind: str | None, text: str) -> None:
                body = text.encode()
                self.send_response(status)
                if kind is not None:
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(body)))
                    self.send_header("Cache-Control", "no-store")
                    self.send_header("Content-Security-Policy", panel_page.POLICY)
                    self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Write nothing: the terminal belongs to the demonstration."""

        return Handler
