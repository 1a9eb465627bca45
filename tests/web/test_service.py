"""The service: what it says when it begins, how it ends, and what it needs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from incidents.app import App
from incidents.cli import main
from incidents.settings import sources
from incidents.store.database.engine import check_same_file
from incidents.store.database.sqlite_file import UnseenError
from incidents.system import web_server
from incidents.web import service
from incidents.web.service import EXTRA
from tests.console.customers import CUSTOMER, LINKS, OFFICE, SETTINGS, Customers, ask, path
from tests.patience import PATIENCE_S, until
from tests.served_desk import open_desk

ENDED = "a process ended: it is started again"
_PROGRAM = "import sys; from incidents.cli import main; sys.exit(main())"

Serve = Callable[..., tuple[int, str]]


@pytest.fixture
def serve(
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Serve:
    """Runs `incidents serve` in this process; its status, and what it tells."""
    monkeypatch.setenv("INCIDENTS_CONFIG", str(tmp_path / "config.toml"))
    # The log of libraries is the whole process's.
    monkeypatch.setattr("incidents.log.adopt_library_logs", lambda: None)

    def run(*options: str, toml: str = SETTINGS, db: str = sqlite_url) -> tuple[int, str]:
        (tmp_path / "config.toml").write_text(toml, encoding="utf-8")
        monkeypatch.setenv("INCIDENTS_DB", db)
        return main(["serve", *options]), capsys.readouterr().err

    return run


def test_a_real_process_serves_console_api_and_customers_until_a_signal_ends_it_cleanly(
    sqlite_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "serve.log"
    with open_desk(sqlite_url, tmp_path, SETTINGS, as_=Customers) as desk, log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, "serve", "--port", "0"], stdout=subprocess.PIPE,
            stderr=errors, text=True, env={**os.environ, "INCIDENTS_DB": sqlite_url},
        )  # fmt: skip
        with process:
            try:
                assert process.stdout is not None
                desk.url = url = process.stdout.readline().strip()
                assert url.startswith("http://127.0.0.1:"), log.read_text()
                # Beside the customers' page there is the console, and the API.
                asked = {at: desk.ask(at).status for at in ("/sign-in", "/api/v1/queue", "/c/x")}
                assert asked == {"/sign-in": 200, "/api/v1/queue": 401, "/c/x": 404}
                link = path(desk.logged())
                assert desk.ask(link).status == 200
                assert desk.post(link, b"remark=my+own+words").status == 200
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_S) == 0
            finally:
                process.kill()
    told = log.read_text()
    assert f"console: {url}/, API: {url}/api/v1" in told
    assert f"customer page: {url}/c/…, for links to {LINKS.base_url}" in told
    # Its log names the incident, and neither the link nor what was written.
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert [(line["incident"], line["state"]) for line in lines if "incident" in line] == [
        ("1-1", "said")
    ]
    for secret in (link.rpartition(".")[2], "my own", "withheld", "Traceback"):
        assert secret not in told


@pytest.mark.both_databases
def test_workers_serve_behind_one_address_and_one_that_dies_is_started_again(
    db_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "serve.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, "serve", "--port", "0", "--workers", "2"],
            stdout=subprocess.PIPE, stderr=errors, text=True,
            env={**os.environ, "INCIDENTS_DB": db_url},
        )  # fmt: skip
    with process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            first, second = until(
                lambda: found if len(found := workers_of(process.pid)) == 2 else [], "the workers"
            )
            assert [ask(url, "/readyz").status for _ in range(4)] == [200] * 4
            os.kill(first, signal.SIGKILL)
            # What it had been given is lost with it.
            until(lambda: ENDED in log.read_text(), "its end is noticed")
            assert [ask(url, "/sign-in").status for _ in range(2)] == [200] * 2
            both = until(lambda: {*workers_of(process.pid)} - {first, second}, "another worker") | {
                second
            }
            assert [ask(url, "/readyz").status for _ in range(2)] == [200] * 2
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
            assert process.stdout.read() == "", "the address is told once"
            assert not any(Path(f"/proc/{pid}").exists() for pid in both)
        finally:
            process.kill()
    told = log.read_text()
    assert told.count(f"console: {url}/, API: {url}/api/v1") == 1
    assert told.count(ENDED) == 1


def workers_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [*map(int, found)]


@pytest.mark.parametrize(
    ("kind", "cores", "workers"),
    [("postgresql", 2, 2), ("postgresql", 64, service.MOST_BY_DEFAULT), ("sqlite", 64, 1)],
)
def test_there_are_as_many_workers_as_suit_the_database(
    monkeypatch: pytest.MonkeyPatch, kind: str, cores: int, workers: int
) -> None:
    app = App(sources.load(db={"sqlite": "sqlite:////none.db"}.get(kind, f"{kind}://127.0.0.1/x")))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert service._default_workers(app) == workers


def test_it_listens_where_it_is_told_without_customers_has_no_page_of_theirs_and_is_interrupted(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, run = [], web_server.run

    def come_and_interrupt(url: str) -> None:
        try:
            asked.append((url, ask(url, "/sign-in").status, ask(url, "/c/x").status))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    def run_and_come(app: Any, *, listening: Callable[[str], object], **options: Any) -> None:
        def heard(url: str) -> None:
            listening(url)
            threading.Thread(target=come_and_interrupt, args=[url]).start()

        run(app, listening=heard, **options)

    monkeypatch.setattr(web_server, "run", run_and_come)
    status, told = serve("--host", "::1", "--port", "0", toml="")
    [(url, sign_in, customers)] = asked
    assert url.startswith("http://[::1]:")
    assert (status, sign_in, customers) == (0, 200, 404)
    assert "customer" not in told


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        (CUSTOMER, "[notices] of the settings file has no desk_name"),
        (f'{SETTINGS}valid_for = "1h"\n', "valid_for = '1h', but it must be"),
        (SETTINGS.replace("[customer]", '[customer]\ncolour = "red"'), "unknown setting 'colour'"),
        ('[accounts]\nsecond_after = "1 day"', "second_after = '1 day', but it must be"),
        ('[accounts]\nsecond_factor = "all"', "second_factor = 'all', but it must be"),
        ('[accounts]\nrp_id = "https://x.example"', "rp_id = 'https://x.example', but it must be"),
        ('[accounts]\nsecondafter = "1d"', "unknown setting 'secondafter'"),
        ("[serv]", "unknown setting '[serv]'"),
    ],
)
def test_without_what_it_needs_it_does_not_begin_and_says_what_is_missing(
    serve: Serve, toml: str, complaint: str
) -> None:
    status, told = serve(toml=toml)
    assert status == 1
    assert complaint in told
    assert "Traceback" not in told


def test_a_template_that_is_wrong_is_found_before_a_customer_finds_it(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "own/en").mkdir(parents=True)
    (tmp_path / "own/en/_rules.txt.jinja").write_text("Rules\n{{ nobody }}")
    toml = f'[notices]\n{OFFICE}templates = "{tmp_path}/own"\n{CUSTOMER}'
    status, told = serve(toml=toml)
    assert status == 1
    assert "en/_rules.txt.jinja is wrong in line 2" in told


def test_without_its_library_it_says_what_to_install_and_ends_no_session(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INCIDENTS_SERVE_KEY", str(tmp_path / "serve.key"))
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    status, told = serve(toml="")
    assert status == 1
    assert f"pip install 'incidents[{EXTRA}]'" in told
    assert "all sessions have ended" not in told
    assert not (tmp_path / "serve.key").exists()


@pytest.mark.parametrize(
    ("url", "toml", "warned"),
    [
        ("http://0.0.0.0:7390", "", True),
        ("http://[2001:db8::1]:7390", "", True),
        ("http://0.0.0.0:7390", '[serve]\ntrusted_proxies = ["192.0.2.7"]', False),
        ("http://127.0.0.1:7390", "", False),
        ("http://[::1]:7390", "", False),
    ],
)
def test_it_warns_of_plain_http_for_other_machines_where_no_proxy_is_named(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, url: str, toml: str, warned: bool
) -> None:
    def listen(_app: Any, *, listening: Callable[[str], object], **_options: Any) -> None:
        listening(url)

    monkeypatch.setattr(web_server, "run", listen)

    status, told = serve(toml=toml)

    assert status == 0
    assert ("WARNING: passwords sent to" in told) is warned
    assert ("[serve] trusted_proxies" in told) is warned


def test_it_ends_once_another_file_is_where_its_database_was(
    serve: Serve, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever watches over it starts it again, and then it goes on with what is there."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    shutil.copy(file, copy := file.with_name("copy.db"))
    monkeypatch.setattr(service, "LOOK_S", 0.01)

    looked: list[bool] = []

    def look_once(engine: Engine) -> None:
        looked.append(True)
        if len(looked) == 1:
            # The disk does not say for a moment what is there: nothing ends.
            raise UnseenError(file=file, why="Input/output error")
        check_same_file(engine)

    monkeypatch.setattr(service, "check_same_file", look_once)

    def listening(url: str) -> str:
        copy.replace(file)
        return url

    monkeypatch.setattr(web_server, "_address", lambda _: listening("http://127.0.0.1:1"))
    status, told = serve("--port", "0", toml="")

    assert status == 1
    assert told.endswith(
        f"\nincidents: the file {file} was replaced or removed while this process had it open:"
        " restart it\n"
    )


def test_a_port_that_is_taken_is_named(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, told = serve("--port", str(port), toml="")
    assert status == 1
    assert told.endswith(
        f"\nincidents: cannot listen on 127.0.0.1 port {port}: Address already in use"
        " (choose others with --host and --port)\n"
    )


def test_a_host_that_is_not_there_is_named(serve: Serve) -> None:
    status, told = serve("--host", "192.0.2.1", toml="")
    assert status == 1
    assert "cannot listen on 192.0.2.1 port 7390: Cannot assign requested address (" in told


def test_without_its_database_it_does_not_begin(serve: Serve) -> None:
    status, told = serve(toml="", db="postgresql://nobody@127.0.0.1:1/none")
    assert status == 1
    assert "the database" in told
