"""The compiled statements of all engines together: each test has an engine, none compiles anew.

Compiling was a seventh of what a test with a database costs.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

_MOST = 2_000


class _Compiled(LRUCache[Any, Any]):
    """Under the kind of dialect, where SQLAlchemy names the engine's own instance of it."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((type(key[0]), *key[1:]), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__((type(key[0]), *key[1:]), compiled)


def share() -> None:
    """Each engine that is made from now on uses the same store of compiled statements."""
    make, compiled = Engine.__init__, _Compiled(_MOST)

    def made(self: Engine, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        self._compiled_cache = compiled

    setattr(Engine, "__init__", made)  # noqa: B010, mypy allows no method to be assigned
