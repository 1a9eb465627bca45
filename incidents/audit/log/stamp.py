"""Time stamps: once a day, an authority signs that a checkpoint existed at that time (RFC 3161).

Each authority and each witness gets one HTTP request, whose answer is limited in size and time.
Proxies set in the environment are not used, and redirects are not followed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from incidents.errors import Cause, IncidentsError, InputError, LibraryError, VerificationError
from incidents.outbound import message
from incidents.outbound.faults import ForbiddenTargetError, OutboundError
from incidents.outbound.guard import Guard
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.log import checkpoints
from incidents.store.log.checkpoints import Stamped
from incidents.tlog import note

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampRequest

    from incidents.outbound.client import Client
    from incidents.outbound.message import Answer


WITHIN_S = 10.0
"""The deadline of a whole exchange, in seconds."""

MAX_ANSWER_BYTES = 256 * 1024


class ExchangeError(IncidentsError):
    """{detail}"""


class NoClientError(LibraryError):
    """{library} is not installed; witnesses and time stamps need it"""

    extra = "witness"


def client_of(url: str) -> Client:
    """Open a client for that host; several requests can share the client and its connection.

    Raises:
        NoClientError: if h11 is not installed.
        ExchangeError: if `url` is not a web address.
    """
    try:
        from incidents.outbound.client import Client
    except ModuleNotFoundError as error:
        raise NoClientError(library=error.name) from error
    try:
        # The settings name it, so it may be on this machine.
        guard = Guard(allow=[message.read_target(url).host])
    except ForbiddenTargetError as error:
        raise ExchangeError(detail=error.message) from error
    return Client(guard, within_s=WITHIN_S, cap=MAX_ANSWER_BYTES)


def post(client: Client, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Return the answer to a POST, whatever its status.

    Raises:
        ExchangeError: if there is no answer, or if the answer is too large or too slow.
    """
    try:
        answer = client.post(url, body, headers)
    except OutboundError as error:
        raise ExchangeError(detail=error.message) from error
    if answer.cut:
        raise ExchangeError(detail=Cause.of("answer_too_long", "its answer is too long"))
    return answer


REQUEST_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"

_SHA256 = "2.16.840.1.101.3.4.2.1"


class StampError(IncidentsError):
    """the time stamp authority at {url} gave no time stamp: {detail}"""


class BadStampError(VerificationError):
    """not a time stamp of this checkpoint: {detail}"""


class NoRootsError(InputError):
    """the roots of time stamps have no certificate in PEM format"""


@dataclass(frozen=True, slots=True)
class Authority:
    """A time stamp authority: its address, and the trusted root certificates (PEM)."""

    url: str
    roots: bytes

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise InputError.coded(
                "authority_address",
                "{url!r} is not the address of a time stamp authority: start it with https://",
                url=self.url,
            )
        _certificates(self.roots)


@dataclass(frozen=True, slots=True)
class Stamp:
    """The content of a stamp: its time (UTC), and the authority's number for it."""

    at: datetime
    serial: int


def fetch(authority: Authority, signed: bytes) -> bytes:
    """Fetch and verify a stamp for a signed checkpoint; return the authority's response (DER).

    Raises:
        StampError: if the authority returns no valid stamp.
        NoClientError: if h11 or rfc3161-client is not installed.
        NoteError, CheckpointError: if `signed` is not a signed checkpoint.
    """
    request = _request(note.checkpoint_of(signed).text.encode())
    headers = {"Content-Type": REQUEST_TYPE, "Accept": REPLY_TYPE}
    try:
        with client_of(authority.url) as client:
            answer = post(client, authority.url, request.as_bytes(), headers)
    except ExchangeError as error:
        raise StampError(url=authority.url, detail=error.message) from error
    if answer.status != HTTPStatus.OK:
        raise StampError(
            url=authority.url,
            detail=Cause.of("answers_status", "it answers {status}", status=answer.status),
        )
    try:
        verify_response(answer.body, signed, authority.roots, request)
    except BadStampError as error:
        raise StampError(url=authority.url, detail=error.facts["detail"]) from error
    return answer.body


def verify_response(
    response: bytes, signed: bytes, roots: bytes, request: TimeStampRequest | None = None
) -> Stamp:
    """Verify a response for a signed checkpoint, new (to `request`) or stored; return its stamp.

    The certificates need to have been valid only at the time of the stamp.

    Raises:
        BadStampError: if the stamp is not for this checkpoint, or its certificates lead to none of
            the `roots` (PEM).
        NoRootsError: if there is no certificate among the roots.
        NoteError, CheckpointError: if `signed` is not a signed checkpoint.
    """
    try:
        from rfc3161_client import VerificationError as Unverified
        from rfc3161_client import VerifierBuilder, decode_timestamp_response
    except ModuleNotFoundError as error:
        raise NoClientError(library=error.name) from error
    try:
        found = decode_timestamp_response(response)
    except ValueError as error:
        raise BadStampError(
            detail=Cause.of("no_rfc_3161", "it is no answer as RFC 3161 has it")
        ) from error
    if found.as_bytes() != response:
        raise BadStampError(detail=Cause.of("no_der", "it is not written as DER has it"))
    text = note.checkpoint_of(signed).text.encode()
    verifier = VerifierBuilder(
        roots=_certificates(roots), nonce=None if request is None else request.nonce
    ).build()
    try:
        verifier.verify(found, hashlib.sha256(text).digest())
        algorithm = found.tst_info.message_imprint.hash_algorithm.dotted_string
    except (Unverified, ValueError) as error:
        raise BadStampError(detail=str(error) or "it does not verify") from error
    if algorithm != _SHA256:
        raise BadStampError(
            detail=Cause.of(
                "no_sha_256", "it is not of a SHA-256, but of {algorithm}", algorithm=algorithm
            )
        )
    return Stamp(found.tst_info.gen_time, found.tst_info.serial_number)


def _request(text: bytes) -> TimeStampRequest:
    """Make the request for the text's SHA-256, with a nonce and the authority's certificate."""
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
    except ModuleNotFoundError as error:
        raise NoClientError(library=error.name) from error
    return TimestampRequestBuilder().data(text).hash_algorithm(HashAlgorithm.SHA256).build()


def _certificates(roots: bytes) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(roots)
    except ValueError as error:
        raise NoRootsError from error


INTERVAL = timedelta(days=1)


def stamp_last(engine: Engine, authority: Authority, now: datetime) -> Stamped | None:
    """Have the last committed checkpoint time-stamped, outside any transaction.

    Return the stamp; None if nothing is signed, or if the last stamp is less than a day old at
    `now`.

    Raises:
        StampError: if the authority is unavailable or returns no valid stamp; retry later.
        DatabaseError: if the database fails.
    """
    with plainly(engine), reading(engine) as connection:
        last = checkpoints.last(connection)
        before = checkpoints.last_stamped(connection)
    if last is None or (before is not None and now - before.at < INTERVAL):
        return None
    if before is not None and before.checkpoint == last.id:
        return None
    response = fetch(authority, last.note.encode())
    new = Stamped(last.id, authority.url, response, now)
    with plainly(engine), writing(engine) as connection:
        checkpoints.stamp(connection, new)
    return new
