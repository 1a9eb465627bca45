"""A real PowerDNS on the loopback, with zones of SQLite in a folder, and a resolver's question."""

import contextlib
import os
import signal
import socket
import sqlite3
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx

from tests.patience import PATIENCE_S, until

SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
KEY = "the-key-of-a-test"
TYPES = {"A": 1, "CNAME": 5, "MX": 15, "TXT": 16, "AAAA": 28, "HTTPS": 65}

Contents = list[dict[str, Any]]
"""The record sets of a zone."""

_CONFIGURATION = """\
launch=gsqlite3
gsqlite3-database={folder}/pdns.db
gsqlite3-dnssec=yes
local-address=127.0.0.1
local-port={dns_port}
api=yes
api-key={key}
webserver=yes
webserver-address=127.0.0.1
webserver-port={api_port}
webserver-allow-from=127.0.0.1
webserver-loglevel=none
socket-dir={folder}
daemon=no
guardian=no
# It must not ask a foreign host for security notices.
security-poll-suffix=
{more}
"""


@dataclass
class PowerDns:
    """The server; `api` is an administrator's own connection to it."""

    folder: Path
    api_port: int
    dns_port: int
    process: subprocess.Popen[bytes] | None = None
    api: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.api = httpx.Client(
            base_url=f"{self.url}/api/v1/servers/localhost",
            headers={"X-API-Key": KEY},
            trust_env=False,
            timeout=PATIENCE_S,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["pdns_server", f"--config-dir={self.folder}"],
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"] + ":/usr/sbin"},
            )
        until(lambda: self._ended() or self._answers(), "PowerDNS answers")
        said = (self.folder / "log").read_text(errors="replace")[-2000:]
        assert not self._ended(), f"PowerDNS has ended: {said}"

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def restart(self) -> None:
        self.kill()
        self.start()

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            if self.api.get("/zones").status_code != 200:
                return False
            with contextlib.suppress(TimeoutError):
                self.ask("start.invalid", "A", wait_s=0.2)
                return True
        return False

    # As an administrator.

    def has_zone(self, name: str, sets: Sequence[Mapping[str, Any]] = (), **more: Any) -> Contents:
        """Make the zone; return its contents."""
        zone = {"name": name, "kind": "Native", "nameservers": ["ns1.example."], **more}
        answer = self.api.post("/zones", json={**zone, "rrsets": list(sets)})
        assert answer.status_code == 201, answer.text
        return self.contents(name)

    def edit(self, zone: str, *changes: Mapping[str, Any]) -> None:
        answer = self.api.patch(f"/zones/{zone}", json={"rrsets": list(changes)})
        assert answer.status_code == 204, answer.text

    def contents(self, zone: str) -> Contents:
        """All record sets but the SOA, whose serial grows with each change."""
        found = self.api.get(f"/zones/{zone}").json()["rrsets"]
        for each in found:
            each["records"].sort(key=lambda record: record["content"])
        kept = [each for each in found if each["type"] != "SOA"]
        return sorted(kept, key=lambda each: (each["name"], each["type"]))

    def notes(self, zone: str) -> list[dict[str, Any]]:
        found = self.api.get(f"/zones/{zone}/metadata").json()
        return [each for each in found if each["kind"].startswith("X-INCIDENTS-")]

    def forget_zones(self) -> None:
        for zone in self.api.get("/zones").json():
            assert self.api.delete(f"/zones/{zone['id']}").status_code == 204

    # As a resolver.

    def ask(self, name: str, kind: str, wait_s: float = 5.0) -> list[str]:
        """The answer's records, such as `A 192.0.2.1`, in order; of other types only the type."""
        asked = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
        head = struct.pack(">6H", 4711, 0, 1, 0, 0, 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(wait_s)
            udp.sendto(
                head + asked + struct.pack(">2H", TYPES[kind], 1), ("127.0.0.1", self.dns_port)
            )
            answer = udp.recv(4096)
        assert answer[:2] == head[:2]
        count = struct.unpack_from(">H", answer, 6)[0]
        at, found = 12 + len(asked) + 4, []
        for _ in range(count):
            at = _name(answer, at)[1]
            number, _, _, length = struct.unpack_from(">HHIH", answer, at)
            found.append(_told(answer, at + 10, number, length))
            at += 10 + length
        return sorted(found)


def _told(answer: bytes, at: int, number: int, length: int) -> str:
    kind = {code: name for name, code in TYPES.items()}.get(number, str(number))
    if kind in ("A", "AAAA"):
        return f"{kind} {ip_address(answer[at : at + length])}"
    return f"CNAME {_name(answer, at)[0]}" if kind == "CNAME" else kind


def _name(answer: bytes, at: int) -> tuple[str, int]:
    """The name that stands there, and where it ends (RFC 1035, 4.1.4)."""
    labels: list[str] = []
    end = None
    while answer[at]:
        if answer[at] >= 0xC0:
            end = end or at + 2
            at = struct.unpack_from(">H", answer, at)[0] & 0x3FFF
            continue
        labels.append(answer[at + 1 : at + 1 + answer[at]].decode())
        at += 1 + answer[at]
    return ".".join(labels), end or at + 1


@contextmanager
def serving(folder: Path, *more: str) -> Iterator[PowerDns]:
    """A server without zones; `more` are lines of its configuration."""
    assert SCHEMA.is_file(), "the Debian packages pdns-server and pdns-backend-sqlite3 are missing"
    folder.mkdir(exist_ok=True)
    with contextlib.closing(sqlite3.connect(folder / "pdns.db")) as database:
        database.executescript(SCHEMA.read_text())
    server = PowerDns(folder, _free_port(), _free_port())
    configuration = _CONFIGURATION.format(
        folder=folder,
        key=KEY,
        api_port=server.api_port,
        dns_port=server.dns_port,
        more="\n".join(more),
    )
    (folder / "pdns.conf").write_text(configuration)
    try:
        server.start()
        yield server
    finally:
        server.api.close()
        if server.process is not None and server.process.poll() is None:
            server.kill()


def _free_port() -> int:
    """One that is free for both TCP and UDP."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as tcp:
            port: int = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port


def rrset(name: str, kind: str, ttl: int, *contents: str, **more: Any) -> dict[str, Any]:
    """A record set as the API takes it."""
    records = [{"content": content, "disabled": False} for content in contents]
    return {"name": name, "type": kind, "ttl": ttl, "records": records, "comments": [], **more}


def replaced(name: str, kind: str, ttl: int, *contents: str) -> dict[str, Any]:
    """The part of a PATCH that writes that set."""
    return {**rrset(name, kind, ttl, *contents), "changetype": "REPLACE"}


def removed(name: str, kind: str) -> dict[str, Any]:
    """The part of a PATCH that removes that set."""
    return {"name": name, "type": kind, "changetype": "DELETE"}
