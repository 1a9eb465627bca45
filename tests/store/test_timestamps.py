"""Timestamps come back in UTC, whatever the zone of a session that others share."""

from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Engine, literal, select
from sqlalchemy.exc import DataError

from incidents.store.database.engine import reading
from incidents.store.postgresql import timestamps
from incidents.store.schema.types import UTCDateTime
from incidents.store.statement import Query
from tests.store.conftest import Opener

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
TIMES = (FIRST, datetime(2026, 3, 2, 9, 0, 0, 500_000, tzinfo=UTC), LAST)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Pacific/Kiritimati", "Pacific/Niue"])
def test_a_time_is_read_in_utc_whatever_the_zone_of_the_session(
    opened: Opener, postgresql_url: str, zone: str
) -> None:
    with reading(_shared(opened(postgresql_url))) as connection:
        connection.exec_driver_sql(f"SET LOCAL TIME ZONE '{zone}'")
        for time in TIMES:
            query = select(literal(time, UTCDateTime))
            [plain] = connection.exec_driver_sql(_raw(time)).one()
            [own] = Query(lambda _, q=query: q, lambda row: row[0]).fetch(connection).all()  # type: ignore[misc]  # bound now
            found = (connection.scalar(query), own, plain)
            assert found == (time, time, time)
            assert {each.tzinfo for each in found} == {UTC}


def _shared(engine: Engine) -> Engine:
    """As behind a pooler."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        timestamps.read_in_utc(driver)
    return engine


def test_alone_the_session_is_in_utc(opened: Opener, postgresql_url: str) -> None:
    with reading(opened(postgresql_url)) as connection:
        assert connection.exec_driver_sql("SHOW timezone").scalar() == "UTC"


def _raw(time: datetime) -> str:
    return f"SELECT timestamptz '{time.isoformat()}'"


@pytest.mark.parametrize("text", ["10000-01-01T00:00:00Z", "0001-12-31T23:59:59Z BC", "infinity"])
def test_a_time_outside_of_the_calendar_is_an_error_of_the_data(
    opened: Opener, postgresql_url: str, text: str
) -> None:
    with reading(_shared(opened(postgresql_url))) as connection:
        found = connection.exec_driver_sql(f"SELECT timestamptz '{text}'")
        with pytest.raises(DataError, match="outside of the years"):
            found.one()
