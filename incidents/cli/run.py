"""One run of the program: its output format, open resources, and the characters it can show.

A note, a file's name or a mistyped argument may hold a control sequence that paints, moves the
cursor or sets a title, or a mark that reverses the order of the letters. These are shown by their
code, as JSON escapes them, so that a document with such an escape is the same document.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import IO, TYPE_CHECKING

import click

from incidents.errors import AnswerLostError, Cause, DatabaseError
from incidents.values import language_tag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from incidents.app import App
    from incidents.client.app import RemoteApp, RemoteQueries
    from incidents.locale.language import Language
    from incidents.locale.words import TimeFormat
    from incidents.settings.sources import Settings
    from incidents.values.typed_time import Limit
    from incidents.views.queries import Queries


_ITS_OWN = Cause.of(
    "its_own", "this works on the database itself: run it where the database is, without --server"
)
REHEARSAL = "rehearsal: this database accepts simulated times"
TABLE, JSON, JSONL, CSV = FORMATS = ("table", "json", "jsonl", "csv")
# The format of an export to a file: the other output is for people.
BUNDLE = "bundle"


class Run:
    """The context of a command: created by `main`, filled by the shared options, passed to each."""

    def __init__(self) -> None:
        self.format: str | None = None
        self.quiet = False
        self.asked_language: str | None = None
        self.makes = False
        """Whether to create a missing database file."""
        self.renamed: tuple[str, str] | None = None
        """The older spelling of a command that was typed, and the present one."""
        self.rehearsal_noted = False
        """Whether the output has already said that it is a rehearsal."""

    @property
    def for_programs(self) -> bool:
        """Whether a program reads the answer; then only documents are written."""
        return self.format not in (None, TABLE, BUNDLE)

    @cached_property
    def settings(self) -> Settings:
        """The settings, from options, environment and file."""
        from incidents.settings import sources

        return sources.load()

    @property
    def app(self) -> App | RemoteApp:
        """The app that these settings name: of a database, or a server's.

        Parts that only a database has are in `local`, those that only a server has in `remote`.
        """
        return self.remote or self.local

    @cached_property
    def local(self) -> App:
        """The app of the database, opened.

        Raises:
            NotOverServerError: if the run uses a server.
        """
        self.refuse_server(_ITS_OWN)
        from incidents import app

        _silence_libraries()
        return app.open_app(self.settings, create=self.makes)

    @cached_property
    def remote(self) -> RemoteApp | None:
        """The server in place of a database; None for the database itself."""
        if self.settings.server is None:
            return None
        from incidents.client.app import RemoteApp
        from incidents.client.http import Exchange

        exchange = Exchange(
            self.settings.server, token=self.settings.token, zone=self.when.zone_name
        )
        return RemoteApp(exchange, self.settings)

    def refuse_server(self, why: str) -> None:
        """Refuse to act on this machine if a server was named, because the server was meant.

        Raises:
            NotOverServerError: saying `why` a server does not do it, or the remedy.
        """
        if self.settings.server is not None:
            from incidents.client.faults import NotOverServerError

            raise NotOverServerError(way_out=why)

    @property
    def when(self) -> TimeFormat:
        """The format in which people see times."""
        from incidents import clock
        from incidents.locale.words import TimeFormat

        return TimeFormat(zone=self.settings.zone, now=clock.now(), language=self.language)

    @property
    def language(self) -> Language:
        """The language of answers for people; programs always read English."""
        from incidents.locale.language import language

        return language("en", "cli") if self.for_programs else self.spoken

    @property
    def spoken(self) -> Language:
        """The language of the person at the terminal, even if a program reads the answer."""
        from incidents.locale.language import language

        known = self.__dict__.get("settings")
        if known is not None:
            return language(known.language, "cli")
        # Errors in the settings are reported too.
        return language(language_tag.wanted(self.asked_language, os.environ), "cli")

    def text(self, id_: str, /, **facts: object) -> str:
        """Fill the phrase with that id (`locale/LANGUAGE/LC_MESSAGES/cli.po`) with the facts."""
        when = self.when if "settings" in self.__dict__ else None
        return self.language.say(id_, when=when, **facts)

    def question(self, id_: str, /, **facts: object) -> str:
        """Fill the phrase of a question at a terminal, which a person reads in any format."""
        return self.spoken.say(id_, when=None, **facts)

    @contextmanager
    def queries(self) -> Iterator[Queries | RemoteQueries]:
        """Open the views on one state of the database, in the run's language."""
        with self.app.queries(self.language) as queries:
            yield queries

    def read_time(self, text: str | None, limit: Limit | None = None) -> datetime | None:
        """Read a typed time as UTC and echo it with its zone; None without one.

        As a `limit` it may be a day.

        Raises:
            InputError: naming the text, and how to write a time.
        """
        if text is None:
            return None
        from incidents import clock
        from incidents.values import typed_time

        moment = typed_time.read(text, self.settings.zone, clock.now(), limit=limit)
        when = self.when
        self.inform(
            self.text("run.time_taken", at=moment, zone=when.zone_name, ago=when.ago(moment))
        )
        return moment

    def inform(self, *lines: str) -> None:
        """Write lines for people on standard error; nothing if a program reads."""
        if not self.for_programs:
            for line in lines:
                write_stderr(visible_but_coloured(shortened(line)))

    def write(self, *lines: str) -> None:
        """Write lines on standard output, in one go, without characters that mislead."""
        if lines:
            with guarded_stdout():
                click.echo(visible_but_coloured("\n".join(lines)), color=uses_colour())

    def write_data(self, line: str) -> None:
        """Write a line for a program on standard output: unchanged, except onto a terminal."""
        if is_terminal(sys.stdout):
            self.write(line)
        else:
            with guarded_stdout():
                click.echo(line)

    def note_rehearsal(self) -> None:
        """Report once that this desk has no real customers."""
        is_opened = "local" in self.__dict__ and self.local.is_opened
        # The command is answered: a database that fails now changes nothing.
        with suppress(DatabaseError):
            if is_opened and not self.rehearsal_noted and self.local.is_rehearsal:
                self.inform(self.text("run.rehearsal"))

    def note_renaming(self) -> None:
        """Show the present spelling of a command to a person who typed an older one."""
        if self.renamed is not None and is_terminal(sys.stderr):
            old, new = self.renamed
            self.inform(self.text("run.renamed", old=old, new=new))

    def close(self) -> None:
        """Close the database, or the server."""
        for opened in ("local", "remote"):
            if app := self.__dict__.get(opened):
                app.close()


def write_stderr(text: str, *, nl: bool = True) -> None:
    """Write on standard error; a failed write, as on a full disk, has no other effect."""
    with suppress(OSError, ValueError):
        click.echo(text, err=True, nl=nl)


@contextmanager
def guarded_stdout() -> Iterator[None]:
    """Treat a failed write to standard output as no error of this program.

    Raises:
        AnswerLostError: for a full disk, say. A reader that has gone stays a BrokenPipeError.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard_stdout()
        raise AnswerLostError(detail=error.strerror or str(error)) from error


def _discard_stdout() -> None:
    """Keep the end of the interpreter from writing the rest of the buffer."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _silence_libraries() -> None:
    """Silence a driver's remarks before an error: the error itself is shown."""
    import logging

    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a stream is a terminal; None is a stream closed by the caller."""
    return stream is not None and stream.isatty()


def uses_colour() -> bool:
    """Whether to write colour: NO_COLOR and CLICOLOR_FORCE, otherwise only on a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_terminal(sys.stdout)


def coloured(text: str, **style: object) -> str:
    """`text` in colour, if standard output supports it."""
    return click.style(text, **style) if text and uses_colour() else text  # type: ignore[arg-type]  # click's own


MOST_CHARACTERS = 4_000
"""The maximum length of a shown error: the wrong input may have been a whole file."""

# People write line ends and tabs. U+200C and U+200D join letters in ordinary words.
_LYING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# The escapes that `click.style` writes for this program's styles.
_PAINT = re.compile(r"(\x1b\[(?:0|1|31|32|33)m)")


def visible(text: str) -> str:
    """Replace each character that could make a terminal mislead by its escape, `\u202e`."""
    return _LYING.sub(_escaped, text)


def visible_but_coloured(text: str) -> str:
    """Make a line visible that contains the program's own colours."""
    if "\x1b" not in text:
        return visible(text)
    parts = _PAINT.split(text)
    return "".join(part if n % 2 else visible(part) for n, part in enumerate(parts))


def visible_and_short(text: str) -> str:
    """Shorten an error and make it visible."""
    return visible(shortened(text))


def shortened(text: str) -> str:
    """The text without its middle, if it has more than `MOST_CHARACTERS`."""
    half = MOST_CHARACTERS // 2
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]} … {text[-half:]}"


def _escaped(found: re.Match[str]) -> str:
    import json

    return json.dumps(found[0])[1:-1]
