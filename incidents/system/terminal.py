"""The terminal: standard output and error, colour, and text that cannot mislead its reader.

A note, a file name or a mistyped argument can hold a control sequence that changes colours, moves
the cursor or sets a title, or a mark that reverses the order of letters. Such characters are shown
as JSON escapes, so a JSON document keeps its meaning.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

import click

from incidents.errors import AnswerLostError

if TYPE_CHECKING:
    from collections.abc import Iterator


def write_stderr(text: str, *, nl: bool = True) -> None:
    """Write on standard error; ignore a failure, such as a full disk."""
    with suppress(OSError, ValueError):
        click.echo(text, err=True, nl=nl)


@contextmanager
def guarded_stdout() -> Iterator[None]:
    """Report a failed write to standard output as its own kind of error.

    Raises:
        AnswerLostError: if the write fails, for example because the disk is full.
        BrokenPipeError: if the reader has gone away.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard_stdout()
        raise AnswerLostError(detail=error.strerror or str(error)) from error


def _discard_stdout() -> None:
    """Discard the rest of the buffer, so that the interpreter does not write it at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a stream is a terminal; the stream is None if the caller closed it."""
    return stream is not None and stream.isatty()


def uses_colour() -> bool:
    """Whether to write colour.

    NO_COLOR and CLICOLOR_FORCE decide; without them, only a terminal gets colour.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_terminal(sys.stdout)


def coloured(text: str, **style: object) -> str:
    """The text in colour, if standard output supports colour."""
    return click.style(text, **style) if text and uses_colour() else text  # type: ignore[arg-type]  # click's own


MOST_CHARACTERS = 4_000
"""The maximum length of an error; the wrong input may have been a whole file."""

# People write line ends and tabs. U+200C and U+200D join letters in ordinary words.
_MISLEADING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# The escapes that `click.style` writes for this program's styles.
_COLOUR_CODES = re.compile(r"(\x1b\[(?:0|1|31|32|33)m)")


def visible(text: str) -> str:
    """Replace each character that could make a terminal mislead its reader by its escape."""
    return _MISLEADING.sub(_escaped, text)


def visible_but_coloured(text: str) -> str:
    """Escape misleading characters in a text, but keep the program's own colours."""
    if "\x1b" not in text:
        return visible(text)
    parts = _COLOUR_CODES.split(text)
    return "".join(part if n % 2 else visible(part) for n, part in enumerate(parts))


def visible_and_short(text: str) -> str:
    """Shorten an error, and escape misleading characters in it."""
    return visible(shortened(text))


def shortened(text: str) -> str:
    """The text, with its middle left out if it has more than `MOST_CHARACTERS`."""
    half = MOST_CHARACTERS // 2
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]} … {text[-half:]}"


def _escaped(found: re.Match[str]) -> str:
    import json

    return json.dumps(found[0])[1:-1]
