"""A node is stopped and started, exactly the one that is meant, and done is what has been seen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.enforcement.cloud import adapter as cloud
from incidents.enforcement.cloud import node as cloud_fault
from incidents.enforcement.port import Adapter, Delivered, Failed, Order, Outcome, Retry, Skipped
from incidents.settings.options import Options
from tests.enforcement import ecs_rig as alibaba
from tests.enforcement.cloud_rig import ON_ITS_WAY, SOON, until_no_attempt_is_under_way
from tests.enforcement.ecs_rig import ACCESS_KEY, REGION, SECRET, Ecs, Instance
from tests.enforcement.orders import SITE, order, problem

NODE = "i-bp1shop"
OTHER = "i-bp1other"


@pytest.fixture
def ecs() -> Iterator[Ecs]:
    """A region in which SITE's instance may be touched and no other."""
    with alibaba.serving() as served:
        served.has(Instance(NODE, name=SITE), Instance(OTHER, name="other.example"))
        served.may_touch = {NODE}
        yield served
    assert served.strangers == [], "somebody else's machine was touched"
    assert served.unsigned == []


def adapter(ecs: Ecs, **changed: Any) -> Adapter:
    table: dict[str, Any] = {
        "provider": "aliyun_ecs",
        "key": ACCESS_KEY,
        "secret": SECRET,
        "region": REGION,
        "endpoint": ecs.url,
        "nodes": {SITE: NODE},
    }
    table |= changed
    present = {key: value for key, value in table.items() if value is not None}
    return cloud.make("machines", Options("[acts.machines]", present))


def delivered_at_last(made: Adapter, asked: Order, attempts: int = 10) -> int:
    """How many attempts it took; each before the last one asked to look again soon."""
    for n in range(1, attempts + 1):
        outcome = made.deliver(asked)
        if outcome == Delivered():
            return n
        assert isinstance(outcome, Retry)
        assert outcome.after == SOON
    raise AssertionError("it was never delivered")


# ── stopped and started ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["suspend", "close"])
def test_a_site_goes_down_with_its_instance_and_is_down_when_that_is_seen_stopped(
    ecs: Ecs, kind: str
) -> None:
    ecs.looks = 3
    made = adapter(ecs)
    assert made.deliver(order(kind)) == ON_ITS_WAY
    assert made.deliver(order(kind)) == ON_ITS_WAY
    assert made.deliver(order(kind)) == ON_ITS_WAY
    assert made.deliver(order(kind)) == Delivered()
    assert ecs.changes() == [("StopInstance", NODE)]


def test_a_reopening_starts_it_and_is_done_when_it_is_seen_running(ecs: Ecs) -> None:
    ecs.instances[NODE].status = "Stopped"
    ecs.looks = 2
    assert delivered_at_last(adapter(ecs), order("reopen")) == 3
    assert ecs.changes() == [("StartInstance", NODE)]
    assert ecs.instances[NODE].status == "Running"


@pytest.mark.parametrize(("kind", "status"), [("suspend", "Stopped"), ("reopen", "Running")])
def test_what_is_so_already_is_done_without_a_change(ecs: Ecs, kind: str, status: str) -> None:
    ecs.instances[NODE].status = status
    assert adapter(ecs).deliver(order(kind)) == Delivered()
    assert ecs.actions() == ["DescribeInstances"]


@pytest.mark.parametrize("status", ["Starting", "Stopping", "Pending"])
@pytest.mark.parametrize("kind", ["suspend", "reopen"])
def test_an_instance_on_its_way_is_let_go_and_looked_at_again(
    ecs: Ecs, kind: str, status: str
) -> None:
    ecs.instances[NODE].status = status
    assert adapter(ecs).deliver(order(kind)) == ON_ITS_WAY
    assert ecs.changes() == []


def test_an_instance_that_does_not_heed_the_stop_is_asked_again(ecs: Ecs) -> None:
    made = adapter(ecs)
    made.deliver(order("suspend"))
    ecs.instances[NODE].goes("Running", "Running", 0)
    assert delivered_at_last(made, order("suspend")) == 2
    assert ecs.changes() == [("StopInstance", NODE)] * 2


def test_an_instance_still_seen_running_after_the_stop_is_not_down(ecs: Ecs) -> None:
    ecs.looks = 0
    made = adapter(ecs)
    ecs.instances[NODE].goes = lambda *_: None  # type: ignore[method-assign]  # it stays as it is
    outcome = made.deliver(order("suspend"))
    assert outcome == Retry(problem="not_stopped", after=SOON, detail="the node is asked to")


def test_the_stop_keeps_the_address_and_lets_the_machine_shut_down(ecs: Ecs) -> None:
    adapter(ecs).deliver(order("suspend"))
    [asked] = [each for each in ecs.asked if each["Action"] == "StopInstance"]
    assert (asked["ForceStop"], asked["StoppedMode"]) == ("false", "KeepCharging")


def test_the_settings_can_have_it_cut_off_and_kept_for_less(ecs: Ecs) -> None:
    adapter(ecs, force_stop=True, stopped_mode="StopCharging").deliver(order("suspend"))
    [asked] = [each for each in ecs.asked if each["Action"] == "StopInstance"]
    assert (asked["ForceStop"], asked["StoppedMode"]) == ("true", "StopCharging")


def test_nothing_but_looking_stopping_and_starting_is_ever_asked(ecs: Ecs) -> None:
    made = adapter(ecs)
    for n, kind in enumerate(["suspend", "reopen", "suspend", "close", "reopen"]):
        delivered_at_last(made, order(kind, seq=n))
    assert set(ecs.actions()) == {"DescribeInstances", "StopInstance", "StartInstance"}


@pytest.mark.parametrize("kind", ["notify", "call", "alarm"])
def test_what_is_no_act_of_a_node_is_skipped(ecs: Ecs, kind: str) -> None:
    assert adapter(ecs).deliver(order(kind)) == Skipped(why="not_of_a_node")
    assert ecs.asked == []


@pytest.mark.parametrize(
    ("status", "state"),
    [("Running", "active"), ("Stopped", "suspended"), ("Stopping", None), ("Odd", None)],
)
def test_the_state_is_what_the_instance_is_in(ecs: Ecs, status: str, state: str | None) -> None:
    ecs.instances[NODE].status = status
    assert adapter(ecs).state(SITE) == state


def test_the_state_of_an_unknown_site_is_unknown(ecs: Ecs) -> None:
    assert adapter(ecs).state("unknown.example") is None
    ecs.behaviour = "garbage"
    assert adapter(ecs).state(SITE) is None


# ── the one that is meant ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("found_by", [{"by_name": True}, {"tag": "site"}])
def test_an_instance_is_found_by_its_name_or_by_a_tag(ecs: Ecs, found_by: dict[str, Any]) -> None:
    # ECS' filter by name finds them all.
    ecs.has(Instance("i-bp1long", name=f"my{SITE}"), Instance("i-bp1longer", name=f"{SITE}.test"))
    ecs.instances[NODE].tags = {"site": SITE, "owner": "operator-1"}
    ecs.instances[OTHER].tags = {"sites": SITE, "owner": SITE}
    assert delivered_at_last(adapter(ecs, nodes=None, **found_by), order("suspend")) == 2
    assert ecs.changes() == [("StopInstance", NODE)]


@pytest.mark.parametrize("found_by", [{"by_name": True}, {"tag": "site"}])
def test_of_two_that_fit_none_is_touched(ecs: Ecs, found_by: dict[str, Any]) -> None:
    for n in (1, 2):
        ecs.has(Instance(f"i-bp1twin{n}", name="twin.example", tags={"site": "twin.example"}))
    made = adapter(ecs, nodes=None, **found_by)
    for kind in ("suspend", "close", "reopen"):
        assert made.deliver(order(kind, site="twin.example")) == cloud_fault.SEVERAL_NODES
    assert ecs.changes() == []
    assert cloud_fault.SEVERAL_NODES.problem == "several_nodes"


def test_where_more_are_found_than_are_told_none_is_touched(ecs: Ecs) -> None:
    ecs.has(*(Instance(f"i-bp1{n:03}", name=f"{n:03}.{SITE}") for n in range(120)))
    made = adapter(ecs, nodes=None, by_name=True)
    assert made.deliver(order("suspend")) == cloud_fault.SEVERAL_NODES


@pytest.mark.parametrize(
    "found_by", [{"by_name": True}, {"tag": "site"}, {"nodes": {SITE: "i-no"}}]
)
@pytest.mark.parametrize("ignores_filters", [False, True])
def test_where_none_fits_none_is_touched(
    ecs: Ecs, found_by: dict[str, Any], ignores_filters: bool
) -> None:
    ecs.instances = {OTHER: ecs.instances[OTHER]}
    ecs.ignores_filters = ignores_filters
    outcome = adapter(ecs, **{"nodes": None, **found_by}).deliver(order("suspend"))
    assert problem(outcome) == "Failed no_node"


def test_a_site_that_the_settings_do_not_name_has_no_node(ecs: Ecs) -> None:
    assert problem(adapter(ecs).deliver(order("suspend", site="other.example"))) == "Failed no_node"
    assert ecs.asked == []


def test_a_node_found_by_its_tag_that_is_another_sites_in_the_table_is_left_alone(ecs: Ecs) -> None:
    ecs.instances[NODE].tags = {"site": "blog.example"}
    outcome = adapter(ecs, tag="site").deliver(order("suspend", site="blog.example"))
    assert problem(outcome) == "Failed shared_node"
    assert ecs.changes() == []


def test_a_shared_node_is_stopped_where_the_settings_say_so(ecs: Ecs) -> None:
    both = {SITE: NODE, "blog.example": NODE}
    made = adapter(ecs, nodes=both, shared=True)
    assert delivered_at_last(made, order("suspend", site="blog.example")) == 2
    assert made.state(SITE) == "suspended"


_NAMES = st.sampled_from(["a.example", "b.example", "aa.example", "a.example.test", ""])
_ACCOUNTS = st.lists(
    st.builds(
        lambda name, site, status: (name, {"site": site} if site else {}, status),
        _NAMES,
        _NAMES,
        st.sampled_from(["Running", "Stopped", "Stopping", "Starting"]),
    ),
    max_size=5,
)


@given(
    account=_ACCOUNTS,
    by=st.sampled_from(["name", "tag"]),
    kinds=st.lists(st.sampled_from(["suspend", "close", "reopen"]), min_size=1, max_size=4),
)
def test_in_any_account_only_the_one_that_fits_alone_is_ever_touched(
    account: list[tuple[str, dict[str, str], str]], by: str, kinds: list[str]
) -> None:
    with alibaba.serving() as ecs:
        ecs.has(*(Instance(f"i-{n}", each[0], each[2], each[1]) for n, each in enumerate(account)))
        fit = [
            each.id
            for each in ecs.instances.values()
            if (each.name if by == "name" else each.tags.get("site")) == "a.example"
        ]
        ecs.may_touch = set(fit) if len(fit) == 1 else set()
        found_by: dict[str, Any] = {"by_name": True} if by == "name" else {"tag": "site"}
        made = adapter(ecs, nodes=None, **found_by)
        outcomes = [made.deliver(order(kind, site="a.example")) for kind in kinds]
    assert ecs.strangers == []
    if len(fit) != 1:
        problem = "several_nodes" if fit else "no_node"
        assert [getattr(each, "problem", None) for each in outcomes] == [problem] * len(kinds)


# ── what a cloud answers amiss ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("action", ["DescribeInstances", "StopInstance"])
@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (404, "InvalidAccessKeyId.NotFound", Retry(problem="credentials")),
        (400, "InvalidAccessKeyId.Inactive", Retry(problem="credentials")),
        (400, "SignatureDoesNotMatch", Retry(problem="credentials")),
        (403, "Forbidden.RAM", Retry(problem="forbidden")),
        (400, "Throttling", Retry(problem="throttled")),
        (400, "Throttling.User", Retry(problem="throttled")),
        (429, "Throttling.User", Retry(problem="throttled", after=timedelta(seconds=7))),
        (400, "InvalidTimeStamp.Expired", Retry(problem="clock")),
        (403, "IncorrectInstanceStatus", Retry(problem="node_changing", after=SOON)),
        (403, "InstanceLockedForSecurity", Retry(problem="ecs_instance_locked_for_security")),
        (500, "InternalError", Retry(problem="ecs_internal_error")),
        (503, "ServiceUnavailable", Retry(problem="ecs_service_unavailable")),
        (404, "InvalidInstanceId.NotFound", Failed(problem="no_node")),
        (400, "A.Very" + "Long" * 15, Retry(problem="ecs_a_very_long_long_long_long_long_long")),
    ],
)
def test_an_error_of_ecs_has_a_name_and_nearly_all_can_be_mended(
    ecs: Ecs, action: str, status: int, code: str, outcome: Outcome
) -> None:
    ecs.faults = {action: [(status, code)]}
    made = adapter(ecs)
    found = made.deliver(order("suspend"))
    assert type(found) is type(outcome)
    assert isinstance(found, Retry | Failed)
    assert found.problem == outcome.problem  # type: ignore[union-attr]  # as of the type above
    assert getattr(found, "after", None) == getattr(outcome, "after", None)
    assert "parameter" not in (found.detail or ""), "what a cloud writes is not passed on"
    assert delivered_at_last(made, order("suspend")) == 2, "the next attempt is not spoilt by it"


def test_an_order_whose_answer_was_lost_is_delivered_without_a_second_stop(ecs: Ecs) -> None:
    made = adapter(ecs)
    ecs.faults = {"DescribeInstances": []}
    ecs.behaviour = "hangs up"
    assert made.deliver(order("suspend")) == Retry(problem="unreachable", detail="ConnectionError")
    ecs.instances[NODE].status = "Stopped"
    ecs.behaviour = "well"
    assert made.deliver(order("suspend")) == Delivered()
    assert ecs.changes() == []


@pytest.mark.parametrize("secret", ["", "testsecret2"])
def test_a_wrong_secret_is_told_as_such_and_touches_nothing(secret: str) -> None:
    with alibaba.serving() as ecs:
        ecs.has(Instance(NODE))
        outcome = adapter(ecs, secret=secret or "x").deliver(order("suspend"))
    assert problem(outcome) == "Retry credentials"
    assert ecs.unsigned == ["DescribeInstances"]


def test_the_judge_of_signatures_agrees_with_the_documented_example() -> None:
    parameters = {
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "Format": "XML",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z",
        "Version": "2014-05-26",
    }
    assert alibaba.signature("testsecret", parameters) == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [("hangs up", "unreachable"), ("garbage", "malformed"), ("nothing", "driver_error")],
)
def test_an_answer_that_is_none_is_tried_again(ecs: Ecs, behaviour: str, code: str) -> None:
    ecs.behaviour = behaviour
    assert problem(adapter(ecs).deliver(order("suspend"))) == f"Retry {code}"


def test_a_cloud_that_nobody_answers_for_is_tried_again() -> None:
    with alibaba.serving() as ecs:
        pass
    outcome = adapter(ecs).deliver(order("suspend"))
    assert problem(outcome) == "Retry unreachable"


@pytest.mark.parametrize("behaviour", ["hangs", "drips"])
def test_an_attempt_ends_in_its_time_and_what_is_late_changes_nothing(
    ecs: Ecs, behaviour: str
) -> None:
    ecs.behaviour = behaviour
    made = adapter(ecs, timeout="1s")
    outcome = made.deliver(order("suspend"))
    # Nobody has freed the server yet.
    assert problem(outcome) == "Retry timeout"
    # The answer comes after all, to an attempt that was given up.
    ecs.freed.set()
    ecs.behaviour = "well"
    until_no_attempt_is_under_way()
    assert ecs.changes() == []
    assert delivered_at_last(made, order("suspend")) == 2


def test_neither_a_proxy_nor_a_netrc_of_the_machine_comes_between(
    ecs: Ecs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login operator-1 password told-to-nobody\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("LIBCLOUD_RETRY_FAILED_HTTP_REQUESTS", "1")
    ecs.faults = {"DescribeInstances": [(429, "Throttling")]}
    made = adapter(ecs)
    assert isinstance(made.deliver(order("suspend")), Retry)
    assert ecs.actions() == ["DescribeInstances"], "Libcloud does not try again by itself"
    delivered_at_last(made, order("suspend"))
    assert not [each for each in ecs.headers if "Authorization" in each]


def test_many_sites_at_once_stop_each_its_own(ecs: Ecs) -> None:
    sites = [f"shop-{n}.example" for n in range(24)]
    nodes = {site: f"i-{n}" for n, site in enumerate(sites)}
    ecs.has(*(Instance(node) for node in nodes.values()))
    ecs.may_touch = set(nodes.values())
    made = adapter(ecs, nodes=nodes)
    with ThreadPoolExecutor(8) as pool:
        attempts = list(pool.map(lambda s: delivered_at_last(made, order(site=s)), sites))
    assert attempts == [2] * 24
    assert sorted(ecs.changes()) == sorted(("StopInstance", node) for node in nodes.values())
    assert {ecs.instances[node].status for node in nodes.values()} == {"Stopped"}
