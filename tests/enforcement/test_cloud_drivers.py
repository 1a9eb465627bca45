"""Any other driver of Libcloud's, shown with its own dummy; and the settings of the adapter."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from libcloud.compute.drivers.dummy import DummyNodeDriver
from libcloud.compute.types import NodeState

from incidents.enforcement.cloud import adapter as cloud
from incidents.enforcement.port import Adapter, Delivered, Failed, Outcome, Retry
from incidents.errors import SettingError, UnknownSettingError
from incidents.settings.options import Options
from tests.enforcement.cloud_rig import ON_ITS_WAY, SOON, until_no_attempt_is_under_way
from tests.enforcement.ecs_rig import REGION
from tests.enforcement.orders import SITE, order, problem
from tests.patience import PATIENCE_S

NODE, OTHER = "i-bp1shop", "i-bp1other"


# ── Libcloud's own dummy, for every other driver ─────────────────────────────────────────────────


class Switchboard:
    """What Libcloud's dummy lacks: its nodes stop and start, as `stopped` and `started` say."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.drivers: list[DummyNodeDriver] = []
        self.stopped: Callable[[Any], object] = lambda node: setattr(
            node, "state", NodeState.STOPPED
        )
        self.started: Callable[[Any], object] = lambda node: setattr(
            node, "state", NodeState.RUNNING
        )

    def switch(self, what: str, driver: DummyNodeDriver, node: Any) -> None:
        self.changes.append((what, node.id))
        self.drivers.append(driver)
        (self.stopped if what == "stop" else self.started)(node)


@pytest.fixture
def switchboard(monkeypatch: pytest.MonkeyPatch) -> Switchboard:
    board = Switchboard()

    def never(*_: object) -> None:
        raise AssertionError("a node is never destroyed")

    def stop(driver: DummyNodeDriver, node: Any) -> None:
        board.switch("stop", driver, node)

    def start(driver: DummyNodeDriver, node: Any) -> None:
        board.switch("start", driver, node)

    monkeypatch.setattr(DummyNodeDriver, "stop_node", stop)
    monkeypatch.setattr(DummyNodeDriver, "start_node", start)
    monkeypatch.setattr(DummyNodeDriver, "destroy_node", never)
    monkeypatch.setattr(DummyNodeDriver, "reboot_node", never)
    return board


def dummy(**changed: Any) -> Adapter:
    table: dict[str, Any] = {"provider": "dummy", "driver": {"creds": "0"}} | changed
    return cloud.make("machines", Options("[acts.machines]", table))


def test_a_node_of_any_other_driver_is_stopped_and_started(switchboard: Switchboard) -> None:
    made = dummy(nodes={SITE: "2"})
    assert made.state(SITE) == "active"
    assert made.deliver(order("suspend")) == Delivered()
    assert made.state(SITE) == "suspended"
    assert made.deliver(order("close")) == Delivered()
    assert made.deliver(order("reopen")) == Delivered()
    assert made.state(SITE) == "active"
    assert switchboard.changes == [("stop", "2"), ("start", "2")]


def test_a_node_of_any_other_driver_is_found_by_its_name(switchboard: Switchboard) -> None:
    made = dummy(by_name=True)
    assert made.deliver(order("suspend", site="dummy-1")) == Delivered()
    assert isinstance(made.deliver(order("suspend", site="dummy-3")), Failed)
    assert isinstance(made.deliver(order("suspend", site="dummy")), Failed)
    assert switchboard.changes == [("stop", "1")]


def list_with(monkeypatch: pytest.MonkeyPatch, *changes: dict[str, Any]) -> None:
    """Has the first nodes be listed with something else."""
    list_nodes: Callable[[Any], Any] = DummyNodeDriver.list_nodes

    def changed(driver: Any) -> Any:
        nodes = list_nodes(driver)
        for node, change in zip(nodes, changes, strict=False):
            vars(node).update(change)
        return nodes

    monkeypatch.setattr(DummyNodeDriver, "list_nodes", changed)


@pytest.mark.parametrize("place", ["tags", "metadata", "labels"])
def test_a_node_of_any_other_driver_is_found_by_a_tag_whatever_that_is_called(
    switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    extras = [{place: ["shop.example"]}, {place: {"site": SITE}}]
    list_with(monkeypatch, *({"extra": extra} for extra in extras))
    assert dummy(tag="site").deliver(order("suspend")) == Delivered()
    assert switchboard.changes == [("stop", "2")]


@pytest.mark.parametrize(
    ("state", "down", "up", "told"),
    [
        (NodeState.RUNNING, "acted", Delivered(), "active"),
        (NodeState.STOPPED, Delivered(), "acted", "suspended"),
        (NodeState.SUSPENDED, Delivered(), "acted", "suspended"),
        (NodeState.PAUSED, Delivered(), "acted", "suspended"),
        (NodeState.STARTING, ON_ITS_WAY, ON_ITS_WAY, None),
        (NodeState.STOPPING, ON_ITS_WAY, ON_ITS_WAY, None),
        (NodeState.PENDING, ON_ITS_WAY, ON_ITS_WAY, None),
        (NodeState.REBOOTING, ON_ITS_WAY, ON_ITS_WAY, None),
        (NodeState.ERROR, "acted", "acted", None),
        (NodeState.UNKNOWN, "acted", "acted", None),
        (
            NodeState.TERMINATED,
            Delivered(),
            Failed(problem="node_gone", detail="the node has been deleted"),
            "suspended",
        ),
    ],
)
def test_what_each_state_of_a_node_means_for_an_order(
    switchboard: Switchboard,
    monkeypatch: pytest.MonkeyPatch,
    state: NodeState,
    down: Outcome | str,
    up: Outcome | str,
    told: str | None,
) -> None:
    list_with(monkeypatch, {"state": state})
    for kind, expected, wanted in (("suspend", down, "stopped"), ("reopen", up, "running")):
        made = dummy(nodes={SITE: "1"})
        found = made.deliver(order(kind))
        acted = Retry(problem=f"not_{wanted}", after=SOON, detail="the node is asked to")
        assert found == (acted if expected == "acted" else expected)
        assert made.state(SITE) == told


def test_a_driver_that_waits_for_the_node_is_not_waited_for(switchboard: Switchboard) -> None:
    stopped = threading.Event()

    def slowly(node: Any) -> None:
        assert stopped.wait(PATIENCE_S)
        node.state = NodeState.STOPPED

    switchboard.stopped = slowly
    made = dummy(nodes={SITE: "1"}, timeout="1s")
    outcome = made.deliver(order("suspend"))
    assert problem(outcome) == "Retry timeout"
    stopped.set()
    until_no_attempt_is_under_way()


def test_there_is_an_end_to_the_attempts_that_are_still_under_way(
    switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = threading.Event()
    switchboard.stopped = lambda _: stopped.wait(PATIENCE_S)
    monkeypatch.setattr(cloud, "MAX_CONCURRENT", 2)
    made = dummy(nodes={SITE: "1"}, timeout="1s")
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(made.deliver, [order("suspend")] * 3))
    problems = sorted(getattr(each, "problem", "") for each in outcomes)
    assert problems == ["busy", "timeout", "timeout"]
    stopped.set()
    until_no_attempt_is_under_way()
    switchboard.stopped = lambda node: setattr(node, "state", NodeState.STOPPED)
    assert [made.deliver(order("suspend")) for _ in range(3)] == [Delivered()] * 3


def test_two_threads_never_share_a_driver(switchboard: Switchboard) -> None:
    both = threading.Barrier(2, timeout=PATIENCE_S)
    switchboard.stopped = lambda _: both.wait()
    made = dummy(nodes={SITE: "1", "blog.example": "2"})
    assert made.state(SITE) == "active", "and leaves a connection behind"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(made.deliver, [order("suspend"), order("suspend", site="blog.example")]))
    assert len({id(each) for each in switchboard.drivers}) == 2


def test_an_error_of_a_driver_is_tried_again_and_its_text_is_not_passed_on(
    switchboard: Switchboard, capsys: pytest.CaptureFixture[str]
) -> None:
    def amiss(_: Any) -> None:
        raise KeyError("the password of operator-1")

    switchboard.stopped = amiss
    outcome = dummy(nodes={SITE: "1"}).deliver(order("suspend"))
    assert outcome == Retry(problem="driver_error", detail="the driver has failed: KeyError")
    [line] = capsys.readouterr().err.splitlines()
    logged = json.loads(line)
    assert (logged["site"], logged["error"]) == (SITE, "KeyError")
    assert "password" not in line


# ── settings ─────────────────────────────────────────────────────────────────────────────────────

_GOOD: dict[str, Any] = {
    "provider": "aliyun_ecs",
    "key": "testid",
    "secret": "not-to-be-shown",
    "region": REGION,
    "nodes": {SITE: NODE},
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"provider": None}, "provider"),
        ({"provider": "no-such-cloud"}, "Apache Libcloud"),
        ({"provider": "dummy"}, "can stop and start a node"),
        ({"secret": None}, "secret"),
        ({"region": None}, "region"),
        ({"nodes": None}, "tag nor by_name"),
        ({"nodes": {}}, "tag nor by_name"),
        ({"nodes": {SITE: ""}}, "one node for shop.example"),
        ({"nodes": {"https://shop.example/": NODE}}, "it is a URL"),
        ({"nodes": {SITE: NODE, "SHOP.example": OTHER}}, "one node for shop.example"),
        ({"nodes": {SITE: NODE, "blog.example": NODE}}, "would take shop.example off the net too"),
        ({"tag": "site", "by_name": True}, "by_name"),
        ({"endpoint": "ecs.cn-hangzhou.aliyuncs.com"}, "endpoint"),
        ({"endpoint": "https://ecs.example/path"}, "endpoint"),
        ({"endpoint": "https://operator-1@ecs.example"}, "endpoint"),
        ({"endpoint": "https://ecs.example:99999"}, "endpoint"),
        ({"provider": "vsphere", "region": None}, "missing a required argument: 'password'"),
        ({"stopped_mode": "Hibernate"}, "KeepCharging or StopCharging"),
        ({"timeout": "16s"}, "timeout"),
        ({"force_stop": "yes"}, "force_stop"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_must_be(changed: dict[str, Any], said: str) -> None:
    table = {key: value for key, value in (_GOOD | changed).items() if value is not None}
    with pytest.raises(SettingError) as refused:
        cloud.make("machines", Options("[acts.machines]", table))
    assert said in refused.value.message
    assert "[acts.machines]" in refused.value.message
    assert "not-to-be-shown" not in refused.value.message


@pytest.mark.parametrize("key", ["no_such_key", "force"])
def test_an_unknown_setting_is_refused(key: str) -> None:
    with pytest.raises(UnknownSettingError):
        cloud.make("machines", Options("[acts.machines]", _GOOD | {key: "1"}))


def test_a_setting_of_ecs_is_unknown_elsewhere(switchboard: Switchboard) -> None:
    with pytest.raises(UnknownSettingError):
        dummy(nodes={SITE: "1"}, force_stop=True)
