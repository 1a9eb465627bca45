"""The hot path: the code that decides the figures, and whether the page's figures are older.

`python -m bench.hot_path` prints one line for `scripts/check`; old figures are no failure.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from bench import checkout

# What a logged violation and a clock that fires run through.
PATHS = (
    "incidents/machine", "incidents/desk", "incidents/store", "incidents/daemon",
    "incidents/contract/case_documents.py", "incidents/record/sealing.py",
    "incidents/system/group_commit.py", "incidents/tlog",
)  # fmt: skip
_SHORT = 7


def age(results: Path) -> str:
    """One line: how far the code has moved on since these results were measured."""
    commit = json.loads(results.read_text(encoding="utf-8")).get("commit")
    if commit is None:
        return f"{results.name} does not name the commit that it measured"
    name = commit[:_SHORT]
    if checkout.commit(commit) is None:
        return (
            f"{results.name} measured {name}, which this clone does not have, so its age is "
            "unknown (a shallow clone? git fetch --unshallow)"
        )
    files = checkout.changed(commit, PATHS)
    if not files:
        return f"{results.name} measured {name}; the hot path has not changed since"
    return (
        f"{results.name} measured {name}; {len(files)} files of the hot path have changed since "
        f"({_places(files)}). Compare: scripts/bench --against {name}. "
        "Measure again: bench/README.md"
    )


def _places(files: list[str]) -> str:
    places = Counter(str(Path(*Path(file).parts[:2])) for file in files)
    return ", ".join(f"{place}: {count}" if count > 1 else place for place, count in places.items())


if __name__ == "__main__":
    print(age(checkout.ROOT / "docs" / "explanation" / "speed.json"))
