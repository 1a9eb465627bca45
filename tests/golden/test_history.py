"""What is answered, on record and sent out: see CONTRIBUTING, "Tests"."""

import inspect

import pytest

from incidents.machine import commands
from incidents.machine.command import Command
from tests.golden import files, history
from tests.golden.history import Played


@pytest.fixture(scope="module")
def played() -> Played:
    return history.play()


def test_the_record_the_answers_and_what_goes_out_are_as_they_were(played: Played) -> None:
    difference = files.difference(played.files)
    assert not difference, difference


def test_each_command_of_the_machine_occurs_in_the_history(played: Played) -> None:
    kinds = [kind for _, kind in inspect.getmembers(commands, inspect.isclass)]
    # The last of each line of descent: the others are what commands have in common.
    asked = {
        kind.__name__ for kind in kinds if issubclass(kind, Command) and not kind.__subclasses__()
    }
    assert asked - played.decided == set(), "tests/golden/history.txt has none of these"
