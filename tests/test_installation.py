"""The installation: the commit is known without git, and an extra is named with its command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from incidents import __version__, errors, installation

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40


def checkout(folder: Path, head: str, **files: str) -> Path:
    """A folder with a `.git`, as git writes it; `__` in a file's name stands for `/`."""
    git = folder / ".git"
    for name, text in {"HEAD": head, **files}.items():
        file = git / name.replace("__", "/").replace("packed", "packed-refs")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    return folder


PACKED = f"# pack-refs with: peeled\n{OTHER} refs/heads/mainly\n{COMMIT} refs/heads/main"
STALE = f"{OTHER} refs/heads/main"


@pytest.mark.parametrize(
    ("head", "files", "known"),
    [
        ("ref: refs/heads/main", {"refs__heads__main": COMMIT}, COMMIT[:7]),
        ("ref: refs/heads/main", {"packed": PACKED}, COMMIT[:7]),
        # A branch that has moved since it was packed.
        ("ref: refs/heads/main", {"refs__heads__main": COMMIT, "packed": STALE}, COMMIT[:7]),
        (COMMIT, {}, COMMIT[:7]),
        # No commit yet; a format to come; what is no repository at all.
        ("ref: refs/heads/main", {}, None),
        ("ref: refs/heads/main", {"packed": f"{OTHER} refs/heads/mainly"}, None),
        ("ref: refs/heads/.invalid", {"refs__heads__.invalid": "this is no ref"}, None),
        ("", {}, None),
    ],
)  # fmt: skip
def test_the_commit_of_a_checkout_is_read_without_git(
    tmp_path: Path, head: str, files: dict[str, str], known: str | None
) -> None:
    assert installation.commit_of(checkout(tmp_path, head, **files)) == known


def test_a_worktree_has_its_own_head_and_its_repositorys_branches(tmp_path: Path) -> None:
    main = checkout(
        tmp_path / "main", OTHER, refs__heads__fix=COMMIT,
        worktrees__fix__HEAD="ref: refs/heads/fix", worktrees__fix__commondir="../..",
    )  # fmt: skip
    (tmp_path / "fix").mkdir()
    (tmp_path / "fix/.git").write_text(f"gitdir: {main}/.git/worktrees/fix\n")
    assert installation.commit_of(tmp_path / "fix") == COMMIT[:7]


def test_an_installed_program_says_what_its_build_wrote_down_and_else_the_version_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "incidents"
    package.mkdir()
    monkeypatch.setattr(installation, "_PACKAGE", package)
    assert installation.version() == __version__
    (package / "commit.txt").write_text("abc1234\n")
    assert installation.version() == f"{__version__} (commit abc1234)"
    # Beside somebody else's repository it is not of their commit.
    checkout(tmp_path, COMMIT)
    assert installation.version() == f"{__version__} (commit abc1234)"


def test_this_checkout_tells_the_commit_that_git_tells() -> None:
    done = subprocess.run(
        ["git", "-C", Path(__file__).parent, "rev-parse", "HEAD"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert installation.commit() == done.stdout[:7]


# ── extras ───────────────────────────────────────────────────────────────────────────────────────

EACH = [
    "pip install 'incidents[console]'",
    "pipx install --force 'incidents[console]'",
    "uv tool install 'incidents[console]'",
]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment in which the program is installed."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path


def by_pipx(environment: Path, **main_package: object) -> None:
    kept = {"main_package": {"package": "incidents", **main_package}}
    (environment / "pipx_metadata.json").write_text(json.dumps(kept))


def by_uv(environment: Path, *requirements: str) -> None:
    (environment / "uv-receipt.toml").write_text(
        f"[tool]\nrequirements = [{', '.join(requirements)}]\n"
    )


def test_who_cannot_be_told_the_tool_is_told_the_command_of_each(environment: Path) -> None:
    assert installation.commands("console") == EACH


@pytest.mark.parametrize(
    ("was", "command"),
    [
        ("incidents", "'incidents[console]'"),
        ("incidents[postgresql, webhook]==0.1.0",
         "'incidents[postgresql,webhook,console]==0.1.0'"),
        ("incidents[console]", "'incidents[console]'"),
        ("/srv/incidents[filing]", "'/srv/incidents[filing,console]'"),
        ("/srv/dist/incidents-0.1.0-py3-none-any.whl",
         "'/srv/dist/incidents-0.1.0-py3-none-any.whl[console]'"),
    ],
)  # fmt: skip
def test_pipx_is_given_what_it_was_given_and_the_extra(
    environment: Path, was: str, command: str
) -> None:
    by_pipx(environment, package_or_url=was)
    assert installation.commands("console") == [f"pipx install --force {command}"]


@pytest.mark.parametrize(
    ("was", "command"),
    [
        ('{ name = "incidents" }', "'incidents[console]'"),
        ('{ name = "incidents", extras = ["postgresql"], specifier = ">=0.1" }',
         "'incidents[postgresql,console]>=0.1'"),
        ('{ name = "incidents", directory = "/srv/incidents" }', "'/srv/incidents[console]'"),
        ('{ name = "incidents", editable = "/srv/incidents" }',
         "--editable '/srv/incidents[console]'"),
        ('{ name = "incidents", path = "/srv/incidents-0.1.0-py3-none-any.whl" }',
         "'/srv/incidents-0.1.0-py3-none-any.whl[console]'"),
    ],
)  # fmt: skip
def test_uv_is_given_what_it_was_given_and_the_extra(
    environment: Path, was: str, command: str
) -> None:
    by_uv(environment, '{ name = "another" }', was)
    assert installation.commands("console") == [f"uv tool install {command}"]


@pytest.mark.parametrize("kept", ["", "{}", "[]", "null", '{"main_package": 7}', "\xff"])
def test_what_a_tool_keeps_in_another_way_names_no_tool(environment: Path, kept: str) -> None:
    for name in ("pipx_metadata.json", "uv-receipt.toml"):
        (environment / name).write_text(kept, encoding="latin-1")
    assert installation.commands("console") == EACH


@pytest.mark.parametrize(
    "main_package",
    [
        {"package": "other", "package_or_url": "other"},
        {"package": "incidents", "package_or_url": "incidents", "suffix": "-2"},
        {"package_or_url": "git+https://host.example/incidents"},
    ],
)
def test_a_program_that_another_one_brought_or_that_has_another_name_names_no_tool(
    environment: Path, main_package: dict[str, str]
) -> None:
    by_pipx(environment, **main_package)
    by_uv(environment, '{ name = "other" }')
    assert installation.commands("console") == EACH


def test_each_error_of_a_missing_library_names_its_extra_and_the_command_for_each_tool() -> None:
    class NoneError(errors.LibraryError):
        """uvicorn is not installed, but the service needs it"""

        extra = "console"

    pip, pipx, uv = EACH
    assert str(NoneError()) == (
        'uvicorn is not installed, but the service needs it: install the extra "console" with'
        f" {pip}, {pipx} or {uv}"
    )


def test_the_version_is_told_where_no_git_can_be_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "incidents", "--version"], cwd=tmp_path,
        env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"incidents {__version__} (commit {installation.commit()})\n"
