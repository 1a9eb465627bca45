"""The grants: a role with them runs the desk, and rewrites nothing that is on record."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import ProgrammingError

from incidents.accounts.authenticator import Authenticator
from incidents.accounts.credentials import SignInError
from incidents.accounts.serve_key import UNSEALED, SealedElsewhereError
from incidents.app import App
from incidents.audit import archiving
from incidents.audit.archiving import NotOwnerError
from incidents.audit.log import rotation, sequencer, signing, status
from incidents.audit.log.signing_key import KeyRing
from incidents.audit.replay import Replay
from incidents.clock import now
from incidents.daemon import delivery
from incidents.desk import Desk, Envelope, expired_keys, thinning, tokens
from incidents.desk.activation import LogKey
from incidents.desk.own_stream import Actor
from incidents.errors import DeniedError
from incidents.machine import commands as c
from incidents.machine.policy import DOCUMENTED
from incidents.settings import sources
from incidents.store.accounts import accounts as stored
from incidents.store.accounts import sign_ins
from incidents.store.database import access
from incidents.store.database import engine as engines
from incidents.store.log import lineage
from incidents.store.schema.catalogue import every_table
from incidents.views import accounts

ADDED = c.AddSite(by="operator-1")
ROLE, ERASER = "the desk's", 'the "eraser"'
ONE = "operator-1"
ON_RECORD = (
    "entries", "leaves", "checkpoints", "cosignatures", "stamps", "log_keys", "policies",
    "orders", "evidence", "notes", "incident_urls", "sealed",
)  # fmt: skip
A_FILING: tuple[c.Command, ...] = (
    c.ChangeFiling(by=ONE, details=(("opened_on", "2020-01-01"), ("subject_name", "sealed"))),
    c.Remind(on="2020-02-01"),
    c.RaiseSuspicion(field="subject_name", finding="repeated_digit"),
    c.RecordFooter(problems=("icon_missing",)),
    c.RecordFooter(),
    c.ChangeFiling(by=ONE, details=(("filed_on", "2020-02-01"), ("subject_name", ""))),
)
"""Of a filing all that comes and goes: details, a term, and what is to be done about them."""


@pytest.fixture
def owner(postgresql_url: str) -> Iterator[Engine]:
    """The owner's engine, of a database whose two roles have been given what is printed."""
    made = engines.create(postgresql_url)
    with made.begin() as connection:
        for role in (ROLE, ERASER):
            connection.execute(text(f"DROP ROLE IF EXISTS {access.quoted(role)}"))
            connection.execute(text(f"CREATE ROLE {access.quoted(role)} LOGIN"))
        for statement in access.sql(ROLE, ERASER):
            connection.execute(text(statement))
    yield made
    with made.begin() as connection:
        for role in (ERASER, ROLE):
            connection.execute(text(f"DROP OWNED BY {access.quoted(role)}"))
            connection.execute(text(f"DROP ROLE {access.quoted(role)}"))
    made.dispose()


def as_role(url: str, role: str) -> str:
    return make_url(url).update_query_dict({"user": role}).render_as_string(hide_password=False)


@pytest.fixture
def app(
    owner: Engine, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[App]:
    """The program under the desk's role."""
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    found = App(sources.load(db=as_role(postgresql_url, ROLE)))
    yield found
    found.close()


def a_day(app: App) -> None:
    """Acts of every kind, the daemon's look, and a heartbeat."""
    command_line_only: list[c.Command] = [
        c.AddSite(by=ONE, phone="sealed"),
        c.EditSite(by=ONE, phone="sealed again"),
        c.Log(by=ONE, urls=("http://shop.example/1",), note="found"),
        c.Attach(by=ONE, incident=1, digest="0" * 64, size=1, name="a"),
        c.AddNote(by=ONE, incident=1, audience="desk", text="a"),
        *A_FILING,
        c.ClaimItem(by=ONE, item="1"),
        c.RecordContact(by=ONE, incident=1, outcome="reached"),
        c.StateRemoved(by=ONE, incident=1),
        c.Log(by=ONE, urls=("http://shop.example/2",)),
        c.VoidIncident(by=ONE, incident=2, reason="no violation"),
        c.SetHold(by=ONE, reason="by order"),
        c.StateFalse(by=ONE, field="phone", evidence="no such number"),
    ]
    for act in command_line_only:
        [answer] = app.desk.submit(
            [Envelope(site="shop.example", command=act, login=None, key=str(id(act)))]
        )
        assert answer.refusal is None, (act, answer.refusal)
    app.desk.elapse()
    app.desk.activate(
        DOCUMENTED.toml().replace("count = 3", "count = 4"), by=ONE, login=None, reason="a test"
    )


def test_the_desk_the_daemon_and_the_sequencer_run_under_the_role(app: App) -> None:
    from incidents.daemon import enforce, heartbeat

    a_day(app)
    ring = KeyRing(status.load_settings(app.settings).key)

    def on_record(key: str, previous: str | None, lost: bool = False, /) -> None:
        new = LogKey(key=key, previous=previous, by=ONE, login=None, lost=lost, reason="r")
        app.desk.make_log_key(new)

    rotation.first(app.engine, ring, "log.example", on_record)
    rotation.rotate(app.engine, ring, on_record)
    enforce.elapse(app.engine, app.desk)
    heartbeat.record_once(app)
    app.desk.submit([Envelope(site="other.example", command=c.AddSite(by=ONE))])
    assert sequencer.number_all(app.engine) == 1
    assert sequencer.number_missed(app.engine) == 0
    assert signing.sign(app.engine, ring, now(), at_once=True).made

    with app.reading() as connection:
        assert list(Replay(connection).findings()) == []
        assert connection.scalar(text("SELECT count(*) FROM heartbeats")) == 1
        assert lineage.read(connection).found is not None


def test_orders_go_out_where_the_role_may_not_ask_which_server_it_is(
    app: App, owner: Engine
) -> None:
    """It cannot be told then, which is no other server; what was known of it stays known."""
    delivery.once(app)
    with owner.begin() as connection:
        known = lineage.read(connection).known
        connection.execute(text("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"))
    assert known is not None

    act = c.SetHold(by=ONE, reason="by order")
    app.desk.submit([Envelope(site="shop.example", command=each) for each in (ADDED, act)])
    carried_out = delivery.once(app)

    assert carried_out.errors == []
    assert carried_out.round is not None
    assert carried_out.round.outcomes.counts["delivered"] == 1
    with app.reading() as connection:
        assert lineage.read(connection) == (
            lineage.read(connection).identity,
            0,
            known,
            None,
        )


@pytest.mark.parametrize("table", ON_RECORD)
def test_what_is_on_record_is_neither_changed_nor_deleted(app: App, table: str) -> None:
    column = _first(table)
    statements = (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
    )
    for statement in statements:
        assert _is_denied(app.engine, statement), statement


def test_only_the_owner_of_the_tables_archives(app: App) -> None:
    way_out = "archive as the owner of the tables"
    with pytest.raises(NotOwnerError, match=way_out):
        list(archiving.archive(app.engine, now(), now))


def test_the_desks_role_makes_and_drops_nothing(app: App) -> None:
    for statement in (
        "CREATE TABLE more (id int)",
        "DROP TABLE leaves",
        "ALTER TABLE entries ADD x int",
    ):
        assert _is_denied(app.engine, statement), statement


def _is_denied(engine: Engine, statement: str) -> bool:
    with engine.connect() as connection:
        try:
            _run(connection, statement)
        except ProgrammingError as error:
            return getattr(error.orig, "sqlstate", None) == "42501"
    return False


def _run(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))


def test_the_eraser_deletes_what_was_sealed_and_nothing_on_record(
    owner: Engine, app: App, postgresql_url: str
) -> None:
    a_day(app)
    with pytest.raises(SignInError):
        Authenticator(app.engine, now, UNSEALED).sign_in("wang", "no such sentence", "192.0.2.7")
    assert _is_denied(app.engine, "UPDATE sign_ins SET place = place")
    assert _is_denied(app.engine, "DELETE FROM sign_ins")
    eraser = engines.create(as_role(postgresql_url, ERASER))
    with eraser.begin() as connection:
        assert connection.execute(text("DELETE FROM sealed")).rowcount > 0
        # The line of who is nobody, and their count.
        assert sign_ins.erase(connection, now(), str.upper, most=9) == 2
    with eraser.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM sealed"))
        connection.execute(text("VACUUM keys"))
        connection.execute(text("VACUUM sign_ins, refusals"))

    assert _is_denied(eraser, "DELETE FROM entries")
    assert _is_denied(eraser, "UPDATE entries SET body = body")
    assert _is_denied(eraser, "UPDATE sealed SET value = value")
    eraser.dispose()


def test_only_the_eraser_thins_checkpoints(owner: Engine, app: App, postgresql_url: str) -> None:
    with owner.begin() as connection:
        for n in range(3):
            _run(
                connection,
                "INSERT INTO checkpoints (size, root, note, key, signed_at) VALUES"
                f" ({n}, '', '', 'k', '2026-01-01T10:0{n}Z')",
            )
    month, later = timedelta(days=30), now() + timedelta(days=365 * 9)
    assert thinning.thin(app.desk, app.engine, month, later, by=ONE) == 0
    assert thinning.count(app.engine, month, later) == 0
    assert _is_denied(app.engine, "DELETE FROM checkpoints")
    eraser = engines.create(as_role(postgresql_url, ERASER))
    assert thinning.count(eraser, month, later) == 1
    assert thinning.thin(Desk(eraser), eraser, month, later, by=ONE) == 1
    eraser.dispose()


def test_the_desk_s_role_deletes_the_answers_of_expired_keys(app: App) -> None:
    for key in ("typed", "import:12ab"):
        [answer] = app.desk.submit(
            [Envelope(site=f"{key[:5]}.example", command=ADDED, login=None, key=key)]
        )
        assert answer.refusal is None
    soon = now() + timedelta(minutes=1)
    assert expired_keys.delete_expired(app.desk, app.engine, soon) == 2
    with app.reading() as connection:
        answers = connection.scalars(text("SELECT answer FROM keys")).all()
    assert answers == ["{}", "{}"]


def test_a_role_that_acts_at_the_command_line_lets_nobody_in(
    owner: Engine, app: App, tmp_path: Path
) -> None:
    by = Actor(person="sre-1", login=None)
    with pytest.raises(DeniedError, match="the owner of the tables"):
        tokens.begin_sealing(app.engine, app.desk, tmp_path / "serve.key", by, now)
    assert list(tmp_path.glob("*serve.key*")) == [], "a key that no database knows"
    tokens.begin_sealing(owner, Desk(owner), tmp_path / "serve.key", by, now)
    with owner.begin() as connection:
        for statement in access.sql(ROLE, command_line_only=True):
            connection.execute(text(statement))

    a_day(app)

    with app.reading() as connection:
        assert list(Replay(connection).findings()) == []
    with owner.begin() as connection:
        stored.add_account(connection, stored.Account("op-1", "operator", now(), None))
        assert "password_set_at" in accounts.accounts(connection)[0]
    with app.reading() as connection:
        [account] = accounts.accounts(connection)
    assert account.keys() & {"role", "password_set_at"} == {"role"}
    for table in ("accounts", "tokens", "serve_keys"):
        assert _is_denied(app.engine, f"DELETE FROM {table}")
        assert _is_denied(app.engine, f"UPDATE {table} SET {_first(table)} = {_first(table)}")
        assert _is_denied(app.engine, f"INSERT INTO {table} DEFAULT VALUES")
    for table in ("passwords", "sessions", "attempts"):
        assert _is_denied(app.engine, f"SELECT * FROM {table}")
    with pytest.raises(SealedElsewhereError, match="--server"):
        _ = app.seal


def _first(table: str) -> str:
    return next(iter(every_table().tables[table].c)).name


def test_every_table_has_its_rights_and_what_is_on_record_has_no_more_than_two() -> None:
    assert set(access.RIGHTS) == {*every_table().tables, "alembic_version"}
    for table in ON_RECORD:
        assert access.RIGHTS[table] == ("SELECT", "INSERT")


def test_the_command_prints_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from incidents.cli.admin.db import db

    for words, asked in (
        (["--eraser", ERASER], {"eraser": ERASER}),
        (["--acts"], {"command_line_only": True}),
    ):
        done = CliRunner().invoke(db, ["grants", ROLE, *words], standalone_mode=False)

        assert done.output.splitlines() == list(access.sql(ROLE, **asked))
