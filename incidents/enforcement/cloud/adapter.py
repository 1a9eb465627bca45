"""The adapter `cloud`: stops and starts the node behind a site, through Apache Libcloud.

A suspension and a closure stop the node, a reopening starts it; disks and data stay, and nothing is
ever destroyed. An order is done only when the node is *seen* stopped or running.

A repeated order does no harm: a stopped node is not stopped again. Only time limits prevent late
changes: an attempt starts no change after 15 seconds, and its lease ends after 25. A cloud keeps no
order numbers, so the adapter cannot recognise a stale order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from incidents import log
from incidents.enforcement.attempts import Attempts, LateError, check_time
from incidents.enforcement.cloud.node import (
    RETRY_SOON,
    SEVERAL_NODES,
    Cloud,
    Node,
    NodeLookup,
    NodeQuery,
    outcome,
)
from incidents.enforcement.cloud.provider import read_settings
from incidents.enforcement.port import (
    Adapter,
    Delivered,
    Failed,
    Order,
    Outcome,
    Retry,
    Skipped,
    State,
)
from incidents.settings.options import Options

MAX_CONCURRENT = 128

Wanted = Literal["stopped", "running"]

_WANTED: Mapping[str, Wanted] = {"suspend": "stopped", "close": "stopped", "reopen": "running"}
_STATES: Mapping[str, State] = {"stopped": "suspended", "gone": "suspended", "running": "active"}

_log = log.logger("acts")

_NO_NODE = Failed(
    problem="no_node",
    detail="no node is found for this site: it is not in the settings, is gone, or the key may not"
    " see it",
)
_SHARED = Failed(
    problem="shared_node",
    detail="the node that is found for this site is another site's in the settings",
)
_LATE = Retry(problem="timeout", detail="the cloud has not answered in time")
_BUSY = Retry(problem="busy", after=RETRY_SOON, detail="too many attempts are still under way")


class CloudNodes:
    """The cloud adapter, with a connection for each attempt, since drivers are not thread-safe."""

    tells_closed = False
    """False, because a stopped node does not show why it was stopped."""

    def __init__(
        self, name: str, lookup: NodeLookup, connect: Callable[[], Cloud], limit_s: float
    ) -> None:
        self.name = name
        self._lookup = lookup
        self._connect = connect
        self._idle: deque[Cloud] = deque(maxlen=MAX_CONCURRENT)
        self._deliveries = Attempts[Outcome](
            limit_s=limit_s, most=MAX_CONCURRENT, timed_out=_LATE, busy=_BUSY
        )
        self._queries = Attempts[State | None](
            limit_s=limit_s, most=MAX_CONCURRENT, timed_out=None, busy=None
        )

    def deliver(self, order: Order) -> Outcome:
        """Request that the node be stopped or started, if needed, then check its state."""
        wanted = _WANTED.get(order.kind)
        if wanted is None:
            return Skipped(why="not_of_a_node")
        return self._deliveries.run(lambda until: self._switch(order.site, wanted, until))

    def state(self, site: str) -> State | None:
        """`active` if the site's node is running, `suspended` if it is stopped, otherwise None.

        A stopped node does not show the reason, so a closed site is also `suspended` here.
        """
        return self._queries.run(lambda _until: self._current_state(site))

    def _switch(self, site: str, wanted: Wanted, until: float) -> Outcome:
        try:
            with self._connection() as cloud:
                node = self._node(cloud, site)
                if isinstance(node, Failed):
                    return node
                settled = _settled(node, wanted)
                if settled is not None:
                    return settled
                check_time(until)
                if wanted == "stopped":
                    cloud.stop(node)
                else:
                    cloud.start(node)
                return self._verified(cloud, node, wanted)
        except LateError:
            raise
        except Exception as error:  # noqa: BLE001  # drivers raise any class
            return self._failed(error, site)

    def _current_state(self, site: str) -> State | None:
        try:
            with self._connection() as cloud:
                node = self._node(cloud, site)
        except Exception as error:  # noqa: BLE001  # drivers raise any class
            self._failed(error, site)
            return None
        return None if isinstance(node, Failed) else _STATES.get(node.state)

    def _node(self, cloud: Cloud, site: str) -> Node | Failed:
        query = self._lookup.query(site)
        found = [] if query is None else list(cloud.nodes(query))
        if len(found) > 1:
            return SEVERAL_NODES
        if not found:
            return _NO_NODE
        return _SHARED if self._lookup.belongs_to_another(found[0], site) else found[0]

    def _verified(self, cloud: Cloud, node: Node, wanted: Wanted) -> Outcome:
        again = list(cloud.nodes(NodeQuery(by="id", value=node.id)))
        settled = _settled(again[0], wanted) if len(again) == 1 else None
        return settled or Retry(
            problem=f"not_{wanted}", after=RETRY_SOON, detail="the node is asked to"
        )

    def _failed(self, error: Exception, site: str) -> Outcome:
        _log.warning("the cloud did not carry out an order", site=site, error=error)
        return outcome(error)

    @contextmanager
    def _connection(self) -> Iterator[Cloud]:
        try:
            cloud = self._idle.pop()
        except IndexError:
            cloud = self._connect()
        yield cloud
        # A connection that raised an error is not reused.
        self._idle.append(cloud)


def make(name: str, options: Options) -> Adapter:
    """The adapter of type `cloud`, with the given name.

    Raises:
        SettingError, UnknownSettingError: naming the key and its requirement.
        ModuleNotFoundError: if Apache Libcloud is not installed.
    """
    return CloudNodes(name, *read_settings(options))


def _settled(node: Node, wanted: Wanted) -> Outcome | None:
    """The outcome if the node is not to be stopped or started; otherwise None."""
    if node.state == wanted:
        return Delivered()
    if node.state == "gone":
        if wanted == "stopped":
            return Delivered()
        return Failed(problem="node_gone", detail="the node has been deleted")
    if node.state == "changing":
        return Retry(problem="node_changing", after=RETRY_SOON, detail="the node is on its way")
    return None
