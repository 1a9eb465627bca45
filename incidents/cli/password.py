"""The password on the command line: asked for at a terminal without an echo, or read from a file.

It is never an option: other people see what a command was called with.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from incidents.cli import params
from incidents.cli.run import is_terminal
from incidents.errors import FileError, InputError, RefusedError
from incidents.system import private_file

OPTION, OWN = "--password-file", "--own-password-file"
SECOND = "--second-password-file"

STDIN = Path("-")
"""A file that stands for standard input."""
# More than any password has: who names a wrong file, a device say, is told so.
_MOST_BYTES = 10_000


class PasswordNeededError(RefusedError):
    """a password is needed, and nobody is at a terminal to be asked: add {option} FILE (- is
    standard input)"""


class PasswordsDifferError(InputError):
    """the two passwords are not the same, so nothing is changed"""


password_file_option = click.option(
    OPTION, type=params.File(), metavar="FILE",
    help="Read the password of who acts from FILE, - for standard input, in place of being asked.",
)  # fmt: skip
new_password_file_option = click.option(
    OPTION, type=params.File(), metavar="FILE",
    help="Read the new password from FILE, - for standard input, in place of being asked.",
)  # fmt: skip
own_password_file_option = click.option(
    OWN, type=params.File(), metavar="FILE",
    help="Read the password of who acts from FILE, - for standard input, in place of being asked.",
)  # fmt: skip
second_password_file_option = click.option(
    SECOND, type=params.File(), metavar="FILE",
    help="Read the second person's password from FILE, - for standard input, in place of asking.",
)  # fmt: skip


def check_standard_input(own: Path | None, other: Path | None, option: str) -> None:
    """See that not both passwords are to be read from it; `option` names the other's file.

    Raises:
        InputError: naming that option.
    """
    if own == other == STDIN:
        raise InputError(f"standard input gives one password: {option} needs a file of its own")


def read(file: Path | None, question: str, option: str = OPTION) -> str:
    """A password: of the file, without the end of its line, or as it is typed."""
    if file is not None:
        return _of_file(file, option)
    if not is_terminal(sys.stdin):
        raise PasswordNeededError(option=option)
    return _typed(question, option)


def read_new(file: Path | None, handle: str) -> str:
    """A new password; at a terminal it is typed twice."""
    new = read(file, f"New password of {handle}: ")
    if file is None and _typed("The same again: ", OPTION) != new:
        raise PasswordsDifferError
    return new


def _typed(question: str, option: str) -> str:
    import getpass

    try:
        return getpass.getpass(question, stream=sys.stderr)
    except EOFError:
        raise PasswordNeededError(option=option) from None


def _of_file(file: Path, option: str) -> str:
    try:
        if file == STDIN:
            if sys.stdin is None:
                raise PasswordNeededError(option=option)
            whole = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            whole = private_file.read(file)
        text = whole.decode()
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or "it is no text"
        raise FileError(file=file, done="read", detail=detail) from error
    if len(whole) > _MOST_BYTES:
        raise FileError(file=file, done="read", detail="it is too long for a password")
    return text.removesuffix("\n").removesuffix("\r")
