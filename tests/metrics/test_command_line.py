"""`incidents metrics`: what the database tells, once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from incidents.cli import main
from incidents.cli.root import root
from incidents.metrics import service
from tests.desk.rehearsal import rehearsal
from tests.metrics.scraping import Answer

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    db_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs `incidents metrics …` on a desk with one site."""
    monkeypatch.setitem(
        root.targets,
        "metrics",
        ("incidents.cli.admin.monitoring:metrics", "Print what is told to a Prometheus."),
    )
    monkeypatch.setenv("INCIDENTS_DB", db_url)
    with rehearsal(db_url) as day:
        day.add("shop.example")

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["metrics", *words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def parsed(text: str) -> Answer:
    return Answer(200, "", text)


def test_it_prints_what_a_scrape_of_the_database_has(command: Command) -> None:
    status, out, err = command()
    assert (status, err) == (0, "")
    found = parsed(out)
    assert found.value("up") == 1
    assert found.value("log_unnumbered_entries") == 1
    assert "decisions_total" not in out


def test_into_a_file_it_is_written_whole(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "incidents.prom"
    file.write_text("of an hour ago", encoding="utf-8")
    status, out, err = command("-o", str(file))
    assert (status, out, err) == (0, "", "")
    assert parsed(file.read_text(encoding="utf-8")).value("up") == 1
    assert list(tmp_path.iterdir()) == [file]


def test_a_program_may_have_it_as_json(command: Command) -> None:
    status, out, _ = command("--json")
    found = {(row["metric"], *row["labels"].values()): row["value"] for row in json.loads(out)}
    assert status == 0
    assert found["incidents_up",] == 1
    assert found["incidents_orders_dead", "act"] == 0


def test_a_database_that_cannot_be_looked_at_is_up_0_and_a_failure(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/none/incidents.db")
    file = tmp_path / "incidents.prom"
    status, _, err = command("-o", str(file))
    assert status == 1
    assert err.startswith("incidents: cannot open the file ")
    assert "name another one with --db or INCIDENTS_DB" in err
    text = file.read_text(encoding="utf-8")
    assert parsed(text).value("up") == 0
    assert parsed(text).value("deadlines_overdue") is None


def test_a_database_that_is_not_there_is_not_made(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "incidents.db"
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{file}")
    status, out, _ = command()
    assert (status, parsed(out).value("up")) == (1, 0)
    assert not file.exists()


def test_without_the_library_it_says_what_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LIBRARY", "no_such_library")
    status, out, err = command()
    assert (status, out) == (1, "")
    assert "pip install 'incidents[metrics]'" in err
