"""The policy files that are named on the command line, read with one sentence for what is wrong."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import params
from incidents.errors import FileError, InputError
from incidents.machine import policy

if TYPE_CHECKING:
    from incidents.machine.policy import Policy

MAX_BYTES = 1_000_000
"""The most bytes of a policy, or of a file of scenarios."""

argument = click.argument("file", type=params.File(), metavar="FILE")


def read(file: Path) -> Policy:
    """The policy in a file.

    Raises:
        FileError: as `read_text` does.
        InputError: as `read_text` does, or if the file is no policy, with PolicyError's sentence.
    """
    try:
        return policy.read(read_text(file))
    except policy.PolicyError as error:
        raise InputError(f"{file} is no policy: {error}") from error


def read_text(file: Path) -> str:
    """The text of a small file.

    Raises:
        FileError: if it cannot be read, or is no text.
        InputError: if it is far too large to be what it should be.
    """
    try:
        # A pipe, and a device without an end, do not tell their size.
        with file.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InputError(f"{file} has more than {MAX_BYTES:,} bytes: is it the right file?")
        return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise FileError(file=file, done="read", detail="it is not UTF-8 text") from error
    except OSError as error:
        detail = error.strerror or "no reason given"
        raise FileError(file=file, done="read", detail=detail) from error
