"""A log of a few leaves, and a real process of the witness, for the tests of both ends."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from incidents.tlog import note, proof, tree
from incidents.tlog.keys import COSIGNATURE_V1, SigningKey, VerifierKey
from incidents.tlog.note import Checkpoint, Note
from incidents.witness import rules
from incidents.witness.ledger import Ledger
from incidents.witness.rules import Submission
from tests.nursery_process import CONSOLE
from tests.patience import PATIENCE_S, until
from tests.tlog import trees

ORIGIN = "desk.example/log"


@dataclass
class Log:
    """A log whose n-th leaf is the hash of `word` and n: two words give two histories."""

    word: str = "entry"
    origin: str = ORIGIN
    key: SigningKey = field(default_factory=lambda: SigningKey.generate(ORIGIN))

    def rewritten_from(self, start: int) -> "Rewritten":
        """The same log under the same key, with other leaves from there on."""
        return Rewritten(self.word, self.origin, self.key, start)

    def leaf(self, n: int) -> bytes:
        return tree.leaf_hash(f"{self.word} {n}".encode())

    def root(self, size: int) -> bytes:
        return trees.root_of(map(self.leaf, range(size)))

    def note(self, size: int, *extensions: str) -> Note:
        text = Checkpoint(self.origin, size, self.root(size), extensions).text
        return note.sign_note(text, self.key)

    def prove(self, old: int, new: int) -> tuple[bytes, ...]:
        return tuple(proof.consistency_proof(self._node, old, new)) if old else ()

    def submission(self, old: int, new: int) -> Submission:
        return rules.submission_of(self.note(new), old, self.prove(old, new))

    def _node(self, height: int, n: int) -> bytes:
        return trees.root_of(map(self.leaf, range(n << height, (n + 1) << height)))


@dataclass
class Rewritten(Log):
    start: int = 0

    def leaf(self, n: int) -> bytes:
        return tree.leaf_hash(b"another") if n >= self.start else super().leaf(n)


@dataclass
class Running:
    """A running `incidents audit witness`."""

    process: subprocess.Popen[str]
    url: str
    key: VerifierKey
    ledger: Ledger
    log: Path

    def post(self, body: bytes) -> tuple[int, str, str]:
        """The status, the content type and the text of the answer to a body."""
        return request(self.url, "POST", rules.PATH, body)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(by)
        return self.process.wait(PATIENCE_S)


def request(url: str, method: str, path: str, body: bytes = b"") -> tuple[int, str, str]:
    """One request over a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def new_key(folder: Path, name: str = "witness.example") -> SigningKey:
    """A witness's key and its store, as `--new-key` makes them."""
    folder.mkdir(exist_ok=True)
    key = SigningKey.generate(name, COSIGNATURE_V1)
    file = folder / "witness.key"
    file.write_text(key.private_text() + "\n")
    file.chmod(0o600)
    Ledger(folder / "witness.key.db").register_key(key.verifier)
    return key


def command(folder: Path, *logs: Log) -> list[str]:
    """The command line of the witness in that folder."""
    known = [word for log in logs for word in ("--log", str(log.key.verifier))]
    return [
        sys.executable, "-c", CONSOLE, "audit", "witness",
        "--key", str(folder / "witness.key"), "--port", "0", *known,
    ]  # fmt: skip


@contextmanager
def witness(folder: Path, *logs: Log) -> Iterator[Running]:
    """Runs the witness of these logs until the `with` block ends; its key is made if need be."""
    if not (folder / "witness.key").exists():
        new_key(folder)
    key = SigningKey.parse((folder / "witness.key").read_text()).verifier
    log = folder / f"witness-{len(list(folder.glob('witness-*.log')))}.log"
    # A database that cannot be opened: the witness must never ask for one.
    env = {**os.environ, "INCIDENTS_DB": "postgresql://nobody@127.0.0.1:1/none"}
    with log.open("w") as errors:
        process = subprocess.Popen(
            command(folder, *logs), env=env, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://"), log.read_text()
        yield Running(process, url, key, Ledger(folder / "witness.key.db"), log)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass
class Witnessed:
    """A running witness, and the logs that it knows and has not heard of yet."""

    running: Running
    logs: Iterator[Log]


@contextmanager
def witnessed(folder: Path) -> Iterator[Witnessed]:
    """Runs a witness of many logs, one for each test."""
    names = [f"desk-{n}.example/log" for n in range(30)]
    logs = [Log(origin=name, key=SigningKey.generate(name)) for name in names]
    with witness(folder, *logs) as running:
        yield Witnessed(running, iter(logs))


def until_it_answers(url: str) -> None:
    """Waits until a server that does not say so listens there."""

    def answers() -> bool:
        try:
            request(url, "GET", "/")
        except OSError:
            return False
        return True

    until(answers, f"an answer at {url}")
