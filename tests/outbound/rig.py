"""The rig: real receivers on the loopback, honest and hostile ones, and an authority for TLS."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"

Answering = Callable[["Handler"], None]
Script = Callable[[socket.socket, threading.Event], None]


@dataclass
class Seen:
    """A request as it has arrived; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: tuple[str, int]


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the receiver's `answering`."""

    protocol_version = "HTTP/1.1"
    body: bytes
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Record and answer."""
        receiver = self.server
        assert isinstance(receiver, _Server)
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.seen.append(Seen(self.command, self.path, headers, self.body, self.client_address))
        receiver.answering(self)

    do_GET = do_POST  # noqa: N815 - the name that http.server looks for
    do_HEAD = do_POST  # noqa: N815 - the same
    do_PUT = do_POST  # noqa: N815 - the same

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send an answer; `Retry_After` is the header Retry-After."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers and status >= 200 and status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    answering: Answering
    seen: list[Seen]

    def server_bind(self) -> None:
        """Bind alone: http.server would ask for the name of the address, which takes its time."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no error of the receiver's."""


@dataclass
class Receiver:
    """A running receiver; `names` are those that clients have asked for by SNI."""

    url: str
    port: int
    seen: list[Seen]
    names: list[str | None]


def always(status: int, body: bytes = b"", **headers: str) -> Answering:
    """The same answer to everything."""
    return lambda handler: handler.answer(status, body, **headers)


@contextmanager
def receiver(
    answering: Answering,
    *,
    tls: ssl.SSLContext | None = None,
    address: str = LOOPBACK,
    port: int = 0,
) -> Iterator[Receiver]:
    """An HTTP server that answers so."""
    server = _Server((address, port), Handler)
    server.answering, server.seen = answering, []
    names: list[str | None] = []
    if tls is not None:
        tls.sni_callback = lambda _channel, name, _context: names.append(name)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    at = int(server.server_address[1])
    scheme = "http" if tls is None else "https"
    try:
        yield Receiver(f"{scheme}://{address}:{at}/hook", at, server.seen, names)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Talker:
    """A running server of raw bytes; `connections` counts those that it has accepted."""

    url: str
    port: int
    over: threading.Event
    connections: int = 0
    threads: list[threading.Thread] = field(default_factory=list)
    channels: list[socket.socket] = field(default_factory=list)


@contextmanager
def talker(script: Script) -> Iterator[Talker]:
    """Serve each connection by the script; at the end all threads are joined."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        at = listening.getsockname()[1]
        running = Talker(f"http://{LOOPBACK}:{at}/hook", at, threading.Event())

        def accept() -> None:
            while True:
                try:
                    channel, _ = listening.accept()
                except OSError:
                    return
                running.connections += 1
                running.channels.append(channel)
                thread = threading.Thread(target=talk, args=(channel,))
                running.threads.append(thread)
                thread.start()

        def talk(channel: socket.socket) -> None:
            with channel:
                try:
                    script(channel, running.over)
                except OSError:
                    return

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield running
        finally:
            running.over.set()
            for channel in [listening, *running.channels]:
                # A script that still waits for its client is woken.
                with suppress(OSError):
                    channel.shutdown(socket.SHUT_RDWR)
            for thread in [accepting, *running.threads]:
                thread.join()


def request_of(channel: socket.socket) -> bytes:
    """Read one request to its end."""
    came = b""
    while b"\r\n\r\n" not in came:
        part = channel.recv(65_536)
        if not part:
            return came
        came += part
    head, _, body = came.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length:
        body += channel.recv(65_536)
    return head + b"\r\n\r\n" + body


def dripping(head: bytes, drop: bytes) -> Script:
    """Read a request, send `head`, then a `drop` every 50 ms for longer than any test waits."""

    def script(channel: socket.socket, over: threading.Event) -> None:
        request_of(channel)
        dripping_at_once(head, drop)(channel, over)

    return script


def dripping_at_once(head: bytes, drop: bytes) -> Script:
    """The same of one that waits for no request."""

    def script(channel: socket.socket, over: threading.Event) -> None:
        channel.sendall(head)
        for _ in range(200):
            if over.wait(0.05):
                return
            channel.sendall(drop)

    return script


def silent(channel: socket.socket, over: threading.Event) -> None:
    """Read a request and never answer."""
    request_of(channel)
    over.wait()


def resetting(channel: socket.socket, over: threading.Event) -> None:
    """Read what comes first and reset the connection."""
    channel.recv(65_536)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def saying(*parts: bytes) -> Script:
    """Read a request, send the bytes, and end the connection."""

    def script(channel: socket.socket, over: threading.Event) -> None:
        request_of(channel)
        for part in parts:
            channel.sendall(part)

    return script


class Authority:
    """A certificate authority of this test's own; `file` is what trusts it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self._made = 0
        self.file = folder / "authority.pem"
        certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *hosts: str) -> ssl.SSLContext:
        """The TLS context of a server with those names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        certificate = (
            self._builder(x509.Name([]), key.public_key())
            .add_extension(names, critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        self._made += 1
        file = self._folder / f"server-{self._made}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
