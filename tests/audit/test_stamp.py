"""The time stamp: a real authority, made of `openssl ts`, behind a real HTTP server."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from incidents import clock
from incidents.audit import stamp
from incidents.audit.stamp import Authority, BadStampError, StampError
from incidents.errors import InputError
from incidents.tlog import note
from incidents.tlog.checkpoint import Checkpoint, CheckpointError
from incidents.tlog.keys import SigningKey
from incidents.tlog.note import Note, NoteError, Signature

KEY = SigningKey.generate("desk.example/log")
SIGNED = note.signed(Checkpoint("desk.example/log", 5, bytes(32)).text, KEY)
OTHER = bytes(note.signed(Checkpoint("desk.example/log", 6, bytes(32)).text, KEY))

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = Stamps Example
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[stamper]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Tsa:
    """An authority's files: its root and its own certificate and key."""

    folder: Path
    asked: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "config").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "serial").write_text("01\n")
        key = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-config",
            "config",
        ]
        self._openssl(
            "req", "-x509", *key, "-keyout", "root.key", "-out", "root.pem", "-days", "30",
            "-extensions", "root",
        )  # fmt: skip
        self._openssl("req", *key, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Stamper")
        self._openssl(
            "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key",
            "-days", "30", "-set_serial", "2", "-extfile", "config", "-extensions", "stamper",
            "-out", "tsa.pem",
        )  # fmt: skip

    @property
    def roots(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    def reply(self, request: bytes) -> bytes:
        self.asked.append(request)
        (self.folder / "request").write_bytes(request)
        self._openssl(
            "ts", "-reply", "-config", "config", "-section", "tsa_config", "-queryfile", "request",
            "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "reply",
        )  # fmt: skip
        return (self.folder / "reply").read_bytes()

    def verifies(self, response: bytes, text: str) -> bool:
        """What openssl says of a stamp of that text."""
        (self.folder / "response").write_bytes(response)
        (self.folder / "text").write_bytes(text.encode())
        words = ["ts", "-verify", "-data", "text", "-in", "response", "-CAfile", "root.pem"]
        return self._openssl(*words, check=False).returncode == 0

    def _openssl(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["openssl", *words], cwd=self.folder, check=check, capture_output=True, timeout=60
        )


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("stamps") / "tsa")


Answer = tuple[int, bytes]


@contextmanager
def server(answer: Callable[[bytes], Answer], roots: bytes) -> Iterator[Authority]:
    """An authority that answers as it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            status, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield Authority(f"http://127.0.0.1:{listening.server_port}/tsr", roots)
        finally:
            listening.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def response(tsa: Tsa) -> bytes:
    with server(lambda asked: (200, tsa.reply(asked)), tsa.roots) as authority:
        return stamp.stamped(authority, bytes(SIGNED))


def test_a_checkpoint_is_stamped_and_openssl_verifies_it(tsa: Tsa, response: bytes) -> None:
    assert tsa.verifies(response, SIGNED.text)
    assert not tsa.verifies(response, SIGNED.text + "x")


def test_a_stamp_says_when_it_was_made(tsa: Tsa, response: bytes) -> None:
    found = stamp.checked(response, bytes(SIGNED), tsa.roots)
    assert abs(found.at - clock.now()) < timedelta(minutes=10)
    assert found.at.utcoffset() == timedelta(0)
    assert found.serial > 0


def test_cosignatures_that_come_later_take_nothing_from_a_stamp(tsa: Tsa, response: bytes) -> None:
    more = Note(SIGNED.text, (*SIGNED.signatures, Signature("w.example", b"abcd", bytes(72))))
    assert stamp.checked(response, bytes(more), tsa.roots).serial > 0


def test_each_request_has_a_number_of_its_own_and_asks_for_sha_256(tsa: Tsa) -> None:
    with server(lambda asked: (200, tsa.reply(asked)), tsa.roots) as authority:
        for _ in range(2):
            stamp.stamped(authority, bytes(SIGNED))
    one, other = tsa.asked[-2:]
    assert one != other
    assert bytes.fromhex("0609608648016503040201") in one


def test_the_stamp_of_another_checkpoint_is_refused(tsa: Tsa, response: bytes) -> None:
    with pytest.raises(BadStampError, match="Mismatch"):
        stamp.checked(response, OTHER, tsa.roots)


def test_a_stamp_of_an_authority_that_is_not_trusted_is_refused(
    tsa: Tsa, tmp_path: Path, response: bytes
) -> None:
    other = Tsa(tmp_path / "other")
    with pytest.raises(BadStampError):
        stamp.checked(response, bytes(SIGNED), other.roots)
    with (
        server(lambda asked: (200, other.reply(asked)), tsa.roots) as authority,
        pytest.raises(StampError),
    ):
        stamp.stamped(authority, bytes(SIGNED))


def test_a_stamp_that_answers_another_request_is_refused(tsa: Tsa, response: bytes) -> None:
    with (
        server(lambda _: (200, response), tsa.roots) as authority,
        pytest.raises(StampError, match="Nonce"),
    ):
        stamp.stamped(authority, bytes(SIGNED))


def test_a_changed_byte_of_a_stamp_is_found_or_changes_nothing_that_it_says(
    tsa: Tsa, response: bytes
) -> None:
    """CMS protects neither its version numbers nor the name of the signature's algorithm."""
    said = stamp.checked(response, bytes(SIGNED), tsa.roots)
    unprotected = 0
    for i in range(len(response)):
        changed = response[:i] + bytes([response[i] ^ 1]) + response[i + 1 :]
        try:
            assert stamp.checked(changed, bytes(SIGNED), tsa.roots) == said
        except BadStampError:
            continue
        unprotected += 1
    assert unprotected <= 12


def test_what_is_no_response_is_refused(tsa: Tsa, response: bytes) -> None:
    for wrong in (b"", response[:-1], response + b"\0", b"<html>", response[4:]):
        with pytest.raises(BadStampError):
            stamp.checked(wrong, bytes(SIGNED), tsa.roots)


def test_a_request_that_is_turned_down_is_told(tsa: Tsa) -> None:
    # PKIStatusInfo of status 2, rejection, without a token.
    rejection = bytes.fromhex("30053003020102")
    with (
        server(lambda _: (200, rejection), tsa.roots) as authority,
        pytest.raises(StampError, match="not GRANTED"),
    ):
        stamp.stamped(authority, bytes(SIGNED))


@pytest.mark.parametrize("status", [204, 302, 400, 403, 404, 500, 503])
def test_any_other_status_is_no_stamp(tsa: Tsa, response: bytes, status: int) -> None:
    with (
        server(lambda _: (status, b"" if status == 204 else response), tsa.roots) as authority,
        pytest.raises(StampError, match=f"it answers {status}"),
    ):
        stamp.stamped(authority, bytes(SIGNED))


def test_an_answer_without_end_is_not_read_to_its_end(tsa: Tsa) -> None:
    with (
        server(lambda _: (200, bytes(10_000_000)), tsa.roots) as authority,
        pytest.raises(StampError, match="too long"),
    ):
        stamp.stamped(authority, bytes(SIGNED))


def test_an_authority_that_is_not_there_is_told(tsa: Tsa) -> None:
    for url in ("http://127.0.0.1:1", "http://", "http://[::"):
        with pytest.raises(StampError):
            stamp.stamped(Authority(url, tsa.roots), bytes(SIGNED))


def test_an_authority_has_a_web_address_and_roots(tsa: Tsa) -> None:
    for url in ("", "ftp://stamps.example", "/etc/passwd"):
        with pytest.raises(InputError, match="https://"):
            Authority(url, tsa.roots)
    for roots in (b"", b"no certificate"):
        with pytest.raises(InputError, match="no certificate"):
            Authority("https://stamps.example", roots)


def test_what_is_no_checkpoint_is_not_stamped(tsa: Tsa) -> None:
    authority = Authority("http://127.0.0.1:1", tsa.roots)
    with pytest.raises(NoteError):
        stamp.stamped(authority, b"hello\n")
    with pytest.raises(CheckpointError):
        stamp.stamped(authority, bytes(note.signed("hello\n", KEY)))
