"""The templating: Jinja in a sandbox, in which a missing fact is an error, told in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from incidents.errors import IncidentsError
from incidents.notices.one_line import one_line

if TYPE_CHECKING:
    from jinja2 import Environment

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

    from incidents.notices.template_files import TemplateFiles

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


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html.jinja")


def _there(value: Any) -> Any:
    """What is to be written; a template that would write None asks for what is not there."""
    if value is None:
        from jinja2 import UndefinedError

        raise UndefinedError("it writes a fact that is not there; ask for it with if first")
    return value


def _wrong(file: str | Path, line: int | None, detail: object) -> TemplateError:
    where = "" if line is None else f" in line {line}"
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
    from incidents.notices.template_files import TemplateFiles

    return (isinstance(house.loader, TemplateFiles) and house.loader.first(name)) or name
