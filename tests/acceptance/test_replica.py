"""A replica behind every surface: what is read there, what never is, and what people are told."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from incidents.audit import export, split
from incidents.audit.proof import verification
from incidents.cli import main
from incidents.console import request_context
from incidents.errors import Cause
from incidents.machine import commands as c
from incidents.store.database import replica as replicas
from incidents.store.database.replica import Replica, ReplicaReadError
from tests.databases import PostgresqlDatabases
from tests.patience import PATIENCE_S
from tests.served_desk import ConsoleDesk, Visitor, open_desk
from tests.standby import Standby, durable, standby

SITE = "shop.example"
NOWHERE = "postgresql:///desk?host=/nowhere.example"

_SPAN = re.compile(r"(\d+ (h|min|s)\b ?)+")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def follower(postgresql_databases: PostgresqlDatabases) -> Iterator[Standby]:
    with standby(postgresql_databases) as made:
        yield made


@pytest.fixture
def db(postgresql_url: str, follower: Standby) -> Iterator[str]:
    """A database that the standby has too, and follows."""
    follower.catch_up()
    yield durable(postgresql_url)
    follower.resume()


@contextmanager
def server(db: str, replica: str, folder: Path) -> Iterator[ConsoleDesk]:
    """A server with that replica."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INCIDENTS_DB", db)
        patch.setenv("INCIDENTS_DB_REPLICA", replica)
        with open_desk(None, folder, as_=ConsoleDesk) as opened:
            yield opened


@pytest.fixture
def desk(db: str, follower: Standby, tmp_path: Path) -> Iterator[ConsoleDesk]:
    with server(db, follower.url(db), tmp_path) as opened:
        opened.violation(SITE)
        follower.catch_up()
        yield opened


@pytest.fixture(scope="module")
def looked_at(
    postgresql_databases: PostgresqlDatabases, follower: Standby,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ConsoleDesk]:  # fmt: skip
    """A desk on which nobody acts any more, for many tests."""
    with postgresql_databases.at_head() as url:
        follower.catch_up()
        folder = tmp_path_factory.mktemp("looked_at")
        with server(durable(url), follower.url(url), folder) as opened:
            opened.violation(SITE)
            opened.have_account("wang")
            opened.client("supervisor")
            follower.catch_up()
            yield opened


def replica_of(desk: ConsoleDesk) -> Replica:
    assert desk.app.replica is not None
    return desk.app.replica


@contextmanager
def counting(engine: Engine) -> Iterator[list[object]]:
    """The transactions that begin on that engine."""
    found: list[object] = []

    def begun(connection: object) -> None:
        found.append(connection)

    event.listen(engine, "begin", begun)
    try:
        yield found
    finally:
        event.remove(engine, "begin", begun)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on these databases; its status, standard output and standard error."""

    def run(db: str, replica: str | None, *words: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            patch.setenv("INCIDENTS_DB", db)
            patch.setenv("INCIDENTS_CLOCK", "own")
            patch.setenv("INCIDENTS_AS", "li")
            if replica is not None:
                patch.setenv("INCIDENTS_DB_REPLICA", replica)
                # How old it may be without a primary is asked for elsewhere.
                patch.setenv("INCIDENTS_DB_REPLICA_LAG", "1h")
            capsys.readouterr()
            status = main(list(words))
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


# ── The command line ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "words",
    [
        ["queue", "-q"], ["show", "1-1"], ["show", SITE], ["site", "list"],
        ["site", "show", SITE], ["site", "why", SITE], ["police", "list"], ["orders", "list"],
        ["policy", "show"], ["policy", "history"], ["audit", "export"],
        ["audit", "export", "--format", "csv", "--site", SITE], ["audit", "replay"],
        ["filing", "show", SITE], ["filing", "check", SITE], ["filing", "terms"],
        ["filing", "export"], ["filing", "form", SITE], ["filing", "snippet", SITE],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_that_shows_the_record_needs_only_the_replica(
    looked_at: ConsoleDesk, run: Run, words: list[str]
) -> None:
    settings = looked_at.app.settings
    status, out, _ = run(str(settings.db), None, *words)
    alone, shown, told = run(NOWHERE, settings.replica, *words)

    assert (alone, _without_times(shown)) == (status, _without_times(out))
    # A program gets documents alone.
    for_people = "csv" not in words and status == 0
    assert ("the primary cannot be reached: this is the state of " in told) == for_people


def _without_times(out: str) -> list[str]:
    # The second command looks a moment later.
    return [_SPAN.sub("…", line) for line in out.splitlines() if "now" not in line]


def test_a_command_reads_the_primary_where_the_replica_fails(
    looked_at: ConsoleDesk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = looked_at.app.settings
    failures = _failing_once(monkeypatch)
    failures.append("one")

    status, out, told = run(str(settings.db), settings.replica, "site", "why", SITE)
    assert (status, SITE in out) == (0, True)
    assert "read from the primary: the replica is gone" in told


def test_an_export_that_has_begun_is_not_repeated(
    looked_at: ConsoleDesk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = looked_at.app.settings
    failures = _failing_once(monkeypatch)
    failures.append("one")

    status, out, told = run(str(settings.db), settings.replica, "audit", "export")
    assert (status, told) == (1, "incidents: the replica is gone\n")
    assert len(out.splitlines()) == len(set(out.splitlines())) > 2


@pytest.mark.parametrize(
    ("words", "module", "name"),
    [(["audit", "verify"], verification, "database"), (["audit", "replay"], split, "replayed")],
)
def test_long_proofs_read_the_replica(
    db: str, follower: Standby, run: Run, monkeypatch: pytest.MonkeyPatch,
    words: list[str], module: Any, name: str,
) -> None:  # fmt: skip
    run(db, None, "site", "add", SITE)
    follower.catch_up()
    asked = list[str]()
    prove = getattr(module, name)

    def proved(engine: Engine, *given: Any, **more: Any) -> Any:
        asked.append(str(engine.url.query["host"]))
        return prove(engine, *given, **more)

    monkeypatch.setattr(module, name, proved)
    # However slow the machine is: that the primary is read instead is tested elsewhere.
    monkeypatch.setattr(replicas, "PATIENCE_S", PATIENCE_S)
    status, _, told = run(db, follower.url(db), *words)
    assert (status, "replica" in told) == (0, False), told
    assert asked == [str(follower.folder)]


def test_an_act_and_the_next_command_are_of_the_primary_while_the_replica_is_behind(
    db: str, follower: Standby, run: Run
) -> None:
    follower.pause()
    assert run(db, follower.url(db), "site", "add", SITE)[0] == 0
    assert run(db, follower.url(db), "site", "list", "-q")[:2] == (0, f"{SITE}\n")


def test_a_command_says_why_it_read_the_primary(db: str, run: Run) -> None:
    status, out, told = run(db, NOWHERE, "site", "list", "-q")
    assert (status, out) == (0, "")
    assert "read from the primary: the replica postgresql:///desk" in told
    assert "cannot be reached" in told


def test_the_replica_of_the_settings_is_not_that_of_another_database(
    db: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, told = run("postgresql:///another", NOWHERE, "--db", db, "site", "list")
    assert (status, "replica" in told) == (0, False)


def test_a_check_of_the_database_says_how_the_replica_is(
    db: str, follower: Standby, run: Run
) -> None:
    status, _, told = run(db, follower.url(db), "db", "check")
    assert (status, "is at most 0." in told) == (0, True)

    status, out, _ = run(db, NOWHERE, "db", "check", "--json")
    assert status == 0
    assert '"in_use": false' in out
    assert "cannot be reached" in out


def test_a_replica_of_sqlite_is_refused(run: Run, tmp_path: Path) -> None:
    status, _, told = run(f"sqlite:///{tmp_path}/desk.db", NOWHERE, "site", "list")
    assert (status, "works only with PostgreSQL" in told) == (2, True)


# ── The API ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    [
        "/sites", f"/sites/{SITE}", f"/sites/{SITE}/why", f"/sites/{SITE}/timeline", "/incidents",
        "/incidents/1-1", "/incidents/1-1/timeline", "/search?q=shop", "/queue", "/orders", "/duty",
        "/policy", "/policy/history", "/entries", "/export", f"/sites/{SITE}/filing",
        "/filings/terms", "/filings/export", "/log/keys",
    ],
)  # fmt: skip
def test_a_get_reads_the_replica(looked_at: ConsoleDesk, path: str) -> None:
    client = looked_at.client("supervisor")
    with counting(replica_of(looked_at).engine) as read:
        answer = client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
    assert read


@pytest.mark.parametrize(
    "path", ["/metrics", "/api/v1/alarms", "/api/v1/enforcement", "/api/v1/log", "/readyz"]
)
def test_monitoring_reads_the_primary(desk: ConsoleDesk, path: str) -> None:
    client = desk.client("administrator")
    client.get("/api/v1/sites")
    with counting(desk.app.engine) as read:
        assert desk.client("administrator").get(path).status_code == 200
    assert read


def test_signing_in_and_accounts_are_of_the_primary(desk: ConsoleDesk) -> None:
    desk.have_account("adam")
    client = desk.person("administrator")
    body = {"handle": "adam", "password": "a horse and a battery"}
    with counting(replica_of(desk).engine) as read:
        assert desk.nobody().post("/api/v1/session", json=body).status_code == 201
        for path in ("accounts", "tokens", "sessions", "sign-ins", "refusals"):
            answer = client.get(f"/api/v1/{path}")
            assert answer.status_code == 200, answer.text
        adam = Visitor(desk, "adam")
        for path in ("/account", "/admin/accounts", "/admin/tokens", "/admin/sign-ins"):
            page = adam.get(path)
            assert (page.status_code, "adam" in page.text) == (200, True), path
    assert not read


def test_an_act_reads_only_the_primary_and_is_seen_at_once(
    desk: ConsoleDesk, follower: Standby
) -> None:
    client = desk.client("operator")
    follower.pause()
    with counting(replica_of(desk).engine) as read:
        answer = client.post("/api/v1/sites", json={"site": "new.example"})
        assert answer.status_code == 201, answer.text
        answer = desk.client("supervisor").post("/api/v1/reconcile", json={"all": True})
        assert answer.status_code == 200, answer.text
    assert not read
    assert client.get("/api/v1/sites/new.example").status_code == 200


def test_a_program_sees_what_it_did_at_another_server(
    desk: ConsoleDesk, db: str, follower: Standby, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    secret = desk.token(desk.account("bot", "operator"))
    with server(db, follower.url(db), tmp_path / "second") as second:
        follower.pause()
        desk.holder(secret).post("/api/v1/sites", json={"site": "new.example"})
        assert second.holder(secret).get("/api/v1/sites/new.example").status_code == 200


def test_an_answer_that_the_replica_cancels_comes_from_the_primary(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = _failing_once(monkeypatch)
    for path in ("/sites", "/entries", "/export"):
        failures.append(path)
        replica_of(desk)._resting_until = 0.0
        answer = desk.client("supervisor").get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        assert SITE in answer.text
        assert not failures


def test_an_export_is_read_again_as_a_whole(looked_at: ConsoleDesk) -> None:
    failures = ["one"]

    @contextmanager
    def reading() -> Iterator[Connection]:
        with looked_at.app.reading() as connection:
            yield connection
            if failures:
                raise ReplicaReadError(failures.pop())

    told = b"".join(export.buffered(reading, export.Selection(), export.jsonl))
    assert told.decode().splitlines() == looked_at.bodies()


def _failing_once(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The next reads of the replica fail, as many as are in the list."""
    failures: list[object] = []
    read = Replica.reading

    @contextmanager
    def reading(replica: Replica, connection: Any) -> Iterator[Any]:
        with read(replica, connection) as opened:
            yield opened
            if failures:
                failures.pop()
                why = Cause.of("replica_lost", "the replica is gone", where="r", told="gone")
                replica.rest(why)
                raise ReplicaReadError(why)

    monkeypatch.setattr(Replica, "reading", reading)
    return failures


def test_metrics_show_whether_the_replica_is_read_and_its_lag(
    desk: ConsoleDesk, follower: Standby
) -> None:
    client = desk.client("administrator")
    told = client.get("/metrics").text
    assert "\nincidents_replica_in_use 1.0\n" in told
    assert "\nincidents_replica_lag_seconds " in told

    follower.pause()
    replica_of(desk).limit = timedelta(microseconds=1)
    desk.do(SITE, c.Log(by="li"))
    assert "\nincidents_replica_in_use 0.0\n" in client.get("/metrics").text


# ── The console ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    [
        "/", "/queue/list", "/sites", f"/sites/{SITE}", f"/sites/{SITE}/filing", "/incidents/1-1",
        "/orders", "/overview", "/unreported", "/terms", "/search?q=shop", "/audit", "/policy",
        "/audit/export.jsonl", "/log",
    ],
)  # fmt: skip
def test_a_page_that_shows_reads_the_replica(
    looked_at: ConsoleDesk, follower: Standby, path: str
) -> None:
    wang = Visitor(looked_at, "wang")
    # The session is new, and this process has made it.
    follower.catch_up()
    with counting(replica_of(looked_at).engine) as read:
        answer = wang.get(path)
        assert answer.status_code == 200, answer.text
    assert read
    if "<footer>" in answer.text:
        assert "Read from the replica, up to date." in answer.text


def test_a_page_says_as_of_when_it_is(
    desk: ConsoleDesk, follower: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's act is not there yet, and the page does not pretend otherwise."""
    monkeypatch.setattr(request_context, "NOTICEABLE", timedelta(0))
    wang = Visitor(desk, "wang")
    wang.get("/sites")
    follower.pause()
    _by_another_process(desk, "new.example")

    page = wang.get("/sites").text
    assert "new.example" not in page
    assert "Read from the replica, as of " in page


def _by_another_process(desk: ConsoleDesk, site: str) -> None:
    replica = replica_of(desk)
    desk.do(site, c.AddSite(by="zhao"))
    # This process has not written: it was another one.
    replica.primary._covered = replica.primary._written


def test_a_page_says_that_the_replica_is_not_read(desk: ConsoleDesk) -> None:
    wang = Visitor(desk, "wang")
    replica_of(desk).rest(Cause.of("replica_away", "the replica is gone", where="r", told="off"))
    page = wang.get("/").text
    assert "Read from the primary: the replica cannot be used now." in page
    assert "the replica is gone" not in page


def test_a_person_sees_what_they_did_here_and_at_another_server(
    desk: ConsoleDesk, db: str, follower: Standby, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    with server(db, follower.url(db), tmp_path / "second") as second:
        li, there = Visitor(desk, "li"), Visitor(second, "li")
        there.get("/sites")
        follower.catch_up()
        there.get("/sites")
        follower.pause()
        sent = li.client.post("/log", data={"csrf": li.csrf, "site": SITE, "step": "log"})
        assert sent.status_code == 303, sent.text
        assert "1-2" in li.get(f"/sites/{SITE}").text

        assert "1-2" not in there.get(f"/sites/{SITE}").text
        there.client.cookies.update(li.client.cookies)
        assert "1-2" in there.get(f"/sites/{SITE}").text


def test_a_page_that_the_replica_cancels_is_asked_for_again(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = _failing_once(monkeypatch)
    wang = Visitor(desk, "wang")
    failures.append("one")

    answer = wang.get("/sites?state=active")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sites?state=active")
    assert SITE in wang.get("/sites?state=active").text
