"""Outside judges: Debian's litewitness, another C2SP tlog-witness in Go, and openssl.

Debian's build of litewitness (0.4.3) breaks down where it has to store what it has accepted. So it
is given by hand what it has seen, and judges refusals: both witnesses must answer the same
submissions alike. What is signed is judged by openssl.
"""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from incidents.audit.log.witnesses import SplitViewError, Witness, WitnessError, fetch
from incidents.tlog import encoding
from incidents.tlog.keys import COSIGNATURE_V1, SigningKey, VerifierKey
from incidents.tlog.note import Signature
from incidents.witness import rules
from incidents.witness.rules import Submission
from tests.enforcement.nginx_rig import free_ports
from tests.patience import PATIENCE_S, until
from tests.witness import rig
from tests.witness.rig import ORIGIN, Log

LOG = Log()
NAME = "judge.example/litewitness"


@dataclass
class Judge:
    """A running litewitness, and its database."""

    witness: Witness
    database: Path

    def has_seen(self, size: int) -> None:
        """Write down that it has countersigned the log's tree of that size."""
        root = encoding.base64_of(LOG.root(size))
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute("UPDATE log SET tree_size = ?, tree_hash = ?", (size, root))
            connection.commit()


def _hears(env: dict[str, str]) -> bool:
    """Whether an agent answers (ssh-add(1): 2 is that none does)."""
    asked = subprocess.run(["ssh-add", "-l"], env=env, capture_output=True, check=False)
    return asked.returncode != 2


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    """litewitness, which knows the log; its key is held by an ssh-agent."""
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
    file = tmp_path / "id"
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(*pem, serialization.NoEncryption()))
    database, agent = tmp_path / "judge.db", tmp_path / "agent"
    known = ["-db", str(database), "-origin", ORIGIN]
    for words in (["add-log", *known], ["add-key", *known, "-key", str(LOG.key.verifier)]):
        subprocess.run(["witnessctl", *words], check=True, timeout=PATIENCE_S)
    with _running(["ssh-agent", "-D", "-a", str(agent)], tmp_path / "agent.log"):
        env = {**os.environ, "SSH_AUTH_SOCK": str(agent)}
        # Its socket is there before it listens.
        until(lambda: _hears(env), "the agent answers")
        subprocess.run(["ssh-add", "-q", file], env=env, check=True, timeout=PATIENCE_S)
        listed = subprocess.run(
            ["ssh-add", "-l"], env=env, check=True, capture_output=True, text=True
        ).stdout
        [port] = free_ports(1)
        serve = [
            "litewitness", "-db", str(database), "-name", NAME, "-key", listed.split()[1],
            "-ssh-agent", str(agent), "-listen", f"127.0.0.1:{port}",
        ]  # fmt: skip
        # Debian builds it for the routes of an older Go, which have no methods.
        with _running(serve, tmp_path / "judge.log", GODEBUG="httpmuxgo121=0"):
            url = f"http://127.0.0.1:{port}"
            rig.until_it_answers(url)
            public = key.public_key().public_bytes_raw()
            yield Judge(Witness(url, VerifierKey(NAME, COSIGNATURE_V1, public)), database)


def test_another_implementation_refuses_what_ours_refuses(judge: Judge, tmp_path: Path) -> None:
    with rig.witness(tmp_path / "own", LOG) as own:
        for seen, refused in ((0, _refused_at_first()), (5, _refused_after_5())):
            if seen:
                assert own.post(bytes(LOG.submission(0, seen)))[0] == 200
                judge.has_seen(seen)
            for body in refused:
                ours = own.post(body)
                theirs = rig.request(judge.witness.url, "POST", rules.PATH, body)
                assert ours[0] == theirs[0], (body, ours, theirs)
                assert ours[0] in (400, 403, 409, 422)
                if ours[0] == 409:
                    assert ours == theirs
        assert own.ledger.seen(ORIGIN).size == 5


def test_another_implementation_finds_our_rewritten_log(judge: Judge) -> None:
    judge.has_seen(5)
    rewritten = LOG.rewritten_from(2)
    for n, thought in ((9, 0), (9, 5), (9, 7), (5, 5)):
        with pytest.raises(SplitViewError):
            _cosigned(judge.witness, rewritten, n, thought)
    with pytest.raises(WitnessError, match="seen 5 entries already"):
        _cosigned(judge.witness, LOG, 3, 0)


def test_openssl_verifies_what_the_witness_signs(tmp_path: Path) -> None:
    with rig.witness(tmp_path / "own", LOG) as own:
        found = _cosigned(Witness(own.url, own.key), LOG, 5, 0)
    at, signature = int.from_bytes(found.blob[:8], "big"), found.blob[8:]
    der = bytes.fromhex("302a300506032b6570032100") + own.key.public
    for name, data in (
        ("key.der", der),
        ("message", f"cosignature/v1\ntime {at}\n{LOG.note(5).text}".encode()),
        ("signature", signature),
    ):
        (tmp_path / name).write_bytes(data)
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.der", "-keyform", "DER",
             "-rawin", "-in", "message", "-sigfile", "signature"]  # fmt: skip
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, timeout=PATIENCE_S)
    (tmp_path / "message").write_bytes(b"cosignature/v1\n")
    wrong = subprocess.run(
        words, cwd=tmp_path, check=False, capture_output=True, timeout=PATIENCE_S
    )
    assert wrong.returncode == 1


def _cosigned(judge: Witness, log: Log, n: int, seen: int) -> Signature:
    return fetch(judge, bytes(log.note(n)), lambda old: list(log.prove(old, n)), seen=seen)


def _refused_at_first() -> Iterator[bytes]:
    yield bytes(LOG.submission(3, 5))
    yield bytes(Log(key=SigningKey.generate(ORIGIN)).submission(0, 5))
    yield bytes(rules.submission_of(LOG.note(5), 6, ()))


def _refused_after_5() -> Iterator[bytes]:
    forged = Log(key=SigningKey.generate(ORIGIN))
    rewritten = LOG.rewritten_from(2)
    right = LOG.prove(5, 9)
    asked: list[Submission] = [
        forged.submission(5, 9),
        forged.submission(0, 9),
        LOG.submission(0, 9),
        LOG.submission(4, 9),
        LOG.submission(6, 9),
        LOG.submission(0, 0),
        LOG.submission(3, 3),
        rules.submission_of(LOG.note(9), 10, ()),
        rules.submission_of(LOG.note(9), 5, ()),
        rules.submission_of(LOG.note(9), 5, (*right, bytes(32))),
        rules.submission_of(LOG.note(9), 5, right[1:]),
        rules.submission_of(LOG.note(9), 5, (bytes(32), *right[1:])),
        rules.submission_of(LOG.note(9), 5, LOG.prove(5, 10)),
        rules.submission_of(LOG.note(5), 5, (bytes(32),)),
        rules.submission_of(rewritten.note(9), 5, right),
        rewritten.submission(5, 9),
        rewritten.submission(4, 9),
        rewritten.submission(5, 300),
    ]
    yield from map(bytes, asked)
    yield b""
    yield b"old 5\n"
    yield b"new 5\n\n" + bytes(LOG.note(9))
    yield b"old 5\nAAAA\n\n" + bytes(LOG.note(9))


@contextmanager
def _running(words: list[str], log: Path, **env: str) -> Iterator[None]:
    with log.open("wb") as errors:
        process = subprocess.Popen(words, stdout=errors, stderr=errors, env=os.environ | env)
    try:
        yield
    finally:
        process.kill()
        process.wait()
