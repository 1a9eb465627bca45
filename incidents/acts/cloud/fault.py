"""The fault: what an error of Libcloud's, or of the cloud's, means for the order."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from incidents.acts.cloud.node import TooManyNodesError
from incidents.acts.port import Failed, Outcome, Retry

SEVERAL_NODES = Failed(
    problem="several_nodes",
    detail="more than one node is meant by this site, and none of them is touched",
)

SOON = timedelta(seconds=5)
"""After which a node that is on its way is looked at again."""

_MOST_PATIENCE_S = 3600.0
_MAX_PROBLEM = 40
_CODE = re.compile(r"'code': '([A-Za-z][A-Za-z0-9._]{0,80})'")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")

_CREDENTIALS = Retry(
    problem="credentials", detail="the cloud does not accept the key: look at key and secret"
)
_FORBIDDEN = Retry(
    problem="forbidden", detail="the cloud does not allow this key to do that: look at its rights"
)
_THROTTLED = Retry(problem="throttled", detail="the cloud asks for fewer requests")
_CHANGING = Retry(problem="node_changing", after=SOON, detail="the node is on its way")
_CLOCK = Retry(problem="clock", detail="the cloud finds this machine's clock wrong: set it right")

# The beginnings of ECS' codes: its documentation writes Forbidden, Forbidden.RAM and so on.
_ECS: tuple[tuple[str, Outcome], ...] = (
    ("InvalidAccessKeyId", _CREDENTIALS),
    ("SignatureDoesNotMatch", _CREDENTIALS),
    ("IncompleteSignature", _CREDENTIALS),
    ("Forbidden", _FORBIDDEN),
    ("Throttling", _THROTTLED),
    ("IncorrectInstanceStatus", _CHANGING),
    ("InvalidTimeStamp", _CLOCK),
    ("IllegalTimestamp", _CLOCK),
    ("InvalidInstanceId.NotFound", Failed(problem="no_node", detail="the instance is gone")),
)


def outcome(error: Exception) -> Outcome:
    """What comes of an attempt that has ended with this error.

    Hardly anything is hopeless: keys are mended, quotas raised and machines unlocked, and until
    then the order stands in red in the list. What the cloud wrote is not passed on, its code is.
    """
    import requests
    from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
    from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError

    match error:
        case RateLimitReachedError():
            return Retry(problem="throttled", after=_patience(error.retry_after))
        case InvalidCredsError():
            return _CREDENTIALS
        case BaseHTTPError():
            return _answered(error.code, str(error.message))
        case MalformedResponseError():
            return Retry(problem="malformed", detail="the cloud's answer cannot be read")
        case TimeoutError() | requests.Timeout():
            return Retry(problem="timeout", detail="the cloud has not answered in time")
        case OSError():  # requests' errors are of this kind too
            return Retry(problem="unreachable", detail=f"{type(error).__name__}")
        case LibcloudError():
            return Retry(problem="cloud_error", detail=f"{type(error).__name__}")
        case NotImplementedError():
            return Failed(problem="cannot_switch", detail="the driver cannot stop or start a node")
        case TooManyNodesError():
            return SEVERAL_NODES
    return Retry(problem="driver_error", detail=f"the driver has failed: {type(error).__name__}")


def _answered(status: int, message: str) -> Outcome:
    code = _CODE.search(message)
    if code is None:
        known = {401: _CREDENTIALS, 403: _FORBIDDEN}
        return known.get(status, Retry(problem=f"http_{status}"))
    for beginning, meaning in _ECS:
        if code[1].startswith(beginning):
            return meaning
    problem = f"ecs_{_HUMP.sub('_', code[1]).lower()}"[:_MAX_PROBLEM].strip("_")
    return Retry(problem=problem, detail=f"ECS answers {code[1]}")


def _patience(seconds: float) -> timedelta | None:
    if not (math.isfinite(seconds) and seconds > 0):
        return None
    return timedelta(seconds=min(seconds, _MOST_PATIENCE_S))
