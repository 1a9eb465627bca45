"""The service: serves the API, the console and customers' pages until stopped, in workers."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from incidents import clock
from incidents.accounts import access_settings, secrets
from incidents.accounts.sign_in_links import NoSignInLinksError, SignInLinks
from incidents.errors import DatabaseError, LibraryError
from incidents.notices import customer_link, notice_settings
from incidents.store.database import address
from incidents.store.database.engine import check_same_file
from incidents.store.database.sqlite_file import UnseenError
from incidents.system import web_server, workers
from incidents.values.peer_address import is_loopback

if TYPE_CHECKING:
    from incidents.app import App
    from incidents.notices.customer_link import Links

EXTRA = "console"
MAX_AT_ONCE = 1_000
"""The maximum number of connections: each open console has one for changes, others for actions."""

LOOK_S = 1.0
"""How often to check that the open database file is still the one at its path, in seconds."""

MOST_BY_DEFAULT = 4
"""The maximum number of workers that nobody asked for: each has up to 15 connections."""


class NoLibraryError(LibraryError):
    """{name} is not installed, but the service needs it"""

    extra = EXTRA


def needed() -> None:
    """Check that the libraries are installed, before anything is put on record.

    Raises:
        NoLibraryError: naming a library that is not installed.
    """
    try:
        import uvicorn  # noqa: F401 - whether it can be

        import incidents.web.app  # noqa: F401 - whether it can be
    except ModuleNotFoundError as error:
        raise NoLibraryError(name=error.name) from error


def serve(
    app: App,
    *,
    host: str,
    port: int,
    listening: Callable[[str, Links | None], object],
    processes: int | None = None,
    sign_in_links: Path | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; call `listening` with the address once it listens.

    The customers' pages are served if the settings have a section [customer]; `listening` gets the
    address of their links, or None. `processes`: the number of workers, by default [serve] workers.
    `sign_in_links`: the folder of a rehearsal's sign-in links.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming the wrong setting.
        TemplateError: if a template of the operator's is wrong.
        DatabaseError: if there is no database, or not one of this program. Also if another file
            replaces the database's file: then the service answers with 503, and ends within a
            second or so.
        NoSignInLinksError: if this is no rehearsal on the loopback interface.
        NoLibraryError, NoServerError, AddressError: see `web_server`.
    """
    if sign_in_links is not None and not (is_loopback(host) and app.is_rehearsal):
        raise NoSignInLinksError(where=address.display_address(app.engine))
    links = customer_link.load_links()
    customers = None
    if links is not None:
        from incidents.console.customer.customer_app import CustomerApp
        from incidents.console.customer.customer_page import CustomerPage
        from incidents.inbox.snapshots.by_customer import CustomerLooks

        page = CustomerPage(notice_settings.wording(app.settings.zone), customer_link.office())
        page.check()
        looks = CustomerLooks(app.reports.retest_incident, app.reading)
        customers = CustomerApp(app.desk, app.reading, links, page, looks)
    needed()
    from incidents.web.app import create

    # Opened by this thread, before others ask for it.
    opened = None if sign_in_links is None else SignInLinks(sign_in_links, clock.machine_now)
    made = create(app, customers, opened)
    n = processes or access_settings.serve().workers or _default_workers(app)

    def served(serve: workers.Serve, opened: socket.socket, is_stopped: Callable[[], bool]) -> None:
        if n == 1:
            with _ends_with_its_file(app):
                serve(opened)
        else:
            # A connection that copies of a process share would be of use to none.
            app.close()
            secrets.share_hashing(n)
            workers.run(serve, opened, n, partial(_check_file, app), is_stopped)

    web_server.run(
        made, host=host, port=port, extra=EXTRA, at_once=MAX_AT_ONCE,
        proxies=made.state.trusted_proxies,
        listening=lambda url: listening(url, links), stopping=made.state.changes.stop,
        served=served,
    )  # fmt: skip


def _default_workers(app: App) -> int:
    """One for each core; a SQLite file has one writer at a time, so more would only wait."""
    if app.bare_engine.dialect.name == "sqlite":
        return 1
    return min(MOST_BY_DEFAULT, len(os.sched_getaffinity(0)))


def _check_file(app: App) -> None:
    # What cannot be seen now may pass; each request finds out for itself.
    with suppress(UnseenError):
        check_same_file(app.bare_engine)


@contextmanager
def _ends_with_its_file(app: App) -> Iterator[None]:
    """End this process once another file replaces the database's file, and raise the error."""
    ended, faults = Event(), list[DatabaseError]()

    def watch() -> None:
        while not ended.wait(LOOK_S):
            try:
                _check_file(app)
            except DatabaseError as error:
                faults.append(error)
                os.kill(os.getpid(), signal.SIGTERM)
                return

    thread = Thread(target=watch, name="file", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    for fault in faults:
        raise fault
