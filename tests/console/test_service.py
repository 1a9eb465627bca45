"""The service: what it says when it begins, how it ends, and what it needs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from incidents.console.service import EXTRA
from tests.console.rig import (
    CUSTOMER,
    OFFICE,
    PATIENCE_S,
    SETTINGS,
    Served,
    command,
    environment,
    path,
    serving,
)


def refused(db: str, folder: Path, settings: str, *options: str, code: str = "") -> str:
    """What a service complains of that does not begin."""
    words = command(*options)
    words[2] = code + words[2]
    done = subprocess.run(
        words, env=environment(db, folder, settings), capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_says_where_it_listens_and_what_it_serves(page: Served) -> None:
    told = page.log.read_text()
    assert page.url.startswith("http://127.0.0.1:")
    assert f"serves the customer's page at {page.url}/c/…" in told
    assert "for links to https://desk.host.example" in told


def test_without_customers_it_serves_console_and_api_and_no_page_of_theirs(
    sqlite_url: str, tmp_path: Path
) -> None:
    with serving(sqlite_url, tmp_path, "") as running:
        told = running.log.read_text()
        assert f"serves the console at {running.url}/ and the API at {running.url}/api/v1" in told
        assert "customer" not in told
        assert running.ask("/sign-in").status == 200
        assert running.ask("/api/v1/queue").status == 401
        assert running.ask("/c/x").status == 404
        assert running.stop() == 0


def test_with_customers_their_page_is_theirs_and_the_console_stays(page: Served) -> None:
    assert page.ask("/c/x").status == 404
    assert page.ask("/sign-in").status == 200


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(by: signal.Signals, sqlite_url: str, tmp_path: Path) -> None:
    with serving(sqlite_url, tmp_path) as running:
        incident = running.logged()
        assert running.say(incident).status == 200
        assert running.stop(by) == 0
        told = running.log.read_text()
    assert "Traceback" not in told


def test_its_log_names_the_incident_and_neither_the_link_nor_what_was_written(
    sqlite_url: str, tmp_path: Path
) -> None:
    with serving(sqlite_url, tmp_path) as running:
        incident = running.logged()
        at = path(incident)
        running.ask(at)
        running.post(at, b"remark=my+own+words")
        running.stop()
        told = running.log.read_text()
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert [(line["incident"], line["state"]) for line in lines if "incident" in line] == [
        ("1-1", "said")
    ]
    assert at.rpartition(".")[2] not in told
    assert "my own" not in told
    assert "withheld" not in told


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (CUSTOMER, "[notices] of the settings file says desk_name = None"),
        (f'{SETTINGS}valid_for = "1h"\n', "valid_for = '1h', but it must be"),
        (SETTINGS.replace("[customer]", '[customer]\ncolour = "red"'), "'colour', which is no set"),
    ],
)
def test_without_what_it_needs_it_does_not_begin_and_says_what_is_missing(
    settings: str, complaint: str, sqlite_url: str, tmp_path: Path
) -> None:
    assert complaint in refused(sqlite_url, tmp_path, settings)


def test_a_template_that_is_wrong_is_found_before_a_customer_finds_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "own/en").mkdir(parents=True)
    (tmp_path / "own/en/_rules.txt.jinja").write_text("Rules\n{{ nobody }}")
    settings = f'[notices]\n{OFFICE}templates = "{tmp_path}/own"\n{CUSTOMER}'
    assert "en/_rules.txt.jinja is wrong in line 2" in refused(sqlite_url, tmp_path, settings)


def test_without_its_library_it_says_what_to_install(sqlite_url: str, tmp_path: Path) -> None:
    told = refused(sqlite_url, tmp_path, SETTINGS, code="import sys; sys.modules['uvicorn']=None;")
    assert f"pip install '.[{EXTRA}]'" in told


def test_a_port_that_is_taken_is_named(sqlite_url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused(sqlite_url, tmp_path, SETTINGS, "--port", str(port))
    assert (
        told == f"incidents: nothing can listen on 127.0.0.1 port {port}: Address already in use"
        " (--host and --port name another place)\n"
    )


def test_a_host_that_is_not_there_is_named(sqlite_url: str, tmp_path: Path) -> None:
    told = refused(sqlite_url, tmp_path, SETTINGS, "--host", "192.0.2.1")
    assert "nothing can listen on 192.0.2.1 port 7390: Cannot assign requested address (" in told


def test_without_its_database_it_does_not_begin(tmp_path: Path) -> None:
    db = "postgresql://nobody@127.0.0.1:1/none"
    assert "the database" in refused(db, tmp_path, SETTINGS)


def test_it_listens_where_it_is_told(sqlite_url: str, tmp_path: Path) -> None:
    words = command("--host", "::1", "--port", "0")
    with subprocess.Popen(
        words, env=environment(sqlite_url, tmp_path), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://[::1]:")
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
