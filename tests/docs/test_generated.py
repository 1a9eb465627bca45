"""The generated pages and pictures are what the code makes of them today, and tell all of it."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from incidents.cli.root import root
from incidents.locale import refusals
from incidents.machine import events
from incidents.store.schema.catalogue import every_table
from scripts.generated import __main__ as program
from scripts.generated import commands, pages
from tests.docs.pages import ROOT

DOCS = pages.DOCS
WRITTEN = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted(DOCS.rglob("*.md"))]
_TYPED = re.compile(
    r"^(?:    |\$ (?:faketime (?:-f )?'[^']+' )?)(?:[A-Z_]+=\S* )*(incidents .*)$", re.MULTILINE
)
_PIPED = re.compile(r"\s+(#|[|>]|<<<?).*$")
# A sentence of a session is a colleague's page, and is run whole.
_NOT_PARSED = ("sentences.md",)


@pytest.mark.parametrize("name", pages.WHOLE)
def test_a_generated_file_is_current(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert text == pages.WHOLE[name](), "make it again: scripts/docs"


@pytest.mark.parametrize("name", pages.PARTS)
def test_the_generated_parts_of_a_page_are_current(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert text == pages.with_parts(text, pages.PARTS[name]), "make it again: scripts/docs"


def test_a_stale_page_is_named_and_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _with_one_page(monkeypatch, tmp_path, lambda: "new\n")
    (tmp_path / "page.md").write_text("old\n", encoding="utf-8")
    assert program.main(["--check"]) == 1
    assert "page.md is stale" in capsys.readouterr().out
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == "old\n"


def test_a_stale_page_is_made_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _with_one_page(monkeypatch, tmp_path, lambda: "new\n")
    assert program.main([]) == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == "new\n"
    assert program.main(["--check"]) == 0


def test_every_command_and_option_is_documented() -> None:
    text = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    missing = [
        f"{name} {option}"
        for name, command in commands.commands()
        for option in _options(command)
        if f"\n### {name}\n" not in text or option not in text
    ]
    assert missing == []


def test_every_event_refusal_and_table_is_documented() -> None:
    for page, mark, names in (
        ("entry.md", "### {}", events.KINDS),
        ("refusals.md", "`{}`", refusals.NAMES),
        ("database.md", "## {}", every_table().tables),
    ):
        text = (DOCS / "reference" / page).read_text(encoding="utf-8")
        assert [name for name in names if mark.format(name) not in text] == []


def test_a_refusal_of_any_part_is_documented() -> None:
    text = (DOCS / "reference" / "refusals.md").read_text(encoding="utf-8")
    for name in (
        "unknown_account", "unknown_preset", "active_already", "too_young", "unknown_token",
        "telling_name", "unknown_notice", "too_costly", "last_administrator",
    ):  # fmt: skip
        assert text.count(f"\n| `{name}` | ") == 1
    names = re.findall(r"^\| `(\w+)` \|", text.partition("## By other parts")[2], re.MULTILINE)
    assert not {*names} & {*refusals.NAMES}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_shows_can_be_typed(page: Path) -> None:
    if page.name in _NOT_PARSED:
        return
    for line in _TYPED.findall(page.read_text(encoding="utf-8")):
        _parse(shlex.split(_PIPED.sub("", line).removesuffix("…"))[1:], line)


def test_the_picture_asks_nothing_of_the_network() -> None:
    picture = (DOCS / "pictures" / "desk.svg").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"'<&]+", picture)) <= {
        "http://www.w3.org/2000/svg",
        "https://shop.example/pills",
        "https://shop.example/pills.",
        "https://shop.example/pills.&#8221;",
    }


def _with_one_page(monkeypatch: pytest.MonkeyPatch, folder: Path, text: Callable[[], str]) -> None:
    monkeypatch.setattr(pages, "DOCS", folder)
    monkeypatch.setattr(pages, "WHOLE", {"page.md": text})
    monkeypatch.setattr(pages, "PARTS", {})
    monkeypatch.setattr(program, "ROOT", folder)


def _options(command: click.Command) -> Iterator[str]:
    yield from (
        option
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for option in parameter.opts
    )


def _parse(words: list[str], line: str) -> None:
    """Take the words apart as click does; a missing argument is what a page leaves out."""
    command: click.Command = root
    context = click.Context(root, info_name="incidents")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"no such command: {line}"
        command, words = found, words[1:]
    try:
        command.make_parser(context).parse_args(list(words))
    except click.MissingParameter:
        return
    except click.UsageError as error:
        raise AssertionError(f"{error.message}: {line}") from error
