"""The templates: Jinja in a sandbox; an error names its file and line.

Also somebody's text, made into one line or into paragraphs.
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
    """Files in folders; of the first folder that has one of that name. Loaded with Jinja alone."""

    def __init__(self, folders: Sequence[Path]) -> None:
        # A file that was saved on Windows may begin with a mark.
        super().__init__(folders, encoding="utf-8-sig")

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """What Jinja asks for.

        Raises:
            TemplateSyntaxError: of a file that cannot be read, or is not UTF-8.
        """
        try:
            source, file, is_unchanged = super().get_source(environment, template)
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise self._unreadable(template, "it is not UTF-8", line) from error
        except PermissionError as error:
            raise self._unreadable(template, "no permission to read it", 1) from error

        # The operator may have added a file to an earlier folder since.
        return source, file, lambda: self.first(template) == Path(file) and is_unchanged()

    def first(self, template: str) -> Path | None:
        """The file that is used: that of the first folder in which one of this name can be seen."""
        files = (Path(os.path.normpath(Path(folder) / template)) for folder in self.searchpath)
        # Unlike Path.is_file, it raises nothing where a folder may not be entered.
        return next((file for file in files if os.path.isfile(file)), None)  # noqa: PTH113

    def _unreadable(self, template: str, why: str, line: int) -> TemplateSyntaxError:
        return TemplateSyntaxError(why, line, template, str(self.first(template) or template))


SHIPPED = Path(__file__).with_name("templates")
MAX_DETAIL = 200

_EMPTY_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")


class TemplateError(IncidentsError):
    """the template {file} is wrong{line}: {detail}"""


def environment(folders: Sequence[Path], filters: Mapping[str, Callable[..., str]]) -> Environment:
    """Templates of these folders, the first that has one first; escaped where they are HTML.

    They run in a sandbox: they reach what they are given, and nothing of the program.
    """
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        loader=TemplateFiles(folders),
        undefined=StrictUndefined,
        autoescape=_is_html,
        finalize=_there,
        # What is included keeps its own line ends, and an empty line behind it stays one.
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(filters)
    made.globals["command"] = _command
    return made


def render(house: Environment, name: str, facts: Mapping[str, Any]) -> str:
    """What the template of that name makes of the facts.

    Raises:
        TemplateError: naming the file and the line.
    """
    from jinja2 import TemplateError as WrongTemplateError
    from jinja2 import TemplateNotFound, TemplateSyntaxError

    try:
        template = house.get_template(name)
        return template.render(facts)
    except TemplateSyntaxError as error:
        raise _wrong(error.filename or error.name or name, error.lineno, error) from error
    except TemplateNotFound as error:
        raise _wrong(*_place(house, name, error), f"there is no {error.name}") from error
    except WrongTemplateError as error:
        raise _wrong(*_place(house, name, error), error) from error
    except Exception as error:
        # A template can raise anything, in what it calculates.
        detail = f"{type(error).__name__}: {error}"
        raise _wrong(*_place(house, name, error), detail) from error


def tidied(text: str) -> str:
    """The text with one empty line at most between two lines, and none before or behind it."""
    return _EMPTY_LINES.sub("\n\n", text).strip()


def _command(act: str, of: str = "", **facts: str) -> str:
    """The command line of an act or a look (see `contract.hints`)."""
    from incidents.contract.documents import Hint
    from incidents.contract.hints import typed

    return typed(Hint(act=act, of=of if of.isascii() else site_name.read(of), facts=dict(facts)))


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html.jinja")


def _there(value: Any) -> Any:
    """What is to be written; a template that would write None asks for what is not there."""
    if value is None:
        from jinja2 import UndefinedError

        raise UndefinedError("it uses a fact that is not there: test for it with if first")
    return value


def _wrong(file: str | Path, line: int | None, detail: object) -> TemplateError:
    where = "" if line is None else Cause.of("in_line", " in line {line}", line=line)
    return TemplateError(file=file, line=where, detail=one_line(str(detail), MAX_DETAIL))


def _place(house: Environment, name: str, error: BaseException) -> tuple[str | Path, int | None]:
    """The file and the line of a template where it happened, the innermost one."""
    found: tuple[str | Path, int | None] = (_path(house, name), None)
    step: TracebackType | None = error.__traceback__
    while step is not None:
        # Jinja puts the template's own name and line in place of its compiled code's.
        if step.tb_frame.f_code.co_filename.endswith(".jinja"):
            found = (step.tb_frame.f_code.co_filename, step.tb_lineno)
        step = step.tb_next
    return found


def _path(house: Environment, name: str) -> Path | str:

    return (isinstance(house.loader, TemplateFiles) and house.loader.first(name)) or name


# They join the letters of honest words.
_JOINERS = "\u200c\u200d"
# Controls, marks that turn the order of the letters round, halves of characters, line separators.
_NO_TEXT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def one_line(text: str, most: int) -> str:
    """The text with a space for whatever ends a line or cannot be seen, cut to `most` characters.

    Nothing that is returned can end a header, open a paragraph or turn the order of letters round.
    """
    words = "".join(" " if _is_none(character) else character for character in text[: 4 * most])
    line = " ".join(words.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _is_none(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _NO_TEXT


_ITEM = "- "


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together: those of a paragraph, or the items of a list."""

    lines: tuple[str, ...]
    is_list: bool


def blocks(text: str) -> list[Block]:
    """The blocks of a text, whose paragraphs stand between empty lines; items begin with `- `."""
    return [block for paragraph in text.split("\n\n") for block in _of_paragraph(paragraph)]


def _of_paragraph(paragraph: str) -> Iterator[Block]:
    lines = [line for line in paragraph.split("\n") if line]
    for is_list, found in groupby(lines, key=lambda line: line.startswith(_ITEM)):
        yield Block(tuple(line.removeprefix(_ITEM) if is_list else line for line in found), is_list)
