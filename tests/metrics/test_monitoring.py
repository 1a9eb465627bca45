"""The rules and the dashboard of docs/monitoring: judged by promtool, held to what is exposed."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from incidents.metrics.catalogue import FAMILIES, POSTGRESQL_ALONE, REPLICA_FAMILIES
from incidents.metrics.exposition import SampleCollector
from tests.databases import SqliteDatabases
from tests.metrics.busy import busy
from tests.metrics.scraping import promtool

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
RULES, RULE_TESTS, DASHBOARD = (
    FOLDER / name for name in ("alerts.yml", "alerts.test.yml", "dashboard.json")
)
HISTOGRAMS = {family.name for family in FAMILIES if family.kind == "histogram"}
GUIDE = FOLDER.parent / "how-to" / "monitor.md"

_NAME = re.compile(r"\b(?:incidents|process)_[a-z_]+\b")
_SELECTED = re.compile(r"\b((?:incidents|process)_[a-z_]+)\{([^}]*)\}")
_MATCHER = re.compile(r'([a-z]+)(=~|!=|=|!~)"([^"]*)"')
_CASE = re.compile(r"^(?=  - name: )", re.MULTILINE)
_ALERT = re.compile(r"^ +- alert: (\w+)$", re.MULTILINE)

Exposition = dict[str, list[dict[str, str]]]
"""The labels of each sample, by its name."""


@pytest.fixture(scope="module")
def exposed(sqlite_databases: SqliteDatabases) -> Exposition:
    """What a daemon exposes after a full day."""
    registry = CollectorRegistry()
    with sqlite_databases.at_head() as url, busy(url) as day:
        registry.register(SampleCollector(day.scraped))
        ProcessCollector(registry=registry)
        text = generate_latest(registry).decode()
    found: Exposition = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> Iterator[str]:
    for panel in panels():
        for target in panel.get("targets", []):
            yield target["expr"]


# The rules.


def test_the_rules_are_rules() -> None:
    done = promtool("check", "rules", "--lint-fatal", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr


def judged(folder: Path, rules: str, cases: Callable[[str], bool]) -> CompletedProcess[str]:
    """What promtool says of these rules by those of their tests."""
    (folder / RULES.name).write_text(rules, encoding="utf-8")
    head, *tests = _CASE.split(RULE_TESTS.read_text(encoding="utf-8"))
    chosen = [test for test in tests if cases(test)]
    assert chosen
    (folder / RULE_TESTS.name).write_text("".join([head, *chosen]), encoding="utf-8")
    return promtool("test", "rules", RULE_TESTS.name, folder=folder)


@pytest.mark.parametrize("takes_a_day", [False, pytest.param(True, marks=pytest.mark.long)])
def test_each_rule_alarms_when_it_should_and_not_before(tmp_path: Path, takes_a_day: bool) -> None:
    rules = RULES.read_text(encoding="utf-8")
    done = judged(tmp_path, rules, lambda test: ("x1600" in test) == takes_a_day)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_rule_is_tested() -> None:
    tested = RULE_TESTS.read_text(encoding="utf-8")
    alerts = _ALERT.findall(RULES.read_text(encoding="utf-8"))
    assert len(alerts) == len(set(alerts)) > 12
    assert [alert for alert in alerts if tested.count(alert) < 2] == []


def test_a_rule_that_is_broken_would_be_noticed(tmp_path: Path) -> None:
    broken = RULES.read_text(encoding="utf-8").replace("< -120", "< -1200")
    assert judged(tmp_path, broken, lambda test: "0-60x20" in test).returncode != 0


def test_the_guide_tells_of_each_rule_and_of_each_metric() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    alerts = _ALERT.findall(RULES.read_text(encoding="utf-8"))
    assert [alert for alert in alerts if f"`{alert}`" not in guide] == []
    assert [family.name for family in FAMILIES if f"`{family.name}`" not in guide] == []


# The dashboard.


def test_the_dashboard_is_one_that_a_grafana_can_load() -> None:
    document = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    variables = {each["name"]: each for each in document["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    assert document["schemaVersion"] >= 36
    assert document["uid"] == "incidents-desk"
    for panel in panels():
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24, panel["title"]
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert [t["datasource"] for t in panel["targets"]] == (
                [panel["datasource"]] * len(panel["targets"])
            )
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids)) > 30


def test_no_panel_lies_upon_another() -> None:
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels())
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name.removesuffix("_bucket") for e in expressions() for name in _NAME.findall(e)}
    assert {family.name for family in FAMILIES} - shown == set()


def test_each_expression_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:expr{n}", "expr": _filled(expression)}
        for n, expression in enumerate(expressions())
    ]
    file = tmp_path / "rules.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}), encoding="utf-8")
    done = promtool("check", "rules", "--lint=none", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(rules)} rules found" in done.stdout


def _filled(expression: str) -> str:
    found = expression.replace("$__rate_interval", "1m").replace("$job", ".+")
    assert "$" not in found, expression
    return found


# Both.


@pytest.mark.parametrize("file", [RULES, RULE_TESTS, DASHBOARD, GUIDE], ids=lambda file: file.name)
def test_what_is_asked_for_is_exposed(file: Path, exposed: Exposition) -> None:
    asked = set(_NAME.findall(file.read_text(encoding="utf-8")))
    if file == GUIDE:  # which names histograms as a whole
        asked = {f"{name}_bucket" if name in HISTOGRAMS else name for name in asked}
    assert len(asked) >= 15
    # The database here is SQLite, and has no replica.
    elsewhere = POSTGRESQL_ALONE | {family.name for family in REPLICA_FAMILIES}
    assert asked - set(exposed) - elsewhere == set()


@pytest.mark.parametrize("file", [RULES, DASHBOARD], ids=lambda file: file.name)
def test_what_is_selected_has_such_labels(file: Path, exposed: Exposition) -> None:
    text = file.read_text(encoding="utf-8").replace('\\"', '"')
    checked = 0
    for name, matchers in _SELECTED.findall(text):
        for label, how, wanted in _MATCHER.findall(matchers):
            if label == "job":  # of the scrape
                continue
            found = {labels[label] for labels in exposed[name]}
            for part in wanted.split("|") if how in ("=~", "!~") else [re.escape(wanted)]:
                assert any(re.fullmatch(part, value) for value in found), (name, label, part)
                checked += 1
    assert checked > 3


def test_what_it_is_grouped_by_is_a_label(exposed: Exposition) -> None:
    known = {label for of in exposed.values() for labels in of for label in labels}
    known |= {"job", "instance"}
    for expression in [*expressions(), RULES.read_text(encoding="utf-8")]:
        for grouped in re.findall(r"(?:by|without) \(([a-z, ]+)\)", expression):
            assert set(grouped.split(", ")) <= known, grouped
