"""The node: the machine behind a site as a cloud shows it, and what is asked of a cloud.

A driver of Libcloud serves one thread at a time; what is below is made for one attempt at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

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
