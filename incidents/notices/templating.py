"""The templates: Jinja in a sandbox; an error names its file and line.

The module also normalizes a text to one line or to paragraphs.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import Environment, FileSystemLoader, TemplateSyntaxError

from incidents.errors import Cause, IncidentsError
from incidents.values import site_name


class TemplateFiles(FileSystemLoader):
    """A loader of template files; the first folder with a file of that name takes precedence."""

    def __init__(self, folders: Sequence[Path]) -> None:
        # A file saved on Windows may begin with a byte order mark.
        super().__init__(folders, encoding="utf-8-sig")

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """The source, the file, and a check whether the file changed, as Jinja requires.

        Raises:
            TemplateSyntaxError: if the file cannot be read, or is not UTF-8.
        """
        try:
            source, file, is_unchanged = super().get_source(environment, template)
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise self._unreadable(template, "it is not UTF-8", line) from error
        except PermissionError as error:
            raise self._unreadable(template, "no permission to read it", 1) from error

        # The operator may add a file to an earlier folder later.
        return source, file, lambda: self.find(template) == Path(file) and is_unchanged()

    def find(self, template: str) -> Path | None:
        """The file to use: the first visible file of this name in the folders."""
        files = (Path(os.path.normpath(Path(folder) / template)) for folder in self.searchpath)
        # Unlike Path.is_file, it does not raise if a folder cannot be entered.
        return next((file for file in files if os.path.isfile(file)), None)  # noqa: PTH113

    def _unreadable(self, template: str, why: str, line: int) -> TemplateSyntaxError:
        return TemplateSyntaxError(why, line, template, str(self.find(template) or template))


SHIPPED = Path(__file__).with_name("templates")
MAX_DETAIL = 200

_EMPTY_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")


class TemplateError(IncidentsError):
    """the template {file} is wrong{line}: {detail}"""


def environment(folders: Sequence[Path], filters: Mapping[str, Callable[..., str]]) -> Environment:
    """The templates in these folders, in order of precedence; HTML is escaped.

    The templates run in a sandbox, which gives no access to the program.
    """
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        loader=TemplateFiles(folders),
        undefined=StrictUndefined,
        autoescape=_is_html,
        finalize=_defined,
        # Included text keeps its line ends, and an empty line after it.
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(filters)
    made.globals["command"] = _command
    return made


def render(jinja: Environment, name: str, facts: Mapping[str, Any]) -> str:
    """Render the template of that name with the facts.

    Raises:
        TemplateError: naming the file and the line.
    """
    from jinja2 import TemplateError as WrongTemplateError
    from jinja2 import TemplateNotFound, TemplateSyntaxError

    try:
        template = jinja.get_template(name)
        return template.render(facts)
    except TemplateSyntaxError as error:
        raise _template_error(error.filename or error.name or name, error.lineno, error) from error
    except TemplateNotFound as error:
        raise _template_error(
            *_location(jinja, name, error), f"there is no {error.name}"
        ) from error
    except WrongTemplateError as error:
        raise _template_error(*_location(jinja, name, error), error) from error
    except Exception as error:
        # An expression in a template can raise anything.
        detail = f"{type(error).__name__}: {error}"
        raise _template_error(*_location(jinja, name, error), detail) from error


def without_extra_lines(text: str) -> str:
    """The text with at most one empty line between lines, and none at the start or end."""
    return _EMPTY_LINES.sub("\n\n", text).strip()


def _command(act: str, of: str = "", **facts: str) -> str:
    """The command line for an action or a query (see `contract.hints`)."""
    from incidents.contract.documents import Hint
    from incidents.contract.hints import typed

    return typed(Hint(act=act, of=of if of.isascii() else site_name.read(of), facts=dict(facts)))


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html.jinja")


def _defined(value: Any) -> Any:
    """The value to write; None is an error, because the template uses a fact that is missing."""
    if value is None:
        from jinja2 import UndefinedError

        raise UndefinedError("it uses a fact that is not there: test for it with if first")
    return value


def _template_error(file: str | Path, line: int | None, detail: object) -> TemplateError:
    where = "" if line is None else Cause.of("in_line", " in line {line}", line=line)
    return TemplateError(file=file, line=where, detail=one_line(str(detail), MAX_DETAIL))


def _location(jinja: Environment, name: str, error: BaseException) -> tuple[str | Path, int | None]:
    """The innermost template file and line of the error."""
    found: tuple[str | Path, int | None] = (_path(jinja, name), None)
    step: TracebackType | None = error.__traceback__
    while step is not None:
        # Jinja gives the template's own name and line in tracebacks.
        if step.tb_frame.f_code.co_filename.endswith(".jinja"):
            found = (step.tb_frame.f_code.co_filename, step.tb_lineno)
        step = step.tb_next
    return found


def _path(jinja: Environment, name: str) -> Path | str:

    return (isinstance(jinja.loader, TemplateFiles) and jinja.loader.find(name)) or name


# They join letters in ordinary words.
_JOINERS = "\u200c\u200d"
# Control and bidirectional characters, surrogates, line separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def one_line(text: str, most: int) -> str:
    """The text with spaces for line ends and invisible characters, cut to `most` characters.

    The result cannot end a header, begin a paragraph or reverse the direction of text.
    """
    words = "".join(
        " " if _is_invisible(character) else character for character in text[: 4 * most]
    )
    line = " ".join(words.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _is_invisible(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _INVISIBLE


_ITEM = "- "


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of a paragraph, or the items of a list."""

    lines: tuple[str, ...]
    is_list: bool


def blocks(text: str) -> list[Block]:
    """The blocks of a text: paragraphs are separated by empty lines, items begin with `- `."""
    return [block for paragraph in text.split("\n\n") for block in _of_paragraph(paragraph)]


def _of_paragraph(paragraph: str) -> Iterator[Block]:
    lines = [line for line in paragraph.split("\n") if line]
    for is_list, found in groupby(lines, key=lambda line: line.startswith(_ITEM)):
        yield Block(tuple(line.removeprefix(_ITEM) if is_list else line for line in found), is_list)
