"""One run of the program: its output format, and its open resources."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

import click

from incidents.errors import Cause, DatabaseError
from incidents.system.terminal import (
    guarded_stdout,
    is_terminal,
    shortened,
    uses_colour,
    visible_but_coloured,
    write_stderr,
)
from incidents.values import language_tag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from incidents.app import App
    from incidents.client.app import RemoteApp
    from incidents.client.queries import RemoteQueries
    from incidents.locale.language import Language
    from incidents.locale.words import TimeFormat
    from incidents.settings.sources import Settings
    from incidents.values.typed_time import Limit
    from incidents.views.queries import Queries


_ITS_OWN = Cause.of(
    "its_own", "this works on the database itself: run it where the database is, without --server"
)
TABLE, JSON, JSONL, CSV = FORMATS = ("table", "json", "jsonl", "csv")
# The format of an export to a file: the other output is for people.
BUNDLE = "bundle"


class Run:
    """The context of a command: created by `main`, filled by the common options."""

    def __init__(self) -> None:
        self.format: str | None = None
        self.quiet = False
        self.asked_language: str | None = None
        self.makes = False
        """Whether to create a missing database file."""
        self.renamed: tuple[str, str] | None = None
        """The older spelling of a command that was typed, and its present spelling."""
        self.rehearsal_noted = False
        """Whether the output has already said that this is a rehearsal."""
        self.views = False
        """Whether the command only shows the record, and so can read a replica."""
        self.has_answered = False
        """Whether a part of the answer has left the program: then nothing can be read again."""

    @property
    def for_programs(self) -> bool:
        """Whether a program reads the answer; if so, only documents are written."""
        return self.format not in (None, TABLE, BUNDLE)

    @cached_property
    def settings(self) -> Settings:
        """The settings, from the options, the environment and the settings file."""
        from incidents.settings import sources

        return sources.load()

    @property
    def app(self) -> App | RemoteApp:
        """The app of the database or of the server that the settings name.

        For features that only a database has, see `local`. For features that only a server has, see
        `remote`.
        """
        return self.remote or self.local

    @cached_property
    def local(self) -> App:
        """The app of the database, which is opened.

        Raises:
            NotOverServerError: if a server is named instead.
        """
        self.refuse_server(_ITS_OWN)
        from incidents import app

        _silence_libraries()
        return app.open_app(self.settings, create=self.makes)

    @cached_property
    def remote(self) -> RemoteApp | None:
        """The app of the server; None if the run uses a database."""
        if self.settings.server is None:
            return None
        from incidents.client.app import RemoteApp
        from incidents.client.http import Exchange

        exchange = Exchange(
            self.settings.server, token=self.settings.token, zone=self.when.zone_name
        )
        return RemoteApp(exchange, self.settings)

    def refuse_server(self, why: str) -> None:
        """Refuse a command that works only on this machine if a server was named.

        The person who named a server meant that server, not this machine.

        Raises:
            NotOverServerError: with `why`, which is the reason or what to do instead.
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
        """The language of answers; programs always get English."""
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
        """Fill the phrase with that ID with the facts.

        The phrases are in `locale/LANGUAGE/LC_MESSAGES/cli.po`.
        """
        when = self.when if "settings" in self.__dict__ else None
        return self.language.say(id_, when=when, **facts)

    def question(self, id_: str, /, **facts: object) -> str:
        """Fill the phrase of a question, which a person reads whatever the output format is."""
        return self.spoken.say(id_, when=None, **facts)

    @contextmanager
    def queries(self) -> Iterator[Queries | RemoteQueries]:
        """Open the views on one state of the database, in the language of the answer."""
        if self.remote is None:
            with self.local.queries(self.language, views=self.views) as queries:
                yield queries
        else:
            with self.remote.queries(self.language) as remote_queries:
                yield remote_queries

    @contextmanager
    def viewing(self) -> Iterator[Connection]:
        """Open a transaction on one state of the database, or of its replica."""
        app = self.local
        with app.viewing() if self.views else app.reading() as connection:
            yield connection

    def turn_to_primary(self, error: DatabaseError) -> None:
        """Let the command read again, without the replica, if that failed; else raise the error."""
        if error.name != "replica_read" or self.has_answered:
            raise error
        self.views = False

    def read_time(self, text: str | None, limit: Limit | None = None) -> datetime | None:
        """Read a typed time as UTC, and echo it with its zone; None without a text.

        If the time is a `limit`, it can also be a day.

        Raises:
            InputError: with the text, and how to write a time.
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
        """Write lines for people on standard error; write nothing if a program reads the answer."""
        if not self.for_programs:
            for line in lines:
                write_stderr(visible_but_coloured(shortened(line)))

    def write(self, *lines: str) -> None:
        """Write lines on standard output in one go, with misleading characters escaped."""
        if lines:
            self.has_answered = True
            with guarded_stdout():
                click.echo(visible_but_coloured("\n".join(lines)), color=uses_colour())

    def write_data(self, line: str) -> None:
        """Write a line for a program on standard output; the line is escaped only on a terminal."""
        if is_terminal(sys.stdout):
            self.write(line)
        else:
            self.has_answered = True
            with guarded_stdout():
                click.echo(line)

    def note_rehearsal(self) -> None:
        """Say once that this database is a rehearsal, without real customers."""
        is_opened = "local" in self.__dict__ and self.local.is_opened
        # The command is answered: a database that fails now changes nothing.
        with suppress(DatabaseError):
            if is_opened and not self.rehearsal_noted and self.local.is_rehearsal:
                self.inform(self.text("run.rehearsal"))

    def note_replica(self) -> None:
        """Say why the replica was not read, or how old its state is without the primary."""
        replica = self.local.__dict__.get("replica") if "local" in self.__dict__ else None
        if replica is None:
            return
        if replica.trouble is not None:
            self.inform(self.text("run.replica.unused", why=self.language.cause(replica.trouble)))
        elif replica.primary.is_lost and replica.state is not None:
            self.inform(self.text("run.replica.alone", at=replica.state.as_of))

    def note_renaming(self) -> None:
        """Tell a person who typed an older spelling of a command the present one."""
        if self.renamed is not None and is_terminal(sys.stderr):
            old, new = self.renamed
            self.inform(self.text("run.renamed", old=old, new=new))

    def close(self) -> None:
        """Close the app of the database or of the server."""
        for opened in ("local", "remote"):
            if app := self.__dict__.get(opened):
                app.close()


def _silence_libraries() -> None:
    """Silence the log messages of a database driver, because its errors are shown anyway."""
    import logging

    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
