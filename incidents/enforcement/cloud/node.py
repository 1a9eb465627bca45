"""The node: the machine behind a site as a cloud shows it, with the cloud's errors.

A driver of Libcloud serves one thread at a time; what is below is made for one attempt at a time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Protocol

from incidents.enforcement.port import Failed, Outcome, Retry

Standing = Literal["running", "stopped", "gone", "changing", "unclear"]
"""`gone` is deleted for good, `changing` on its way to another, `unclear` an error, say."""

# What Libcloud's words come to. A node that is suspended or paused serves nobody.
_STANDINGS: Mapping[str, Standing] = {
    "running": "running",
    "stopped": "stopped",
    "suspended": "stopped",
    "paused": "stopped",
    "terminated": "gone",
    "starting": "changing",
    "stopping": "changing",
    "pending": "changing",
    "rebooting": "changing",
    "reconfiguring": "changing",
    "migrating": "changing",
    "updating": "changing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """The node that is looked for: by its id, by its name, or by the value of one of its tags."""

    by: Literal["id", "name", "tag"]
    value: str
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node. `native` is what the driver knows it by."""

    id: str
    name: str
    standing: Standing
    tags: Mapping[str, str]
    native: Any = None

    def is_sought(self, sought: Sought) -> bool:
        """Whether it is that one to the letter: a cloud's own filters are also loose ones."""
        if sought.by == "tag":
            return self.tags.get(sought.tag) == sought.value
        return sought.value == (self.id if sought.by == "id" else self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """How the node of a site is found: in the table `nodes`, else by the tag of that key, else by
    its name. A node that is another site's in the table is left alone, unless `shared` is set.
    """

    nodes: Mapping[str, str]
    tag: str | None
    by_name: bool
    shared: bool

    def sought(self, site: str) -> Sought | None:
        """What to look for; None if the settings do not say."""
        if site in self.nodes:
            return Sought(by="id", value=self.nodes[site])
        if self.tag is not None:
            return Sought(by="tag", value=site, tag=self.tag)
        return Sought(by="name", value=site) if self.by_name else None

    def is_of_another(self, node: Node, site: str) -> bool:
        """Whether the table gives that node to another site, which must not go down with this."""
        return not self.shared and any(
            node.id == each and other != site for other, each in self.nodes.items()
        )


class TooManyNodesError(Exception):
    """A cloud has found more nodes than it tells of, so that nobody can say which is meant."""


class Cloud(Protocol):
    """One connection to a cloud. What a cloud answers amiss is raised, as the driver raises it."""

    def nodes(self, sought: Sought) -> Sequence[Node]:
        """The nodes that are sought: one, if all is well.

        Raises:
            TooManyNodesError: if nobody can say how many there are.
        """

    def stop(self, node: Node) -> None:
        """Ask for it to be stopped; it may take its time."""

    def start(self, node: Node) -> None:
        """Ask for it to be started; it may take its time."""


@dataclass(frozen=True, slots=True)
class AnyCloud:
    """Whatever Libcloud has a driver for.

    Every node of the account is listed to find one, since no filter is common to all drivers.
    """

    driver: Any

    def nodes(self, sought: Sought) -> Sequence[Node]:
        """Those of the account that are sought."""
        nodes = [_node(native) for native in self.driver.list_nodes()]
        return [node for node in nodes if node.is_sought(sought)]

    def stop(self, node: Node) -> None:
        """Some drivers wait until it has stopped, for minutes."""
        self.driver.stop_node(node.native)

    def start(self, node: Node) -> None:
        """Some drivers wait until it is running, for minutes."""
        self.driver.start_node(node.native)


def _node(native: Any) -> Node:
    return Node(
        id=str(native.id),
        name=str(native.name),
        standing=_STANDINGS.get(str(native.state), "unclear"),
        tags=_tags(native.extra or {}),
        native=native,
    )


def _tags(extra: Mapping[str, Any]) -> dict[str, str]:
    # EC2 calls them tags, OpenStack metadata, GCE labels.
    found: dict[str, str] = {}
    for place in ("tags", "metadata", "labels"):
        pairs = extra.get(place)
        if isinstance(pairs, Mapping):
            found |= {str(key): str(value) for key, value in pairs.items()}
    return found


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
