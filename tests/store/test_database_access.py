"""Whether a URL of PostgreSQL says enough to know the server; nothing is connected to."""

from __future__ import annotations

import pytest

from incidents.store.database.access import open_to_others
from tests.store.conftest import Opener


@pytest.mark.parametrize(
    ("url", "far"),
    [
        ("postgresql://u@db.example/x", "db.example"),
        ("postgresql://u@192.0.2.7/x?sslmode=require", "192.0.2.7"),
        ("postgresql:///x?host=localhost,db.example", "db.example"),
        ("postgresql://u@localhost/x?hostaddr=2001:db8::7", "2001:db8::7"),
        ("postgresql://u@db.example/x?sslmode=verify-full", None),
        ("postgresql://u@db.example/x?sslmode=verify-ca", None),
        ("postgresql://u@db.example/x?sslrootcert=system", None),
        ("postgresql://u@localhost/x", None),
        ("postgresql://u@127.0.0.2/x", None),
        ("postgresql://u@[::1]/x", None),
        ("postgresql:///x?host=/var/run/postgresql", None),
        ("postgresql:///x", None),
    ],
)
def test_a_server_elsewhere_that_is_not_verified_is_named(
    opened: Opener, monkeypatch: pytest.MonkeyPatch, url: str, far: str | None
) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSSLMODE", "PGSSLROOTCERT", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    told = open_to_others(opened(url))
    assert (told is None) is (far is None)
    assert far is None or f"PostgreSQL on {far} is not verified" in str(told)


def test_what_the_url_leaves_out_is_taken_from_the_environment(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.delenv("PGSSLMODE", raising=False)
    assert open_to_others(opened("postgresql:///x")) is not None
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert open_to_others(opened("postgresql:///x")) is None
