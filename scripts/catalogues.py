"""The catalogues of words: compiles each .po file into the .mo file that the program reads.

`python -m scripts.catalogues` compiles those that are older than their source; the build does the
same (`[tool.hatch.build.hooks.custom]`), since compiled files are not committed. It also writes
down the commit that it builds from, since what is installed knows no git.
"""

from __future__ import annotations

import os
import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parents[1]
FOLDER = "incidents/locale"


def sources(root: Path = ROOT) -> list[Path]:
    """The catalogues, each language's own."""
    return sorted((root / FOLDER).glob("*/LC_MESSAGES/*.po"))


def compile_stale(root: Path = ROOT) -> list[Path]:
    """Compile the catalogues that were changed since; returns what was made."""
    return [made for source in sources(root) for made in _compiled(source)]


def _compiled(source: Path) -> Iterator[Path]:
    made = source.with_suffix(".mo")
    if made.exists() and made.stat().st_mtime_ns > source.stat().st_mtime_ns:
        return
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with source.open("rb") as file:
        catalogue = read_po(file, locale=source.parents[1].name, abort_invalid=True)
    new = made.with_suffix(f".{os.getpid()}.new")
    with new.open("wb") as file:
        write_mo(file, catalogue)
    # A concurrent reader gets one of the two.
    new.replace(made)
    yield made


class Catalogues(BuildHookInterface[Any]):
    """The same, when a wheel or an editable installation is made; and the commit."""

    _made: TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, have the wheel take what git ignores, and add a file that names the commit."""
        root = Path(self.root)
        compile_stale(root)
        build_data["artifacts"].append(f"/{FOLDER}/**/*.mo")
        # An editable installation asks its checkout, and a source distribution brings the file.
        if version != "editable" and (commit := _commit(root)) is not None:
            self._made = TemporaryDirectory()
            file = Path(self._made.name, "commit.txt")
            file.write_text(f"{commit}\n", encoding="ascii")
            build_data["force_include"][str(file)] = "incidents/commit.txt"

    def finalize(self, _version: str, _build_data: dict[str, Any], _artifact: str) -> None:
        """Remove what is in the artifact by now."""
        if self._made is not None:
            self._made.cleanup()


def _commit(root: Path) -> str | None:
    # By its path: the build's own environment does not have the package.
    commit: str | None = runpy.run_path(str(root / "incidents/installation.py"))["commit_of"](root)
    return f"{commit}, changed" if commit and _is_changed(root) else commit


def _is_changed(root: Path) -> bool:
    """Whether a file differs from the commit; without git, nobody can say, and it counts as not."""
    try:
        done = subprocess.run(["git", "-C", root, "diff", "--quiet", "HEAD"], check=False)
    except OSError:
        return False
    return done.returncode == 1


if __name__ == "__main__":
    for path in compile_stale():
        print(f"{path.relative_to(ROOT)} made")
