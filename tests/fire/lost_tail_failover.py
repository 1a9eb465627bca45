"""The failover: a standby takes over that has not heard of all, by Patroni and etcd themselves.

Three real daemons, each a signer too, go on beside it; an operator acts until the leader is killed.
The leader's disk is read in the end: it knows what was lost, and all that was signed of it.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

from incidents.app import App
from incidents.audit.log import rotation, status
from incidents.audit.log.signing_key import KeyRing
from incidents.cli import main
from incidents.contract.documents.record import Resumed
from incidents.errors import DatabaseError
from incidents.store.log import leaves, lineage
from incidents.views.record_health import resumed
from tests.acceptance.daemons import Daemon, daemon
from tests.fire import patroni
from tests.fire.deliveries_scene import settings
from tests.fire.lost_tail_desk import (
    Receiver,
    agreed,
    desk,
    differing,
    epochs,
    give,
    judge,
    left,
    missing,
    on_record,
    opened,
    tells_of_loss,
    tells_that_nothing_is_signed,
    tells_what_is_left,
    tells_what_was_lost,
    unseen,
)
from tests.fire.old_disk import held_against
from tests.patience import until

DAEMONS = 3
_HUSHED = 0.8
_FAULTS = ("Traceback", "fault in this program", "refused a row")


def lose(drawn: random.Random, folder: Path) -> Counter[str]:
    """One failover; what was seen."""
    with ExitStack() as stack:
        cluster = stack.enter_context(patroni.cluster())
        receiver, port = stack.enter_context(_listening())
        own = {**settings(folder, port), "INCIDENTS_DB": cluster.url}
        stack.enter_context(mock.patch.dict(os.environ, own))
        assert main(["db", "upgrade"]) == 0
        key = folder / "audit.key"
        with desk(cluster.url) as app:
            rotation.first(app.engine, KeyRing(key), "log.example", on_record(app))
            daemons = [stack.enter_context(daemon(cluster.url, folder)) for _ in range(DAEMONS)]
            story = _Story(app, drawn, receiver, key)
            figures = story.told(cluster)
        for each in daemons:
            assert each.stop() == 0
            _no_fault(each)
        return figures


class _Story:
    def __init__(self, app: App, drawn: random.Random, receiver: Receiver, key: Path) -> None:
        self._app, self._drawn, self._receiver, self._key = app, drawn, receiver, key
        self._acts: list[str] = []
        self._left: set[str] = set()

    def told(self, cluster: patroni.Cluster) -> Counter[str]:
        """All of it, from the first act to the end."""
        self._some_acts()
        until(self._is_known, "a daemon has looked where it is")
        until(lambda: self._agrees(0), "the world is as ordered")
        until(self._is_signed, "what is there is signed")
        old = cluster.leader()
        until(lambda: old.is_followed, "the standby has all of it")
        safe = set(self._acts)
        # Now and then all is well until the end: then nothing, or next to nothing, is lost.
        if self._drawn.random() < _HUSHED:
            old.hush()
        with self._acting():
            self._let_be()
            old.kill()
        acknowledged = set(self._acts)
        until(self._act, "somebody can act again")
        back = time.monotonic()
        until(self._is_compared, "the world is as ordered again, but for what is left down")
        assert opened(self._app) == []
        noticed = self._noticed()
        if noticed["had"] is not None:
            tells_of_loss(self._app)
        until(self._is_numbered, "what is there is numbered")
        lost = missing(self._app, self._key)
        if lost is not None:
            tells_that_nothing_is_signed(self._app)
            self._recover()
        until(self._goes_on, "the world is as ordered again")
        took_s = time.monotonic() - back
        self._some_acts()
        until(self._goes_on, "the world stays as ordered")
        until(self._is_signed, "all of it is signed")
        judge(self._app, self._receiver)
        tells_what_was_lost()
        with old.alone() as url, desk(url) as before:
            figures = held_against(
                before, self._app, acts=acknowledged, safe=safe, missing=lost,
            )  # fmt: skip
        assert noticed["had"] is None or figures["entries lost"], "a false alarm: all is there"
        return figures + agreed(took_s) + Counter(
            {
                "acts acknowledged": len(self._acts), "signing refused": int(lost is not None),
                "failovers without a loss": int(not figures["entries lost"]),
                "sites left down": len(self._left), "epochs": epochs(self._app),
                f"noticed by {noticed['cause']}": 1,
            }
        )  # fmt: skip

    # Acting.

    def _some_acts(self) -> None:
        for _ in range(self._drawn.randint(2, 4)):
            self._acts.extend(give(self._app, self._drawn))

    def _act(self) -> bool:
        """Whether it was acknowledged."""
        try:
            self._acts.extend(give(self._app, self._drawn))
        except DatabaseError:
            time.sleep(0.1)
            return False
        return True

    @contextmanager
    def _acting(self) -> Iterator[None]:
        """Somebody acts all the time, until the database is gone."""
        over = threading.Event()

        def act() -> None:
            while not over.is_set() and self._act():
                over.wait(self._drawn.random() / 5)

        operator = threading.Thread(target=act)
        operator.start()
        try:
            yield
        finally:
            over.set()
            operator.join()

    def _let_be(self) -> None:
        """From a moment, in which nothing is signed yet, to seconds in which all is."""
        time.sleep(self._drawn.choice((0.05, 0.3, 1, 3)))

    def _recover(self) -> None:
        waits = left(self._app)
        if waits:
            tells_what_is_left(waits)
        self._left.update(waits)
        assert main(["recover", "--reason", "the machine is gone"]) == 0

    def _goes_on(self) -> bool:
        """Whether the world is as ordered; a person goes on where sites are left down."""
        if self._agrees(1):
            return True
        if left(self._app):
            self._recover()
        return False

    # Looking.

    def _is_compared(self) -> bool:
        """Whether the world is as ordered, but for what waits for a person."""
        with suppress(DatabaseError):
            if self._agrees(1):
                return True
            waits = left(self._app)
            return bool(waits) and not differing(self._app, self._receiver.sites, but=waits)
        return False

    def _agrees(self, epoch: int) -> bool:
        with suppress(DatabaseError):
            with self._app.reading() as connection:
                found = lineage.standing(connection)
            is_proved = found.epoch >= epoch and found.unproved_since is None
            seen = is_proved and not unseen(self._app)
            return seen and not differing(self._app, self._receiver.sites)
        return False

    def _is_known(self) -> bool:
        with self._app.reading() as connection:
            return lineage.read(connection).known is not None

    def _noticed(self) -> Resumed:
        """The resumption that the daemons noticed."""
        with self._app.reading() as connection:
            found: Resumed | None = resumed(connection)["resumed"]
        assert found is not None
        return found

    def _is_numbered(self) -> bool:
        with self._app.reading() as connection:
            return leaves.unnumbered(connection).entries == 0

    def _is_signed(self) -> bool:
        with self._app.reading() as connection:
            return status.pending(connection) == 0


def _no_fault(each: Daemon) -> None:
    told = each.text()
    assert not any(fault in told for fault in _FAULTS), told


@contextmanager
def _listening() -> Iterator[tuple[Receiver, int]]:
    """The receiver behind a real server; the port at which it is."""
    receiver, turn = Receiver(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            told = body["data"]
            with turn:
                receiver.take(int(told["site_id"]), told["site"], int(told["seq"]), told["kind"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield receiver, server.server_address[1]
        finally:
            server.shutdown()
            serving.join()
