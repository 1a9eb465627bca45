"""Fixtures of the tests of the client."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.cli import main
from tests.api.conftest import _cheap_hashes, api
from tests.api.rig import PASSWORD, Rig
from tests.cli.conftest import Result, _Terminal
from tests.client.serving import serving

__all__ = ["_cheap_hashes", "api"]


@pytest.fixture
def server(api: Rig) -> Iterator[str]:
    """The address of a real server of it."""
    with serving(api) as address:
        yield address


class RemoteCli:
    """The command line over a server, typed by the holder of an account, with its token if any."""

    def __init__(
        self,
        api: Rig,
        server: str,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.api = api
        self._patch, self._capsys = monkeypatch, capsys
        self._tokens: dict[str, str] = {}
        self.right, self.wrong = folder / "right", folder / "wrong"
        self.right.write_text(PASSWORD, encoding="utf-8")
        self.wrong.write_text("not that sentence", encoding="utf-8")
        monkeypatch.setenv("INCIDENTS_SERVER", server)

    def account(self, handle: str, role: str) -> str:
        """A new account, with a password and a token."""
        self.api.account(handle, role, password=True)
        self._tokens[handle] = self.api.token(handle)
        return handle

    def __call__(
        self, *line: str, as_: str | None = None, typed: str | None = None, asked: bool = False
    ) -> Result:
        """Run it with that account's token; `typed` and `asked` as for `cli`."""
        with self._patch.context() as patched:
            if as_ is None:
                patched.delenv("INCIDENTS_TOKEN", raising=False)
            else:
                patched.setenv("INCIDENTS_TOKEN", self._tokens[as_])
            patched.setattr("sys.stdin", io.StringIO() if typed is None else _Terminal(typed))
            if asked:
                patched.setattr(sys.stderr, "isatty", lambda: True)
            self._capsys.readouterr()
            status = main([*line])
        told = self._capsys.readouterr()
        return Result(status, told.out, told.err)

    def sessions(self) -> int:
        """The number of open sessions."""
        with self.api.app.reading() as connection:
            found: int = connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar_one()
        return found


@pytest.fixture
def over(
    api: Rig,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> RemoteCli:
    """The command line over a server."""
    return RemoteCli(api, server, tmp_path, monkeypatch, capsys)
