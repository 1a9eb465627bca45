"""The accounts that a bench works with, on a database that no server has begun yet."""

from pathlib import Path

import pytest

from bench import service


def test_a_token_is_made_where_no_server_has_sealed_the_accounts_yet(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_SERVE_KEY", str(tmp_path / "serve.key"))
    made = service.token(sqlite_url, "integrator-1", "integrator")
    assert made["Authorization"].startswith("Bearer ")
