"""The arguments of `scripts/bench`, read with the standard library alone.

So `python3 -m bench.arguments …` answers for help, and for what is mistyped, before anything is set
up to measure with.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench import checkout
from bench.scenarios import COMPARED, NAMES

ROUNDS = {"tiny": 1, "small": 3, "full": 5}
ROUNDS_AGAINST = {"tiny": 1, "small": 5, "full": 5}


def read(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What is asked for; by default, of this process.

    Raises:
        SystemExit: with 0 after the help, with 2 if there is no such option, scenario or commit.
    """
    parser = _parser()
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.scenarios) - set(NAMES))
    if unknown:
        parser.error(f"no such scenario: {', '.join(unknown)} (there are {', '.join(NAMES)})")
    if asked.against is not None and checkout.commit(asked.against) is None:
        parser.error(f"this clone has no commit {asked.against!r}")
    return asked


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures the desk beside floors and peers, in turn, on this machine.",
    )
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO",
        help=f"default: all of {', '.join(NAMES)}",
    )  # fmt: skip
    parser.add_argument("--size", choices=list(ROUNDS), default="small")
    parser.add_argument("--rounds", type=int, metavar="N", help="default: 3; 5 if full or against")
    parser.add_argument("--db", choices=["sqlite", "postgresql"], help="default: both")
    parser.add_argument("--only-ours", action="store_true", help="leave the peers out")
    parser.add_argument(
        "--against", metavar="COMMIT",
        help="measure this tree and that commit's, each by its own bench, in turn and without "
        "peers; print the ratios, below 1.00 where this tree is slower. No new round begins that "
        "would not end within 30 minutes, and one that is still running then is stopped. "
        f"Default: {', '.join(COMPARED)}",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results, or read them")
    parser.add_argument("--folder", type=Path, help="where the databases lie, on a real disk")
    parser.add_argument(
        "--page", action="store_true",
        help="measure nothing: draw docs/explanation/speed.md from its JSON, or from --json FILE",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    read()
