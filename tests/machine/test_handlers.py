"""The handlers: one for each kind."""

import pytest

from incidents.machine import commands as c
from incidents.machine.handlers import Handlers, merge


def test_a_second_handler_of_a_kind_is_an_error() -> None:
    first, second = Handlers[list[str]](), Handlers[list[str]]()
    for handlers in (first, second):
        handlers.on(c.Log)(lambda _on, _command: None)
    with pytest.raises(TypeError, match="Log has a handler already"):
        first.on(c.Log)(lambda _on, _command: None)
    with pytest.raises(TypeError, match="Log has two handlers"):
        merge(first, second)
