"""The panel: a stand-in for a provider's hosting panel, which takes sites down and up again.

It receives orders as docs/reference/webhook.md says, and shows the sites on one small page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Self
from urllib.parse import parse_qs, urlsplit

from standardwebhooks import Webhook, WebhookVerificationError

from incidents.values.site_name import shown

ORDERS, STATE = "/orders", "/state"
"""The paths for orders and for the state of a site."""

STATES = {"suspend": "suspended", "reopen": "active", "close": "closed"}
"""The state of a site after an order, by the kind of the order."""

_MOST_BYTES = 65_536
_REFRESH_S = 2
_STYLE = """
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:46rem;margin:2rem auto;padding:0 1rem}
.note{border-inline-start:4px solid #b58900;padding-inline-start:.75rem}
table{border-collapse:collapse;width:100%}
td,th{text-align:start;padding:.3rem .75rem .3rem 0;border-bottom:1px solid #8884}
td:nth-child(n+2){white-space:nowrap}
.down{color:#c0392b;font-weight:600}.up{color:#2e8b57}.new td{background:#b5890022}
@media(prefers-color-scheme:dark){.down{color:#ff8a7a}.up{color:#7fd6a2}}
"""

Say = Callable[..., str]
"""Fills a phrase of the catalogue, given by its ID, with facts."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """A hosted site: its state, the number of its last order, and when that came (UTC)."""

    state: str
    seq: int = 0
    at: datetime | None = None

    @property
    def is_up(self) -> bool:
        """Whether visitors see the site."""
        return self.state == "active"


class Panel:
    """A panel for those sites, in a thread of its own, at a free port of the loopback.

    `secret`: of the webhook. `clock`: aware times in UTC. Raises OSError if it cannot listen.
    """

    def __init__(
        self, sites: Mapping[str, str], secret: str, clock: Callable[[], datetime], say: Say
    ) -> None:
        self._sites = {name: Hosted(state) for name, state in sites.items()}
        self._lock = Lock()
        self._signed, self._clock, self._say = Webhook(secret), clock, say
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, name="panel", daemon=True)
        host, port = self._server.server_address[:2]
        self.url = f"http://{host!s}:{port}"

    def start(self) -> None:
        """Begin to answer; whoever has asked before has waited."""
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def carry_out(self, order: Mapping[str, str]) -> None:
        """Take a site down or up, unless a later order has come already."""
        state = STATES.get(order["kind"])
        with self._lock:
            known = self._sites.get(order["site"], Hosted("active"))
            if state is not None and int(order["seq"]) > known.seq:
                seq = int(order["seq"])
                self._sites[order["site"]] = replace(known, state=state, seq=seq, at=self._clock())

    def state(self, site: str) -> str | None:
        """The state of a site; None if it is not hosted here."""
        with self._lock:
            found = self._sites.get(site)
        return None if found is None else found.state

    def page(self) -> str:
        """The page with all sites: those that are down first, the latest change at the top."""
        say, now = self._say, self._clock()
        with self._lock:
            sites = sorted(self._sites.items(), key=_order_shown)
        down = sum(not site.is_up for _, site in sites)
        rows = "\n".join(self._row(name, site, now) for name, site in sites)
        return (
            f'<!DOCTYPE html><html lang="{say("demo.panel.tag")}"><head><meta charset="utf-8">'
            f'<meta http-equiv="refresh" content="{_REFRESH_S}">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{say('demo.panel.title')}</title><style>{_STYLE}</style></head><body>"
            f"<h1>{say('demo.panel.title')}</h1>"
            f'<p class="note">{say("demo.panel.note")}</p>'
            f"<p>{say('demo.panel.count', down=down, up=len(sites) - down)}</p>"
            f"<table><thead><tr><th>{say('demo.panel.site')}</th><th>{say('demo.panel.state')}</th>"
            f"<th>{say('demo.panel.since')}</th></tr></thead><tbody>{rows}</tbody></table>"
            "</body></html>"
        )

    def _row(self, name: str, site: Hosted, now: datetime) -> str:
        state = self._say(f"demo.panel.{site.state}")
        since = "" if site.at is None else self._say("demo.panel.at", at=site.at)
        # For a demonstration's hour: a minute of the visitor's.
        is_new = site.at is not None and (now - site.at).total_seconds() < 3_600
        return (
            f"<tr{' class=new' if is_new else ''}><td>{escape(shown(name))}</td>"
            f'<td class="{"up" if site.is_up else "down"}">{escape(state)}</td>'
            f"<td>{escape(since)}</td></tr>"
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        panel = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = urlsplit(self.path)
                if path.path == "/":
                    self._answer(200, "text/html; charset=utf-8", panel.page())
                elif path.path == STATE:
                    state = panel.state(parse_qs(path.query).get("site", [""])[0])
                    told = json.dumps({"state": state})
                    self._answer(404 if state is None else 200, "application/json", told)
                else:
                    self._answer(404, "text/plain", "")

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(min(length, _MOST_BYTES))
                try:
                    told = panel._signed.verify(body, dict(self.headers))
                except (WebhookVerificationError, ValueError):
                    self.close_connection = True
                    self._answer(401, "text/plain", "")
                    return
                if told["type"].startswith("order."):
                    panel.carry_out(told["data"])
                self._answer(204, None, "")

            def _answer(self, status: int, kind: str | None, text: str) -> None:
                body = text.encode()
                self.send_response(status)
                if kind is not None:
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(body)))
                    self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Write nothing: the terminal belongs to the demonstration."""

        return Handler


def _order_shown(of: tuple[str, Hosted]) -> tuple[bool, float, str]:
    name, site = of
    return site.is_up, 0.0 if site.at is None else -site.at.timestamp(), name
