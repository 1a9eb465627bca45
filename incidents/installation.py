"""The installation: which build of the program this is, and how to add an extra to it.

The build runs this file by itself (scripts/catalogues.py), so it imports the standard library
only.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

NAME = "incidents"
_PACKAGE = Path(__file__).parent
COMMIT_FILE = "commit.txt"
"""The file of the package in which a build names its commit; a checkout has none."""

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHOWN = 7
"""The number of digits of a commit that are shown, as git shows it."""


def version() -> str:
    """The version and the commit that the program was made from: `0.1.0 (commit abc1234)`."""
    from incidents import __version__

    made_from = commit()
    return __version__ if made_from is None else f"{__version__} (commit {made_from})"


def commit() -> str | None:
    """The commit that the program was made from, in short; None if nothing names it."""
    try:
        return (_PACKAGE / COMMIT_FILE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return commit_of(_PACKAGE.parent)


def commit_of(checkout: Path) -> str | None:
    """The commit of a checkout, in short, read without git; None if the folder is no checkout."""
    try:
        found = _head(checkout / ".git")
    except (OSError, ValueError):
        return None
    return found[:_SHOWN] if _HASH.fullmatch(found) else None


def _head(git: Path) -> str:
    if git.is_file():
        # A worktree, which shares the branches of its repository.
        git = git.parent / _read(git).removeprefix("gitdir: ")
    head = _read(git / "HEAD")
    if not head.startswith("ref: "):
        return head
    branch = head.removeprefix("ref: ")
    shared = git / "commondir"
    common = git / _read(shared) if shared.exists() else git
    if (common / branch).exists():
        return _read(common / branch)
    packed = (line.split(" ") for line in _read(common / "packed-refs").splitlines())
    return next((parts[0] for parts in packed if parts[1:] == [branch]), "")


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()


# ── extras ───────────────────────────────────────────────────────────────────────────────────────

_TOOLS = ("pip install", "pipx install --force", "uv tool install")
_PIP, _PIPX, _UV = _TOOLS

# A file or folder, or a name; its extras; and what follows a name, such as a version.
_REQUIREMENT = re.compile(r"(/[^\[]+|[\w.-]+) *(?:\[([\w, -]*)\])?( *[=<>!~@;].*)?")


def commands(extra: str) -> list[str]:
    """The commands that add an extra: of the tool that installed the program, or of each.

    pipx and uv make the program's environment anew, so their commands keep its other extras.
    """
    own = _of_pipx(Path(sys.prefix), extra) or _of_uv(Path(sys.prefix), extra)
    return [own] if own else [f"{tool} {_quoted(NAME, [extra])}" for tool in _TOOLS]


def _of_pipx(environment: Path, extra: str) -> str | None:
    import json

    try:
        kept = json.loads(_read(environment / "pipx_metadata.json"))["main_package"]
        found = _REQUIREMENT.fullmatch(kept["package_or_url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # Another program may have been given this one, or this one a name of its own.
    if kept.get("package") != NAME or kept.get("suffix") or found is None:
        return None
    what, extras, rest = found.groups("")
    return f"{_PIPX} {_quoted(what, [*extras.split(','), extra], rest)}"


def _of_uv(environment: Path, extra: str) -> str | None:
    import tomllib

    try:
        kept = tomllib.loads(_read(environment / "uv-receipt.toml"))["tool"]["requirements"]
        [own] = [each for each in kept if each["name"] == NAME]
        where = own.get("directory") or own.get("path") or own.get("editable") or NAME
        option = "--editable " if "editable" in own else ""
        extras = [*own.get("extras", []), extra]
        return f"{_UV} {option}{_quoted(where, extras, own.get('specifier', ''))}"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _quoted(what: str, extras: list[str], rest: str = "") -> str:
    import shlex

    names = dict.fromkeys(name.strip() for name in extras if name.strip())
    return shlex.quote(f"{what}[{','.join(names)}]{rest}")
