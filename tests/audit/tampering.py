"""A history that leaves something in every column, and a hand that changes one value of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Executable,
    Integer,
    LargeBinary,
    Table,
    Text,
    select,
    text,
    update,
)
from sqlalchemy.types import BigInteger

from incidents.audit.replay import OUTSIDE, Replay
from incidents.audit.rows import ALL, Finding, Share, Span
from incidents.desk import Envelope, accounts, answers, invitations, tokens
from incidents.desk.activation import LogKey
from incidents.desk.inbox import (
    address_book,
    intake_rules,
    receiving,
    reopening,
    reporters,
    reports,
    snapshots,
)
from incidents.desk.inbox.intake_rules import RulesActivation
from incidents.desk.inbox.receiving import Incoming
from incidents.desk.inbox.reports import ByRule, LeadToIncident
from incidents.desk.inbox.snapshots import Taken
from incidents.desk.own_stream import AccountAction, Actor
from incidents.intake import rules_file
from incidents.machine import commands as c
from incidents.record.own_events import ServeKeyMade
from incidents.record.report_events import ReportJoined, ReportLogged
from incidents.store.accounts import accounts as serve_keys
from incidents.store.inbox import reports as stored_reports
from incidents.store.inbox.answers import Waiting
from incidents.store.schema import tables
from incidents.store.schema.catalogue import every_table
from incidents.store.schema.types import JSONText, UTCDateTime
from incidents.values import report_token
from tests.audit.verifying import plain
from tests.desk.rehearsal import Rehearsal

FOUR = '[repeat]\ncount = 4\n[refusal]\nremoval_within = "2d"\n[closure]\ntwo_people = true\n'


def fill(day: Rehearsal) -> None:
    """Four sites: one with everything, one closed and asked for, one held, one disputed."""
    for site in ("a.example", "b.example", "c.example", "d.example"):
        day.give(
            c.AddSite(by="li", phone="010 5555 0100", email="w@a.example", person="Wang"), site
        )
    url, text = "https://a.example/1", "https://A.example/1"
    day.give(c.Log(by="li", urls=(url,), written=(text,), category="gambling", note="seen"))
    day.give(c.Attach(by="li", incident=1, digest="0" * 64, size=3, name="shot.png"))
    day.give(c.ClaimItem(by="wang", item="1"))
    day.give(c.RecordContact(by="wang", incident=1, outcome="no-answer", note="rang out"))
    day.later(hours=2)
    day.elapse()
    day.later(hours=13)
    day.elapse()
    day.give(c.Recur(by="li", incident=1))
    day.give(c.RecordContact(by="wang", incident=2, outcome="reached"))
    day.give(c.VoidContact(by="wang", incident=2, contact=1, reason="another site"))
    day.give(c.CompleteTask(by="wang", task=1, outcome="still there", note="looked"))
    day.desk.activate(FOUR, by="li", login="desk1", reason="agreed")
    day.desk.make_log_key(LogKey(key="a.example+1+2", previous=None, by="li", login="desk1"))
    day.give(c.Log(by="li"))
    day.give(c.RecordContact(by="wang", incident=3, outcome="reached"))
    day.give(c.ClaimItem(by="wang", item="3"))
    for _ in range(4):
        day.give(c.Log(by="li", again=True), "b.example")
    day.give(c.AskReinstatement(by="li", reason="all is well"), "b.example")
    day.give(c.SetHold(by="li", reason="ordered"), "c.example")
    day.give(c.Log(by="li"), "d.example")
    day.later(hours=2)
    day.elapse()
    day.give(c.StateRefused(by="li", incident=3, note="he hung up"))
    day.give(c.StateFalse(by="li", field="phone", evidence="a baker's"), "d.example")
    _carry_out(day)
    _file(day)
    _let_in(day)
    _receive(day)


def _receive(day: Rehearsal) -> None:
    """Reports and rules: one joined, one dismissed, one unreadable; a rule logged and asked."""

    def clock() -> datetime:
        return day.now

    new = [
        Incoming(
            digest=digest * 64, size=9, channel="command", format="mail", reading={},
            kept=kept, unread=unread, message_id="<a@b>",
        )
        for digest, kept, unread in (("1", None, None), ("2", "4" * 64, None), ("3", None, "deep"))
    ]  # fmt: skip

    def receive(incoming: list[Incoming]) -> None:
        day.desk.on_record(
            partial(receiving.receive, incoming=incoming, by="li", login="desk1", clock=clock)
        )

    receive(new)
    attach = c.Attach(by="li", incident=1, digest="1" * 64, size=9)
    joined = LeadToIncident(report=1, kind=ReportJoined, by="li", login="desk1", clock=clock)
    day.desk.submit([Envelope(site="a.example", command=attach, login="desk1")], sequel=joined)
    day.desk.on_record(
        partial(
            reports.dismiss, report=2, reason="gone", not_ours=True, by="li", login="desk1",
            clock=clock,
        )
    )  # fmt: skip
    day.desk.on_record(
        partial(
            address_book.import_, holdings=[], digest="9" * 64, by="li", login="desk1", clock=clock
        )
    )
    for limit in (5, 6):
        rules = rules_file.read(f"logs_per_hour = {limit}\n{_RULE}")
        wanted = RulesActivation(rules=rules, by="li", login="desk1", reason="a feed")
        day.desk.on_record(partial(intake_rules.activate, wanted=wanted, clock=clock))
    receive([
        Incoming(
            digest=digest * 64, size=9, channel="api", format="xarf", reading={},
            category=category,
        )
        for digest, category in (("5", None), ("6", None), ("7", "child_abuse"))
    ])  # fmt: skip
    both = replace(joined, report=3, kind=ReportLogged, others=lambda _: ["d.example"])
    unread = Envelope(site="b.example", command=c.Log(by="li", again=True), login="desk1")
    day.desk.submit([unread], sequel=both)
    own = ByRule(rule=rules.rules[0], rules=rules.digest, logs_per_hour=6)
    log = c.Log(by=own.rule.signature)
    logged = LeadToIncident(
        report=4, kind=ReportLogged, by=own.rule.signature, login=None, clock=clock, by_rule=own
    )
    day.desk.submit([Envelope(site="d.example", command=log)], sequel=logged)
    day.desk.on_record(partial(reports.leave, report=5, asks="would_close", of=own, clock=clock))

    other = replace(joined, report=6)
    day.desk.submit([Envelope(site="a.example", command=attach, login="desk1")], sequel=other)
    for report in (6, 5):
        if report == 5:
            day.desk.on_record(
                partial(
                    reports.dismiss, report=5, reason="gone", not_ours=False, by="li",
                    login="desk1", clock=clock,
                )
            )  # fmt: skip
        day.desk.on_record(
            partial(
                reopening.reopen, report=report, reason="a mistake", by="wang", login="desk1",
                clock=clock,
            )
        )  # fmt: skip

    def reply(connection: Connection) -> None:
        new = Incoming(
            digest="8" * 64, size=9, channel="command", format="mail", reading={},
            subject=report_token.token(stored_reports.identity(connection), 1),
        )  # fmt: skip
        receiving.receive(connection, [new], "li", "desk1", clock)

    day.desk.on_record(reply)
    for standing in ("blocked", "trusted"):
        day.desk.on_record(
            partial(
                reporters.mark, reporter="zhao@user.example", standing=standing, reason="known",
                by="li", login="desk1", clock=clock,
            )
        )  # fmt: skip
    for letter, problem, others in (("receipt", None, "[2]"), ("acted", "mail_refused", "[]")):
        mail = Waiting("a key", letter, 1, others, 0, day.now, 1, day.now)
        day.desk.on_record(
            partial(
                answers.record, mail=mail, address="zhao@user.example", problem=problem,
                by="daemon", login="desk1", clock=clock,
            )
        )  # fmt: skip
    page = Taken(
        url="http://a.example/1", final="https://a.example/1", status=200, size=9,
        digest="d" * 64, cut=True, screenshot="e" * 64,
    )  # fmt: skip
    without = replace(
        page, status=302, problem="redirects", screenshot=None, no_screenshot="no_browser"
    )
    for taken in ([page, without], [page]):
        day.desk.on_record(
            partial(
                snapshots.record, report=1, taken=taken, by="daemon", login="desk1", clock=clock
            )
        )


_RULE = """
[[rule]]
name = "feed"
owner = "sup-1"
channel = "api"
act = "log"
"""


def _file(day: Rehearsal) -> None:
    """On a.example a term that the desk was reminded of, and what a check and a look have found."""
    details = (("level", "3"), ("opened_on", "2026-01-20"), ("responsible_name", "Wang"))
    day.give(c.ChangeFiling(by="li", details=details))
    day.give(c.Remind(on=day.now.date().isoformat()))
    day.give(c.RaiseSuspicion(field="responsible_name", finding="not_a_name"))
    day.give(c.RecordFooter(problems=("icon_missing",)))


def _let_in(day: Rehearsal) -> None:
    """Accounts, one of them disabled; tokens and invitations, of which some ended."""
    by, clock = Actor(person="li", login="desk1"), lambda: day.now

    def act(connection: Connection) -> None:
        for handle, role in (
            ("admin-1", "administrator"),
            ("old-1", "viewer"),
            ("p-1", "viewer"),
            ("sup-1", "supervisor"),
        ):
            accounts.make(connection, by, handle, role, clock)
        accounts.give_role(connection, by, "p-1", "integrator", clock)
        accounts.disable(connection, by, "old-1", clock)
        for secret, acts in (("a", ["log"]), ("b", None)):
            made = tokens.make_token(
                connection, by, "p-1", secret, clock, days=9, acts=acts
            )  # fmt: skip
        tokens.revoke_token(connection, by, made.id, clock)
        accounts.refuse(connection, by, clock, action="log", why="role", about="a.example")
        keyed = AccountAction(connection, by, clock)
        serve_keys.add_serve_key(connection, serve_keys.ServeKey(1, "0" * 64, keyed.now))
        keyed.record(ServeKeyMade, key="0" * 64, tokens=2, passwords=0)
        invitations.invite(connection, by, "a-1", "administrator", clock, secret="c")
        invitations.accept(connection, "c", "a hash", clock, second_after=accounts.AT_ONCE)
        signed_in = Actor(person="a-1", login="session", signed_in=True)
        for secret in ("d", "e"):
            # The second one ends the first.
            invitations.invite(connection, signed_in, "p-1", None, clock, secret=secret)

    day.desk.on_record(act)


def _carry_out(day: Rehearsal) -> None:
    """Settle orders, reports to the police, customers' answers and links, for replays to check."""
    day.give(c.StateReported(by="li", incident=2, note="receipt 7"))
    day.give(c.SayRemoved(incident=2, note="gone"))
    day.give(c.AddNote(by="li", incident=2, audience="customer", text="we look at it today"))
    day.give(c.RevokeLinks(by="li", incident=2))
    *settled, left = day.orders()
    for order, lane in settled:
        day.give(_delivered(order, lane))
    assert left[1] == "notice"
    order = day.orders("d.example")[-2][0]
    day.give(
        c.RecordFailure(
            order=order, lane="act", adapter="panel", attempts=9, problem="http_503"
        ),
        "d.example",
    )  # fmt: skip
    assert day.rows("SELECT in_force FROM sites ORDER BY id") == [
        ("suspended",), ("active",), ("active",), ("unknown",),
    ]  # fmt: skip


def _delivered(order: int, lane: str) -> c.Command:
    return c.RecordDelivery(
        order=order, lane=lane, adapter="panel", attempts=2, enforced=lane == "act"
    )


def proved() -> list[tuple[Table, Column[Any]]]:
    """Every column that the replay vouches for."""
    return [
        (table, column)
        for table in every_table().sorted_tables
        for column in table.c
        if table.name not in OUTSIDE and f"{table.name}.{column.name}" not in OUTSIDE
    ]


@contextmanager
def unrecorded_changes(engine: Engine) -> Iterator[Connection]:
    """A transaction without the schema's references, that leaves no trace."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            own: Any = connection.connection.dbapi_connection
            own.execute("PRAGMA foreign_keys=OFF")
        connection.execution_options(incidents_writes=True)
        transaction = connection.begin()
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        try:
            yield connection
        finally:
            transaction.rollback()
            if engine.dialect.name == "sqlite":
                own.execute("PRAGMA foreign_keys=ON")


def findings(connection: Connection, site_id: int | None = None) -> list[Finding]:
    """The findings of a replay."""
    share = ALL if site_id is None else Share(sites=Span.of(site_id))
    found = list(Replay(connection, share).findings())
    # The driver can return any type for a column.
    plain([str(each.found) for each in found if each.column is None])
    return found


def only_finding(day: Rehearsal, *changes: Executable) -> Finding:
    """The one thing that the replay finds when these are made behind the desk's back."""
    with unrecorded_changes(day.engine) as connection:
        for change in changes:
            connection.execute(change)
        [finding] = findings(connection)
    return finding


def tamper(connection: Connection, table: Table, column: Column[Any], *, empty: bool) -> bool:
    """Change one value, of a row in which it is empty or is not; False if there is no such row."""
    keys = list(table.primary_key.columns)
    wanted = column.is_(None) if empty else column.is_not(None)
    row = (
        connection.execute(select(table).where(wanted).order_by(*keys).limit(1)).mappings().first()
    )
    if row is None:
        return False
    where = [key == row[key.name] for key in keys]
    changed = update(table).where(*where).values({column.name: _other(column, row[column.name])})
    assert connection.execute(changed).rowcount == 1
    return True


def _other(column: Column[Any], value: Any) -> Any:
    if column.name == "state":
        # The schema itself takes no word but these.
        return "closed" if column.table is tables.sites else "voided"
    match column.type:
        case Boolean():
            return not value
        case UTCDateTime():
            return (value or datetime(2026, 1, 1, tzinfo=UTC)) + timedelta(microseconds=1)
        case Integer() | BigInteger():
            return (value or 0) + 1_000
        case LargeBinary():
            return value + b"x"
        case JSONText():
            return [value, "x"]
        case Text():
            return f"{value or ''}x"
    raise AssertionError(column.type)
