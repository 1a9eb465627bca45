"""One run of the program: its output format, what it has opened, and the characters it can show.

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
    from incidents.client.house import RemoteApp, RemoteLooks
    from incidents.locale.language import Language
    from incidents.locale.words import When
    from incidents.settings.sources import Settings
    from incidents.values.typed_time import Limit
    from incidents.views.looks import Looks


_ITS_OWN = Cause.of(
    "its_own", "this works on the database itself: run it where the database is, without --server"
)
REHEARSAL = "rehearsal: this database accepts any clock"
TABLE, JSON, JSONL, CSV = FORMATS = ("table", "json", "jsonl", "csv")
# Of an export: it goes into a file, and what is said beside it is for people.
BUNDLE = "bundle"


class Run:
    """What all commands share: made by `main`, filled by the shared options, given to each."""

    def __init__(self) -> None:
        self.format: str | None = None
        self.quiet = False
        self.asked_language: str | None = None
        self.makes = False
        """Whether the database may be made if it is a file that is not there."""
        self.renamed: tuple[str, str] | None = None
        """The older spelling of a command that was typed, and the one of now."""
        self.told_of_rehearsal = False
        """Whether what was shown has said that it is one."""

    @property
    def for_programs(self) -> bool:
        """Whether a program reads the answer: then nothing but documents is written."""
        return self.format not in (None, TABLE, BUNDLE)

    @cached_property
    def settings(self) -> Settings:
        """The settings, as the options, the environment and the file give them."""
        from incidents.settings import sources

        return sources.load()

    @property
    def house(self) -> App | RemoteApp:
        """The desk that these settings name: of a database, or a server's.

        What only a database has is in `local`, and what only a server has in `remote`.
        """
        return self.remote or self.local

    @cached_property
    def local(self) -> App:
        """All rooms of the database, which is opened.

        Raises:
            NotOverServerError: if it is a server that is asked.
        """
        self.insist_on_this_machine(_ITS_OWN)
        from incidents import app

        _silence_libraries()
        return app.open_app(self.settings, create=self.makes)

    @cached_property
    def remote(self) -> RemoteApp | None:
        """The server that is asked in place of a database; None: it is the database itself."""
        if self.settings.server is None:
            return None
        from incidents.client.house import RemoteApp
        from incidents.client.http import Exchange

        exchange = Exchange(
            self.settings.server, token=self.settings.token, zone=self.when.zone_name
        )
        return RemoteApp(exchange, self.settings)

    def insist_on_this_machine(self, why: str) -> None:
        """Refuse to act on this machine when a server was named: it was meant.

        Raises:
            NotOverServerError: saying `why` a server does not do it, or the way out.
        """
        if self.settings.server is not None:
            from incidents.client.faults import NotOverServerError

            raise NotOverServerError(way_out=why)

    @property
    def when(self) -> When:
        """How times are shown to people."""
        from incidents import clock
        from incidents.locale.words import When

        return When(zone=self.settings.zone, now=clock.now(), language=self.language)

    @property
    def language(self) -> Language:
        """In which people are answered; programs read English, whoever asks."""
        from incidents.locale.language import language

        if self.for_programs:
            return language("en", "cli")
        known = self.__dict__.get("settings")
        if known is not None:
            return language(known.language, "cli")
        # What is wrong with the settings is told too.
        asked = self.asked_language or os.environ.get("INCIDENTS_LANG")
        wanted = language_tag.tag(asked or language_tag.of_locale(os.environ))
        return language(wanted or "en", "cli")

    def text(self, id_: str, /, **facts: object) -> str:
        """The phrase with that id (`locale/LANGUAGE/LC_MESSAGES/cli.po`), with those facts."""
        when = self.when if "settings" in self.__dict__ else None
        return self.language.say(id_, when=when, **facts)

    @contextmanager
    def looking(self) -> Iterator[Looks | RemoteLooks]:
        """What people look at, in one state of the database, told in the run's language."""
        with self.house.looking(self.language) as looks:
            yield looks

    def read_time(self, text: str | None, limit: Limit | None = None) -> datetime | None:
        """A time that somebody has typed, in UTC, echoed with its zone; None if none was.

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
        self.tell(self.text("run.time_taken", at=moment, zone=when.zone_name, ago=when.ago(moment)))
        return moment

    def tell(self, *lines: str) -> None:
        """Write lines for people on standard error; nothing where a program reads."""
        if not self.for_programs:
            for line in lines:
                aside(visible_but_painted(shortened(line)))

    def say(self, *lines: str) -> None:
        """Write lines on standard output, in one go; nothing in them makes a terminal lie."""
        if lines:
            with answering():
                click.echo(visible_but_painted("\n".join(lines)), color=paints())

    def say_data(self, line: str) -> None:
        """Write a line for a program on standard output: as it is, but not onto a terminal."""
        if is_terminal(sys.stdout):
            self.say(line)
        else:
            with answering():
                click.echo(line)

    def tell_of_rehearsal(self) -> None:
        """Say once that the desk which was looked at, or acted on, is none of real customers."""
        is_opened = "local" in self.__dict__ and self.local.is_opened
        # The command has had its answer: a database that goes away now takes nothing from it.
        with suppress(DatabaseError):
            if is_opened and not self.told_of_rehearsal and self.local.is_rehearsal:
                self.tell(self.text("run.rehearsal"))

    def tell_of_renaming(self) -> None:
        """Name the command's spelling of now to a person who typed an older one."""
        if self.renamed is not None and is_terminal(sys.stderr):
            old, new = self.renamed
            self.tell(self.text("run.renamed", old=old, new=new))

    def close(self) -> None:
        """Let go of the database, or of the server."""
        for opened in ("local", "remote"):
            if house := self.__dict__.get(opened):
                house.close()


def aside(text: str, *, nl: bool = True) -> None:
    """Write on standard error; what it cannot take, on a full disk say, changes nothing else."""
    with suppress(OSError, ValueError):
        click.echo(text, err=True, nl=nl)


@contextmanager
def answering() -> Iterator[None]:
    """While standard output is written to: what it cannot take is no fault of this program.

    Raises:
        AnswerLostError: for a full disk, say. A reader that has gone stays a BrokenPipeError.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _give_up_standard_output()
        raise AnswerLostError(detail=error.strerror or str(error)) from error


def _give_up_standard_output() -> None:
    """What is left in its buffer must not be tried again at the interpreter's end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _silence_libraries() -> None:
    """What a driver remarks on its way to an error is not for people: the error is told."""
    import logging

    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a person is at the other end; a stream that the caller has closed is None."""
    return stream is not None and stream.isatty()


def paints() -> bool:
    """Whether colour may be written: NO_COLOR and CLICOLOR_FORCE, else only on a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_terminal(sys.stdout)


def painted(text: str, **style: object) -> str:
    """`text` in colour, where standard output takes it."""
    return click.style(text, **style) if text and paints() else text  # type: ignore[arg-type]  # click's own


MOST_CHARACTERS = 4_000
"""So much of a complaint is told: what was typed wrongly may have been a whole file."""

# Line ends and tabs are what people write. U+200C and U+200D join the letters of honest words.
_LYING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# What `click.style` writes for the styles of this program, and no other.
_PAINT = re.compile(r"(\x1b\[(?:0|1|31|32|33)m)")


def visible(text: str) -> str:
    """The text, with each character that could make a terminal lie as its escape, `\\u202e`."""
    return _LYING.sub(_escaped, text)


def visible_but_painted(text: str) -> str:
    """Like `visible`, for a line in which the program itself has set colours."""
    if "\x1b" not in text:
        return visible(text)
    parts = _PAINT.split(text)
    return "".join(part if n % 2 else visible(part) for n, part in enumerate(parts))


def visible_and_short(text: str) -> str:
    """A complaint as it is told: visible and shortened."""
    return visible(shortened(text))


def shortened(text: str) -> str:
    """The text without its middle, if it has more than `MOST_CHARACTERS`."""
    half = MOST_CHARACTERS // 2
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]} … {text[-half:]}"


def _escaped(found: re.Match[str]) -> str:
    import json

    return json.dumps(found[0])[1:-1]
