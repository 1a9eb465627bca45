"""The page for integrators: its requests, against a real server, answer what stands below them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.cli import main
from tests.accounts.conftest import _cheap_hashes
from tests.api.rig import Rig, rig
from tests.client.serving import serving
from tests.docs import pages

__all__ = ["_cheap_hashes"]

PAGE = pages.ROOT / "docs" / "how-to" / "integrate.md"


@pytest.fixture
def api(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    with rig(sqlite_url) as found:
        yield found


def test_each_request_of_the_page_answers_what_stands_below_it(api: Rig, tmp_path: Path) -> None:
    acts = ["look", "add_site", "log", "change_filing", "import_incident", "simulate"]
    token = api.token(api.account("panel-1", "integrator"), acts)
    for handle in ("supervisor-1", "supervisor-2"):
        api.account(handle, "supervisor", password=True)
    with serving(api) as server:
        environment = {
            "DESK": server, "TOKEN": token, "PYTHONPATH": str(pages.ROOT),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }  # fmt: skip
        pages.run(PAGE, main, tmp_path, environment)
