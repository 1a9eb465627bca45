"""A real nginx on the loopback with real sites, and the files of the adapter included."""

import http.client
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from incidents.enforcement.nginx import adapter as nginx_adapter
from incidents.enforcement.nginx.adapter import Nginx as Adapter
from incidents.enforcement.port import Order, Outcome, Retry
from incidents.settings.options import Options
from tests.enforcement import orders
from tests.patience import PATIENCE_S, until

SITES = ("shop.example", "blog.example")
T, UNTIL = datetime(2026, 3, 1, 11, tzinfo=UTC), datetime(2026, 3, 1, 23, tzinfo=UTC)

_CONFIG = """\
{user}
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/temp;
    proxy_temp_path {folder}/temp;
    fastcgi_temp_path {folder}/temp;
    scgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp;
    {more}
    include {folder}/incidents/incidents*.conf;
    server {{
        listen 127.0.0.1:{port} default_server;
        return 444;
    }}
    {servers}
}}
"""

_SERVER = """\
    server {{
        listen 127.0.0.1:{port};
        server_name {site} www.{site};
        include {folder}/incidents/site*.conf;
        error_page 410 503 /the-sites-own-error-page;
        root {folder}/sites/{site};
        location ~ /\\. {{ deny all; }}
        location / {{ try_files $uri $uri/ =404; }}
    }}
"""


@dataclass(frozen=True)
class Answer:
    """A visitor's answer; the names of the headers are in small letters."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Nginx:
    """A running nginx; `folder` holds all that is its own, `files` what the adapter writes."""

    folder: Path
    port: int
    probe: str
    process: subprocess.Popen[bytes]

    @property
    def files(self) -> Path:
        return self.folder / "incidents"

    @property
    def command(self) -> list[str]:
        """The command to start it, test its configuration (`-t`) or signal it (`-s reload`)."""
        return ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def settings(self, *, probe: bool = True, **more: Any) -> dict[str, Any]:
        """The table of the settings file for this nginx, without its `type`."""
        return {
            "folder": str(self.files),
            "test_command": [*self.command, "-t"],
            "reload_command": [*self.command, "-s", "reload"],
            **({"probe": self.probe} if probe else {}),
            **more,
        }

    def toml(self, section: str, **more: Any) -> str:
        """The same with its `type`, as a section of the settings file; texts, lists and flags."""
        table = {"type": "nginx", **self.settings(**more)}
        # A text, a list of texts and a flag are written in TOML as they are in JSON.
        lines = (f"{key} = {json.dumps(value)}" for key, value in table.items())
        return "\n".join((f"[{section}]", *lines, ""))

    def get(self, host: str, path: str = "/", method: str = "GET", body: str = "") -> Answer:
        """One request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            headers = {"Host": host, "Connection": "close"}
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read().decode())
        finally:
            connection.close()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds; fail with nginx's log if it never does."""
        try:
            until(condition, "what nginx is to come to")
        except AssertionError as error:
            error.add_note((self.folder / "error.log").read_text())
            raise

    def errors(self) -> list[str]:
        """The lines of its log above a notice."""
        lines = (self.folder / "error.log").read_text().splitlines()
        return [line for line in lines if "[notice]" not in line]


def order(
    kind: str = "suspend", seq: int = 1, site: str = "shop.example", until: datetime | None = UNTIL
) -> Order:
    """An order, given a minute after the one before it; only a suspension has an end."""
    ends = until if kind == "suspend" else None
    return orders.order(kind, seq, site, ordered_at=T + timedelta(minutes=seq), until=ends)


_STARTS = 5


def adapter(settings: dict[str, Any]) -> Adapter:
    """The adapter by the settings."""
    made = nginx_adapter.make("web", Options("[acts.web]", settings))
    assert isinstance(made, Adapter)
    return made


def carried_out(web: Adapter, ordered: Order) -> Outcome:
    """The outcome of the order, retried like the daemon does while nginx is busy."""

    def tried() -> list[Outcome]:
        outcome = web.deliver(ordered)
        return [] if isinstance(outcome, Retry) else [outcome]

    return until(tried, f"order {ordered.id} is carried out", looks=10)[0]


def _started(folder: Path, sites: Sequence[str], more: str) -> Nginx:
    """An nginx that listens, or that has ended."""
    port, probe_port = free_ports(2)
    servers = "".join(_SERVER.format(site=site, port=port, folder=folder) for site in sites)
    # Workers of a master that runs as root would not get into a test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    config = _CONFIG.format(folder=folder, port=port, servers=servers, user=user, more=more)
    (folder / "nginx.conf").write_text(config)
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors, cwd="/")
    running = Nginx(folder, port, f"127.0.0.1:{probe_port}", process)
    running.until(lambda: _listens(port) or process.poll() is not None)
    return running


def _said(folder: Path) -> str:
    return (folder / "stderr").read_text()


@contextmanager
def nginx(folder: Path, sites: Sequence[str] = SITES, more: str = "") -> Iterator[Nginx]:
    """Run nginx with these sites until the `with` block ends.

    Each site, and `www.` before its name, answers 200 with the words `the page of NAME`. `more` is
    put into the http block.
    """
    (folder / "incidents").mkdir(parents=True)
    for site in sites:
        (folder / "sites" / site).mkdir(parents=True)
        (folder / "sites" / site / "index.html").write_text(f"the page of {site}\n")
    (folder / "error.log").touch()
    for _ in range(_STARTS):
        running = _started(folder, sites, more)
        # A port that was free a moment ago may be somebody else's by now, for a while.
        if running.process.poll() is None or "bind()" not in _said(folder):
            break
    try:
        assert running.process.poll() is None, _said(folder)
        yield running
    finally:
        running.process.terminate()
        running.process.wait(PATIENCE_S)


def free_ports(n: int) -> list[int]:
    """Free ports of the loopback."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
    except OSError:
        return False
    return True
