"""The list of generated files, each with its text, and the parts of pages between marks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from incidents.machine import diagram
from scripts.generated import (
    action_helps,
    client_actions,
    commands,
    database,
    entry,
    picture,
    policy,
    refusals,
    roles,
    sbom,
    settings,
    site,
    walk,
)

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

WHOLE: dict[str, Callable[[], str]] = {
    "pictures/desk.svg": picture.svg,
    "reference/commands.md": commands.text,
    "reference/policy.md": policy.text,
    "reference/entry.md": entry.text,
    "reference/refusals.md": refusals.text,
    "reference/roles.md": roles.text,
    "reference/settings.md": settings.text,
    "reference/database.md": database.text,
    "../requirements/sbom.cdx.json": sbom.text,
    "../zensical.toml": site.text,
    "../incidents/cli/action_helps.py": action_helps.text,
    "../incidents/client/actions.py": client_actions.text,
}
"""The files that are made as a whole, by their paths from docs/."""

PARTS: dict[str, Callable[[str], str]] = {
    "explanation/state-machines.md": lambda command: (
        f"```mermaid\n{diagram.mermaid(command.split()[-1])}\n```"
    ),
    "explanation/the-one-idea.md": lambda _: walk.text(),
}
"""The pages with parts that are made, between `<!-- … -->` and `<!-- end -->`."""

_PART = re.compile(r"(<!-- (?P<mark>[^>]+?) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL)


def made() -> Iterator[tuple[Path, str]]:
    """Each file with the text that it must have."""
    for name, text in WHOLE.items():
        yield (DOCS / name).resolve(), text()
    for name, part in PARTS.items():
        yield DOCS / name, with_parts((DOCS / name).read_text(encoding="utf-8"), part)


def stale() -> Iterator[tuple[Path, str]]:
    """The files that differ from their text."""
    for file, text in made():
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            yield file, text


def with_parts(page: str, part: Callable[[str], str]) -> str:
    """The page with its parts made again."""
    return _PART.sub(lambda found: f"{found[1]}\n{part(found['mark'])}\n\n{found[4]}", page)
