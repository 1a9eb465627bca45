"""Alibaba's ECS, through the connection of Libcloud's driver, which signs each request.

The driver's own `stop_node` and `start_node` are not used: they wait up to ten minutes, and do not
say what becomes of the address. Here a request is answered at once, and whoever asked looks again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from incidents.enforcement.cloud.node import Node, Sought, Standing, TooManyNodesError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

KEEP_CHARGING, STOP_CHARGING = "KeepCharging", "StopCharging"
"""StoppedMode. Both keep the disks. The second is cheaper, and gives up the processors and the
public address, so that the instance may come back under another one, or not at all."""

_MOST_NODES = 100

_STANDINGS: Mapping[str, Standing] = {
    "Running": "running",
    "Stopped": "stopped",
    "Starting": "changing",
    "Stopping": "changing",
    "Pending": "changing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsCloud:
    """The instances of one region."""

    driver: Any
    force_stop: bool
    stopped_mode: str

    def nodes(self, sought: Sought) -> Sequence[Node]:
        """Those that are sought, of the first hundred that ECS finds.

        Raises:
            TooManyNodesError: if ECS finds more.
        """
        said = self._ask("DescribeInstances", RegionId=self.driver.region, **_filter(sought))
        nodes = [_node(each) for each in said.findall("Instances/Instance")]
        if int(said.findtext("TotalCount") or len(nodes)) > len(nodes):
            raise TooManyNodesError
        return [node for node in nodes if node.is_sought(sought)]

    def stop(self, node: Node) -> None:
        """StopInstance, which ECS allows of a running one."""
        self._ask(
            "StopInstance",
            InstanceId=node.id,
            ForceStop=str(self.force_stop).lower(),
            StoppedMode=self.stopped_mode,
        )

    def start(self, node: Node) -> None:
        """StartInstance, which ECS allows of a stopped one."""
        self._ask("StartInstance", InstanceId=node.id)

    def _ask(self, action: str, **parameters: str) -> Element:
        # Without retry_failed a variable of Libcloud's would have it try again by itself, for long.
        said: Element = self.driver.connection.request(
            self.driver.path, params={"Action": action, **parameters}, retry_failed=False
        ).object
        return said


def _filter(sought: Sought) -> dict[str, str]:
    if sought.by == "id":
        return {"InstanceIds": json.dumps([sought.value])}
    page = {"PageSize": str(_MOST_NODES)}
    if sought.by == "name":
        return {"InstanceName": sought.value, **page}
    return {"Tag.1.Key": sought.tag, "Tag.1.Value": sought.value, **page}


def _node(instance: Element) -> Node:
    return Node(
        id=instance.findtext("InstanceId") or "",
        name=instance.findtext("InstanceName") or "",
        standing=_STANDINGS.get(instance.findtext("Status") or "", "unclear"),
        tags={
            tag.findtext("TagKey") or "": tag.findtext("TagValue") or ""
            for tag in instance.findall("Tags/Tag")
        },
    )
