"""The parsing of untrusted TOML, JSON and CSV, with limits and with this program's own messages.

TOML has limits, because parsing it can take unlimited time. Python's messages are replaced, because
they name its classes and functions, and change between releases.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from incidents.cause import Cause

if TYPE_CHECKING:
    import csv

MAX_PARTS = 8
"""The maximum number of parts in a key, because `tomllib` takes quadratic time."""

_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\[^\n])*+"|'[^'\n]*+')"""
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}+'
    r"|'''(?:[^']|'(?!''))*+'{3,5}+"
    r"|\#[^\n]*+"
    # tomllib stops at an unclosed string too, after one pass.
    r"|(?P<open>\"\"\"|''')"
    rf"|(?P<long>{_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_PARTS}}})"
    rf"|{_PART}"
    r"""|(?P<unclosed>["'])""",
    re.DOTALL,
)


class TomlTextError(ValueError):
    """A refused text; the message continues a sentence that begins with `the policy` or `it`."""


def read_toml(text: str, most: int) -> dict[str, Any]:
    """Read a TOML document of at most `most` characters.

    Raises:
        TomlTextError: if the text is longer, has a key of more than `MAX_PARTS` parts, or is not
            TOML.
    """
    if len(text) > most:
        raise TomlTextError(
            Cause.of(
                "toml_long", "has {found:,} characters, and {most:,} are the most",
                found=len(text), most=most,
            )
        )  # fmt: skip
    for token in _TOKEN.finditer(text):
        if token["long"] is not None:
            line = text.count("\n", 0, token.start()) + 1
            raise TomlTextError(
                Cause.of(
                    "toml_key", "has a key of more than {most} parts in line {line}",
                    most=MAX_PARTS, line=line,
                )
            )  # fmt: skip
        if token["open"] or token["unclosed"]:
            break
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib lets through what int() says, too
        raise TomlTextError(
            Cause.of("not_toml_text", "is not valid TOML: {problem}", problem=toml_problem(error))
        ) from error


def toml_problem(error: ValueError | RecursionError) -> str:
    """Describe why `tomllib` could not read a text, without Python's own terms."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, tomllib.TOMLDecodeError):
        return str(error)
    # int() refuses too many digits.
    return "a number in it is too long"


class MisreadError(ValueError):
    """Invalid data; the message is one of this program's own sentences."""


def json_problem(error: ValueError | RecursionError) -> str:
    """Describe why `json` could not read a text."""
    if isinstance(error, MisreadError):
        return str(error)
    _, sentence, facts = json_fault(error)
    return sentence.format_map(facts)


def json_fault(error: ValueError | RecursionError) -> tuple[str, str, dict[str, int]]:
    """Return an error from `json` in the form of `errors.Cause`: code, sentence and facts."""
    if isinstance(error, UnicodeError):
        return "json_not_utf8", "it is not UTF-8", {}
    if isinstance(error, RecursionError):
        return "json_nested", "it is nested too deeply", {}
    if isinstance(error, json.JSONDecodeError):
        at = {"line": error.lineno, "column": error.colno}
        if error.lineno > 1:
            return "json_line", "the error is at line {line}, character {column}", at
        return "json_column", "the error is at character {column}", at
    # int() refuses too many digits.
    return "json_number", "a number in it is too long", {}


def csv_problem(error: csv.Error | UnicodeDecodeError) -> str:
    """Describe why `csv`, in strict mode, could not read a text."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if is_field_too_long(error):
        import csv  # what reads no CSV need not load it

        return f"a field has more than {csv.field_size_limit():,} characters"
    if is_never_closed(error):
        return "a quote is never closed"
    return "a quote or a line end stands where none may be"


def is_field_too_long(error: csv.Error) -> bool:
    """Whether `csv` gave up in the middle of a field."""
    return "field limit" in str(error)


def is_never_closed(error: csv.Error) -> bool:
    """Whether `csv` reached the end of the text within quotes."""
    return "end of data" in str(error)
