"""The receiver of the orders: a real server that does to each request whatever its seed says.

    python -m tests.fire.deliveries_receiver PORT SEED LEDGER [--calm]

It drops connections, dawdles, answers 500, 503, 429 and 410, hangs for longer than anybody waits,
closes in the middle of its answer, and kills itself. It writes down the name of each order that it
has read. Before anything of an answer is sent, the request stands in the ledger, with what it is
going to do: `done` says whether the order counts as carried out, `plan` how that is answered. Who
takes its place after a kill reads the ledger first, and so does not do the same to the same order
again and again.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from incidents import clock

PATIENCE_S = 1.0
"""The daemons' timeout for an answer, in real seconds."""

_DROPPED_UNREAD = 0.03
_CLOSED_WHEN_KEPT = 0.05
_AT_MOST_ATTEMPTS = 8
_LONGER_S = 3 * PATIENCE_S
_DAWDLES_S = (1.1 * PATIENCE_S, 3 * PATIENCE_S)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for a request: whether its order is `done`, and the answer.

    `status` is 0 for no answer; `then` is what happens after the answer, or in place of it.
    """

    done: bool
    status: int = 0
    then: str = ""
    asks_s: int = 0


PLANS: Mapping[str, tuple[float, Plan]] = {
    "ok": (52, Plan(True, 200)),
    "slow": (8, Plan(True, 202, "slow")),
    "lazy": (3, Plan(True, 204, "dripping")),
    "dawdling": (6, Plan(True, 200, "dawdling")),
    "500": (5, Plan(False, 500)),
    "503": (3, Plan(False, 503, asks_s=1)),
    "429": (4, Plan(False, 429, asks_s=1)),
    "410": (1.5, Plan(False, 410)),
    "done, and 500": (3, Plan(True, 500)),
    "done, and a redirect": (1, Plan(True, 302)),
    "dropped": (4, Plan(False)),
    "done, and dropped": (4, Plan(True)),
    "done, and cut off": (4, Plan(True, 200, "cut")),
    "hanging": (2, Plan(False, 0, "hanging")),
    "done, and hanging": (2, Plan(True, 0, "hanging")),
    "answered, and killed": (0.3, Plan(True, 200, "killed")),
    "done, and killed": (0.3, Plan(True, 0, "killed")),
    "killed": (0.3, Plan(False, 0, "killed")),
}
"""By name, each with its weight."""

_CALM = "ok"
_TIMES = {"slow": 0.3, "dripping": 1.3 * PATIENCE_S}


class Receiver:
    """One process of it."""

    def __init__(self, seed: int, ledger: Path, *, calm: bool) -> None:
        self._seed, self._calm = seed, calm
        self._attempts = Counter(line["read"] for line in read(ledger) if "read" in line)
        self._connections = count()
        # Another process of it does something else to its first connections.
        self._start = self._attempts.total()
        self._ledger = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        # A predecessor's line cut off by its death stays a line of its own.
        os.write(self._ledger, b"\n")

    async def serve(self, port: int) -> None:
        """Serve until killed."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", port, backlog=256)
        async with server:
            await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chance = random.Random(f"{self._seed} {self._start} {next(self._connections)}")
        try:
            if not self._calm and chance.random() < _DROPPED_UNREAD:
                return
            while await self._request(reader, writer):
                if not self._calm and chance.random() < _CLOSED_WHEN_KEPT:
                    return
        except (OSError, asyncio.IncompleteReadError):
            return  # whoever asked has gone
        finally:
            writer.transport.abort()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again."""
        head = await reader.readuntil(b"\r\n\r\n")
        headers = _headers(head)
        body = await reader.readexactly(int(headers["content-length"]))
        id_ = headers["webhook-id"]
        self._attempts[id_] += 1
        self._write(read=id_)
        name = self._plan_of(id_, self._attempts[id_])
        _, plan = PLANS[name]
        if plan.then == "dawdling":
            await asyncio.sleep(self._chance_of(id_).uniform(*_DAWDLES_S))
        self._write(
            id=id_, at=clock.rfc3339(clock.now()), plan=name, done=plan.done, headers=headers,
            body=body.decode("ascii"),
        )  # fmt: skip
        return await self._answer(writer, plan)

    def _plan_of(self, id_: str, attempt: int) -> str:
        if self._calm or attempt > _AT_MOST_ATTEMPTS:
            return _CALM
        weights = [weight for weight, _ in PLANS.values()]
        [name] = self._chance_of(id_).choices(list(PLANS), weights)
        return name

    def _chance_of(self, id_: str) -> random.Random:
        return random.Random(f"{self._seed} {id_} {self._attempts[id_]}")

    def _write(self, **line: Any) -> None:
        text = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        assert os.write(self._ledger, text) == len(text), "a line was cut short"

    async def _answer(self, writer: asyncio.StreamWriter, plan: Plan) -> bool:
        if plan.then == "hanging":
            await asyncio.sleep(_LONGER_S)
        if plan.then == "slow":
            await asyncio.sleep(_TIMES["slow"])
        if plan.status:
            asked = f"Retry-After: {plan.asks_s}\r\n" if plan.asks_s else ""
            text = f"HTTP/1.1 {plan.status} As it is\r\n{asked}Content-Length: 0\r\n\r\n".encode()
            if plan.then == "cut":
                text = text[: len(text) // 2]
            for piece in _pieces(text) if plan.then == "dripping" else [text]:
                writer.write(piece)
                await writer.drain()
                if plan.then == "dripping":
                    await asyncio.sleep(_TIMES["dripping"] / len(_pieces(text)))
        if plan.then == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        return bool(plan.status) and plan.then != "cut"


def read(ledger: Path) -> list[dict[str, Any]]:
    """The lines in the order in which they were written down; one that was cut short is none."""
    found = []
    for line in ledger.read_bytes().split(b"\n") if ledger.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def answers_2xx(plan: str) -> bool:
    """Whether a patient client gets the answer that it is done."""
    found = PLANS[plan][1]
    return found.done and 200 <= found.status < 300 and found.then != "cut"


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("ascii").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name.lower(): value.strip() for name, _, value in pairs}


def _pieces(text: bytes) -> list[bytes]:
    return [text[at : at + 6] for at in range(0, len(text), 6)]


if __name__ == "__main__":
    _, port, seed, ledger, *more = sys.argv
    asyncio.run(Receiver(int(seed), Path(ledger), calm="--calm" in more).serve(int(port)))
