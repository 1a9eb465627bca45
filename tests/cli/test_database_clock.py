"""The database's clock: on PostgreSQL a look says what is due by it, as what enforces does."""

from datetime import timedelta

import psycopg
import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli
from tests.databases import compares_clocks


@pytest.mark.parametrize("minutes", [4, -4])
def test_why_counts_by_the_databases_clock_whatever_the_machines(
    cli: Cli,
    clock: FrozenDateTimeFactory,
    postgresql_url: str,
    monkeypatch: pytest.MonkeyPatch,
    minutes: int,
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", compares_clocks(postgresql_url))
    with psycopg.connect(postgresql_url) as connection:
        [now] = connection.execute("SELECT clock_timestamp()").fetchone() or ()
    clock.move_to(now + timedelta(minutes=minutes))
    cli("site", "add", "shop.example")
    cli("log", "shop.example")

    said = cli("site", "why", "shop.example").out
    # A slow machine has a minute.
    assert "(in 1 h)" in said or "(in 59 min)" in said
