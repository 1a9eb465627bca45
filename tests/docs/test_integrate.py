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
    # As typed with `export`: each command of the page has a shell of its own.
    exported = tmp_path.with_name("exported.sh")
    exported.write_text("export TOKEN=${TOKEN-$(cat token 2>/dev/null)}\n", encoding="utf-8")
    with serving(api) as server:
        environment = {
            "DESK": server, "PYTHONPATH": str(pages.ROOT), "BASH_ENV": str(exported),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "INCIDENTS_DB": str(api.app.settings.db), "INCIDENTS_CONFIG": "settings.toml",
        }  # fmt: skip
        pages.run(PAGE, main, tmp_path, environment)
