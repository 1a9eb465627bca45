"""The demonstration itself: sample data, a daemon and a console under a fast clock, and a panel."""

from __future__ import annotations

import os
import secrets
import socket
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event, select

from incidents import clock
from incidents.accounts.sign_in_links import SignInLinks
from incidents.app import App
from incidents.audit.log import rotation, status
from incidents.audit.log.signing_key import KeyRing
from incidents.demo import sample
from incidents.demo.children import Children
from incidents.demo.colleague import Colleague
from incidents.demo.demo_folder import DemoFolder, made
from incidents.demo.panel import Panel
from incidents.demo.panel_page import Say
from incidents.desk.activation import LogKey
from incidents.errors import IncidentsError
from incidents.settings import sources
from incidents.store.database import schema
from incidents.store.schema.tables import sites
from incidents.values.language_tag import Tag

PORT = 7390
"""The port of the console, unless another program has it."""

HOST = "127.0.0.1"
LOGIN = "desk"
_LOG_NAME = "desk.example/log"


class PortTakenError(IncidentsError):
    """cannot listen on port {port} of this machine: {detail}. Choose another one with --port, or
    leave --port out"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A running demonstration: the addresses of its console and panel, and the people's password.

    `variables`: a file that gives a shell its database and clock.
    """

    console: str
    panel: str
    password: str
    variables: Path
    _sign_in_links: SignInLinks
    _children: Children
    _colleague: Colleague

    def address_for(self, handle: str) -> str:
        """Make an address that signs that person in, once."""
        return self.console + self._sign_in_links.path_for(handle)

    def go_on(self) -> None:
        """Let the colleague work, and check that everything runs; raises ProgramEndedError."""
        self._colleague.work()
        self._children.check()


@contextmanager
def running(
    *, port: int | None, speed: int, language: Tag, say: Say, filled: Callable[[], object]
) -> Iterator[Demo]:
    """Start everything, and stop it at the end of the block.

    `say` fills the phrases of the panel. `filled`: called when the sample data is there.

    Raises:
        PortTakenError: if the console cannot have that port.
        ProgramEndedError: if a program does not start.
    """
    free = _free_port(port)
    with made() as own, ExitStack() as stack:
        password = "-".join(secrets.token_hex(2) for _ in range(4))
        with _environment_of(own, language):
            states = _fill(password)
        filled()
        clock.fast_clock = clock.FastClock(speed, clock.machine_now())
        stack.callback(_set_fast_clock, None)
        secret = f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
        sender_password = secrets.token_urlsafe(24)
        panel = stack.enter_context(
            Panel(states, clock.now, say, secret=secret, password=sender_password)
        )
        own.write_settings(panel.address, secret, sender_password, language)
        own.write_variables(language, clock.fast_clock)
        environment = own.environment(language, clock.fast_clock)
        children = stack.enter_context(Children(own.path, environment))
        children.start("daemon")
        # If no port was asked for, another program may take this one meanwhile.
        ports = [free] if port is not None else [free, 0]
        serve = [
            ("serve", "--port", str(each), "--sign-in-links", str(own.sign_in_links))
            for each in ports
        ]
        children.start(*serve[0])
        console = children.first_line(otherwise=serve[1:])
        # It starts a thread, so the processes must be forked before it.
        panel.start(console)
        with _environment_of(own, language):
            app = App(sources.load())
        stack.callback(app.close)
        yield Demo(
            console=console, panel=panel.url, password=password, variables=own.variables,
            _sign_in_links=SignInLinks(own.sign_in_links, clock.machine_now), _children=children,
            _colleague=Colleague(app.desk, clock.now, LOGIN),
        )  # fmt: skip


def _set_fast_clock(fast_clock: clock.FastClock | None) -> None:
    clock.fast_clock = fast_clock


def _free_port(wanted: int | None) -> int:
    """The port that was asked for, else the usual one if it is free, else any."""
    for port in (wanted,) if wanted is not None else (PORT, 0):
        try:
            with socket.create_server((HOST, port)) as opened:
                return int(opened.getsockname()[1])
        except OSError as error:
            detail = os.strerror(error.errno) if error.errno else str(error)
    raise PortTakenError(port=port, detail=detail)


def _hurry(connection: Any, _record: object) -> None:
    """Let a connection not wait for the disk: nothing of the sample data must outlive a crash."""
    connection.execute("PRAGMA synchronous = OFF")


def _make_log_key(app: App) -> None:
    """Let the daemon sign the record's log, with a key of the demonstration's own."""

    def put(key: str, previous: str | None) -> None:
        by = sample.ADMINISTRATOR
        app.desk.make_log_key(LogKey(key=key, previous=previous, by=by, login=LOGIN))

    ring = KeyRing(status.load_settings(app.settings).key)
    rotation.first(app.engine, ring, _LOG_NAME, put)


@contextmanager
def _environment_of(own: DemoFolder, language: Tag) -> Iterator[None]:
    """Let this process have the environment of the programs in the block, not the visitor's."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(own.environment(language, None))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _fill(password: str) -> dict[str, str]:
    """Make the database of the environment, with the sample data; return each site's state."""
    app = App(sources.load(), create=True)
    event.listen(app.bare_engine, "connect", _hurry)
    try:
        schema.upgrade(app.bare_engine, rehearsal=True)
        now = clock.now()
        app.desk.on_record(lambda found: sample.add_people(found, now, LOGIN, password))
        sample.play(app.engine, now, LOGIN, more=True)
        _make_log_key(app)
        with app.reading() as connection:
            return dict(connection.execute(select(sites.c.name, sites.c.in_force)).tuples().all())
    finally:
        app.close()
