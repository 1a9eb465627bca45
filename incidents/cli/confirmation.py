"""The confirmation: what a person types at a terminal, or has said in advance."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from incidents.cli.run import is_terminal


def answered(lines: Sequence[str], confirm: str | None) -> str | None:
    """What `confirm` says, or what is typed at the end of those lines; None without a terminal."""
    if confirm is not None or not is_terminal(sys.stdin):
        return confirm
    # A question, on standard error.
    print(*lines, sep="\n", end="", file=sys.stderr, flush=True)  # noqa: T201
    try:
        return sys.stdin.readline()
    except KeyboardInterrupt:
        print("\nThat was not confirmed, so nothing is done.", file=sys.stderr)  # noqa: T201
        raise
