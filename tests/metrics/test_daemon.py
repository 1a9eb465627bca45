"""The daemon as a process, which is scraped while it works."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from incidents.cli import main
from tests.acceptance.daemons import daemon
from tests.conftest import WriteSettings
from tests.metrics.scraping import LOOPBACK, Answer, promtool, scrape
from tests.patience import until

CLOSED = {"kind": "site_closed", "rule": "repeat"}
LOGGED = {"lane": "act", "adapter": "log", "outcome": "delivered"}


@pytest.fixture
def port(write_settings: WriteSettings) -> int:
    """A port that is free, which the settings name."""
    with socket.create_server((LOOPBACK, 0)) as free:
        found = int(free.getsockname()[1])
    write_settings(f'[metrics]\nlisten = "{LOOPBACK}:{found}"\n')
    return found


def scraped(port: int, enough: Callable[[Answer], bool], what: str) -> Answer:
    """Scrapes again and again until there is enough to see."""

    def look() -> Answer | None:
        try:
            found = scrape(port)
        except OSError:
            return None
        return found if enough(found) else None

    found = until(look, what)
    assert found is not None
    return found


def close_by_repeat(url: str, site: str) -> None:
    for words in (("site", "add", site), *[("log", site, "--again")] * 3):
        assert main([*words, "--db", url, "--as", "li"]) == 0


def test_what_operators_and_the_daemon_do_is_scraped_from_the_daemon(
    db_url: str, tmp_path: Path, port: int
) -> None:
    with daemon(db_url, tmp_path) as running:
        running.says(f"the metrics are served on {LOOPBACK}:{port}")
        scraped(port, lambda a: a.value("clock_enforced") == 1, "the clock is enforced")
        close_by_repeat(db_url, "canary.example")
        found = scraped(
            port,
            lambda a: (
                a.value("decisions_total", **CLOSED) == 1
                and a.value("order_attempts_total", **LOGGED) == 1
                # What is counted is read after the database, so that it may know of an order's
                # end one scrape earlier.
                and a.value("orders_waiting", lane="act") == 0
            ),
            "closed, and told of",
        )
        assert found.value("queue_items", kind="tell") == 1
        assert found.value("order_delivery_seconds_count", lane="act") == 1
        assert "canary" not in found.text
        assert promtool("check", "metrics", stdin=found.text).stderr == ""

        with socket.create_connection((LOOPBACK, port)):  # a client that says nothing
            assert running.stop(signal.SIGTERM) == 0


def test_a_port_that_is_taken_keeps_the_daemon_from_nothing(
    sqlite_url: str, tmp_path: Path, port: int
) -> None:
    with socket.create_server((LOOPBACK, port)), daemon(sqlite_url, tmp_path) as running:
        told = running.says("the metrics are not served")
        assert "Address already in use" in told["reason"]
        close_by_repeat(sqlite_url, "a.example")
        until(lambda: running.lines("decided"), "its order is carried out")
        assert running.stop() == 0
