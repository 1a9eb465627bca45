"""The deadline of a request, and its named errors.

A message names the host, but never the part of an address before an @ or after a ?.
"""

from __future__ import annotations

from time import monotonic
from typing import ClassVar

from incidents.errors import IncidentsError


class OutboundError(IncidentsError):
    """{detail}"""

    problem: ClassVar[str] = "failed"
    """A short code for the record, made of a-z and _."""


class ForbiddenTargetError(OutboundError):
    """requests to {host} are not allowed: {why}"""

    problem = "forbidden_target"


class NameNotFoundError(OutboundError):
    """the name {host} does not exist"""

    problem = "name_not_found"


class LookupFailedError(OutboundError):
    """the name {host} cannot be resolved right now"""

    problem = "name_lookup"


class ConnectionRefusedByHostError(OutboundError):
    """{host} refused the connection to port {port}"""

    problem = "refused"


class UnreachableError(OutboundError):
    """cannot reach {host} at port {port}"""

    problem = "unreachable"


class TlsError(OutboundError):
    """no secure connection to {host}: {detail}"""

    problem = "tls"


class TimedOutError(OutboundError):
    """{host} did not answer within {within_s:g} seconds"""

    problem = "timeout"


class LostConnectionError(OutboundError):
    """{host} closed the connection before it answered"""

    problem = "reset"


class BadAnswerError(OutboundError):
    """the answer of {host} is not valid HTTP: {detail}"""

    problem = "bad_answer"


class Deadline:
    """The deadline of a request to `host`, a number of seconds from now."""

    __slots__ = ("_host", "_until", "_within_s")

    def __init__(self, host: str, within_s: float) -> None:
        self._host = host
        self._within_s = within_s
        self._until = monotonic() + within_s

    def left_s(self) -> float:
        """The remaining seconds, more than 0.

        Raises:
            TimedOutError: if no time remains.
        """
        left = self._until - monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> TimedOutError:
        """The error for a request that took too long."""
        return TimedOutError(host=self._host, within_s=self._within_s)
