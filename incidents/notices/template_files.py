"""The files of templates, in which whatever cannot be read is told of its own file and line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, TemplateSyntaxError


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
            raise self._unreadable(template, "it may not be read", 1) from error

        # The operator may have added a file to an earlier folder since.
        return source, file, lambda: self.first(template) == Path(file) and is_unchanged()

    def first(self, template: str) -> Path | None:
        """The file that is used: that of the first folder in which one of this name can be seen."""
        files = (Path(os.path.normpath(Path(folder) / template)) for folder in self.searchpath)
        # Unlike Path.is_file, it raises nothing where a folder may not be entered.
        return next((file for file in files if os.path.isfile(file)), None)  # noqa: PTH113

    def _unreadable(self, template: str, why: str, line: int) -> TemplateSyntaxError:
        return TemplateSyntaxError(why, line, template, str(self.first(template) or template))
