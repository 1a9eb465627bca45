"""The service: `POST /add-checkpoint` of C2SP tlog-witness, until a signal ends it.

The service reads a body of bounded size in bounded time, and answers in plain text. The ledger is
on disk before a cosignature is made.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from incidents import clock, log
from incidents.errors import IncidentsError, InputError, VerificationError
from incidents.system import web_server
from incidents.tlog import note
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, Signer, SigningKey, VerifierKey
from incidents.witness import rules
from incidents.witness.ledger import Ledger
from incidents.witness.rules import PATH, SIZE_TYPE, Logs, Refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY_BYTES = 256 * 1024
"""The maximum size of a body: 63 hashes, and more signatures than C2SP signed-note requires."""

READ_S = 10.0
"""The maximum number of seconds in which a body must arrive."""

_PLAIN = "text/plain; charset=utf-8"
_MORE_HEADERS = {
    HTTPStatus.METHOD_NOT_ALLOWED: {"allow": "POST"},
    # The rest of the body is not read, so nothing can follow it.
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: {"connection": "close"},
    HTTPStatus.REQUEST_TIMEOUT: {"connection": "close"},
}

_log = log.logger("witness")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP response; the body is text, ending in a newline."""

    status: HTTPStatus
    body: str
    content_type: str = _PLAIN


class Witness:
    """The witness for these logs; it signs with `key` after the checks by the ledger."""

    def __init__(self, key: Signer, logs: Logs, ledger: Ledger) -> None:
        self._key, self._logs, self._ledger = key, logs, ledger

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The interface of ASGI."""
        if scope["type"] == "http":
            await _send(await self._answer(scope, receive), send)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer a request with that body. With status 200, the ledger is already on disk."""
        try:
            asked = rules.parse_submission(body)
        except VerificationError as error:
            return _plain_answer(HTTPStatus.BAD_REQUEST, error.message)
        unheard = rules.check_signature(asked, self._logs)
        if unheard is not None:
            return _refused(unheard)
        known = self._logs[asked.checkpoint.origin]
        refusal = self._ledger.compare_and_store(asked, known=known)
        if refusal is not None:
            # A key of the log has signed this: it may be the proof of a rewrite, or of a theft.
            what = {"refusal": int(refusal.status), "reason": refusal.why}
            _log.warning("a checkpoint was refused", **what)
            return _refused(refusal)
        now = int(clock.now().timestamp())
        signature = note.cosign(self._key, asked.note.text, now)
        return Answer(status=HTTPStatus.OK, body=f"{signature}\n")

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        if scope["path"] != PATH:
            return _plain_answer(HTTPStatus.NOT_FOUND, f"there is nothing but {PATH}")
        if scope["method"] != "POST":
            return _plain_answer(HTTPStatus.METHOD_NOT_ALLOWED, "a checkpoint is sent with POST")
        try:
            async with asyncio.timeout(READ_S):
                body = await _read(receive)
        except TimeoutError:
            return _plain_answer(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time")
        if body is None:
            most = f"{MAX_BODY_BYTES:,} bytes are the most"
            return _plain_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, most)
        try:
            return await asyncio.to_thread(self.add_checkpoint, body)
        except IncidentsError as error:
            _log.error("a checkpoint could not be countersigned", reason=error.message)
            why = "the witness cannot work at this moment"
            return _plain_answer(HTTPStatus.INTERNAL_SERVER_ERROR, why)


async def _read(receive: Receive) -> bytes | None:
    """The body of a request; None if it is too long, or if the client has disconnected."""
    body = bytearray()
    while len(body) <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body) if len(body) <= MAX_BODY_BYTES else None
    return None


def _refused(refusal: Refusal) -> Answer:
    if refusal.seen is None:
        return _plain_answer(refusal.status, refusal.why)
    return Answer(status=refusal.status, body=f"{refusal.seen}\n", content_type=SIZE_TYPE)


def _plain_answer(status: HTTPStatus, why: str) -> Answer:
    return Answer(status=status, body=f"{why}\n")


async def _send(answer: Answer, send: Send) -> None:
    body = answer.body.encode()
    headers = {"content-type": answer.content_type, "content-length": str(len(body))}
    headers |= _MORE_HEADERS.get(answer.status, {})
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": int(answer.status), "headers": pairs})
    await send({"type": "http.response.body", "body": body})


EXTRA = "witness"


def logs_of(keys: Iterable[VerifierKey]) -> Logs:
    """The keys by their origin, which is the key's name (C2SP tlog-checkpoint).

    Raises:
        InputError: for a key that cannot sign checkpoints.
    """
    by_origin: defaultdict[str, list[VerifierKey]] = defaultdict(list)
    for key in keys:
        if key.algorithm != ED25519:
            raise InputError.coded(
                "not_log_key", "{key} is a witness's key: give the key of a log", key=key
            )
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
    """Countersign until SIGTERM or SIGINT; `listening` gets the address, once it is open.

    Requests that have begun are completed first. SIGKILL at any moment loses no answered request.

    Raises:
        InputError: if the key is not a witness's key.
        LedgerError: if the ledger does not belong to the key.
        NoServerError, AddressError: see `web_server`.
    """
    if key.verifier.algorithm != COSIGNATURE_V1:
        raise InputError.coded(
            "not_witness_key", "{key} is a log's key: give the key of a witness", key=key.verifier
        )
    ledger.check_key(key.verifier)

    def begin(url: str) -> None:
        listening(url)
        _log.info("started", n=len(logs), worker=str(key.verifier))

    app = Witness(key, logs, ledger)
    web_server.run(app, host=host, port=port, extra=EXTRA, listening=begin)
    _log.info("stopped", worker=str(key.verifier))
