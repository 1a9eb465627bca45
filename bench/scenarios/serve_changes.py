"""The changes: two hundred consoles hear of what was done elsewhere, and have the new list.

Measured: milliseconds from the commit of a change until the last of 200 consoles has heard of it on
its stream of server-sent events (`GET /changes`), and until the last has the whole new list of the
queue (`GET /queue/list`, 50 items), each over a connection of its own and in which the change is
looked for. The change is made by the desk in another process than the server, as a command line or
a daemon makes it: somebody takes an item of the first page. Of all changes of a round the median
and the slowest one.

A real `incidents serve` of one process; ten accounts with 20 consoles each, which is the most that
one account may have, each in a session of its own. All consoles are one process on the same
machine, which reads what comes and draws nothing.

Not measured: the browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from statistics import median

from bench import workers
from bench.context import Context, settle
from bench.databases import Databases
from bench.exchange import length_of, request, status_of
from bench.register import LOGIN, add_sites, desk_of, logging, site_name, submit, taken
from bench.service import serving, sessions
from bench.trial import Contender, Figure, Target, Trial
from incidents.desk import Envelope
from incidents.machine.commands import ClaimItem, Command, ReleaseItem

ACCOUNTS = 10
HEARD, SEEN = "all have heard", "all have the new list"
_PAGE = 50
_PAUSE_S = 1.0
_PATIENCE_S = 30.0

Headers = Mapping[str, str]


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    for databases in context.each():
        yield from _trial(context, databases)


def _trial(context: Context, databases: Databases) -> Iterator[Trial]:
    each = context.of_size(tiny=1, small=20, full=20)
    changes = context.of_size(tiny=2, small=10, full=15)
    with ExitStack() as stack:
        url = stack.enter_context(databases.new())
        _write(url, _PAGE)
        who = sessions(url, [f"operator-{n}" for n in range(1, ACCOUNTS + 1)], each)
        port = stack.enter_context(serving(url, context.folder / f"serve-changes-{databases.kind}"))
        numbers = count(1)

        def once() -> list[Figure]:
            settle()
            first = next(numbers) * changes - changes + 1
            found = workers.alone(_watch, url, port, who, range(first, first + changes))
            return [
                Figure(f"{what}, {which}", of(times) * 1_000, "ms")
                for what, times in zip((HEARD, SEEN), found, strict=True)
                for which, of in (("median", median), ("slowest", max))
            ]

        yield Trial(
            scenario="serve_changes",
            database=databases.kind,
            title=f"{ACCOUNTS * each} consoles, {changes} changes a round",
            contenders=[
                Contender(
                    name="the console", role="ours", how="incidents serve, one process", run=once
                )
            ],
            targets=[Target(of=f"{SEEN}, slowest", at_most=1_000)],
        )


def _write(url: str, sites: int) -> None:
    """Sites with an open incident each, all on the first page."""
    with desk_of(url) as desk:
        add_sites(desk, range(1, sites + 1))
        submit(desk, [(site_name(n), logging(n, 1).command) for n in range(1, sites + 1)])


def _watch(
    url: str, port: int, who: Sequence[Headers], sites: Sequence[int]
) -> tuple[list[float], list[float]]:
    return asyncio.run(_watched(url, port, who, sites))


async def _watched(
    url: str, port: int, who: Sequence[Headers], sites: Sequence[int]
) -> tuple[list[float], list[float]]:
    """Seconds until all have heard of each change, and until all have seen it."""
    consoles = [_Console(port, headers) for headers in who]
    await asyncio.gather(*(console.open() for console in consoles))
    heard, seen = [], []
    with desk_of(url) as desk:
        for n in sites:
            # Later than the look that has told of the one before, and the lists have come.
            await asyncio.sleep(_PAUSE_S)
            waiting = [
                asyncio.create_task(console.sees(f"watcher-{n}".encode())) for console in consoles
            ]
            await asyncio.sleep(0)
            await asyncio.to_thread(partial(taken, desk, _taking(n)))
            committed = workers.moment()
            times = await asyncio.wait_for(asyncio.gather(*waiting), _PATIENCE_S)
            heard.append(max(time for time, _ in times) - committed)
            seen.append(max(time for _, time in times) - committed)
    for console in consoles:
        console.close()
    return heard, seen


def _taking(n: int) -> list[Envelope]:
    """Somebody takes an item of the first page, which whoever has it gives back."""
    commands: list[Command] = [ClaimItem(by=f"watcher-{n}", item="1")]
    if n > _PAGE:
        commands.insert(0, ReleaseItem(by=f"watcher-{n - _PAGE}", item="1"))
    site = site_name((n - 1) % _PAGE + 1)
    return [Envelope(site=site, command=command, login=LOGIN) for command in commands]


class _Console:
    """One open page of the queue: its stream, and the connection on which it asks for the list."""

    def __init__(self, port: int, headers: Headers) -> None:
        self._port = port
        self._stream_asked = request("GET", "/changes", headers)
        self._list_asked = request("GET", "/queue/list", headers)

    async def open(self) -> None:
        """Listens, and has the list."""
        self._stream, self._to_stream = await asyncio.open_connection("127.0.0.1", self._port)
        self._to_stream.write(self._stream_asked)
        await self._stream.readuntil(b"event: hello\n")
        await self._stream.readuntil(b"\n\n")
        self._lists, self._to_lists = await asyncio.open_connection(
            "127.0.0.1", self._port, limit=1 << 20
        )
        await self._list()

    async def sees(self, marker: bytes) -> tuple[float, float]:
        """When it first heard of a change, and when it had a list with the marker in it."""
        first = None
        while True:
            await self._stream.readuntil(b"event: changed\n")
            first = first or workers.moment()
            if marker in await self._list():
                return first, workers.moment()

    def close(self) -> None:
        """Goes away."""
        self._to_stream.close()
        self._to_lists.close()

    async def _list(self) -> bytes:
        self._to_lists.write(self._list_asked)
        head = await self._lists.readuntil(b"\r\n\r\n")
        if status_of(head) != 200:
            raise RuntimeError(f"answered with {status_of(head)}")
        return await self._lists.readexactly(length_of(head))
