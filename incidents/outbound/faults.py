"""The faults: what can come in the way of a request to the outside, each under a name.

A message names the host that was asked, never what stood before an @ or behind a ? of its address.
"""

from __future__ import annotations

from typing import ClassVar

from incidents.errors import IncidentsError


class OutboundError(IncidentsError):
    """{detail}"""

    problem: ClassVar[str] = "failed"
    """A short code for the record: a-z and _."""


class ForbiddenTargetError(OutboundError):
    """a request to {host} is refused: {why}"""

    problem = "forbidden_target"


class NameNotFoundError(OutboundError):
    """the name {host} does not exist"""

    problem = "name_not_found"


class LookupFailedError(OutboundError):
    """the name {host} cannot be looked up at the moment"""

    problem = "name_lookup"


class ConnectionRefusedByHostError(OutboundError):
    """{host} refuses a connection to its port {port}"""

    problem = "refused"


class UnreachableError(OutboundError):
    """{host} cannot be reached at its port {port}"""

    problem = "unreachable"


class TlsError(OutboundError):
    """no safe connection to {host}: {detail}"""

    problem = "tls"


class TimedOutError(OutboundError):
    """{host} has not answered within {within_s:g} seconds"""

    problem = "timeout"


class LostConnectionError(OutboundError):
    """{host} has ended the connection before it had answered"""

    problem = "reset"


class BadAnswerError(OutboundError):
    """what {host} answers is not HTTP as it should be: {detail}"""

    problem = "bad_answer"
