"""The demonstration: everything at once on sample data, in a browser."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from incidents import clock
from incidents.cli import options, params
from incidents.cli.lazy_group import verb
from incidents.errors import DONE, LibraryError
from incidents.values import language_tag

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.demo.demo import Demo

_LOOK_S = 0.2
_NEEDED = (
    "apprise", "authlib", "certifi", "disposable_email_domains", "email_validator", "fastapi",
    "h11", "phonenumbers", "python_multipart", "standardwebhooks", "stdnum", "uvicorn",
)  # fmt: skip
"""The libraries of the extras `chat`, `console`, `filing` and `webhook`, as they are imported."""

_HOUR_S = 3_600
_YOU, _OTHERS = "operator-1", ("supervisor-1", "administrator-1")


class MissingPartError(LibraryError):
    """{name} is not installed, but the demonstration needs it"""

    name = "no_library"
    extra = "all"


class _StoppedError(BaseException):
    """A signal asks the demonstration to stop."""


@verb()
@click.option(
    "--port",
    type=params.IntRange(1, 65_535),
    metavar="N",
    help="Port of the console. Default: 7390, or a free one if another program has it.",
)
@click.option(
    "--speed",
    type=params.IntRange(1, clock.MAX_SPEED),
    metavar="N",
    default=60,
    show_default=True,
    help="How many times as fast as usual the clock runs.",
)
@click.option("--open", "opens", is_flag=True, help="Open the console in your browser.")
@options.language_option
@click.pass_obj
def demo(run: Run, *, port: int | None, speed: int, opens: bool, lang: str | None) -> int:
    """Show everything on a month of sample data, in your browser.

    A database, a daemon, the console and a stand-in for a hosting panel run on this machine alone,
    under a clock that runs 60 times as fast: an hour takes a minute. It prints an address that
    signs you in. Ctrl-C stops everything and deletes the data. Your own settings and database are
    neither read nor changed.
    """
    language = language_tag.wanted(lang, os.environ)
    # To import the service itself only to see whether that works takes a second.
    for library in _NEEDED:
        if find_spec(library) is None:
            raise MissingPartError(name=library)
    from incidents.demo import demo as demonstration
    from incidents.settings import sources

    run.settings = sources.load(lang=language, environ={"INCIDENTS_CONFIG": os.devnull})
    run.inform(run.text("demo.filling"))
    try:
        with (
            _stopped_by_signals(),
            demonstration.running(
                port=port,
                speed=speed,
                language=language,
                say=run.text,
                filled=lambda: run.inform(run.text("demo.starting")),
            ) as found,
        ):
            _show(run, found, speed)
            if opens:
                click.launch(found.address_for(_YOU))
            _wait(found, lambda: _show_addresses(run, found))
    except _StoppedError:
        run.inform("", run.text("demo.stopped"))
    return DONE


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let a signal to stop end the block with _StoppedError; further ones change nothing."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(_number: int, _frame: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise _StoppedError

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(run: Run, found: Demo, speed: int) -> None:
    run.inform("", run.text("demo.ready", speed=speed, hour_s=_HOUR_S / speed), "")
    _show_addresses(run, found)
    run.inform(
        run.text("demo.panel", url=found.panel),
        run.text("demo.password", password=found.password),
        run.text("demo.shell", file=found.variables),
        "",
        run.text("demo.first", site=_FIRST),
        run.text("demo.first.why", left_s=_FIRST_S / speed),
        "",
        run.text("demo.keys" if sys.stdin.isatty() else "demo.stop"),
    )


_FIRST, _FIRST_S = "棋牌.example", 3_480
"""A site whose clock runs out so many seconds after the start, by the clock of the desk."""


def _show_addresses(run: Run, found: Demo) -> None:
    """Show an address for each role; the operator's alone is data."""
    run.inform(run.text("demo.you", handle=_YOU))
    run.write(found.address_for(_YOU))
    for handle in _OTHERS:
        run.inform(run.text("demo.other", handle=handle, url=found.address_for(handle)))


def _wait(found: Demo, again: Callable[[], object]) -> None:
    """Wait for a signal, and call `again` after each line that somebody types."""
    typed = [sys.stdin]
    while True:
        ready, _, _ = select.select(typed, [], [], _LOOK_S)
        if ready and not sys.stdin.readline():
            typed.clear()
        elif ready:
            again()
        found.go_on()
