"""The desk beside a failover: `incidents serve`, two daemons and a command line on their host.

Each is a real process that nobody starts again: it must be the same one in the end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psycopg

from incidents.desk import Desk as Writing
from incidents.desk import Envelope
from incidents.machine.commands import AddSite
from tests.acceptance.daemons import carried_out, engine_of
from tests.fire import checker, outbox, record
from tests.fire.downtime import overdue
from tests.fire.ledger import Acknowledgement, Entry, Intent, Ledger
from tests.fire.lost_tail_desk import desk as writing_desk
from tests.fire.lost_tail_desk import left, opened
from tests.nursery import ROOT
from tests.nursery_process import CONSOLE
from tests.patience import PATIENCE_S, until

DAEMONS = 2
PORT = 7390
WAITS = 20_000
"""The looks at what may take as long as the longest time-out."""

_POLICY = """
[repeat]
count = 1000
within = "1m"
[unreachable]
within = "3s"
suspend_for = "3s"
[unreachable_run]
count = 1000
"""
_SETTINGS = """
[acts.brake]
count = 0
"""
_FAULTS = ("Traceback", "fault in this program", "refused a row")


class Desk:
    """The program on one database; `url` is as it is given to the program."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder
        settings = folder / "config.toml"
        settings.write_text(_SETTINGS)
        own = {
            "INCIDENTS_DB": url, "INCIDENTS_AS": "operator-0", "INCIDENTS_CONFIG": str(settings),
            "INCIDENTS_AUDIT_KEY": str(folder / "audit.key"), "PYTHONWARNINGS": "ignore",
            "INCIDENTS_SERVE_KEY": str(folder / "serve.key"),
            "INCIDENTS_EVIDENCE": str(folder / "evidence"),
        }  # fmt: skip
        self._environment = os.environ | own
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.token = ""
        self.setup = Ledger()

    def begin(self, sites: Sequence[str], actor: str) -> None:
        """Make the schema, the policy, the account of `actor` with its token, and the sites."""
        policy = self._folder / "policy.toml"
        policy.write_text(_POLICY)
        self.told("db", "upgrade")
        self.told("policy", "activate", str(policy), "--reason", "short times")
        self.told("account", "add", actor, "--role", "supervisor")
        self.token = self.told("token", "make", actor, "--days", "1").strip()
        with engine_of(self._url) as engine:
            added = [Envelope(site=site, command=AddSite(by="operator-0")) for site in sites]
            answers = Writing(engine).submit(added)
            assert all(answer.refusal is None for answer in answers)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The server and the daemons run; they must be the same processes in the end."""
        for n in range(DAEMONS):
            self._start(f"daemon-{n}", "daemon")
        self._start("serve", "serve", "--port", str(PORT))
        try:
            until(lambda: ready(PORT, 5.0) == 200, "the server is ready")
            self._know_setup()
            yield
            for name, process in self._processes.items():
                assert process.poll() is None, f"{name} has ended: {process.returncode}"
        finally:
            for process in self._processes.values():
                process.send_signal(signal.SIGTERM)
            for process in self._processes.values():
                try:
                    process.wait(PATIENCE_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def daemons(self) -> list[int]:
        """The daemons' process numbers."""
        return [each.pid for name, each in self._processes.items() if name != "serve"]

    def process(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """A command of its own, as a shell starts it."""
        return subprocess.Popen(
            [sys.executable, "-c", CONSOLE, *words], env={**self._environment, **(env or {})},
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    def told(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """What a command says that must end well."""
        process = self.process(*words, env=env)
        out, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, (words, process.returncode, out[-500:], errors[-2_000:])
        return out.decode()

    def entries(self, env: Mapping[str, str] | None = None) -> list[record.Entry]:
        """All that is on record."""
        return list(record.read(self.told("audit", "export", env=env).splitlines()))

    def settle(self, url: str) -> None:
        """Wait until the daemons have done all that was due, and ordered."""
        with engine_of(url) as engine:
            until(lambda: overdue(engine) == 0, "all that was due is done", looks=WAITS)
            until(lambda: carried_out(engine), "all that was ordered is carried out", looks=WAITS)

    def judge(self, url: str, ledgers: Sequence[Ledger], **how: object) -> list[record.Entry]:
        """Hold the record against the ledgers; all of it.

        Raises:
            AssertionError: with the findings.
        """
        direct = {"INCIDENTS_DB": url}
        exported = self.told("audit", "export", env=direct)
        (self._folder / "export.jsonl").write_text(exported)
        lines = exported.splitlines()
        findings = checker.check(
            lines,
            [self.setup, *ledgers],
            outgoing=outbox.read(url),
            **how,  # type: ignore[arg-type]  # its own
        )
        assert not findings, "\n".join([f"{len(findings)} findings:", *findings[: checker.SHOWN]])
        self.told("audit", "replay", env=direct)
        with writing_desk(url) as app:
            assert left(app) == [], "sites wait for a person, though nothing was lost"
            assert opened(app) == []
        return list(record.read(lines))

    def no_fault(self) -> None:
        """No process has met a fault of the program; each has ended in good order."""
        for name, process in self._processes.items():
            said = (self._folder / f"{name}.log").read_text()
            assert not any(fault in said for fault in _FAULTS), f"{name}: {said[-4_000:]}"
            assert process.returncode == 0, f"{name}: {process.returncode}: {said[-2_000:]}"

    def _know_setup(self) -> None:
        """Write down what is there before the first act."""
        for entry in self.entries():
            key = f"setup {entry.line}"
            made = Entry(
                site_id=entry.site_id, site_seq=entry.site_seq, kind=entry.kind, actor=entry.actor
            )
            self.setup.intend(Intent(key=key, site=entry.site, actor=entry.actor, kind=entry.kind))
            self.setup.acknowledge(Acknowledgement(key=key, entries=(made,)))

    def _start(self, name: str, *words: str) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-c", CONSOLE, *words], env=self._environment, cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip


def ready(port: int, limit_s: float) -> int | None:
    """The status of /readyz; None if there is no answer in time."""
    connection = HTTPConnection("127.0.0.1", port, timeout=limit_s)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def heartbeats(connection: psycopg.Connection) -> dict[int, object]:
    """When each daemon was heard of last, by its process number."""
    return dict(connection.execute("SELECT pid, beat_at FROM heartbeats").fetchall())
