"""The migration to accounts (0005), there, back and there again, with a past."""

from typing import Any

import pytest
from sqlalchemy import Connection, select

from incidents.desk import accounts as acts
from incidents.desk import tokens as token_acts
from incidents.desk.own_stream import AccountAction, Actor
from incidents.record import account_events
from incidents.store.accounts import accounts
from incidents.store.database.engine import reading
from incidents.store.schema.access_tables import accounts as account_table
from incidents.store.schema.access_tables import passwords, tokens
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.store.migrations import rows, there_and_back

BEFORE = "0004"
NEW = {"accounts", "tokens", "passwords", "sessions", "attempts"}
BY = Actor(person="admin-1", login="root", signed_in=True)


def with_a_past(day: Rehearsal) -> None:
    """Every act about accounts there is, each at a time of its own, among others of the desk."""

    def clock() -> Any:
        day.later(minutes=1)
        return day.now

    def act(connection: Connection) -> None:
        for handle, role in (("admin-1", "administrator"), ("old-1", "viewer"), ("p-1", "viewer")):
            acts.make(connection, BY, handle, role, clock)
        acts.set_password(connection, BY, "admin-1", "a hash", clock, second_after=acts.AT_ONCE)
        acts.give_role(connection, BY, "p-1", "integrator", clock)
        acts.disable(connection, BY, "p-1", clock)
        acts.enable(connection, BY, "p-1", clock)
        acts.disable(connection, BY, "old-1", clock)
        for secret, for_ in (("a", ["log", "add_site"]), ("b", None), ("c", None)):
            made = token_acts.make_token(connection, BY, "p-1", secret, clock, days=9, acts=for_)
        token_acts.revoke_token(connection, BY, made.id, clock)
        # As programs of before 0011 kept it on record.
        refused = AccountAction(connection, BY, clock, open_to_all=True)
        refused.record(account_events.AccessRefused, act="log", why="role", about="account_made")

    day.add("a.example")
    day.desk.on_record(act)
    day.desk.activate("[repeat]\ncount = 4\n", by="li", login=None, reason='"kind":"account_x"')


def test_accounts_and_tokens_are_taken_up_again_from_the_entries(db_url: str) -> None:
    with rehearsal(db_url) as day:
        with_a_past(day)
        before = rows(day, account_table, tokens)
        assert [len(each) for each in before] == [3, 3]
        assert there_and_back(day, BEFORE) >= NEW
        assert rows(day, account_table, tokens) == before
        assert day.findings() == []


# That the tables are made anew on PostgreSQL too is shown above.
@pytest.mark.both_databases(long="postgresql")
def test_passwords_do_not_come_back_so_each_is_given_a_new_one(db_url: str) -> None:
    with rehearsal(db_url) as day:
        with_a_past(day)
        there_and_back(day, BEFORE)
        with reading(day.engine) as connection:
            assert connection.execute(select(passwords)).all() == []
            assert accounts.any_exist(connection)
