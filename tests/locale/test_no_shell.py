"""No shell: the machine, the views and shared sentences name no command and no option.

A hint says what to do, which each surface renders (`contract.refusal_hints`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest

import incidents
from incidents.cli.root import root
from incidents.locale.catalogue import phrases
from incidents.values.language_tag import Tag

PROGRAM = Path(incidents.__path__[0])

ROOMS = ("machine", "views", "desk", "api", "filing")
AT_THE_MACHINE = {
    "cause.database_damaged", "cause.disk_fails", "cause.disk_full", "cause.folder_unwritable",
    "cause.is_folder", "cause.no_database", "cause.no_own_database", "cause.not_readable",
    "cause.not_sqlite", "cause.unchecked_pages", "cause.way_in_another", "cause.way_in_hba",
    "cause.way_in_make", "cause.way_in_reach", "cause.way_in_start",
    "error.command_signs", "error.database_empty", "error.database_foreign",
    "error.database_older", "error.folder_not_made", "error.key_has_signed",
    "error.key_on_record", "error.log_has_key", "error.no_key_command", "error.no_rehearsal",
    "error.signing_key_elsewhere", "cause.ledger_gone", "cause.ledger_of_other",
    "cause.log_no_key", "cause.must_words",
    "cause.way_database", "cause.way_policy", "cause.way_recover", "cause.way_verify",
    "error.address", "error.answer_lost", "error.bad_rows", "error.denied", "error.fast_clock",
    "error.halted", "error.port_taken",
    "error.held_checkpoint", "error.loss_known", "error.no_account", "error.no_serve_key",
    "error.not_as_signed", "error.policy_text", "error.sealed_elsewhere", "error.signs_elsewhere",
    "error.standing_aside", "error.torn_note", "error.torn_share", "error.uncompared_checkpoint",
    "error.unknown_signer", "text.name given with --as",
}  # fmt: skip
"""What only a person at the command line reads: no server sends it. English has it in the code."""


def _commands() -> Iterator[str]:
    """Each as it is typed: `site why`."""
    context = click.Context(root)
    for name in root.list_commands(context):
        found = root.get_command(context, name)
        if isinstance(found, click.Group):
            yield from (f"{name} {verb}" for verb in found.list_commands(context))
        yield name


COMMANDS = sorted(_commands(), key=len, reverse=True)
SHELL = re.compile(
    rf"(?<![\w-])--[a-z]|\bincidents (?:{'|'.join(COMMANDS)})\b"
    rf"|[(`](?:{'|'.join(each for each in COMMANDS if ' ' in each)})\b"
)
"""An option, or a command as it is typed; without the program's name, one of two words in brackets
or marked as code."""


def test_what_is_looked_for_is_found() -> None:
    assert SHELL.search("recorded with --at")
    assert SHELL.search("make one with incidents audit key new")
    assert SHELL.search("no account is called li (account list lists them)")
    assert not SHELL.search("a few incidents were logged -- or not; the site list is long")


@pytest.mark.parametrize("tag", get_args(Tag))
def test_no_phrase_names_an_option_or_types_a_command(tag: Tag) -> None:
    found = {id_ for id_, phrase in phrases(tag, "incidents").items() if SHELL.search(phrase)}
    assert found == ({*AT_THE_MACHINE} if tag == "zh_CN" else set())


@pytest.mark.parametrize("room", ROOMS)
def test_no_text_of_the_program_that_surfaces_show_names_one(room: str) -> None:
    texts = [each for file in (PROGRAM / room).rglob("*.py") for each in _texts(file)]
    assert texts
    assert [text for text in texts if SHELL.search(text)] == []


@pytest.mark.parametrize("file", sorted((PROGRAM / "views").rglob("*.jinja")), ids=lambda f: f.name)
def test_no_page_for_people_outside_types_a_command_of_ours(file: Path) -> None:
    page = re.sub(r"<style>.*?</style>", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    # What an auditor runs is no command of ours.
    lines = [line for line in page.splitlines() if "python3 verify_export.py" not in line]
    assert [line for line in lines if SHELL.search(line)] == []


def _texts(file: Path) -> Iterator[str]:
    """The texts in that code: no docstring, but that of an error, which is its message."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    about = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
            yield ast.get_docstring(node) or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in about:
            yield node.value
