"""The dead receiver: what waits for it, and how the orders of a healthy receiver fare beside that.

Very many orders wait for receivers that accept each connection and never answer. A healthy receiver
has ordinary orders, due in the middle of the others, and then urgent holds, one after the other. A
real daemon carries them out.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, func, insert, select

from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store.database.engine import writing
from incidents.store.schema.log_tables import deliveries, orders
from incidents.store.schema.tables import sites
from tests.acceptance.daemons import daemon, desk_at, engine_of, log_on
from tests.databases import postgresql_server, sqlite_folder
from tests.fire.deliveries_scene import SECRET
from tests.patience import PATIENCE_S, until

UNIT = "urgent holds"
ON_POSTGRESQL, ON_SQLITE = 100_000, 20_000
ORDINARY, HOLDS = 500, 5

WITHIN_S = 5.0
"""The longest time until an urgent hold is carried out and on record."""

FIRST_ID = 1_000_000
"""The first site's number of those whose orders are for a dead receiver."""

_BATCH = 5_000
_MOST_LOOKS = 20_000
_BETWEEN_HOLDS_S = 1.0


@dataclass(kw_only=True)
class Receivers:
    """Two receivers on the loopback: a dead one, and one that says when it got each site's order.

    `got`: by site, the time of arrival on this process's monotonic clock, in seconds.
    """

    got: dict[str, float] = field(default_factory=dict)
    dead_port: int = 0
    port: int = 0
    loop: asyncio.AbstractEventLoop = field(init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def listen(self, listening: Future[asyncio.Event]) -> None:
        """Listen until the event that is answered is set."""
        dead = await asyncio.start_server(self._hang, "127.0.0.1", 0)
        healthy = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        async with dead, healthy:
            self.dead_port, self.port = (
                each.sockets[0].getsockname()[1] for each in (dead, healthy)
            )
            over = asyncio.Event()
            self.loop = asyncio.get_running_loop()
            listening.set_result(over)
            await over.wait()
            for task in self._tasks:
                task.cancel()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._at_work(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                [length] = [
                    int(line.partition(b":")[2])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ]
                body = json.loads(await reader.readexactly(length))
                self.got.setdefault(body["data"]["site"], time.monotonic())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()

    async def _hang(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._at_work(writer), suppress(ConnectionError):
            while await reader.read(65_536):
                pass

    @contextmanager
    def _at_work(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(asyncio.CancelledError), closing(writer):
            yield
        self._tasks.discard(task)


@contextmanager
def receivers() -> Iterator[Receivers]:
    """Both receivers, in a thread, until the block ends."""
    found, listening = Receivers(), Future[asyncio.Event]()
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(asyncio.run, found.listen(listening))
        over = listening.result(PATIENCE_S)
        try:
            yield found
        finally:
            found.loop.call_soon_threadsafe(over.set)
            ended.result(PATIENCE_S)


def settings(folder: Path, to: Receivers, dead: int) -> dict[str, str]:
    """The settings of a healthy adapter and of `dead` adapters whose receiver never answers."""
    url = "http://127.0.0.1:{}/orders"
    text = '[acts]\nadapter = "healthy"\n[acts.brake]\ncount = 0\n'
    text += _adapter("healthy", url.format(to.port))
    for n in range(dead):
        text += f'[[acts.group]]\nsites = ["*.dead-{n}.example"]\nadapter = "dead-{n}"\n'
        text += _adapter(f"dead-{n}", url.format(to.dead_port))
    file = folder / "config.toml"
    file.write_text(text)
    return {"INCIDENTS_CONFIG": str(file)}


def _adapter(name: str, url: str) -> str:
    return (
        f'[acts.{name}]\ntype = "webhook"\nurl = "{url}"\nsecret = "{SECRET}"\n'
        'allow = ["127.0.0.1"]\n'
    )


def let_wait(engine: Engine, many: int, dead: int, now: datetime) -> None:
    """So many sites with one order each, for the dead adapters in turn.

    They fell due at even distances in the two hours before `now`.
    """
    with engine.connect() as connection:
        like = dict(connection.execute(select(sites).limit(1)).mappings().one())
    for first in range(0, many, _BATCH):
        each = range(first, min(first + _BATCH, many))
        at = {n: now - timedelta(hours=2) * (1 - n / many) for n in each}
        of = [{"site_id": FIRST_ID + n, "site_seq": 2, "n": 1, "kind": "suspend"} for n in each]
        with writing(engine) as connection:
            connection.execute(
                insert(sites),
                [
                    like | {"id": FIRST_ID + n, "name": f"s-{n}.dead-{n % dead}.example"}
                    for n in each
                ],
            )
            data = {"suspension": "1", "rule": "unreachable", "incident": "1"}
            connection.execute(
                insert(orders),
                [
                    own | {"data": data, "created_at": at[n]}
                    for n, own in zip(each, of, strict=True)
                ],
            )
            rest = {"lane": "act", "dead": False, "attempts": 0}
            connection.execute(
                insert(deliveries),
                [
                    own | rest | {"since": at[n], "next_at": at[n]}
                    for n, own in zip(each, of, strict=True)
                ],
            )


def suspend(engine: Engine, names: Sequence[str], now: datetime) -> None:
    """Ordinary orders for the healthy adapter: suspensions that fell due an hour before `now`."""
    log_on(engine, names, now - timedelta(hours=2))
    desk = desk_at(engine, now - timedelta(hours=1))
    while desk.elapse():
        pass


def hold(engine: Engine, name: str) -> None:
    """An urgent hold, now."""
    desk = Desk(engine)
    held = c.SetHold(by="operator-1", reason="ordered")
    answers = desk.submit(
        [Envelope(site=name, command=each) for each in (c.AddSite(by="operator-1"), held)]
    )
    assert all(answer.refusal is None for answer in answers)


def is_down(engine: Engine, name: str) -> bool:
    """Whether it is on record that the site is down."""
    with engine.connect() as connection:
        in_force = select(sites.c.in_force).where(sites.c.name == name)
        return connection.scalar(in_force) == "suspended"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured.

    `ordinary_s`: the seconds from the daemons' start until the healthy receiver had all of its
    ordinary orders. `holds_s`: of each urgent hold, the seconds from the decision until it was on
    record that the site is down. `claimed`: how many orders for the dead receiver were claimed.
    """

    ordinary_s: float
    holds_s: list[float]
    claimed: int


def chunk(seed: int, folder: Path) -> Counter[str]:
    """With an odd seed 100,000 orders wait on PostgreSQL, else fewer on SQLite.

    Raises:
        AssertionError: if a hold took longer than promised.
    """
    if seed % 2:
        with postgresql_server() as databases, databases.at_head() as url:
            found = measure(url, folder, waiting=ON_POSTGRESQL)
    else:
        with sqlite_folder() as databases_, databases_.at_head() as url:
            found = measure(url, folder, waiting=ON_SQLITE)
    longest_s = max(found.holds_s)
    assert longest_s <= WITHIN_S, f"an urgent hold took {longest_s:.1f} s"
    return Counter(
        {
            "urgent holds": len(found.holds_s),
            "milliseconds of urgent holds": round(sum(found.holds_s) * 1_000),
            "ordinary orders": ORDINARY,
            "milliseconds until all ordinary orders had arrived": round(found.ordinary_s * 1_000),
            "orders for the dead receiver that were claimed": found.claimed,
        }
    )


def measure(
    url: str,
    folder: Path,
    *,
    waiting: int,
    dead: int = 1,
    ordinary: int = ORDINARY,
    holds: int = HOLDS,
    daemons: int = 1,
) -> Figures:
    """Let the orders wait, start the daemons, give the holds."""
    names = [f"o-{n}.healthy.example" for n in range(ordinary)]
    with ExitStack() as stack:
        engine, to = stack.enter_context(engine_of(url)), stack.enter_context(receivers())
        now = clock.now()
        suspend(engine, names or ["like.healthy.example"], now)
        let_wait(engine, waiting, dead, now)
        began = time.monotonic()
        for _ in range(daemons):
            stack.enter_context(daemon(url, folder, env=settings(folder, to, dead)))
        until(lambda: to.got.keys() >= set(names), "the ordinary orders", looks=_MOST_LOOKS)
        took_s = max((to.got[name] for name in names), default=began) - began
        held = [_held(engine, f"urgent-{n}.healthy.example") for n in range(holds)]
        return Figures(ordinary_s=took_s, holds_s=held, claimed=_claimed(engine))


def _held(engine: Engine, name: str) -> float:
    began = time.monotonic()
    hold(engine, name)
    until(lambda: is_down(engine, name), "the urgent hold", looks=_MOST_LOOKS)
    took_s = time.monotonic() - began
    time.sleep(_BETWEEN_HOLDS_S)
    return took_s


def _claimed(engine: Engine) -> int:
    own = deliveries.c.tried_at.is_not(None), deliveries.c.site_id >= FIRST_ID
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(deliveries).where(*own)) or 0
