"""The service: the witness as a process that listens until it is told to stop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from incidents import log
from incidents.errors import InputError
from incidents.system import web_server
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, SigningKey, VerifierKey
from incidents.witness.app import Witness
from incidents.witness.ledger import Ledger
from incidents.witness.rules import Logs

EXTRA = "witness"

_log = log.logger("witness")


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
        NoServerError, AddressError: see `web_server`.
    """
    if key.verifier.algorithm != COSIGNATURE_V1:
        raise InputError(f"{key.verifier} is the key of a log, and a witness's is wanted")
    ledger.check_for(key.verifier)

    def begin(url: str) -> None:
        listening(url)
        _log.info("started", n=len(logs), worker=str(key.verifier))

    app = Witness(key, logs, ledger)
    web_server.run(app, host=host, port=port, extra=EXTRA, listening=begin)
    _log.info("stopped", worker=str(key.verifier))
