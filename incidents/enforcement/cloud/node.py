"""The node: the machine behind a site, as a cloud reports it, and the cloud's errors.

A Libcloud driver is not thread-safe, so each `Cloud` serves one attempt at a time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Protocol

from incidents.enforcement.port import Failed, Outcome, Retry

NodeState = Literal["running", "stopped", "gone", "changing", "unclear"]
"""The state of a node.

`gone`: deleted for good; `changing`: in transition; `unclear`: any other state, such as an error.
"""

# By Libcloud's state. A suspended or paused node serves nobody.
_NODE_STATES: Mapping[str, NodeState] = {
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
class NodeQuery:
    """A search for a node by its id, by its name, or by the value of one of its tags."""

    by: Literal["id", "name", "tag"]
    value: str
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node. `native` is the driver's own object for it."""

    id: str
    name: str
    state: NodeState
    tags: Mapping[str, str]
    native: Any = None

    def matches(self, query: NodeQuery) -> bool:
        """Whether the node matches the query exactly, because some clouds filter loosely."""
        if query.by == "tag":
            return self.tags.get(query.tag) == query.value
        return query.value == (self.id if query.by == "id" else self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLookup:
    """The way to find a site's node: by the table `nodes`, then by `tag`, then by name.

    A node that the table assigns to another site is not changed, unless `shared` is set.
    """

    nodes: Mapping[str, str]
    tag: str | None
    by_name: bool
    shared: bool

    def query(self, site: str) -> NodeQuery | None:
        """The search for the site's node; None if the settings give no way to find one."""
        if site in self.nodes:
            return NodeQuery(by="id", value=self.nodes[site])
        if self.tag is not None:
            return NodeQuery(by="tag", value=site, tag=self.tag)
        return NodeQuery(by="name", value=site) if self.by_name else None

    def belongs_to_another(self, node: Node, site: str) -> bool:
        """Whether the table assigns the node to another site, which must not be taken down too."""
        return not self.shared and any(
            node.id == each and other != site for other, each in self.nodes.items()
        )


class TooManyNodesError(Exception):
    """A cloud found more nodes than it listed, so the right node cannot be identified."""


class Cloud(Protocol):
    """One connection to a cloud; its methods raise the driver's own errors."""

    def nodes(self, query: NodeQuery) -> Sequence[Node]:
        """The nodes that match the query; normally there is one.

        Raises:
            TooManyNodesError: if the cloud does not list all of them.
        """

    def stop(self, node: Node) -> None:
        """Request a stop, which can take some time."""

    def start(self, node: Node) -> None:
        """Request a start, which can take some time."""


@dataclass(frozen=True, slots=True)
class LibcloudCloud:
    """A cloud that Libcloud has a driver for.

    The search lists all nodes of the account, because drivers have no filter in common.
    """

    driver: Any

    def nodes(self, query: NodeQuery) -> Sequence[Node]:
        """The nodes of the account that match the query."""
        nodes = [_node(native) for native in self.driver.list_nodes()]
        return [node for node in nodes if node.matches(query)]

    def stop(self, node: Node) -> None:
        """Stop the node; some drivers wait for minutes until it has stopped."""
        self.driver.stop_node(node.native)

    def start(self, node: Node) -> None:
        """Start the node; some drivers wait for minutes until it is running."""
        self.driver.start_node(node.native)


def _node(native: Any) -> Node:
    return Node(
        id=str(native.id),
        name=str(native.name),
        state=_NODE_STATES.get(str(native.state), "unclear"),
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

RETRY_SOON = timedelta(seconds=5)
"""The wait before a node in transition is checked again."""

_MAX_RETRY_AFTER_S = 3600.0
_MAX_PROBLEM = 40
_CODE = re.compile(r"'code': '([A-Za-z][A-Za-z0-9._]{0,80})'")
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")

_CREDENTIALS = Retry(
    problem="credentials", detail="the cloud does not accept the key: look at key and secret"
)
_FORBIDDEN = Retry(
    problem="forbidden", detail="the cloud does not allow this key to do that: look at its rights"
)
_THROTTLED = Retry(problem="throttled", detail="the cloud asks for fewer requests")
_CHANGING = Retry(problem="node_changing", after=RETRY_SOON, detail="the node is on its way")
_CLOCK = Retry(problem="clock", detail="the cloud finds this machine's clock wrong: set it right")

# By prefix of the ECS code: Forbidden also covers Forbidden.RAM and others.
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
    """The outcome of an attempt that ended with this error.

    Almost every error is retried, because people repair keys, raise quotas and unlock machines;
    until then the list shows the order in red. The outcome includes the cloud's error code, but not
    its text.
    """
    import requests
    from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
    from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError

    match error:
        case RateLimitReachedError():
            return Retry(problem="throttled", after=_retry_after(error.retry_after))
        case InvalidCredsError():
            return _CREDENTIALS
        case BaseHTTPError():
            return _http_outcome(error.code, str(error.message))
        case MalformedResponseError():
            return Retry(problem="malformed", detail="the cloud's answer cannot be read")
        case TimeoutError() | requests.Timeout():
            return Retry(problem="timeout", detail="the cloud has not answered in time")
        case OSError():  # also the base class of the errors of requests
            return Retry(problem="unreachable", detail=f"{type(error).__name__}")
        case LibcloudError():
            return Retry(problem="cloud_error", detail=f"{type(error).__name__}")
        case NotImplementedError():
            return Failed(problem="cannot_switch", detail="the driver cannot stop or start a node")
        case TooManyNodesError():
            return SEVERAL_NODES
    return Retry(problem="driver_error", detail=f"the driver has failed: {type(error).__name__}")


def _http_outcome(status: int, message: str) -> Outcome:
    code = _CODE.search(message)
    if code is None:
        known = {401: _CREDENTIALS, 403: _FORBIDDEN}
        return known.get(status, Retry(problem=f"http_{status}"))
    for beginning, meaning in _ECS:
        if code[1].startswith(beginning):
            return meaning
    problem = f"ecs_{_WORD_BREAK.sub('_', code[1]).lower()}"[:_MAX_PROBLEM].strip("_")
    return Retry(problem=problem, detail=f"ECS answers {code[1]}")


def _retry_after(seconds: float) -> timedelta | None:
    if not (math.isfinite(seconds) and seconds > 0):
        return None
    return timedelta(seconds=min(seconds, _MAX_RETRY_AFTER_S))
