"""The record on the command line: export and replay."""

import csv
import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.cli import output
from incidents.errors import FileError
from tests.cli.conftest import Cli


@pytest.fixture
def desk(cli: Cli) -> Cli:
    """Two sites, each with a violation."""
    for site in ("shop.example", "news.example"):
        cli("site", "add", site)
        cli("log", site)
    return cli


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_are_the_default(desk: Cli) -> None:
    answer = desk("audit", "export")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == desk("audit", "export", "--format", "jsonl").out
    assert [entry["site_seq"] for entry in _lines(answer.out)] == ["1", "2", "1", "2"]
    assert all(entry["actor"] == "li" and entry["login"] for entry in _lines(answer.out))


def test_the_export_can_be_csv(desk: Cli) -> None:
    answer = desk("audit", "export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.out, newline="")))
    assert [row["kind"] for row in rows] == ["site_added", "incident_logged"] * 2
    assert "\r\n" in answer.out


def test_an_export_is_of_one_site_and_of_a_span_of_time(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    clock.tick(timedelta(hours=1))
    desk("log", "shop.example")
    found = _lines(desk("audit", "export", "--site", "shop.example").out)
    assert {entry["site"] for entry in found} == {"shop.example"}
    assert len(found) == 3
    assert len(_lines(desk("audit", "export", "--since", "12:30").out)) == 1
    assert len(_lines(desk("audit", "export", "--until", "2026-03-02T05:00:00Z").out)) == 4
    assert len(_lines(desk("audit", "export", "--since", "2026-03-02T05:00:00Z").out)) == 1


def test_a_span_without_any_time_in_it_is_wrong_usage(desk: Cli) -> None:
    answer = desk("audit", "export", "--since", "12:00", "--until", "11:00")
    assert answer.status == 2
    assert "--since is not before --until" in answer.err


# ── the file ─────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_written_whole(desk: Cli, tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    file.write_text("last month's")
    answer = desk("audit", "export", "-o", str(file))
    assert (answer.status, answer.out) == (0, "")
    assert file.read_text(encoding="utf-8") == desk("audit", "export").out
    assert f"entries written to {file}" in answer.err
    assert desk("audit", "export", "-o", "-").out == file.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_was_there_stays_when_the_export_fails(tmp_path: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    file = tmp_path / "record.jsonl"
    file.write_text("last month's")
    with pytest.raises(FileError, match="cannot be written: No space left on device"):
        output.write_file(str(file), parts())
    assert file.read_text() == "last month's"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "march", tmp_path / "latest"
    file.write_text("old")
    link.symlink_to(file)
    output.write_file(str(link), [b"new"])
    assert link.is_symlink()
    assert file.read_text() == "new"


def test_a_link_that_another_user_has_made_is_not_followed(tmp_path: Path) -> None:
    """Else that user could let root replace any file."""
    file, link = tmp_path / "march", tmp_path / "latest"
    file.write_text("old")
    link.symlink_to(file)
    os.chown(link, 65_534, 65_534, follow_symlinks=False)

    with pytest.raises(FileError, match="latest is a link that another user has made"):
        output.write_file(str(link), [b"new"])

    assert file.read_text() == "old"


def test_what_is_no_ordinary_file_is_written_to_as_it_is() -> None:
    output.write_file("/dev/null", [b"new"])
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize(("target", "status"), [(".", 2), ("nowhere/record.jsonl", 1)])
def test_what_cannot_be_written_is_said_in_one_sentence(
    desk: Cli, tmp_path: Path, target: str, status: int
) -> None:
    answer = desk("audit", "export", "-o", str(tmp_path / target))
    assert answer.status == status
    assert len(answer.err.splitlines()) == 1


# ── replay ───────────────────────────────────────────────────────────────────────────────────────


def test_a_replay_that_finds_nothing_says_what_it_has_replayed(desk: Cli) -> None:
    answer = desk("audit", "replay")
    assert (answer.status, answer.out) == (0, "")
    assert answer.err == "the tables match the record: replayed 4 entries for 2 sites\n"
    document = desk("audit", "replay", "--json").json
    assert (document["sites"], document["entries"], document["findings"]) == (2, 4, [])
    assert "keys" in document["outside"]


def test_a_single_entry_is_no_plural(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    told = cli("audit", "replay").err
    assert told == "the tables match the record: replayed 1 entry for 1 site\n"


def test_a_replay_names_the_row_that_was_changed_and_fails_verification(
    cli: Cli, db_url: str
) -> None:
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    with closing(sqlite3.connect(db_url.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE incidents SET state = 'removed'")
    answer = cli("audit", "replay")
    assert answer.status == 5
    assert answer.out == (
        'shop.example: incidents 1-1, state: the record says "open", the row says "removed"\n'
    )
    assert answer.err == "DIFFERENT: 1 finding in 2 entries for 1 site\n"
    answer = cli("audit", "replay", "--json")
    assert answer.status == 5
    assert answer.json["findings"] == [
        {
            "site": "shop.example", "table": "incidents", "row": "1-1", "problem": "changed",
            "column": "state", "expected": "open", "found": "removed",
        }
    ]  # fmt: skip
    assert cli("audit", "replay", "-q").out == "incidents 1-1\n"
    assert cli("audit", "replay", "--format", "jsonl").json == answer.json["findings"][0]
    assert cli("audit", "replay", "--site", "shop.example").status == 5


def test_many_findings_are_told_up_to_a_limit(
    cli: Cli, db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.audit.split.MAX_FINDINGS", 2)
    for n in range(4):
        cli("site", "add", f"s{n}.example")
    with closing(sqlite3.connect(db_url.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE sites SET run = 9")
    answer = cli("audit", "replay")
    assert (answer.status, len(answer.out.splitlines())) == (5, 2)
    assert answer.err.startswith("DIFFERENT: 2 findings and more in ")
    assert cli("audit", "replay", "--json").json["more"] is True


def test_a_bar_shows_how_far_it_is_where_somebody_watches(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int]] = []

    @contextmanager
    def progress(label: str, length: int) -> Iterator[Callable[[int], object]]:
        told.append((label, length))
        yield lambda n: told.append(("done", n))

    monkeypatch.setattr("incidents.cli.admin.history_file.progress", progress)
    desk("audit", "replay")
    desk("audit", "export")
    assert told == []
    monkeypatch.setattr("incidents.cli.audit.audit.is_watched", lambda _: True)
    desk("audit", "replay")
    desk("audit", "export")
    assert told == [("replaying", 4), ("done", 4), ("exporting", 4), ("done", 4)]
