"""The output: data on standard output, all else on standard error; tables only for people."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from incidents.cli import text_table
from incidents.cli.run import Run
from tests.cli.conftest import Cli


@pytest.fixture
def desk(cli: Cli) -> Cli:
    cli("site", "add", "a.example", "--phone", "+86 10 5555 0100")
    cli("site", "add", "b.example")
    return cli


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output says that it is a terminal, 100 characters wide."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("_pytest.capture.CaptureIO.isatty", lambda self: True, raising=False)


def test_on_a_pipe_a_list_is_lines_of_fields_between_tabs(desk: Cli) -> None:
    out = desk("site", "list").out
    assert [line.split("\t")[:2] for line in out.splitlines()] == [
        ["a.example", "active"],
        ["b.example", "active"],
    ]
    assert "\x1b" not in out
    assert "─" not in out


def test_a_list_as_json_is_an_array_and_as_jsonl_one_document_a_line(desk: Cli) -> None:
    sites = desk("site", "list", "--json").json
    assert [site["site"] for site in sites] == ["a.example", "b.example"]
    assert set(sites[0]) >= {
        "site", "state", "rule", "suspended_until", "run", "disputed", "held", "closed_at",
    }  # fmt: skip
    lines = desk("site", "list", "--format", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == sites


@pytest.fixture
def long_history(tmp_path: Path) -> str:
    file = tmp_path / "long.csv"
    moments = (f"2026-02-{1 + n // 60:02}T02:{n % 60:02}:00Z,a.example" for n in range(1_001))
    file.write_text("\n".join(["occurred_at,site", *moments]))
    return str(file)


def test_on_a_pipe_a_number_in_a_row_is_digits_alone(cli: Cli, long_history: str) -> None:
    tried = cli("simulate", long_history, "--policy", "documented").out
    assert tried.split("\t")[:3] == ["documented", "1", "1001"]
    assert "a.example\tnew\t1001\t0\n" in cli("import", long_history, "--dry-run").out


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_a_number_in_a_row_has_its_thousands_apart(
    cli: Cli, long_history: str
) -> None:
    assert " 1,001 " in cli("simulate", long_history, "--policy", "documented").out


def test_an_empty_list_is_an_empty_array(cli: Cli) -> None:
    assert cli("site", "list", "--json").json == []
    assert cli("site", "list", "--format", "jsonl").out == ""
    assert cli("site", "list").out == ""


def test_csv_has_a_header_and_starts_no_formula(desk: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(desk("site", "list", "--format", "csv").out)))
    assert rows[0]["site"] == "a.example"
    assert rows[0]["held"] == "false"
    assert rows[0]["phone"] == "'+86 10 5555 0100"
    answer = desk("log", "a.example", "--format", "csv").out
    assert next(csv.DictReader(io.StringIO(answer)))["id"] == "1-1"


def test_names_alone_pipe_into_the_next_command(desk: Cli) -> None:
    assert desk("site", "list", "-q").out.split() == ["a.example", "b.example"]
    assert desk("site", "list", "-q", "--state", "closed").out == ""


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_a_list_is_a_table(desk: Cli) -> None:
    out = desk("site", "list").out
    assert "SITE" in out
    assert "─" in out


@pytest.mark.usefixtures("terminal")
def test_a_table_breaks_no_id_on_a_narrow_terminal_and_paints_a_cell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text_table.write_table(Run(), ("ORDER", "WHAT", "PROBLEM"), [
        ("8-o2.notice", text_table.ColouredField.of("braked", fg="red"), "a long tale " * 9),
        ("12-o345.notice", "keep_accounts", "https://host.example/" + "x" * 80),
    ])  # fmt: skip
    drawn = capsys.readouterr().out
    assert "\x1b[1;31mbraked" in drawn
    assert "u001b" not in drawn
    lines = re.sub("\x1b[^m]*m", "", drawn).splitlines()
    assert {"8-o2.notice", "12-o345.notice", "keep_accounts"} <= set(" ".join(lines).split())
    assert max(map(len, lines)) <= 60


@pytest.mark.usefixtures("terminal")
def test_no_color_is_obeyed(desk: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in desk("site", "show", "a.example").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in desk("site", "show", "a.example").out


def test_clicolor_force_paints_also_a_pipe(desk: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in desk("site", "show", "a.example").out
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    assert "\x1b[" in desk("site", "show", "a.example").out


def test_a_site_is_shown_with_whom_to_call(desk: Cli) -> None:
    desk("log", "a.example", "--category", "gambling")
    out = desk("site", "show", "a.example").out
    assert "state: active" in out
    assert "phone: +86 10 5555 0100" in out
    assert "next due: 2026-03-02 13:00 Asia/Shanghai (in 1 h)" in out
    assert "1-1\topen\t2026-03-02 12:00\t2026-03-02 13:00\tgambling" in out


def test_an_incident_is_shown_with_its_whole_story(desk: Cli, tmp_path: Path) -> None:
    proof = tmp_path / "proof.png"
    proof.write_bytes(b"seen")
    written = "http://a.example/x y\n\x1b]z"
    url = ("--url", "http://a.example/x", "--url", written)
    desk("log", "a.example", *url, "--note", "lottery numbers")
    desk("attach", "1-1", str(proof))
    desk("contact", "1-1", "reached", "--note", "he will delete it")
    out = desk("show", "1-1", "--zone", "UTC").out
    assert out.splitlines()[0] == "1-1: customer notified; check whether the content is removed"
    assert "occurred: 2026-03-02 04:00 UTC" in out
    assert "note: lottery numbers" in out
    assert "url: http://a.example/x\nurl: http://a.example/x%20y%1B]z\n" in out
    assert "written: http://a.example/x y\\n\\u001b]z\n" in out
    assert "contact: 1-1-1 reached at 2026-03-02 04:00 by li: he will delete it" in out
    assert "evidence: proof.png (4 bytes" in out
    assert "reached the responsible person; clock stopped" in out
    assert "next: incidents removed 1-1" in out
    document = desk("show", "1-1", "--json").json
    assert set(document) >= {
        "id", "site", "state", "occurred_at", "recorded_at", "contact_due", "contacts",
    }  # fmt: skip
    assert document["timeline"][0]["by"] == "li"
    assert desk("show", "1-1", "-q").out == "1-1\n"


def test_why_tells_the_rule_the_incidents_and_what_would_change_it(desk: Cli) -> None:
    for _ in range(3):
        desk("log", "a.example")
    out = desk("site", "why", "a.example").out
    for said in ("R1", "1-1", "1-2", "1-3", "What would change this:", "next: incidents site"):
        assert said in out
    document = desk("site", "why", "a.example", "--json").json
    assert document["site"]["state"] == "closed"
    assert desk("site", "why", "a.example", "-q").out == "a.example\n"


def test_the_login_name_stands_beside_the_person(desk: Cli) -> None:
    from incidents.settings.sources import login

    assert f"li ({login()})" in desk("site", "why", "a.example").out


def test_an_internationalised_name_is_kept_in_ascii_and_shown_as_written(cli: Cli) -> None:
    cli("site", "add", "例子.测试")
    assert cli("site", "list", "-q").out == "xn--fsqu00a.xn--0zwm56d\n"
    assert "例子.测试" in cli("site", "show", "例子.测试").out


def test_of_an_open_incident_on_a_closed_site_no_deadline_is_told(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    due = cli("log", "shop.example", "--json").json["incident"]["contact_due"]
    looks = [("show", "1-1"), ("site", "show", "shop.example")]
    assert all("13:00" in cli(*look).out for look in looks)
    false = ("--field", "phone", "--evidence", "e", "--confirm", "shop.example")
    cli("site", "false-info", "shop.example", *false)
    for look in looks:
        told = cli(*look).out
        assert ("no active clock" in told, "13:00" in told) == (True, False), look
    # For programs it stays what it was: the clock that the incident was given.
    assert cli("show", "1-1", "--json").json["contact_due"] == due


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_what_is_empty_has_no_line(
    desk: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = desk("site", "show", "a.example").out

    assert "\x1b" in out
    assert "actual state:" not in out


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_wide_table_breaks_no_word_on_a_narrow_terminal(
    width: int,
    language: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    headers = (
        "ORDER",
        "STATE",
        "WHAT",
        "SITE",
        "ORDERED",
        "TRIES",
        "NEXT TRY",
        "ADAPTER",
        "PROBLEM",
    )
    row = (
        "1-o4", "dead", "suspend", "averylongname.shop.example", "2026-03-02 13:00:01", "12",
        "2026-03-02 13:00:01", "panel", "http_500: the server answered with an error",
    )  # fmt: skip
    run = Run()
    run.asked_language = language
    text_table.write_table(run, headers, [row])
    lines = capsys.readouterr().out.splitlines()

    assert max(map(cell_len, lines)) <= width
    shown = " ".join(lines).replace("：", " ").split()
    assert not [word for field in row for word in field.split() if word not in shown]


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_to_be_typed_stays_on_one_line_of_eighty_columns(
    desk: Cli, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    desk("log", "a.example")
    lines = desk("police", "list", "--lang", language).out.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert [line for line in lines if "incidents police done 1-1 --ref R" in line]


@pytest.mark.usefixtures("terminal")
def test_a_list_of_nothing_has_no_frame(desk: Cli) -> None:
    assert desk("filing", "terms").out == ""
