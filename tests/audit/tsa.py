"""A time-stamping authority, made of `openssl ts`, behind a real HTTP server."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from incidents.audit.log.stamp import Authority
from tests.outbound.rig import LOOPBACK, Handler, receiver
from tests.patience import PATIENCE_S

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

    @contextmanager
    def serving(self) -> Iterator[Authority]:
        """At an address of its own."""
        with server(lambda request: (200, self.reply(request)), self.roots) as authority:
            yield authority

    def verifies(self, response: bytes, text: str) -> bool:
        """The answer of openssl for a stamp of that text."""
        (self.folder / "response").write_bytes(response)
        (self.folder / "text").write_bytes(text.encode())
        words = ["ts", "-verify", "-data", "text", "-in", "response", "-CAfile", "root.pem"]
        return self._openssl(*words, check=False).returncode == 0

    def _openssl(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["openssl", *words],
            cwd=self.folder,
            check=check,
            capture_output=True,
            timeout=PATIENCE_S,
        )


Answer = tuple[int, bytes]


@contextmanager
def server(answer: Callable[[bytes], Answer], roots: bytes) -> Iterator[Authority]:
    """An authority whose answers a test sets."""

    def give(handler: Handler) -> None:
        assert handler.headers["Content-Type"] == "application/timestamp-query"
        status, body = answer(handler.body)
        told = {"Content_Type": "application/timestamp-reply", "Location": "/elsewhere"}
        handler.answer(status, body, **told)

    with receiver(give) as there:
        yield Authority(f"http://{LOOPBACK}:{there.port}/tsr", roots)
