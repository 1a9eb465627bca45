"""What is exposed: well formed, complete, and without a word about anybody."""

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from incidents import __version__
from incidents.metrics import exposition
from incidents.metrics import samples as labels
from incidents.metrics.catalogue import (
    ENTRY_FAMILIES,
    FAMILIES,
    POSTGRESQL_ALONE,
    PROCESS_FAMILIES,
    REPLICA_FAMILIES,
    Family,
)
from incidents.metrics.database import static_samples
from incidents.metrics.exposition import SampleCollector
from incidents.metrics.samples import Samples
from incidents.store.inbox.reports import STATES, WAITING
from incidents.store.schema.catalogue import every_table
from incidents.values.report_formats import FORMATS
from tests.databases import Databases
from tests.metrics.busy import HOST, MAIL, NAME, OPERATORS, PHONE, busy
from tests.metrics.scraping import promtool

KNOWN = {
    "kind": {kind for kind, _ in labels.DECISIONS} | set(labels.WORK) | {labels.OTHER},
    "rule": {rule for _, rule in labels.DECISIONS} | {labels.OTHER},
    "lane": set(labels.LANES) | {labels.OTHER},
    "outcome": {*labels.OUTCOMES, *STATES, labels.OTHER},
    "state": set(WAITING),
    "format": set(FORMATS),
    # As the settings name them.
    "adapter": {"panel", "log", "notices"},
    "count": {
        "deadlines_overdue", "deadlines_pending", "orders_waiting", "orders_dead", "orders_braked",
        "sites_not_in_force", "queue_items", "log_unnumbered_entries", "sign_ins_last_hour",
        "refusals_today", "reports_waiting",
    },
    "result": {*labels.RESULTS, labels.OTHER},
    "reason": {*labels.REASONS, labels.OTHER},
    "version": {__version__},
    "table": {*labels.EXPIRING, *every_table().tables},
}  # fmt: skip


REPLICA = {family.name for family in REPLICA_FAMILIES}


@pytest.fixture(scope="module")
def scraped(databases: Databases) -> Samples:
    with databases.at_head() as url, busy(url) as day:
        return day.scraped()


def latest(samples: Samples) -> str:
    registry = CollectorRegistry()
    registry.register(SampleCollector(lambda: samples))
    return generate_latest(registry).decode()


def read(text: str) -> list[Sample]:
    return [sample for f in text_string_to_metric_families(text) for sample in f.samples]


def test_after_a_full_day_no_label_holds_anything_but_words_of_this_program(
    scraped: Samples,
) -> None:
    found = read(latest(scraped))
    assert len(found) > 100
    for sample in found:
        for label, value in sample.labels.items():
            if label == "le":
                assert float(value) > 0
            else:
                assert value in KNOWN[label], sample


def test_after_a_full_day_nobody_and_no_site_is_in_it(scraped: Samples) -> None:
    text = latest(scraped)
    for canary in (PHONE, MAIL, NAME, HOST, *OPERATORS, ".example", "http://", "4711", "birds"):
        assert canary not in text, canary
    values = " ".join(value for sample in read(text) for value in sample.labels.values())
    assert not re.search(r"\d+-(?:\d|o|t)", values), values


def test_after_a_full_day_every_metric_has_a_sample(scraped: Samples) -> None:
    missing = {f.name for f in FAMILIES if not scraped.of(f.name)}
    assert missing == POSTGRESQL_ALONE | REPLICA


@pytest.mark.both_databases
def test_every_sample_is_a_number_that_can_be_explained(scraped: Samples) -> None:
    found = {(s.name, *s.labels.values()): s.value for s in read(latest(scraped))}
    closed = {rule: found["incidents_decisions_total", "site_closed", rule]
              for rule in ("repeat", "refusal", "false_info", "unreachable_run")}  # fmt: skip
    assert closed == {"repeat": 3, "refusal": 1, "false_info": 1, "unreachable_run": 0}
    assert found["incidents_decisions_total", "closure_disputed", "none"] == 1
    assert found["incidents_queue_items", "disputed"] == 1
    assert found["incidents_queue_items", "reinstatement"] == 1
    assert found["incidents_queue_items", "keep_calling"] == 1
    assert found["incidents_orders_dead", "act"] == 1
    # Closed: repeat, told, false, asked, doubted; suspended: missed (dead), held.
    assert found["incidents_sites_not_in_force",] == 7
    assert found["incidents_daemons_beating",] == found["incidents_daemons_standing_aside",] == 1
    assert found["incidents_log_unnumbered_entries",] == 1
    assert found["incidents_enforcement_lateness_seconds_count",] == 1
    assert found["incidents_enforcement_lateness_seconds_sum",] == 2


def test_prometheus_own_judge_has_nothing_to_say_of_it(scraped: Samples) -> None:
    for text in (
        latest(scraped),
        exposition.text(scraped).decode(),
        latest(static_samples(up=False)),
    ):
        judged = promtool("check", "metrics", stdin=text)
        assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")


def test_the_judge_would_notice_a_bad_name() -> None:
    judged = promtool("check", "metrics", stdin="# TYPE sites_total gauge\nsites_total 1\n")
    assert judged.returncode != 0


def test_it_is_openmetrics_too(scraped: Samples) -> None:
    registry = CollectorRegistry()
    registry.register(SampleCollector(lambda: scraped))
    text = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    families = list(openmetrics_parser.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    assert len(families) == len(FAMILIES)


def test_each_metric_has_its_help_also_without_a_sample() -> None:
    text = latest(static_samples(up=False))
    for family in FAMILIES:
        assert f"# HELP {family.name} {family.help}\n" in text
    assert {sample.name for sample in read(text)} == {"incidents_up", "incidents_build_info"}


def test_a_database_alone_tells_nothing_of_what_a_process_has_counted(scraped: Samples) -> None:
    names = {sample.name for sample in read(exposition.text(scraped).decode())}
    own = {family.name for family in (*ENTRY_FAMILIES, *PROCESS_FAMILIES)}
    assert names & own == set()
    assert {f.name for f in FAMILIES} - own - POSTGRESQL_ALONE - REPLICA == names


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_are_as_prometheus_wants_them(family: Family) -> None:
    assert re.fullmatch(r"incidents_[a-z]+(_[a-z]+)*", family.name)
    assert family.name.endswith("_total") == (family.kind == "counter")
    if re.search(r"age|late|next|delivery|timestamp", family.name):
        assert family.name.endswith("_seconds")
