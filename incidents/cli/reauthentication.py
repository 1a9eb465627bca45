"""Reauthentication: check the identity of the person who acts.

A password is read from a terminal without an echo, or from a file. A password is never an option,
because other people can see the arguments of a command. Where the account has a second factor, a
code is asked for too; without a terminal, it comes from the environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from incidents.accounts import identity
from incidents.cli import params
from incidents.cli.run import Run
from incidents.contract.action import name_of
from incidents.errors import Cause, FileError, InputError, RefusedError
from incidents.system import private_file
from incidents.system.terminal import is_terminal

if TYPE_CHECKING:
    from incidents.accounts.authenticator import Authenticator
    from incidents.accounts.identity import Identity
    from incidents.machine.commands import Command
    from incidents.machine.policy import Policy


Answered = TypeVar("Answered")

PASSWORD_OPTION, OWN_PASSWORD_OPTION = "--password-file", "--own-password-file"
SECOND_PERSON_OPTION = "--second-password-file"

CODE, SECOND_CODE = "INCIDENTS_CODE", "INCIDENTS_SECOND_CODE"
"""The variables for a code of one's own second factor, and of that of the second person."""

STDIN = Path("-")
"""The file name that stands for standard input."""
# More than any password has, to report a wrong file, such as a device.
_MOST_BYTES = 10_000


class PasswordNeededError(RefusedError):
    """a password is needed, and there is no terminal to ask for it: add {option} FILE (- is
    standard input)"""


class CodeNeededError(RefusedError):
    """a code of the second factor is needed, and there is no terminal to ask for it: set
    {variable}"""


class PasswordsDifferError(InputError):
    """the two passwords differ: nothing was changed"""


password_file_option = click.option(
    PASSWORD_OPTION, type=params.File(), metavar="FILE",
    help="Read your password from FILE (- for standard input) without a prompt.",
)  # fmt: skip
new_password_file_option = click.option(
    PASSWORD_OPTION, type=params.File(), metavar="FILE",
    help="Read the new password from FILE (- for standard input) without a prompt.",
)  # fmt: skip
own_password_file_option = click.option(
    OWN_PASSWORD_OPTION, type=params.File(), metavar="FILE",
    help="Read your password from FILE (- for standard input) without a prompt.",
)  # fmt: skip
second_password_file_option = click.option(
    SECOND_PERSON_OPTION, type=params.File(), metavar="FILE",
    help="Read the second person's password from FILE (- for standard input) without a prompt.",
)  # fmt: skip


def check_standard_input(own: Path | None, other: Path | None, option: str) -> None:
    """Check that at most one of two passwords comes from standard input.

    `option`: the option for the file of the other password.

    Raises:
        InputError: with the option.
    """
    if own == other == STDIN:
        raise InputError.coded(
            "one_password",
            "standard input can give only one password: give {option} a file of its own",
            option=option,
        )


def read_password(file: Path | None, question: str, option: str = PASSWORD_OPTION) -> str:
    """Read a password from the file, or from the terminal if there is no file.

    The line end in a file is not part of the password.
    """
    if file is not None:
        return _password_of_file(file, option)
    if not is_terminal(sys.stdin):
        raise PasswordNeededError(option=option)
    return _typed_password(question, option)


def read_code(run: Run, variable: str = CODE) -> str:
    """Read a code of the second factor from the environment, or from the terminal."""
    given = os.environ.get(variable)
    if given:
        return given
    if not is_terminal(sys.stdin):
        raise CodeNeededError(variable=variable)
    import getpass

    try:
        return getpass.getpass(run.question("password.code"), stream=sys.stderr)
    except EOFError:
        raise CodeNeededError(variable=variable) from None


def read_new_password(run: Run, file: Path | None, handle: str) -> str:
    """Read a new password; at a terminal, it must be typed twice."""
    new = read_password(file, run.question("password.new", handle=handle))
    if file is None and _typed_password(run.question("password.again"), PASSWORD_OPTION) != new:
        raise PasswordsDifferError
    return new


def _typed_password(question: str, option: str) -> str:
    import getpass

    try:
        return getpass.getpass(question, stream=sys.stderr)
    except EOFError:
        raise PasswordNeededError(option=option) from None


def _password_of_file(file: Path, option: str) -> str:
    try:
        if file == STDIN:
            if sys.stdin is None:
                raise PasswordNeededError(option=option)
            whole = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            whole = private_file.read(file)
        text = whole.decode()
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or Cause.of("no_text", "it is not text")
        raise FileError(file=file, done="read", detail=detail) from error
    if len(whole) > _MOST_BYTES:
        too_long = Cause.of("password_too_long", "it is too long for a password")
        raise FileError(file=file, done="read", detail=too_long)
    return text.removesuffix("\n").removesuffix("\r")


class NoAccountError(RefusedError):
    """no account named {handle} here: name yours with --as"""


@contextmanager
def for_command(
    run: Run, command: Command, file: Path | None, policy: Policy | None = None
) -> Iterator[bool]:
    """Sign the person in, if the command needs it under that policy or the active one.

    Raises the errors of `in_person`.
    """

    def takes_two() -> bool:
        from incidents.desk import access

        return access.needs_two_people(command, policy or run.app.desk.policy())

    with in_person(run, name_of(type(command)), file, takes_two) as signed_in:
        yield signed_in


@contextmanager
def in_person(
    run: Run, action: str, file: Path | None, is_asked_for: Callable[[], bool]
) -> Iterator[bool]:
    """Sign the person in, if the action needs it here; yield whether they signed in.

    With a server, a sign-in is needed for actions that no token may perform (see
    `accounts.identity`). In a database with accounts, a sign-in is needed if `is_asked_for` returns
    True. A password that is given without need is still checked, and refused if it is wrong.

    Raises:
        PasswordNeededError: if there is no terminal to ask for the password.
        InputError: if a password is given but the database has no accounts.
        SignInError, BlockedError, ProblemError: if the password is wrong, or not accepted now.
    """
    if run.remote is None:
        has_accounts = _has_accounts(run)
        if file is not None and not has_accounts:
            raise InputError.coded(
                "no_accounts",
                "{option} has no effect: the database has no accounts",
                option=PASSWORD_OPTION,
            )
        signs_in = file is not None or (has_accounts and is_asked_for())
        if signs_in:
            sign_in(run, file)
        yield signs_in
    elif action in identity.IN_PERSON:
        with in_session(run, file):
            yield True
    else:
        yield False


@contextmanager
def in_session(run: Run, file: Path | None, option: str = PASSWORD_OPTION) -> Iterator[None]:
    """Open a session on the server for the person who acts.

    `option`: the option that names the password file.

    Raises:
        PasswordNeededError, ProblemError: as for `for_command`.
    """
    from incidents.client.faults import ProblemError

    server = run.remote
    assert server is not None, "only a server has sessions"
    question = run.question("password.ask", handle=server.password_account)

    def ask() -> str:
        return read_password(file, question, option)

    with ExitStack() as stack:
        try:
            # Standard input can be read only once.
            again = None if file == STDIN else ask
            stack.enter_context(server.signed_in(ask(), again, lambda: read_code(run)))
        except ProblemError as error:
            if error.name == "sign_in" and not (run.settings.named or server.has_token):
                run.inform(run.text("password.login_name", handle=server.password_account))
            raise
        yield


def sign_in(run: Run, file: Path | None, option: str = PASSWORD_OPTION) -> Identity:
    """Check the password of the person who acts, for one action on a database.

    Return the identity of that person.

    Raises:
        NoAccountError: if nobody was named, and the login name is not an account.
        PasswordNeededError: if there is no terminal to ask for the password.
        CodeNeededError: if a code is needed too, and there is no terminal to ask for it.
        SignInError, WrongFactorError, FactorDemandedError, BlockedError: see
            `Authenticator.identify`.
    """
    handle = run.settings.person
    if not run.settings.named and not _is_account(run, handle):
        raise NoAccountError(handle=handle)
    given = read_password(file, run.question("password.ask", handle=handle), option)
    from incidents.accounts.second_factor import FactorNeededError

    authenticator = _authenticator(run)
    try:
        return authenticator.identify(handle, given, _terminal(run))
    except FactorNeededError:
        return authenticator.identify(handle, given, _terminal(run), read_code(run))


def second_person(run: Run, handle: str, file: Path | None) -> Any:
    """Read the password of a second person for one action.

    With a database, check the password and return the identity. With a server, return the name and
    the password, which the server checks.
    """
    given = read_password(file, run.question("password.ask", handle=handle), SECOND_PERSON_OPTION)
    if run.remote is not None:
        return {"handle": handle, "password": given, "code": os.environ.get(SECOND_CODE)}
    from incidents.accounts.second_factor import FactorNeededError

    identify = partial(
        _authenticator(run).identify_second, handle, given, _terminal(run),
        beside=run.settings.person, at_terminal=True,
    )  # fmt: skip
    try:
        return identify()
    except FactorNeededError:
        return identify(code=read_code(run, SECOND_CODE))


def beside(run: Run, second: Any, do: Callable[[Any], Answered]) -> Answered:
    """Do one action beside that second person (see `second_person`), or without one.

    If a server needs a code of the second person too, ask for it, and do the action with it.

    Raises:
        CodeNeededError: if a code is needed, and there is no terminal to ask for it.
    """
    if run.remote is None or second is None:
        return do(second)
    from incidents.client.faults import ProblemError

    try:
        return do(second)
    except ProblemError as error:
        if error.name != "factor_needed":
            raise
        return do({**second, "code": read_code(run, SECOND_CODE)})


def _authenticator(run: Run) -> Authenticator:
    from incidents import clock
    from incidents.accounts import access_settings
    from incidents.accounts.authenticator import Authenticator

    access = access_settings.access()
    return Authenticator(run.local.engine, clock.machine_now, run.local.seal, access)


def _terminal(run: Run) -> str:
    return f"the terminal of {run.settings.login}"


def _is_account(run: Run, handle: str) -> bool:
    from incidents.store.accounts import accounts

    with run.local.reading() as connection:
        return accounts.account(connection, handle) is not None


def _has_accounts(run: Run) -> bool:
    from incidents.store.accounts import accounts

    with run.local.reading() as connection:
        return accounts.any_exist(connection)
