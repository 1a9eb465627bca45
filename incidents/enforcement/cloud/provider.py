"""The provider: the cloud, its key and the nodes of sites from the settings, and Alibaba's ECS.

Requests to ECS use the connection of Libcloud's driver, which signs them. The driver's own
`stop_node` and `start_node` are not used, because they wait up to ten minutes, and do not report
what happens to the address. Here a request returns at once, and the caller checks the state again.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from xml.etree.ElementTree import Element

from incidents.enforcement.cloud.node import (
    Cloud,
    LibcloudCloud,
    Node,
    NodeLookup,
    NodeQuery,
    NodeState,
    TooManyNodesError,
)
from incidents.errors import BadSiteNameError, Cause
from incidents.settings.options import Options
from incidents.values import site_name

ECS = "aliyun_ecs"

MAX_ATTEMPT = timedelta(seconds=15)
"""The time limit of an attempt, for all its requests together."""

# The timeout of a connection, or of the next bytes: shorter than the whole, to tell the two apart.
_WAIT_S = 5.0


def read_settings(options: Options) -> tuple[NodeLookup, Callable[[], Cloud], float]:
    """Read the node lookup, the factory of connections, and the limit of an attempt in seconds.

    The factory raises the driver's errors.

    Raises:
        SettingError, UnknownSettingError: naming the key and its requirement.
        ModuleNotFoundError: if Apache Libcloud is not installed.
    """
    provider = options.needed("provider").lower()
    driver = _driver_class(options, provider)
    limit = options.duration("timeout", MAX_ATTEMPT, least=timedelta(seconds=1), most=MAX_ATTEMPT)
    limit_s = limit.total_seconds()
    make_driver = _driver_factory(options, driver, provider, wait_s=min(limit_s, _WAIT_S))
    connect = _ecs(options, make_driver) if provider == ECS else _libcloud(make_driver)
    lookup = _lookup(options)
    options.finish()
    return lookup, connect, limit_s


def _libcloud(make_driver: Callable[[], Any]) -> Callable[[], Cloud]:
    return lambda: LibcloudCloud(make_driver())


def _ecs(options: Options, make_driver: Callable[[], Any]) -> Callable[[], Cloud]:
    force = options.flag("force_stop")
    mode = options.choice("stopped_mode", (KEEP_CHARGING, STOP_CHARGING), KEEP_CHARGING)
    return lambda: EcsCloud(driver=make_driver(), force_stop=force, stopped_mode=mode)


def _driver_class(options: Options, provider: str) -> Any:
    from libcloud.compute.base import NodeDriver
    from libcloud.compute.providers import get_driver

    try:
        driver: Any = get_driver(provider)
    except ModuleNotFoundError as error:
        raise options.wrong(
            "provider",
            Cause.of(
                "must_driver_library", "one whose driver finds {name} installed", name=error.name
            ),
        ) from error
    except Exception as error:  # raised by Libcloud for a removed provider
        known = "the name of a compute provider of Apache Libcloud, such as aliyun_ecs or ec2"
        raise options.wrong("provider", known) from error
    if NodeDriver.stop_node is driver.stop_node or NodeDriver.start_node is driver.start_node:
        raise options.wrong(
            "provider", Cause.of("must_driver_able", "one whose driver can stop and start a node")
        )
    return driver


def _driver_factory(
    options: Options, driver: Any, provider: str, *, wait_s: float
) -> Callable[[], Any]:
    """The factory of drivers, after a check of the parameters.

    The check creates no driver, because some drivers call their cloud when they are created.
    """
    given = [each for key in ("key", "secret") if (each := options.secret(key)) is not None]
    named: dict[str, object] = {**options.strings("driver"), **_endpoint(options)}
    region = options.text("region")
    if region is not None:
        named["region"] = region
    if provider == ECS:
        if len(given) != 2:
            raise options.wrong(
                "secret",
                Cause.of(
                    "must_beside_key", "there beside key, the access key's id: ECS needs both"
                ),
            )
        if region is None:
            raise options.wrong(
                "region", Cause.of("must_region", "there: the id of a region such as cn-hangzhou")
            )
    try:
        inspect.signature(driver).bind(*given, **named)
    except TypeError as error:
        fitting = f"what the driver of {provider} takes beside key and secret ({error})"
        raise options.wrong("driver", fitting) from error
    return lambda: _configured(driver(*given, **named), wait_s)


def _configured(driver: Any, wait_s: float) -> Any:
    session = getattr(getattr(driver.connection, "connection", None), "session", None)
    if session is not None:
        session.timeout = wait_s
        # A password for this host in a .netrc file would replace the signature.
        session.trust_env = False
    return driver


def _endpoint(options: Options) -> dict[str, object]:
    expected = Cause.of(
        "must_endpoint",
        "an address such as https://ecs.cn-hangzhou.aliyuncs.com, with a port if need be",
    )
    found = options.address("endpoint", expected)
    if found is None:
        return {}
    if found.path.strip("/"):
        raise options.wrong("endpoint", expected)
    secure = found.scheme == "https"
    port = found.port or (443 if secure else 80)
    return {"host": found.hostname, "port": port, "secure": secure}


def _lookup(options: Options) -> NodeLookup:
    nodes, shared = _nodes_of_sites(options), options.flag("shared")
    tag, by_name = options.text("tag"), options.flag("by_name")
    if tag is not None and by_name:
        raise options.wrong(
            "by_name",
            Cause.of(
                "must_false_beside_tag", "false beside tag: a node is found by one of the two"
            ),
        )
    if not nodes and tag is None and not by_name:
        raise options.wrong(
            "nodes",
            Cause.of(
                "must_nodes",
                "a table of sites and the ids of their nodes, if neither tag nor by_name is set",
            ),
        )
    _refuse_shared(options, nodes, shared=shared)
    return NodeLookup(nodes=nodes, tag=tag, by_name=by_name, shared=shared)


def _nodes_of_sites(options: Options) -> dict[str, str]:
    nodes: dict[str, str] = {}
    for site, node in options.strings("nodes").items():
        try:
            kept = site_name.read(site)
        except BadSiteNameError as error:
            raise options.wrong(
                "nodes", Cause.of("must_table_of_sites", "a table of sites: {why}", why=str(error))
            ) from error
        if not node or nodes.get(kept, node) != node:
            raise options.wrong(
                "nodes", Cause.of("must_one_node", "a table with one node for {site}", site=kept)
            )
        nodes[kept] = node
    return nodes


def _refuse_shared(options: Options, nodes: Mapping[str, str], *, shared: bool) -> None:
    """Refuse settings with one node for two sites: suspending one must not take down the other."""
    of: dict[str, str] = {}
    for site, node in nodes.items():
        other = of.setdefault(node, site)
        if other != site and not shared:
            raise options.wrong(
                "nodes",
                Cause.of(
                    "must_own_node",
                    "a table with a node of its own for each site: to stop {node} for {site} would"
                    " take {other} off the net too, and to reopen one would open both; if that is"
                    " meant, say shared = true",
                    node=node,
                    site=site,
                    other=other,
                ),
            )


KEEP_CHARGING, STOP_CHARGING = "KeepCharging", "StopCharging"
"""The values of StoppedMode. Both keep the disks.

The second value is cheaper, but releases the processors and the public address: the instance might
start with another address, or not at all.
"""

_MAX_ECS_NODES = 100

_ECS_STATES: Mapping[str, NodeState] = {
    "Running": "running",
    "Stopped": "stopped",
    "Starting": "changing",
    "Stopping": "changing",
    "Pending": "changing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsCloud:
    """The ECS instances of one region."""

    driver: Any
    force_stop: bool
    stopped_mode: str

    def nodes(self, query: NodeQuery) -> Sequence[Node]:
        """The matching instances, at most a hundred.

        Raises:
            TooManyNodesError: if ECS finds more.
        """
        answer = self._call("DescribeInstances", RegionId=self.driver.region, **_ecs_filter(query))
        nodes = [_ecs_node(each) for each in answer.findall("Instances/Instance")]
        if int(answer.findtext("TotalCount") or len(nodes)) > len(nodes):
            raise TooManyNodesError
        return [node for node in nodes if node.matches(query)]

    def stop(self, node: Node) -> None:
        """Call StopInstance, which ECS accepts for a running instance."""
        self._call(
            "StopInstance",
            InstanceId=node.id,
            ForceStop=str(self.force_stop).lower(),
            StoppedMode=self.stopped_mode,
        )

    def start(self, node: Node) -> None:
        """Call StartInstance, which ECS accepts for a stopped instance."""
        self._call("StartInstance", InstanceId=node.id)

    def _call(self, action: str, **parameters: str) -> Element:
        # Otherwise an environment variable of Libcloud's can make it retry for a long time.
        answer: Element = self.driver.connection.request(
            self.driver.path, params={"Action": action, **parameters}, retry_failed=False
        ).object
        return answer


def _ecs_filter(query: NodeQuery) -> dict[str, str]:
    if query.by == "id":
        return {"InstanceIds": json.dumps([query.value])}
    page = {"PageSize": str(_MAX_ECS_NODES)}
    if query.by == "name":
        return {"InstanceName": query.value, **page}
    return {"Tag.1.Key": query.tag, "Tag.1.Value": query.value, **page}


def _ecs_node(instance: Element) -> Node:
    return Node(
        id=instance.findtext("InstanceId") or "",
        name=instance.findtext("InstanceName") or "",
        state=_ECS_STATES.get(instance.findtext("Status") or "", "unclear"),
        tags={
            tag.findtext("TagKey") or "": tag.findtext("TagValue") or ""
            for tag in instance.findall("Tags/Tag")
        },
    )
