"""The catalogues of words: compiles each .po file into the .mo file that the program reads.

`python -m scripts.catalogues` compiles those that are older than their source; the build does the
same (`[tool.hatch.build.hooks.custom]`), since compiled files are not committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
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
    """The same, when a wheel or an editable installation is made."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the wheel take what git ignores."""
        compile_stale(Path(self.root))
        build_data["artifacts"].append(f"/{FOLDER}/**/*.mo")


if __name__ == "__main__":
    for path in compile_stale():
        print(f"{path.relative_to(ROOT)} made")
