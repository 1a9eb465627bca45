"""The exchange: one HTTP request to a stranger, whose answer is bounded in size and in time.

No proxy of the environment is asked, and no redirect is followed: what is sent goes where it is
said to go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from incidents.errors import IncidentsError, LibraryError
from incidents.outbound import message
from incidents.outbound.faults import ForbiddenTargetError, OutboundError
from incidents.outbound.guard import Guard

if TYPE_CHECKING:
    from incidents.outbound.client import Client
    from incidents.outbound.message import Answer

WITHIN_S = 10.0
"""How long an exchange may take as a whole."""

MAX_ANSWER_BYTES = 256 * 1024


class ExchangeError(IncidentsError):
    """{detail}"""


class NoClientError(LibraryError):
    """{library} is not installed, which witnesses and time stamps need"""

    extra = "witness"


def client(url: str) -> Client:
    """What `post` sends to that host with; several requests may share it, and its connection.

    Raises:
        NoClientError: if h11 is not installed.
        ExchangeError: if it is no address that could be asked.
    """
    try:
        from incidents.outbound.client import Client
    except ModuleNotFoundError as error:
        raise NoClientError(library=error.name) from error
    try:
        # The settings name it, so that it may be on this machine.
        guard = Guard(allow=[message.read_target(url).host])
    except ForbiddenTargetError as error:
        raise ExchangeError(detail=error.message) from error
    return Client(guard, within_s=WITHIN_S, cap=MAX_ANSWER_BYTES)


def post(client: Client, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """What is answered to a POST, whatever its status.

    Raises:
        ExchangeError: if nothing is, or too much, or too slowly.
    """
    try:
        answer = client.post(url, body, headers)
    except OutboundError as error:
        raise ExchangeError(detail=error.message) from error
    if answer.cut:
        raise ExchangeError(detail="its answer is too long")
    return answer
