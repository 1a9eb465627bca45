"""The service: the witness as a process that listens until it is told to stop."""

from __future__ import annotations

import signal
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from incidents import log
from incidents.errors import IncidentsError, InputError
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, SigningKey, VerifierKey
from incidents.witness.app import Witness
from incidents.witness.ledger import Ledger
from incidents.witness.rules import Logs

if TYPE_CHECKING:
    import uvicorn

MAX_AT_ONCE = 64
"""Connections; more are answered with 503."""

IDLE_S = 75
STOP_S = 5

_STOPPING = (signal.SIGTERM, signal.SIGINT)
_log = log.logger("witness")


class NoServerError(IncidentsError):
    """uvicorn is not installed, which a witness needs: pip install 'incidents[witness]'"""


class AddressError(IncidentsError):
    """nothing can listen on {host} port {port}: {detail}"""


def logs_of(keys: Iterable[VerifierKey]) -> Logs:
    """The keys by their origin, which is the key's name (C2SP tlog-checkpoint).

    Raises:
        InputError: for a key that signs no checkpoints.
    """
    by_origin: defaultdict[str, list[VerifierKey]] = defaultdict(list)
    for key in keys:
        if key.algorithm != ED25519:
            raise InputError(f"{key} is a witness's key, and the key of a log is wanted")
        by_origin[key.name].append(key)
    return dict(by_origin)


def run(
    key: SigningKey,
    logs: Logs,
    ledger: Ledger,
    *,
    host: str,
    port: int,
    listening: Callable[[str], object],
) -> None:
    """Countersign until SIGTERM or SIGINT; `listening` is told the address, once it is open.

    What is in hand is answered first. At any moment SIGKILL loses nothing: what was answered is on
    disk, and what was not can be asked again.

    Raises:
        InputError: if the key is not one of a witness.
        LedgerError: if the ledger is not the key's own.
        NoServerError: if uvicorn is not installed.
        AddressError: if nothing can listen there.
    """
    if key.verifier.algorithm != COSIGNATURE_V1:
        raise InputError(f"{key.verifier} is the key of a log, and a witness's is wanted")
    ledger.check_for(key.verifier)
    log.adopt_library_logs()
    server = _server(Witness(key, logs, ledger))
    with _listening_on(host, port) as opened, _signals_stop(server):
        listening(_address(opened))
        _log.info("started", n=len(logs), worker=str(key.verifier))
        server.run(sockets=[opened])
        _log.info("stopped", worker=str(key.verifier))


def _server(app: Witness) -> uvicorn.Server:
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise NoServerError from error
    config = uvicorn.Config(
        app,
        lifespan="off", ws="none", http="h11", loop="asyncio", interface="asgi3",
        log_config=None, access_log=False, server_header=False, proxy_headers=False,
        limit_concurrency=MAX_AT_ONCE, timeout_keep_alive=IDLE_S, timeout_graceful_shutdown=STOP_S,
    )  # fmt: skip
    return uvicorn.Server(config)


@contextmanager
def _listening_on(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.create_server(place[:2], family=family)
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise AddressError(host=host, port=port, detail=detail) from error
    with opened:
        yield opened


def _address(opened: socket.socket) -> str:
    host, port, *_ = opened.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _signals_stop(server: uvicorn.Server) -> Iterator[None]:
    """A signal that comes before uvicorn listens to it stops it too.

    Once it has stopped, uvicorn raises the signal again, and that is no end by a signal.
    """

    def stop(_number: int, _frame: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
