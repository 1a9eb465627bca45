"""`simulate` on the command line: the answer's shape, what is told beside it, what is refused."""

import csv
import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from incidents.machine.policy import DOCUMENTED, Policy
from tests.cli.conftest import Cli

DATA = Path(__file__).parent.parent / "data"
FEED = str(DATA / "feed.csv")
PLAIN = "occurred_at,site\n2026-03-01 02:50,a.example\n2026-03-01 03:50,a.example\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "history.csv"
    file.write_text(PLAIN)
    return file


@pytest.fixture
def strict(tmp_path: Path) -> str:
    file = tmp_path / "strict.toml"
    file.write_text(Policy(repeat_count=2).toml())
    return str(file)


def test_default_is_another_name_of_the_documented_policy(cli: Cli) -> None:
    [default] = cli("simulate", FEED, "--policy", "default", "--json").json["policies"]
    [documented] = cli("simulate", FEED, "--policy", "documented", "--json").json["policies"]
    assert {**default, "policy": ""} == {**documented, "policy": ""}


def test_the_document_has_one_entry_for_each_policy(cli: Cli, strict: str) -> None:
    answer = cli("simulate", FEED, "--policy", "documented", "--policy", strict, "--json")
    assert (answer.status, answer.err) == (0, "")
    assert list(answer.json) == ["policies"]
    documented, other = answer.json["policies"]
    assert documented == {
        "policy": "documented",
        "digest": DOCUMENTED.digest,
        "sites": 73,
        "incidents": 195,
        "moot": 31,
        "suspensions": 0,
        "closed": {"repeat": 14, "unreachable_run": 0, "refusal": 0, "false_info": 0},
        "reports": 195,
        "bad": 0,
        "kept": 195,
        "drawn": 195,
        "drawn_reached": 195,
        "reach": 1.0,
        "seed": 0,
        "group_within": None,
        "from": "2026-01-05T07:51:31Z",
        "to": "2026-03-19T22:59:35Z",
    }
    assert other["policy"] == strict
    assert other["closed"]["repeat"] > documented["closed"]["repeat"]


@pytest.mark.parametrize(("within", "closed"), [("10m", 7), ("60m", 5), ("1h", 5)])
def test_bursts_are_taken_as_one(cli: Cli, within: str, closed: int) -> None:
    [found] = cli("simulate", FEED, "--group-within", within, "--json").json["policies"]
    assert found["closed"]["repeat"] == closed
    assert found["kept"] == found["incidents"] < found["reports"]


def test_the_same_seed_draws_the_same_and_the_output_says_so(cli: Cli) -> None:
    one, again, other = (
        cli("simulate", FEED, "--reach", "0.6", "--seed", seed) for seed in ("5", "5", "6")
    )
    assert one == again
    assert one.out != other.out
    assert "195 at random (--reach 0.6 --seed 5), 110 of these reached" in one.err
    known = cli("simulate", str(DATA / "history.jsonl"), "--reach", "0.6")
    assert "all 14 from the history, none drawn" in known.err


def test_the_policy_is_the_active_one_of_a_database_that_is_named(
    cli: Cli, strict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def policy() -> tuple[str, str]:
        [found] = cli("simulate", FEED, "--json").json["policies"]
        return found["policy"], found["digest"]

    assert policy() == ("active", DOCUMENTED.digest)
    assert cli("policy", "activate", strict, "--reason", "to see").status == 0
    assert policy() == ("active", Policy(repeat_count=2).digest)
    monkeypatch.delenv("INCIDENTS_DB")
    assert policy() == ("documented", DOCUMENTED.digest)


def test_for_people_there_is_a_line_a_policy_and_what_it_rests_on_beside_it(
    cli: Cli, file: Path
) -> None:
    answer = cli("simulate", str(file), "--zone", "UTC")
    assert answer.out == "active\t1\t2\t0\t0\t0\t0\t0\t0\n"
    assert "2 reports about 1 site, 2026-03-01 02:50 to 2026-03-01 03:50 UTC" in answer.err
    assert "each report is one incident" in answer.err


def test_times_without_an_offset_are_in_utc_or_in_the_zone_that_is_typed(
    cli: Cli, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_ZONE", "America/Chicago")
    assert (
        cli("simulate", str(file), "--json").json["policies"][0]["from"] == "2026-03-01T02:50:00Z"
    )
    typed = cli("simulate", str(file), "--json", "--zone", "Asia/Shanghai")
    assert typed.json["policies"][0]["from"] == "2026-02-28T18:50:00Z"


def test_as_csv_each_rule_has_a_column(cli: Cli, strict: str) -> None:
    out = cli("simulate", FEED, "--policy", strict, "--format", "csv").out
    [row] = csv.DictReader(io.StringIO(out))
    assert row["policy"] == strict
    assert int(row["closed_repeat"]) > 14
    assert row["group_within"] == ""


def test_ids_alone_are_the_sites_that_would_be_closed(cli: Cli) -> None:
    answer = cli("simulate", FEED, "-q", "--group-within", "60m")
    assert answer.out.split() == ["edge-in.example", *(f"repeat-{n}.example" for n in range(1, 5))]


def test_a_removal_deadline_warns_of_what_the_history_does_not_know(
    cli: Cli, file: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "removal.toml"
    policy.write_text('[refusal]\nremoval_within = "8h"\n')
    answer = cli("simulate", str(file), "--policy", str(policy))
    assert "removed_at is missing for 2 incidents" in answer.err
    assert answer.out.split("\t")[7] == "1"


def test_the_picture_is_written(cli: Cli, strict: str, tmp_path: Path) -> None:
    picture = tmp_path / "picture.svg"
    answer = cli("simulate", FEED, "--policy", "documented", "--policy", strict, "-o", str(picture))
    assert f"wrote the chart to {picture}" in answer.err
    assert picture.read_text().startswith("<svg ")
    assert strict[-20:] in picture.read_text()


def test_an_empty_history_has_an_answer_and_a_picture(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    file.write_text("occurred_at,site\n")
    answer = cli("simulate", str(file), "-o", str(tmp_path / "p.svg"), "--json")
    assert (answer.status, answer.json["policies"][0]["sites"]) == (0, 0)


def test_a_bad_line_stops_it_in_one_sentence_or_is_counted(cli: Cli, file: Path) -> None:
    file.write_text(PLAIN + "soon,a.example\n")
    refused = cli("simulate", str(file))
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        f"incidents: {file}, line 4: occurred_at is 'soon', which is no time; write "
        "2026-03-01T02:50:00Z or 2026-03-01 02:50; mend it, or leave such lines out with "
        "--skip-bad\n"
    )
    taken = cli("simulate", str(file), "--skip-bad")
    assert taken.status == 0
    assert "skipped lines: 1; the first is line 4" in taken.err
    assert cli("simulate", str(file), "--skip-bad", "--json").json["policies"][0]["bad"] == 1


@pytest.mark.parametrize(
    ("args", "status", "sentence"),
    [
        (["none.csv"], 1, "none.csv cannot be read: No such file or directory"),
        ([FEED, "--reach", "1.1"], 2, "--reach is '1.1': give a probability from 0 to 1"),
        ([FEED, "--reach", "nan"], 2, "--reach is 'nan'"),
        ([FEED, "--reach", "often"], 2, "--reach is 'often'"),
        ([FEED, "--seed", "x"], 2, "'x' is not a valid integer"),
        ([FEED, "--group-within", "an hour"], 2, "not a duration: 'an hour' (write 60m"),
        ([FEED, "--policy", "none.toml"], 1, "none.toml cannot be read: No such file"),
        ([FEED, "--policy", FEED], 2, "feed.csv is not a policy: the policy is not valid TOML"),
        ([FEED, "-o", "p.png"], 2, "-o is 'p.png': the picture is SVG, so name a file.svg"),
        ([FEED, "-o", "none/p.svg"], 1, "none/p.svg cannot be written: No such file"),
        ([FEED, "--zone", "Mars"], 2, "unknown time zone: 'Mars'"),
        ([], 2, "Missing argument 'FILE'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    cli: Cli, args: list[str], status: int, sentence: str
) -> None:
    answer = cli("simulate", *args)
    assert answer.status == status
    assert sentence in answer.err


@pytest.mark.long
def test_on_a_terminal_there_is_a_progress_bar_and_on_a_pipe_there_is_none(cli: Cli) -> None:
    assert "simulating" not in cli("simulate", FEED).err
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "incidents", "simulate", FEED, "--json"]
    environment = os.environ | {"TERM": "xterm"}
    done = subprocess.run(
        command, stderr=writer, stdout=subprocess.PIPE, env=environment, check=True
    )
    os.close(writer)
    assert done.stdout.startswith(b"{")
    assert b"simulating" in os.read(reader, 100_000)
    os.close(reader)
