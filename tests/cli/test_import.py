"""`import` on the command line: the dry run, the summary, what stops it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.desk import Answer, Desk, Envelope
from incidents.desk.envelope import refused_answer
from incidents.machine.refusal import Refusal
from tests.cli.conftest import Cli

DATA = Path(__file__).parent.parent / "data"
HISTORY = str(DATA / "history.jsonl")


@pytest.fixture(autouse=True)
def later(clock: FrozenDateTimeFactory) -> None:
    """All of the histories is in the past."""
    clock.move_to(datetime(2026, 6, 1, tzinfo=UTC))


def test_it_brings_sites_and_incidents_in_once(cli: Cli) -> None:
    first = cli("import", HISTORY, "--json")
    assert (first.status, first.err) == (0, "")
    assert first.json == {
        "dry_run": False,
        "reports": 14,
        "kept": 14,
        "sites": {"new": 5, "known": 0},
        "incidents": {"new": 13, "known": 1},
        "refused": 0,
        "refusals": [],
        "urls_left_out": 0,
        "bad": [],
    }
    again = cli("import", HISTORY, "--json").json
    assert again["sites"] == {"new": 0, "known": 5}
    assert again["incidents"] == {"new": 0, "known": 14}


def test_a_dry_run_lists_sites_and_incidents_and_does_nothing(cli: Cli) -> None:
    dry = cli("import", HISTORY, "--dry-run")
    assert dry.status == 0
    assert "shop.example\tnew\t2\t0\n" in dry.out
    assert "three.example\tnew\t3\t1\n" in dry.out
    assert dry.out.endswith(
        "sites: 5 would be added, 0 already in the register\n"
        "incidents: 13 would be imported, 1 already on record\n"
    )
    assert "nothing was changed (--dry-run)" in dry.err
    assert cli("site", "list", "--json").json == []


def test_ids_alone_are_those_of_the_new_incidents(cli: Cli) -> None:
    ids = cli("import", HISTORY, "-q").out.split()
    assert len(ids) == 13
    assert cli("show", ids[0]).status == 0
    assert cli("import", HISTORY, "-q").out == ""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.csv"
    file.write_text(
        "occurred_at,site,contact\n2026-03-01 02:50,a.example,\n2026-03-01 02:50,b.example,maybe\n"
        "2026-06-01 00:00:01,c.example,\n"
    )
    return file


def test_a_broken_line_stops_it_before_anything_is_written(cli: Cli, broken: Path) -> None:
    refused = cli("import", str(broken))
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith(f"incidents: {broken}, line 3: contact is 'maybe'; write one of")
    assert "and 1 more such line; mend it, or leave such lines out with --skip-bad" in refused.err
    assert cli("site", "list", "--json").json == []


def test_a_dry_run_lists_every_broken_line_and_fails_as_the_import_would(
    cli: Cli, broken: Path
) -> None:
    dry = cli("import", str(broken), "--dry-run")
    assert dry.status == 1
    assert "line 3: contact is 'maybe'" in dry.out
    assert "line 4: occurred_at is 2026-06-01T00:00:01Z, which is in the future" in dry.out
    bad = cli("import", str(broken), "--dry-run", "--json").json["bad"]
    assert [line["line"] for line in bad] == [3, 4]


def test_broken_lines_can_be_left_out(cli: Cli, broken: Path) -> None:
    taken = cli("import", str(broken), "--skip-bad")
    assert taken.status == 0
    assert "sites: 1 added" in taken.out
    assert "skipped lines: 2; the first is line 3" in taken.err


def test_a_burst_comes_in_as_one_incident_with_all_its_addresses(cli: Cli) -> None:
    found = cli("import", str(DATA / "feed.csv"), "--group-within", "60m", "--json").json
    assert (found["reports"], found["kept"], found["incidents"]["new"]) == (195, 154, 154)
    incidents = cli("site", "show", "burst-1.example", "--json").json["incidents"]
    assert max(len(incident["urls"]) for incident in incidents) > 1


def test_what_only_the_desk_refuses_is_told_with_its_line(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_text(
        "occurred_at,site,category\n2026-03-01 02:50,a.example,spam\n"
        "2026-03-01 02:50,b.example,+49 1555 1234567\n"
    )
    answer = cli("import", str(file))
    assert answer.status == 1
    said = "history.csv, line 3: the category goes on record but seems to contain somebody's number"
    assert said in answer.err
    assert answer.err.endswith(
        "; all other rows were imported. Correct the file and import it again: no row is imported"
        " twice\n"
    )
    once_more = cli("import", str(file), "--json")
    assert (once_more.status, once_more.json["refused"]) == (1, 1), (
        "it is on record no more than then"
    )
    assert once_more.json["incidents"] == {"new": 0, "known": 1}
    header, _, refused = file.read_text().splitlines()
    file.write_text(f"{header}\n{refused}\n")
    assert (
        "; nothing was written. Correct the file and import it again"
        in cli("import", str(file)).err
    )
    file.write_text(f"{header}\n{refused.replace('b.example', 'new.example')}\n")
    only_a_site = cli("import", str(file))
    assert "sites: 1 added" in only_a_site.out
    assert "; no incident was imported. Correct the file and import it again" in only_a_site.err


def test_an_import_that_is_refused_as_a_whole_says_that_nothing_was_written_and_how_to_go_on(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "h.csv").write_text(
        "occurred_at,site\n2026-03-01 02:50,a.example\n2026-03-01 02:50,b.example\n"
    )
    behind = Refusal("clock_behind", {"now": datetime(2026, 6, 1, tzinfo=UTC), "behind_s": 360})

    def refuses(_: Desk, envelopes: list[Envelope], **__: object) -> list[Answer]:
        return [refused_answer(str(envelope.site), behind) for envelope in envelopes]

    with monkeypatch.context() as patch:
        patch.setattr(Desk, "submit", refuses)
        refused = cli("import", str(tmp_path / "h.csv"))
        dry = cli("import", str(tmp_path / "h.csv"), "--dry-run")

    assert (refused.status, dry.status) == (1, 1)
    assert refused.out == (
        "sites: 0 added, 0 already in the register\nincidents: 0 imported, 0 already on record\n"
    )
    assert "h.csv, line 2: this machine's clock (2026-06-01" in refused.err
    assert "correct it first" in refused.err
    assert refused.err.endswith(
        " (and 1 more row); nothing was written. Correct the file and import it again\n"
    )
    assert dry.err.endswith("; nothing would be written. Correct the file and import it again\n")
