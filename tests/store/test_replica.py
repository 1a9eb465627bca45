"""The replica: which reads it may serve, and which only the primary."""

from collections.abc import Iterator

import pytest

from incidents import app as apps
from incidents.settings import sources
from tests.databases import PostgresqlDatabases
from tests.standby import Standby, standby


@pytest.fixture(scope="module")
def follower(postgresql_databases: PostgresqlDatabases) -> Iterator[Standby]:
    with standby(postgresql_databases) as made:
        yield made


def test_probe(follower, postgresql_url):
    follower.catch_up()
    env = {"INCIDENTS_DB": postgresql_url, "INCIDENTS_DB_REPLICA": follower.url(postgresql_url)}
    app = apps.open_app(sources.load(environ=env))
    from sqlalchemy import text
    with app.viewing() as c:
        print(c.execute(text("select pg_is_in_recovery(), now()")).all(), app.replica.state, app.replica.trouble, app.now(c))
    app.close()
