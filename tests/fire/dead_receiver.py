"""The dead receiver: what waits for it, and how the orders of a healthy receiver fare beside that.

Very many orders wait for receivers that accept each connection and never answer. A healthy receiver
has ordinary orders, due in the middle of the others, and then urgent holds, one after the other. A
real daemon carries them out; measured is when the healthy receiver gets them.

    python -m tests.fire.dead_receiver --database postgresql --waiting 100000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

from sqlalchemy import Engine, insert, select

from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store.database.engine import writing
from incidents.store.schema.log_tables import deliveries, orders
from incidents.store.schema.tables import sites
from tests.acceptance.daemons import daemon, desk_at, engine_of, log_on
from tests.databases import Databases, postgresql_server, sqlite_folder
from tests.fire.deliveries_scene import SECRET
from tests.patience import until

FIRST_ID = 1_000_000
_BATCH = 5_000
_LOOKS = 20_000
_BETWEEN_HOLDS_S = 2.0


@dataclass(kw_only=True)
class Receivers:
    """Two receivers on the loopback: a dead one, and one that says when it got each site's order.

    `got`: by site, the time of arrival on this process's monotonic clock, in seconds.
    """

    got: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    dead_port: int = 0
    port: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer 200 to each request."""
        try:
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
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def hang(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read, and never answer."""
        self.asked += 1
        while await reader.read(65_536):
            pass
        writer.close()


@contextmanager
def receivers() -> Iterator[Receivers]:
    """Both receivers, in a thread, until the block ends."""
    found, loop = Receivers(), asyncio.new_event_loop()

    async def listen() -> None:
        dead = await asyncio.start_server(found.hang, "127.0.0.1", 0)
        healthy = await asyncio.start_server(found.answer, "127.0.0.1", 0)
        found.dead_port, found.port = (
            each.sockets[0].getsockname()[1] for each in (dead, healthy)
        )

    loop.run_until_complete(listen())
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


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
                [like | {"id": FIRST_ID + n, "name": f"s-{n}.dead-{n % dead}.example"} for n in each],
            )
            data = {"suspension": "1", "rule": "unreachable", "incident": "1"}
            connection.execute(
                insert(orders),
                [own | {"data": data, "created_at": at[n]} for n, own in zip(each, of, strict=True)],
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
    """Seconds. `ordinary`: from the daemon's start until the healthy receiver had all of its own
    orders. `holds`: of each urgent hold, from its decision until the receiver had it, and until it
    was on record. `asked`: the connections that the dead receiver got."""

    ordinary: float
    holds: list[tuple[float, float]]
    asked: int


def measure(
    url: str, folder: Path, *, waiting: int, dead: int, ordinary: int, holds: int, daemons: int = 1
) -> Figures:
    """Let the orders wait, start the daemons, give the holds."""
    names = [f"o-{n}.healthy.example" for n in range(ordinary)]
    with engine_of(url) as engine, receivers() as to:
        now = clock.now()
        suspend(engine, names or ["like.healthy.example"], now)
        let_wait(engine, waiting, dead, now)
        began = time.monotonic()
        env = settings(folder, to, dead)
        with daemon(url, folder, env=env):
            others = [daemon(url, folder, env=env) for _ in range(daemons - 1)]
            for other in others:
                other.__enter__()
            until(lambda: to.got.keys() >= set(names), "the ordinary orders", looks=_LOOKS)
            took = max((to.got[name] for name in names), default=began) - began
            print(f"{ordinary} ordinary orders: {took:.1f} s", flush=True)
            found = [_held(engine, to, f"urgent-{n}.healthy.example") for n in range(holds)]
            for other in others:
                other.__exit__(None, None, None)
        return Figures(ordinary=took, holds=found, asked=to.asked)


def _held(engine: Engine, to: Receivers, name: str) -> tuple[float, float]:
    began = time.monotonic()
    hold(engine, name)
    until(lambda: name in to.got, "the urgent hold", looks=_LOOKS)
    until(lambda: is_down(engine, name), "the urgent hold's record", looks=_LOOKS)
    found = to.got[name] - began, time.monotonic() - began
    print(f"hold: {found[0]:.2f} s to the receiver, {found[1]:.2f} s to the record", flush=True)
    time.sleep(_BETWEEN_HOLDS_S)
    return found


@contextmanager
def databases_of(kind: str) -> Iterator[Databases]:
    """Databases of that kind."""
    with postgresql_server() if kind == "postgresql" else sqlite_folder() as found:
        yield found


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--dead", type=int, default=1, help="dead adapters")
    parser.add_argument("--ordinary", type=int, default=500)
    parser.add_argument("--holds", type=int, default=5)
    parser.add_argument("--daemons", type=int, default=1)
    asked = parser.parse_args()
    with (
        databases_of(asked.database) as databases,
        databases.empty() as url,
        tempfile.TemporaryDirectory() as folder,
    ):
        from incidents.store.database.schema import upgrade

        upgrade(url, rehearsal=True)
        figures = measure(
            url, Path(folder), waiting=asked.waiting, dead=asked.dead, ordinary=asked.ordinary,
            holds=asked.holds, daemons=asked.daemons,
        )  # fmt: skip
    longest = max((each for _, each in figures.holds), default=0.0)
    print(
        f"{asked.database}: {asked.waiting:,} orders wait for {asked.dead} dead; the dead receiver "
        f"got {figures.asked} connections; {asked.ordinary} ordinary orders {figures.ordinary:.1f} s; "
        f"the longest hold {longest:.2f} s"
    )


if __name__ == "__main__":
    main()
