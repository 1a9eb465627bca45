"""The checkout: its commit, what has changed in it since another one, and that one's files.

With the standard library alone: `scripts/check` and the arguments are answered before anything is
set up.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
MEASURED = ("incidents", "bench")


def commit(revision: str = "HEAD") -> str | None:
    """The full hash of a revision; None if this clone does not have it, or is none."""
    # A folder inside another project's checkout is none of that project's commits.
    if _git("rev-parse", "--show-prefix") != "":
        return None
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return _git(*words) or None


def state() -> dict[str, Any]:
    """The commit that is measured here, and whether the measured folders differ from it."""
    found = commit()
    if found is None:
        return {"commit": None}
    return {"commit": found, "dirty": bool(_git("status", "--porcelain", "--", *MEASURED))}


def changed(since: str, paths: Sequence[str]) -> list[str]:
    """The files below `paths` that differ from that commit's, committed or not."""
    return (_git("diff", "--name-only", since, "--", *paths) or "").splitlines()


def unpack(revision: str, folder: Path) -> None:
    """Writes that commit's files into `folder`; the repository remembers nothing of it."""
    with subprocess.Popen(
        ["git", "archive", "--format=tar", revision], cwd=ROOT, stdout=subprocess.PIPE
    ) as archive:
        subprocess.run(["tar", "-x", "-C", folder], check=True, stdin=archive.stdout)
    if archive.returncode != 0:
        raise RuntimeError(f"git archive {revision} ended with {archive.returncode}")


def _git(*words: str) -> str | None:
    """What git answers; None if it fails, or is not there."""
    try:
        done = subprocess.run(
            ["git", *words], cwd=ROOT, check=False, capture_output=True, text=True
        )
    except FileNotFoundError:
        return None
    return done.stdout.rstrip("\n") if done.returncode == 0 else None
