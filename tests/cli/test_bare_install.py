"""The program without any of its extras: what only a surface of its own needs is not asked for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from incidents.cli import main
from incidents.cli.admin import demo

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

_RUN = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in NAMES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from incidents.cli import main
statuses = [main(line.split()) for line in LINES]
sys.exit(f"{statuses}" if any(statuses) else 0)
"""

_PACKAGES = {
    "apache-libcloud": "libcloud", "python-multipart": "python_multipart",
    "psycopg[binary]": "psycopg",
    "python-stdnum": "stdnum", "rfc3161-client": "rfc3161_client", "Authlib": "authlib",
    "disposable-email-domains": "disposable_email_domains",
    "email-validator": "email_validator",
    "prometheus-client": "prometheus_client", "fastapi-problem": "fastapi_problem",
}  # fmt: skip


def _extras() -> list[str]:
    """The modules of all libraries that only an extra brings."""
    extras = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    found = {
        each.split(">")[0].strip() for name, of in extras.items() if name != "all" for each in of
    }
    return sorted(_PACKAGES.get(each, each) for each in found)


def _run_bare(tmp_path: Path, lines: list[str]) -> tuple[int, str, str]:
    """The status, output and errors of those command lines, without any extra."""
    database = f"sqlite:///{tmp_path}/desk.db"
    program = _RUN.replace("NAMES", repr(_extras())).replace("LINES", repr(["db upgrade", *lines]))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"INCIDENTS_DB": database, "INCIDENTS_AS": "operator-1", "HOME": str(tmp_path)},
        cwd=PYPROJECT.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "lines",
    [
        ["site add shop.example", "log shop.example", "queue", "site show shop.example",
         "site why shop.example", "site list", "show 1-1", "contact 1-1 reached", "acts list",
         "duty", "policy show", "account list", "filing terms", "daemon --once",
         "audit export", "audit replay"],
    ],
)  # fmt: skip
def test_the_daily_commands_work_without_any_extra(tmp_path: Path, lines: list[str]) -> None:
    status, _, said = _run_bare(tmp_path, lines)
    assert (status, said[-500:] if status else "") == (0, "")


def test_without_any_extra_a_list_longer_than_its_limit_ends_there(tmp_path: Path) -> None:
    names = [f"{letter}.example" for letter in "abcd"]
    made = [f"site add {name}" for name in names]
    closed = [
        f"site false-info {name} --field phone --evidence none --confirm {name}" for name in names
    ]
    lines = [*made, *closed, "orders list --limit 2 --quiet"]
    status, shown, said = _run_bare(tmp_path, lines)
    assert (status, said[-500:] if status else "") == (0, "")
    assert shown.splitlines()[-2:] == ["1-o2", "2-o2"]


def test_the_demonstration_names_what_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "_NEEDED", ("uvicorn", "absent"))
    assert main(["demo"]) == 1
    said = capsys.readouterr().err
    assert "absent is not installed, but the demonstration needs it" in said
    assert "all" in said
