"""What scripts and people type, and what `--help` tells them: see CONTRIBUTING, "Tests"."""

from tests.golden import command_line, files


def test_the_command_line_and_its_help_are_as_they_were() -> None:
    difference = files.difference(command_line.files())
    assert not difference, difference
