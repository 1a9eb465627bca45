"""The programs of the demonstration: what one of them says, and what is done if it ends."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.demo.children import Children, ProgramEndedError
from incidents.store.database import schema


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    """Programs with a rehearsal of their own."""
    own = {
        "INCIDENTS_DB": f"sqlite:///{tmp_path}/own.db", "PYTHONPATH": os.pathsep.join(sys.path),
        "HOME": str(tmp_path),
    }  # fmt: skip
    schema.upgrade(own["INCIDENTS_DB"], rehearsal=True)
    with Children(tmp_path, own) as made:
        yield made


def test_a_program_whose_port_was_taken_meanwhile_is_started_with_another_one(
    children: Children,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        children.start("serve", "--port", str(taken))
        address = children.first_line([("serve", "--port", "0")])
    assert address.startswith("http://127.0.0.1:")
    assert not address.endswith(f":{taken}")
    children.check()


def test_what_a_program_said_at_its_end_is_told(children: Children) -> None:
    children.start("serve", "--port", "x")
    with pytest.raises(ProgramEndedError) as ended:
        children.first_line()
    assert ended.value.message.startswith("incidents serve ended by itself (status 2): ")
    assert "'x'" in ended.value.message
