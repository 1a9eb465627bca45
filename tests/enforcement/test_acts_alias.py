"""The old name of the room, which adapters of one's own import, still leads to the same things."""

import importlib

from incidents.enforcement import port
from incidents.settings import options


def test_an_adapter_that_imports_the_port_and_the_options_by_their_old_names_gets_the_same() -> (
    None
):
    assert importlib.import_module("incidents.acts.port") is port
    assert importlib.import_module("incidents.acts.options") is options
