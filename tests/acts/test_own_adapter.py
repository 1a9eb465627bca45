"""The adapter in the documentation: what others copy is found, made, asked and carried by us."""

import importlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from incidents.acts import routing
from incidents.acts.courier import Round
from incidents.acts.port import Adapter
from incidents.acts.routing import Routing
from incidents.errors import SettingError, UnknownSettingError
from incidents.machine import commands as c
from tests.acts import own_adapter_rig
from tests.acts.courier_rig import Told, courier
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.outbound.rig import Handler, Receiver, receiver

SITE = "a.example"


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The adapter as a package of somebody else's, with its entry point."""
    monkeypatch.syspath_prepend(str(own_adapter_rig.install(tmp_path / "site-packages")))
    importlib.invalidate_caches()
    yield
    importlib.invalidate_caches()


class Panel:
    """The control panel: how its sites stand, and what it was asked; `refusal` is what it says."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.orders: list[str] = []
        self.refusal: int | None = None
        self.loses_answers = False

    def __call__(self, handler: Handler) -> None:
        asked = handler.server.seen[-1]  # type: ignore[attr-defined]
        site = asked.path.rpartition("/")[2]
        if asked.headers["authorization"] != "Bearer s3cret":
            handler.answer(401)
        elif self.refusal is not None:
            handler.answer(self.refusal, Retry_After="90")
        elif asked.method == "GET":
            handler.answer(200, json.dumps({"state": self.states.get(site)}).encode())
        else:
            told = json.loads(asked.body)
            self.states[site] = told["state"]
            self.orders.append(told["order"])
            if self.loses_answers:
                handler.close_connection = True
                handler.connection.close()
            else:
                handler.answer(204)


@pytest.fixture
def panel() -> Panel:
    return Panel()


@pytest.fixture
def server(panel: Panel) -> Iterator[Receiver]:
    with receiver(panel) as running:
        yield running


def read(server: Receiver, **more: object) -> Routing:
    own = {"type": "own-panel", "url": f"{server.url}api/", "token": "s3cret", **more}
    return routing.read({"adapter": "panel", "panel": own})


@pytest.fixture
def day(sqlite_url: str) -> Iterator[Rehearsal]:
    with rehearsal(sqlite_url) as found:
        found.add()
        found.give(c.SetHold(by="operator-1", reason="by order"))
        yield found


def carry_out(day: Rehearsal, adapter: Adapter) -> None:
    others = Told("others")
    from dataclasses import replace

    made = replace(courier(day, others), lanes={"act": lambda _: adapter})
    found = Round(made)
    found.run()
    found.close()


def waiting(day: Rehearsal) -> list[tuple[object, ...]]:
    return day.rows("SELECT dead, attempts, problem FROM deliveries WHERE lane = 'act'")


def in_force(day: Rehearsal) -> object:
    [(found,)] = day.rows("SELECT in_force FROM sites")
    return found
