"""The tutorial and the guides: each of their commands answers what stands below it."""

import os
import sys
from pathlib import Path

import pytest

from incidents.cli import main
from tests.docs import pages

DOCS = pages.ROOT / "docs"

# Each page with how many commands of the program it has, so that none is lost in a broken block.
ON_SQLITE = {
    "how-to/back-up-and-upgrade.md": 7,
    "how-to/change-the-policy.md": 7,
    "how-to/correct-a-mistake.md": 16,
    "how-to/export-and-check.md": 9,
    "how-to/rehearse-with-a-told-clock.md": 4,
    "how-to/work-a-shift.md": 17,
}


def _environment(url: str, folder: Path) -> dict[str, str]:
    return {
        "INCIDENTS_DB": url,
        "INCIDENTS_CLOCK": "own",
        "XDG_DATA_HOME": str(folder / "data"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(pages.ROOT),
    }


def test_the_first_shift_goes_as_it_is_told(db_url: str, tmp_path: Path) -> None:
    page = DOCS / "tutorial" / "first-shift.md"
    assert pages.run(page, main, tmp_path, _environment(db_url, tmp_path)) == 23


@pytest.mark.parametrize("name", ON_SQLITE)
def test_a_guide_goes_as_it_is_told(name: str, sqlite_url: str, tmp_path: Path) -> None:
    ran = pages.run(DOCS / name, main, tmp_path, _environment(sqlite_url, tmp_path))
    assert ran == ON_SQLITE[name]


def test_the_guide_to_postgresql_goes_as_it_is_told(postgresql_url: str, tmp_path: Path) -> None:
    page = DOCS / "how-to" / "use-postgresql.md"
    assert pages.run(page, main, tmp_path, _environment(postgresql_url, tmp_path)) == 8
