"""The common options of queries and actions, added by one decorator each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from incidents.cli import params
from incidents.cli.run import FORMATS, JSON, Run
from incidents.cli.submission import Submission
from incidents.errors import DatabaseError, IncidentsError, InputError

Command = Callable[..., int | None]


def query(function: Command) -> Command:
    """Decorate a query: add the common options, and pass the run to the function."""

    @functools.wraps(function)
    @click.pass_context
    def command(context: click.Context, /, **given: Any) -> int | None:
        return function(_ready(context, given), **given)

    return _common(of=command)


def view(function: Command) -> Command:
    """Decorate a query that only shows the record: it can read a replica, if there is one."""

    @functools.wraps(function)
    @click.pass_context
    def command(context: click.Context, /, **given: Any) -> int | None:
        run = _ready(context, given)
        run.views = True
        try:
            return function(run, **given)
        except DatabaseError as error:
            run.turn_to_primary(error)
        return function(run, **given)

    return _common(of=command)


def writing(function: Command) -> Command:
    """Decorate a command that can be the first to write, but is not an action on a site.

    If no database is named, the command creates the missing default database file.
    """

    @functools.wraps(function)
    @click.pass_context
    def command(context: click.Context, /, **given: Any) -> int | None:
        return function(_ready(context, given, writes=True), **given)

    return _common(of=command)


def delivery(exit_status: int) -> Callable[[Command], Command]:
    """Decorate a command that a mail server pipes into.

    Whatever fails, the settings too, it ends with `exit_status`, so that the mail is brought again.
    It makes no database: a mail server has another home than the desk.
    """

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        @click.pass_context
        def command(context: click.Context, /, **given: Any) -> int | None:
            try:
                return function(_ready(context, given), **given)
            except IncidentsError as error:
                error.exit_status = exit_status  # type: ignore[misc]  # of this error alone
                raise

        return _common(of=command)

    return decorate


def action(function: Command, *, can_be_first: bool = False) -> Command:
    """Decorate an action: add `--key`, `--dry-run`, `--policy` and the common options.

    The function gets a `Submission` with which it submits its command. An action that
    `can_be_first` in a database creates the missing default database file, if none is named. Other
    actions are on a site, which a new database does not have.
    """

    @functools.wraps(function)
    @click.pass_context
    def command(context: click.Context, /, **given: Any) -> int | None:
        dry_run, policy = given.pop("dry_run"), given.pop("policy")
        run = _ready(context, given, writes=can_be_first and not dry_run)
        if policy is not None and not dry_run:
            raise InputError.coded(
                "policy_without_dry_run",
                "--policy works only with --dry-run: actions always follow the active policy",
            )
        submission = Submission(
            run,
            key=given.pop("key"),
            dry_run=dry_run,
            policy=None if policy is None else params.read_policy(policy),
        )
        return function(submission, **given)

    return _common(
        click.option("--key", type=params.text("key", limit=200), metavar="K",
                     help="Key that makes it safe to repeat the command: the command runs only"
                     " once. Its answer is stored for 30 days ([retention] keys). A server and its"
                     " database keep separate keys."),
        click.option("--dry-run", is_flag=True, help="Show what would happen; change nothing."),
        click.option("--policy", type=params.File(), metavar="FILE",
                     help="With --dry-run: show what would happen under this policy."),
        of=command,
    )  # fmt: skip


def first_action(function: Command) -> Command:
    """Decorate an action that can be the first in a database."""
    return action(function, can_be_first=True)


def at_option(what: str, otherwise: str = "now") -> Callable[[Command], Command]:
    """The option `--at` for the time of an event; `what` describes the event."""
    return click.option(
        "--at", metavar="T",
        help=f"When {what}: 02:50, 10m ago, yesterday 17:00, 2026-03-01 02:50 or RFC 3339. "
        f"Default: {otherwise}.",
    )  # fmt: skip


def time_option(name: str, what: str, *, required: bool) -> Callable[[Command], Command]:
    """The option `--name` for a time other than that of the event itself."""
    return click.option(
        f"--{name}", metavar="T", required=required,
        help=f"{what} 02:50, yesterday 17:00, 2026-03-01 02:50 or RFC 3339.",
    )  # fmt: skip


def _ready(context: click.Context, given: dict[str, Any], *, writes: bool = False) -> Run:
    from incidents import clock
    from incidents.settings import sources

    run = context.ensure_object(Run)
    run.settings = sources.load(
        db=given.pop("db"),
        person=given.pop("person"),
        zone=given.pop("zone"),
        lang=given.pop("lang"),
        server=given.pop("server"),
    )
    clock.fast_clock = run.settings.fast_clock
    # Only `db upgrade` makes a named database: the name may be mistyped.
    run.makes = writes and run.settings.db is None
    return run


def _language(context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    # Before the other parameters, whose errors are written in it.
    context.ensure_object(Run).asked_language = value
    return value


def _format(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    run = context.ensure_object(Run)
    if value is None:
        return
    if run.format not in (None, value):
        raise InputError.coded(
            "two_formats", "--format {one} and {other} contradict each other",
            one=run.format, other=value,
        )  # fmt: skip
    run.format = value


def _json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    _format(context, parameter, JSON if value else None)


def _quiet(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.ensure_object(Run).quiet = value


language_option = click.option(
    "--lang", metavar="LANG", is_eager=True, callback=_language,
    help="Output language: en or zh. Default: INCIDENTS_LANG, else your locale.",
)  # fmt: skip


def _common(*more: Callable[[Command], Command], of: Command) -> Command:
    options: list[Callable[[Command], Command]] = [
        *more,
        click.option("--as", "person", metavar="NAME",
                     help="Name to act or sign in as. Default: INCIDENTS_AS, else your login"
                     " name."),
        click.option("--format", type=click.Choice(FORMATS), callback=_format, is_eager=True,
                     expose_value=False, help="Output format."),
        click.option("--json", is_flag=True, callback=_json, is_eager=True, expose_value=False,
                     help="Short for --format json."),
        click.option("-q", "--quiet", is_flag=True, callback=_quiet, is_eager=True,
                     expose_value=False, help="Print only IDs."),
        click.option("--zone", metavar="ZONE",
                     help="Time zone. Default: INCIDENTS_ZONE, else Asia/Shanghai."),
        language_option,
        click.option("--db", metavar="URL",
                     help="Database. Default: INCIDENTS_DB, else a file of your own."),
        click.option("--server", metavar="URL",
                     help="Server to use in place of a database; INCIDENTS_TOKEN identifies"
                     " you."),
    ]  # fmt: skip
    for option in reversed(options):
        of = option(of)
    return of
