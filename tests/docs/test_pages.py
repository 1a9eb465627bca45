"""The tutorial and the guides: each of their commands answers what stands below it."""

import os
import re
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from incidents.accounts import secrets
from incidents.cli import main
from tests.docs import pages

DOCS = pages.ROOT / "docs"

ON_SQLITE = (
    "how-to/accounts.md",
    "how-to/archive-old-entries.md",
    "how-to/back-up-and-upgrade.md",
    "how-to/be-alarmed.md",
    "how-to/carry-out-orders.md",
    "how-to/write-to-customers.md",
    "how-to/let-customers-answer.md",
    "how-to/change-the-policy.md",
    "how-to/correct-a-mistake.md",
    "how-to/erase-a-person.md",
    "how-to/export-and-check.md",
    "how-to/keep-filings.md",
    "how-to/receive-reports.md",
    "how-to/rehearse-with-a-told-clock.md",
    "how-to/report-to-the-police.md",
    "how-to/settle-reports-by-rules.md",
    "how-to/verify-with-your-own-tools.md",
    "how-to/work-a-shift.md",
    "how-to/write-notes.md",
)
IN_CHINESE = (
    "tutorial/first-shift.zh-CN.md",
    "how-to/correct-a-mistake.zh-CN.md",
    "how-to/keep-filings.zh-CN.md",
    "how-to/receive-reports.zh-CN.md",
    "how-to/report-to-the-police.zh-CN.md",
    "how-to/settle-reports-by-rules.zh-CN.md",
    "how-to/work-a-shift.zh-CN.md",
    "how-to/write-notes.zh-CN.md",
)
# They simulate a year, and rehearse a day in processes of their own.
DEAR = ("how-to/change-the-policy.md", "how-to/rehearse-with-a-told-clock.md")
ON_POSTGRESQL = "how-to/use-postgresql.md"
ON_BOTH = "tutorial/first-shift.md"
_PROMPT = re.compile(r"^\$ ", re.MULTILINE)


def _environment(url: str, folder: Path) -> dict[str, str]:
    settings = folder / "config.toml"
    settings.touch()
    return {
        "INCIDENTS_DB": url,
        "INCIDENTS_CLOCK": "own",
        "INCIDENTS_CONFIG": str(settings),
        "XDG_DATA_HOME": str(folder / "data"),
        "INCIDENTS_AUDIT_KEY": str(folder / "audit.key"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(pages.ROOT),
    }


@pytest.fixture(autouse=True)
def _quickly_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has no use for a hash that takes an attacker long."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(secrets, "_hasher", lambda: hasher)


def test_the_first_shift_goes_as_it_is_told(db_url: str, tmp_path: Path) -> None:
    pages.run(DOCS / ON_BOTH, main, tmp_path, _environment(db_url, tmp_path))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] if name in DEAR else []) for name in ON_SQLITE],
)
def test_a_guide_goes_as_it_is_told(name: str, sqlite_url: str, tmp_path: Path) -> None:
    pages.run(DOCS / name, main, tmp_path, _environment(sqlite_url, tmp_path))


@pytest.mark.parametrize("name", IN_CHINESE)
def test_a_page_in_chinese_goes_as_it_is_told(name: str, sqlite_url: str, tmp_path: Path) -> None:
    environment = {**_environment(sqlite_url, tmp_path), "INCIDENTS_LANG": "zh"}
    pages.run(DOCS / name, main, tmp_path, environment)


def test_the_guide_to_postgresql_goes_as_it_is_told(postgresql_url: str, tmp_path: Path) -> None:
    pages.run(DOCS / ON_POSTGRESQL, main, tmp_path, _environment(postgresql_url, tmp_path))


@pytest.mark.parametrize("name", [*ON_SQLITE, *IN_CHINESE, ON_POSTGRESQL, ON_BOTH])
def test_no_command_of_a_page_is_overlooked(name: str) -> None:
    typed = [step for step in pages.read(DOCS / name) if isinstance(step, pages.Typed)]
    prompts = _PROMPT.findall((DOCS / name).read_text(encoding="utf-8"))
    assert len(typed) == len(prompts) > 2
