"""The demonstration as processes: it leaves nothing, and takes nothing of the visitor's own."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from incidents.demo import demo as demonstration
from incidents.demo import demo_folder
from tests.demo.conftest import StartDemo
from tests.patience import PATIENCE_S, until


def test_it_reads_nothing_of_the_visitors_own_and_leaves_nothing_after_ctrl_c(
    start_demo: StartDemo, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("this is no settings file", encoding="utf-8")
    variables = {
        "INCIDENTS_CONFIG": str(own), "INCIDENTS_DB": f"sqlite:///{tmp_path}/own.db",
        "INCIDENTS_CLOCK": "own", "INCIDENTS_AS": "li", "INCIDENTS_SERVER": "https://desk.example",
    }  # fmt: skip
    demo = start_demo(**variables)
    demo.sign_in_link()
    assert len(demo.programs()) >= 3

    # Another terminal works at the same desk, under the same clock.
    typed = demo.type("incidents queue -q", **variables)
    assert typed.returncode == 0, typed.stderr
    assert len(typed.stdout.splitlines()) > 5

    assert demo.stop(signal.SIGINT) == 0
    assert demo.programs() == {}
    assert [*(demo.home / "tmp").iterdir()] == []
    assert [*(demo.home / "empty").iterdir()] == []
    assert not (tmp_path / "own.db").exists()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_to_stop_leave_nothing_either(start_demo: StartDemo, number: int) -> None:
    demo = start_demo()
    demo.sign_in_link()
    assert demo.stop(number) == 0
    assert demo.programs() == {}
    assert [*(demo.home / "tmp").iterdir()] == []


def test_its_programs_end_if_it_is_killed_and_the_next_one_deletes_its_folder(
    start_demo: StartDemo, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = start_demo()
    demo.sign_in_link()
    left = demo.folder
    demo.stop(signal.SIGKILL)
    until(lambda: not demo.programs(), "the programs of a killed demonstration end")
    assert left.exists()
    monkeypatch.setattr("tempfile.tempdir", str(demo.home / "tmp"))
    with demo_folder.made() as other, demo_folder.made():
        assert not left.exists()
        # That of a demonstration which runs stays.
        assert other.path.exists()


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(start_demo: StartDemo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        demo = start_demo("--port", str(port))
        assert demo.process.wait(PATIENCE_S) == 1
    assert f"port {port} of this machine" in demo.line("cannot listen")
    assert not any((demo.home / "tmp").iterdir())


def test_without_a_port_the_console_is_at_the_usual_one_or_at_any_that_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(demonstration, "PORT", taken)
        assert demonstration._free_port(None) not in (0, taken)
    assert demonstration._free_port(None) == taken
