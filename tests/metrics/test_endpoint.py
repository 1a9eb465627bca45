"""The endpoint, over real HTTP: what it answers, to whom, and what it does not let in."""

import select
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics import parser as openmetrics

from incidents.metrics import endpoint
from incidents.metrics.database import static_samples
from incidents.metrics.endpoint import MAX_CONCURRENT, Endpoint
from incidents.metrics.exposition import SampleCollector
from incidents.metrics.samples import Samples
from tests.metrics.scraping import LOOPBACK, scrape
from tests.patience import PATIENCE_S, until

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"


class Source:
    """Samples as a test has them, and the faults that were told of."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.faults: list[BaseException] = []

    def samples(self) -> Samples:
        if self.fault is not None:
            raise self.fault
        found = static_samples(up=True)
        found.put("incidents_orders_dead", 3, "act")
        found.put("incidents_entries_total", 7)
        return found


@contextmanager
def serving(source: Source) -> Iterator[int]:
    """The port of an endpoint that runs meanwhile, in a thread of its own."""
    registry, stop = CollectorRegistry(), Event()
    registry.register(SampleCollector(source.samples))
    with Endpoint((LOOPBACK, 0), registry, fault=source.faults.append) as served:
        thread = Thread(target=served.run, args=(stop.is_set,))
        thread.start()
        try:
            yield served.server_port
        finally:
            stop.set()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def port(source: Source) -> Iterator[int]:
    with serving(source) as found:
        yield found


def test_a_scrape_has_the_samples_in_the_format_of_prometheus(port: int) -> None:
    found = scrape(port)
    assert found.status == 200
    assert found.kind == "text/plain; version=0.0.4; charset=utf-8"
    assert found.value("up") == 1
    assert found.value("orders_dead", lane="act") == 3


def test_who_prefers_openmetrics_is_given_that(port: int) -> None:
    found = scrape(port, accept=OPENMETRICS)
    assert found.kind.startswith("application/openmetrics-text; version=1.0.0")
    read = openmetrics.text_string_to_metric_families
    families = {family.name: family for family in read(found.text)}  # type: ignore[no-untyped-call]
    assert families["incidents_entries"].type == "counter"
    assert families["incidents_build"].type == "info"


def test_who_asks_for_one_name_is_given_that_one(port: int) -> None:
    found = scrape(port, "/metrics?name[]=incidents_orders_dead")
    assert {sample.name for sample in found.samples} == {"incidents_orders_dead"}


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metric", "/favicon.ico", "/../metrics"])
def test_there_is_nothing_else(port: int, path: str) -> None:
    found = scrape(port, path)
    assert (found.status, found.text) == (404, "the metrics are at /metrics\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_done_here(port: int, method: str) -> None:
    assert scrape(port, method=method).status == 405


def test_a_fault_is_told_by_its_type_and_the_next_scrape_goes_well(
    port: int, source: Source, capfd: pytest.CaptureFixture[str]
) -> None:
    source.fault = KeyError("shop.example")
    found = scrape(port)
    assert (found.status, found.text) == (500, "a fault in this program\n")
    assert [type(fault) for fault in source.faults] == [KeyError]

    source.fault = None
    assert scrape(port).status == 200
    assert capfd.readouterr().err == ""


def test_a_client_that_says_nothing_holds_up_nobody(port: int) -> None:
    with socket.create_connection((LOOPBACK, port)):
        assert scrape(port).status == 200


def test_a_client_that_says_a_byte_now_and_then_is_cut_off(
    port: int, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_CLIENT_S", 0.1)
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S) as slow:

        def is_cut_off() -> bool:
            try:
                slow.sendall(b"G")
                return bool(select.select([slow], [], [], 0)[0])
            except OSError:
                return True

        until(is_cut_off, "the client to be cut off")
    assert source.faults == []
    assert scrape(port).status == 200


def test_clients_without_end_are_turned_away_and_then_it_answers_again(
    port: int, source: Source, capfd: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as silent:
        for _ in range(MAX_CONCURRENT + 4):
            silent.enter_context(socket.create_connection((LOOPBACK, port)))
        until(lambda: not _answers(port), "it turns clients away")
    until(lambda: _answers(port), "it answers again")
    assert source.faults == []
    assert capfd.readouterr().err == ""


def _answers(port: int) -> bool:
    try:
        return scrape(port).status == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    "said", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET " + b"x" * 70_000]
)
def test_what_is_no_request_is_nothing_to_tell_of(
    port: int, source: Source, said: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection((LOOPBACK, port)) as client:
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
    assert scrape(port).status == 200
    assert source.faults == []
    assert capfd.readouterr().err == ""


def test_a_port_that_is_taken_is_an_error(port: int) -> None:
    with pytest.raises(OSError, match="in use"):
        Endpoint((LOOPBACK, port), CollectorRegistry(), fault=lambda _: None)


def test_it_does_not_ask_for_this_machines_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object) -> str:
        raise AssertionError("a resolver may take its time")

    for name in ("getfqdn", "gethostbyaddr", "gethostname"):
        monkeypatch.setattr(socket, name, ask)
    with serving(Source()) as port:
        assert scrape(port).status == 200
    assert sys.modules["socket"].getfqdn is ask
