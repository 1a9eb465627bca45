"""The looks at pages of a served desk: one contender for each size of its database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from bench import workers
from bench.context import settle
from bench.databases import Databases
from bench.exchange import median_ms
from bench.service import serving
from bench.trial import Contender, Figure


def contenders(  # noqa: PLR0913 - all differ between the scenarios
    stack: ExitStack, databases: Databases, written: str, journal: Path, *,
    sizes: tuple[int, int], grow: Callable[[str, int], None], unit: str,
    asked: Mapping[str, bytes], label: Callable[[str, int], str], looks: int,
) -> list[Contender]:  # fmt: skip
    """A server over a copy of the database `written` for each size, to which `grow` brings it.

    `asked`: the requests by the names of their pages, each sent `looks` times.
    """

    def looking(size: int) -> Contender:
        url = stack.enter_context(databases.copy(written))
        grow(url, size)
        port = stack.enter_context(serving(url, journal.with_name(f"{journal.name}-{size}")))

        def once() -> list[Figure]:
            settle()
            return [
                Figure(label(what, size), workers.alone(median_ms, port, each, looks), "ms")
                for what, each in asked.items()
            ]

        how = "incidents serve, one process"
        return Contender(name=f"{size:,} {unit}", role="ours", how=how, run=once)

    return [looking(size) for size in sizes]
