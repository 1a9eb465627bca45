"""The unit files of the how-tos are ones that systemd takes, and do what the pages say."""

import configparser
import re
import subprocess
from pathlib import Path

import pytest

UNIT = Path("docs/how-to/incidents.service")
SERVE = UNIT.with_name("incidents-serve.service")
# Of no use to who runs it: what a second signal and a fault in the program leave behind.
RARE = {"stopped immediately: the current batch is rolled back", "a due decision produced no event"}

CARRYING_OUT = [
    Path("incidents/enforcement/log.py"),
    *Path("incidents/enforcement/dispatcher").glob("*.py"),
]
METRICS = [Path("incidents/metrics/service.py")]
_SAID = re.compile(
    r'(?:journal\.\w+|log_error|_log\.\w+|_say|_warn(?:_once)?|Part)\(\s*f?"([^"{]+)', re.MULTILINE
)


@pytest.fixture(params=[UNIT, SERVE], ids=lambda unit: unit.stem)
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit with a program that is there, since where it is installed is the user's choice."""
    shown: Path = request.param
    unit = tmp_path / shown.name
    unit.write_text(shown.read_text().replace("/opt/incidents/bin/incidents", "/bin/true"))
    return unit


def test_systemd_finds_nothing_to_complain_of(installed: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", "--man=no", str(installed)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    complaints = [
        line for line in (done.stdout + done.stderr).splitlines() if installed.name in line
    ]
    assert complaints == []
    assert done.returncode == 0, done.stderr


def test_systemd_finds_it_little_exposed(installed: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20",
         str(installed)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_they_are_shut_in_alike_and_make_files_for_their_user_alone() -> None:
    daemon, serve = (_section(unit, "Service") for unit in (UNIT, SERVE))
    begins = list(daemon).index("NoNewPrivileges")
    shut_in = dict(list(daemon.items())[begins:])

    assert len(shut_in) > 20
    assert {key: serve.get(key) for key in shut_in} == shut_in
    for unit in (daemon, serve):
        assert (unit["UMask"], unit["StateDirectoryMode"]) == ("0077", "0700")


def test_it_notifies_is_watched_and_never_gives_up() -> None:
    service = _section(UNIT, "Service")

    assert service["Type"] == "notify"
    # Longer than a batch may wait for a SQLite file that somebody else is writing to.
    assert int(service["WatchdogSec"]) > 2 * 30
    assert service["Restart"] == "on-failure"
    assert _section(UNIT, "Unit")["StartLimitIntervalSec"] == "0"


def _section(file: Path, name: str) -> dict[str, str]:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # keys keep their case
    unit.read(file)
    return dict(unit[name])


def test_the_how_to_names_each_line_that_the_log_can_have() -> None:
    page = " ".join((UNIT.parent / "run-the-daemon.md").read_text().split())
    said = [
        sentence
        for file in (*Path("incidents/daemon").glob("*.py"), *CARRYING_OUT, *METRICS)
        for sentence in _SAID.findall(file.read_text())
    ]

    assert len(said) > 25
    assert [line for line in said if line.strip() not in page and line not in RARE] == []
