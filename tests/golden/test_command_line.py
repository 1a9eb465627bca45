"""What scripts and people type, and what `--help` tells them: see CONTRIBUTING, "Tests"."""

from tests.golden import command_line, files


def test_the_command_line_and_its_help_are_as_they_were() -> None:
    differences = "\n\n".join(files.differences(command_line.files()))
    assert not differences, differences
