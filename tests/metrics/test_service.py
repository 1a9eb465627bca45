"""The service of a daemon: off unless it is asked for, and in nobody's way."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry

from incidents import errors
from incidents.app import App
from incidents.audit.log import sequencer
from incidents.desk import Envelope
from incidents.enforcement.port import Delivered
from incidents.machine import commands as c
from incidents.metrics import service as services
from incidents.metrics.endpoint import Endpoint
from incidents.metrics.service import Address, Service, Watch
from incidents.settings import sources
from tests.conftest import WriteSettings
from tests.metrics.rig import RecordedLog
from tests.metrics.scraping import LOOPBACK, Answer, scrape
from tests.metrics.test_tally import NOW, done
from tests.patience import PATIENCE_S, until


@pytest.fixture
def app(db_url: str) -> Iterator[App]:
    found = App(sources.load(db=db_url))
    yield found
    found.close()


@pytest.fixture
def port(write_settings: WriteSettings) -> int:
    """A port that is free, which the settings name."""
    with socket.create_server((LOOPBACK, 0)) as free:
        found = int(free.getsockname()[1])
    write_settings(f'[metrics]\nlisten = "{LOOPBACK}:{found}"\n')
    return found


class Running:
    """A service that is started, and what it has told."""

    def __init__(self, app: App) -> None:
        self.said, self.warned = RecordedLog(), RecordedLog()
        self.service = Service(app, say=self.said, warn=self.warned, again_s=0.05)
        # A busy machine may take longer than anybody waits for metrics.
        self.service._watch = Watch(app, warn=self.warned, patience_s=PATIENCE_S)
        self.service.observed = self.service._watch.tally.observe
        self.service.start()

    def ended(self) -> None:
        """Waits for its thread to end by itself."""
        assert self.service._thread is not None
        self.service._thread.join(PATIENCE_S)
        assert not self.service._thread.is_alive()

    def warns(self) -> None:
        """Waits for its first warning."""
        until(lambda: self.warned.lines, "a warning")

    def scraped(self, port: int) -> Answer:
        """The first scrape that is answered."""

        def look() -> Answer | None:
            with suppress(ConnectionError):
                return scrape(port)
            return None

        found = until(look, "a scrape is answered")
        assert found is not None
        return found


@pytest.fixture
def running(app: App) -> Iterator[Callable[[], Running]]:
    """Starts services, which are stopped in the end."""
    started: list[Running] = []

    def start() -> Running:
        started.append(Running(app))
        return started[-1]

    yield start
    for each in started:
        each.service.stop(PATIENCE_S)


def test_nothing_is_served_that_was_not_asked_for(running: Callable[[], Running]) -> None:
    found = running()
    found.ended()
    assert found.said.lines == found.warned.lines == []


def test_a_daemons_metrics_are_scraped_from_the_database_and_from_itself(
    running: Callable[[], Running], port: int, app: App
) -> None:
    found = running()
    assert found.scraped(port).value("up") == 1
    add, log = c.AddSite(by="li"), c.Log(by="li")
    app.desk.submit([Envelope(site="a.example", command=command) for command in (add, log)])
    sequencer.number_all(app.engine)
    found.service.observed(done(Delivered()), NOW)

    answer = scrape(port)

    assert answer.value("deadlines_pending") == 1
    assert answer.value("queue_items", kind="call") == 1
    assert answer.value("decisions_total", kind="incident_logged", rule="none") == 1
    attempt = {"lane": "act", "adapter": "panel", "outcome": "delivered"}
    assert answer.value("order_attempts_total", **attempt) == 1
    assert any(sample.name == "process_resident_memory_bytes" for sample in answer.samples)
    assert found.said.sentences == [f"the metrics are served on {LOOPBACK}:{port}"]
    assert found.warned.lines == []


def test_it_counts_from_its_start_and_not_from_the_first_scrape(
    running: Callable[[], Running], port: int, app: App
) -> None:
    app.desk.submit([Envelope(site="a.example", command=c.AddSite(by="li"))])
    sequencer.number_all(app.engine)
    found = running()
    until(lambda: found.said.lines, "it says that it serves")
    app.desk.submit([Envelope(site="b.example", command=c.AddSite(by="li"))])
    sequencer.number_all(app.engine)

    assert scrape(port).value("decisions_total", kind="site_added", rule="none") == 1


def test_after_it_was_stopped_nobody_listens(running: Callable[[], Running], port: int) -> None:
    found = running()
    found.scraped(port)
    found.service.stop(PATIENCE_S)
    with pytest.raises(ConnectionError):
        scrape(port)


def test_a_service_that_was_never_started_can_be_stopped(app: App, port: int) -> None:
    Service(app, say=RecordedLog(), warn=RecordedLog()).stop()


def test_without_its_library_it_says_so_once_and_the_daemon_goes_on(
    running: Callable[[], Running], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "LIBRARY", "no_such_library")
    found = running()
    found.warns()
    assert found.warned.lines == [
        (
            "the metrics are not served",
            {
                "reason": "the settings ask for metrics, but their library is not installed:"
                f" {errors.way_out('metrics')}",
                "wait_s": 0.05,
            },
        )
    ]


def test_a_port_that_is_taken_is_told_once_and_taken_when_it_is_free(
    running: Callable[[], Running], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Address] = []
    listen = Service._listen

    def note(service: Service, address: Address, registry: CollectorRegistry) -> Endpoint | None:
        tried.append(address)
        return listen(service, address, registry)

    monkeypatch.setattr(Service, "_listen", note)
    with socket.create_server((LOOPBACK, port)):
        found = running()
        until(lambda: len(tried) >= 4, "it tries again and again")
    answer = found.scraped(port)
    assert answer.value("up") == 1
    [(sentence, facts)] = found.warned.lines
    assert sentence == "the metrics are not served"
    assert facts["reason"].startswith(f"nobody can listen on {LOOPBACK}:{port}: Address already")


def test_a_bad_setting_is_told_once_and_what_is_mended_is_served(
    running: Callable[[], Running], write_settings: WriteSettings, port: int
) -> None:
    write_settings('[metrics]\nlisten = "9464"\n')
    found = running()
    found.warns()
    write_settings(f'[metrics]\nlisten = "{LOOPBACK}:{port}"\n')

    assert found.scraped(port).value("up") == 1
    [(sentence, facts)] = found.warned.lines
    assert sentence == "the metrics are not served"
    assert "9464" in facts["reason"]


def test_a_database_that_is_gone_is_up_0_and_the_scrape_goes_well(
    running: Callable[[], Running], port: int, app: App
) -> None:
    found = running()
    found.scraped(port)
    with app.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE log_head RENAME TO log_head_away")

    answer = scrape(port)

    assert answer.status == 200
    assert answer.value("up") == 0
    assert answer.value("deadlines_pending") is None
    assert [sentence for sentence, _ in found.warned.lines] == ["the metrics cannot be read"]

    with app.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE log_head_away RENAME TO log_head")
    assert scrape(port).value("up") == 1


def test_who_does_not_serve_them_does_not_load_the_library() -> None:
    modules = "incidents.metrics.service, incidents.cli.admin.monitoring"
    code = f"import sys, {modules}; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
