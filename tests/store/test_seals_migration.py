"""The migration to seals (0015), there and back: which keys there were stands in the record."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection

from incidents.accounts.serve_key import UnsealedCredentials
from incidents.desk import accounts as acts
from incidents.desk import tokens
from incidents.desk.own_stream import Actor
from incidents.store.schema.access_tables import serve_keys
from tests.desk.rehearsal import rehearsal
from tests.store.migrations import rows, there_and_back

BEFORE = "0014"
BY = Actor(person="admin-1", login="root", signed_in=True)


@pytest.mark.both_databases
def test_the_keys_are_taken_up_again_and_what_they_sealed_is_told(
    db_url: str, tmp_path: Path
) -> None:
    with rehearsal(db_url) as day:

        def clock() -> datetime:
            return day.now

        def act(connection: Connection) -> None:
            acts.make(connection, BY, "admin-1", "administrator", clock)
            acts.set_password(connection, BY, "admin-1", "a hash", clock, second_after=acts.AT_ONCE)

        key = tmp_path / "serve.key"
        day.desk.on_record(act)
        tokens.begin_sealing(day.engine, day.desk, key, BY, clock)
        before = rows(day, serve_keys)
        there_and_back(day, BEFORE)
        assert rows(day, serve_keys) == before
        told = tokens.begin_sealing(day.engine, day.desk, key, BY, clock)
        assert told == UnsealedCredentials([], ["admin-1"])
        assert day.findings() == []
