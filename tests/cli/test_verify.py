"""The verification on the command line: what it says, and with which exit status it ends."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.audit.proof import site_check
from incidents.tlog.keys import COSIGNATURE_V1, SigningKey
from tests.cli.conftest import Cli, Result, copy

NAME = "log.example/desk"


@pytest.fixture
def log(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A log with a key of its own, two sites in it, and signed."""
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    assert cli("audit", "key", "new", NAME).status == 0
    for site in ("shop.example", "news.example"):
        cli("site", "add", site)
        cli("log", site)
    assert cli("audit", "checkpoint").status == 0
    return cli


def _key(cli: Cli) -> str:
    found: str = cli("audit", "key", "show", "-q").out.split()[0]
    assert found.startswith(NAME)
    return found


def _held(cli: Cli, file: Path) -> str:
    file.write_text(cli("audit", "checkpoint").out)
    return str(file)


def _bundle(cli: Cli, target: Path) -> str:
    assert cli("audit", "export", "--format", "bundle", "-o", str(target)).status == 0
    return str(target)


def _tampered(path: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            'UPDATE entries SET body = replace(body, \'"actor":"li"\', \'"actor":"wu"\') '
            "WHERE site_id = 1 AND site_seq = 2"
        )


def test_a_log_that_nobody_touched_is_verified_and_what_was_not_shown_is_said(
    log: Cli,
) -> None:
    answer = log("audit", "verify")
    assert (answer.status, answer.out) == (0, "")
    lines = answer.err.splitlines()
    assert lines[0] == "verified"
    assert "  proven: 5 entries for 2 sites: no gaps within any site" in answer.err
    assert "1 checkpoint from log.example/desk; the last covers 5 entries" in answer.err
    assert (
        "NOT PROVEN: the key belongs to this desk (it comes from the database itself" in answer.err
    )
    assert "NOT PROVEN: the holder of the key did not rewrite the log" in answer.err
    assert lines[-1].startswith("next: compare the tables with the entries")


def test_what_is_known_from_outside_is_no_longer_told_as_not_shown(
    log: Cli, tmp_path: Path
) -> None:
    held = _held(log, tmp_path / "held")
    answer = log("audit", "verify", "--key", _key(log), "--checkpoint", held)
    assert answer.status == 0
    assert "NOT PROVEN" not in answer.err
    assert f"{held}, which you kept, belongs to this same history" in answer.err


def test_a_document_is_for_programs(log: Cli, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(f"{_key(log)}\n")
    answer = log("audit", "verify", "--json", "--key", str(key))
    found = answer.json
    assert (answer.status, answer.err) == (0, "")
    assert (found["verified"], found["findings"], found["trusted"]) == (True, [], "outside")
    assert found["signed"] is True
    assert (found["entries"], found["sites"], found["pending"], found["checkpoints"]) == (
        5,
        2,
        0,
        1,
    )
    assert (found["size"], found["origin"], len(found["root"])) == (5, NAME, 64)
    assert found["key"] == key.read_text().strip()
    assert found["witnesses"] == {}


def test_an_entry_that_was_changed_is_named_with_exit_status_5(log: Cli, db_url: str) -> None:
    _tampered(db_url.removeprefix("sqlite:///"))
    answer = log("audit", "verify")
    assert answer.status == 5
    first = answer.out.splitlines()[0]
    assert first.startswith("WRONG entries 3, leaf 2: its leaf hash is not that of its body")
    assert answer.err.splitlines()[0].startswith("NOT VERIFIED: ")
    assert "  checked: " in answer.err
    assert "  proven: " not in answer.err
    found = log("audit", "verify", "--json").json
    assert (found["verified"], found["findings"][0]["leaf"]) == (False, 2)
    assert (found["findings"][0]["site"], found["findings"][0]["entry"]) == ("shop.example", "1-2")
    assert log("audit", "verify", "-q").out.splitlines()[0] == "entries 3, leaf 2"
    lines = log("audit", "verify", "--format", "jsonl").out.splitlines()
    assert json.loads(lines[0])["part"] == "entries"


def test_a_log_that_nobody_has_signed_says_that_it_proves_nothing(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    answer = cli("audit", "verify")
    assert answer.status == 0
    assert "NOT PROVEN: nobody replaced the whole log (no checkpoint is signed yet)" in (answer.err)
    assert "NOT PROVEN: 1 entry without a number yet will stay unchanged" in answer.err
    assert answer.err.startswith("consistent, but not signed\n")
    programs = cli("audit", "verify", "--json")
    found = programs.json
    assert (programs.status, found["verified"], found["signed"]) == (0, False, False)
    assert found["findings"] == []


def test_entries_that_wait_too_long_for_their_number_are_told(
    log: Cli, clock: FrozenDateTimeFactory
) -> None:
    log("log", "shop.example", "--again")
    assert "too long" not in log("audit", "verify").err
    clock.tick(timedelta(minutes=2))
    answer = log("audit", "verify")
    assert answer.status == 0
    assert "overdue: is a daemon running?" in answer.err


@pytest.mark.parametrize("name", ["bundle", "bundle.tar.zst"])
def test_a_bundle_is_verified_without_a_database(
    log: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    key, bundle = _key(log), _bundle(log, tmp_path / name)
    monkeypatch.setenv("INCIDENTS_DB", "sqlite:////nowhere/at/all.db")
    answer = log("audit", "verify", bundle, "--key", key)
    assert (answer.status, answer.out) == (0, "")
    assert "5 entries for 2 sites" in answer.err
    assert "replay" not in answer.err
    assert "it comes from the bundle itself" in log("audit", "verify", bundle).err


def test_a_part_never_shows_which_policy_was_the_active_one(log: Cli, tmp_path: Path) -> None:
    part, of_site = str(tmp_path / "part"), ("--site", "shop.example")
    (tmp_path / "p.toml").write_text("[repeat]\ncount = 4\n")
    policy = str(tmp_path / "p.toml")
    assert log("policy", "activate", policy, "--reason", "agreed").status == 0
    assert log("audit", "checkpoint").status == 0
    assert log("audit", "export", "--format", "bundle", *of_site, "-o", part).status == 0
    answer = log("audit", "verify", part)
    assert answer.status == 0
    assert "NOT PROVEN: the policies named were active at the time" in answer.err


def test_a_bundle_that_was_changed_is_not_verified(log: Cli, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    _bundle(log, bundle)
    right = (bundle / "entries.jsonl").read_bytes()
    (bundle / "entries.jsonl").write_bytes(right.replace(b'"actor":"li"', b'"actor":"wu"', 1))
    answer = log("audit", "verify", str(bundle))
    assert answer.status == 5
    assert "WRONG entries.jsonl: its SHA-256 is " in answer.out
    assert "WRONG entries.jsonl, line 1: it is not entry 0 of tile/entries/000.p/5" in answer.out
    (bundle / "entries.jsonl").unlink()
    gone = log("audit", "verify", str(bundle))
    assert (gone.status, gone.out) == (5, "")
    assert "entries.jsonl: it is missing; nothing in the bundle was proved" in gone.err


def test_a_part_says_what_a_part_cannot_show(log: Cli, tmp_path: Path) -> None:
    target = str(tmp_path / "part")
    log("audit", "export", "--format", "bundle", "--site", "shop.example", "-o", target)
    answer = log("audit", "verify", target)
    assert answer.status == 0
    assert (
        "these sites have no entries before the first or after the last entry in this bundle"
        in answer.err
    )


def test_a_database_that_was_set_back_is_found_by_a_checkpoint_that_was_held(
    log: Cli, db_url: str, tmp_path: Path, clock: FrozenDateTimeFactory
) -> None:
    file = Path(db_url.removeprefix("sqlite:///"))
    copy(file, tmp_path / "before.db")
    clock.tick(timedelta(minutes=1))
    log("log", "shop.example", "--again")
    held = _held(log, tmp_path / "held")
    before = f"sqlite:///{tmp_path / 'before.db'}"
    answer = log("audit", "verify", "--db", before)
    assert (answer.status, "6 entries were signed, but the log has 5" in answer.out) == (5, True)
    log("audit", "status", "--db", before)
    _forget_what_was_signed(tmp_path)
    answer = log("audit", "verify", "--db", before, "--checkpoint", held)
    assert answer.status == 5
    assert answer.out == f"WRONG {held}: it is of 6 entries, and the log has 5: its tail was cut\n"


def _forget_what_was_signed(folder: Path) -> None:
    for signed in (*folder.rglob("*.signed-*"), *folder.rglob("*.signed")):
        signed.unlink()


# ── since what was verified before ──────────────────────────────────────────────────────────────


@pytest.fixture
def few(log: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """As if no entry that was verified could have been within an act; nothing is kept yet."""
    monkeypatch.setattr(site_check, "WITHIN_AN_ACTION", 0)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return log


def _kept(tmp_path: Path) -> Path:
    [file] = tmp_path.glob("state/incidents/verified/*.checkpoint")
    return file


def _more(cli: Cli, clock: FrozenDateTimeFactory) -> None:
    clock.tick(timedelta(minutes=1))
    assert cli("log", "shop.example", "--again").status == 0
    assert cli("audit", "checkpoint").status == 0


def test_what_was_verified_is_kept_and_the_next_run_says_what_it_takes_from_then(
    few: Cli, tmp_path: Path, clock: FrozenDateTimeFactory
) -> None:
    begun = few("audit", "verify", "--since", "auto")
    assert begun.status == 0
    assert "reused" not in begun.err
    kept = _kept(tmp_path)
    assert begun.err.splitlines()[-1] == f"saved for the next run: {kept}"
    assert kept.stat().st_mode & 0o777 == 0o600
    _more(few, clock)
    later = few("audit", "verify", "--since", "auto")
    assert (later.status, later.out) == (0, "")
    assert (
        f"  proven: the first 5 entries have the same root as {kept}, which was verified before;"
        " 1 entry is newer\n" in later.err
    )
    assert "  proven: each decision on 1 of 2 sites follows from" in later.err
    assert "  reused: decisions on 1 site without newer entries\n" in later.err
    assert "  reused: signatures on checkpoints that cover up to 5 entries\n" in later.err
    assert kept.read_text().splitlines()[1] == "6"
    again = few("audit", "verify", "--since", "auto", "--json")
    assert (again.status, again.err) == (0, "")
    assert again.json["since"] == {"where": str(kept), "size": 6, "sites": 0}


def test_the_checkpoint_is_named_by_a_file_too_and_that_stays_as_it_is(
    few: Cli, tmp_path: Path, clock: FrozenDateTimeFactory
) -> None:
    held = _held(few, tmp_path / "held")
    before = Path(held).read_bytes()
    _more(few, clock)
    found = few("audit", "verify", "--since", held, "--json").json
    assert (found["verified"], found["since"]["size"], found["since"]["sites"]) == (True, 5, 1)
    assert Path(held).read_bytes() == before
    assert not list(tmp_path.glob("state/**/*.checkpoint"))


def test_a_log_that_is_not_what_was_verified_is_not_taken_for_it_and_the_way_out_is_said(
    few: Cli, tmp_path: Path, db_url: str
) -> None:
    assert few("audit", "verify", "--since", "auto").status == 0
    kept = _kept(tmp_path)
    before = kept.read_bytes()
    _tampered(db_url.removeprefix("sqlite:///"))
    answer = few("audit", "verify", "--since", "auto")
    assert answer.status == 5
    assert answer.out.startswith("WRONG entries 3, leaf 2: its leaf hash is not that of its body")
    lines = answer.err.splitlines()
    assert f"nothing was reused from {kept}: everything was checked" in lines
    assert lines[-1].startswith(
        "next: find out why. Once the reason is on record (for example, a restore), move"
    )
    assert kept.read_bytes() == before


def test_a_database_that_was_set_back_is_found_by_what_was_kept(
    few: Cli, db_url: str, tmp_path: Path, clock: FrozenDateTimeFactory
) -> None:
    file = Path(db_url.removeprefix("sqlite:///"))
    copy(file, tmp_path / "before.db")
    _more(few, clock)
    assert few("audit", "verify", "--since", "auto").status == 0
    _forget_what_was_signed(tmp_path)
    before = f"sqlite:///{tmp_path / 'before.db'}"
    answer = few("audit", "verify", "--since", str(_kept(tmp_path)), "--db", before)
    tail = "it is of 6 entries, and the log has 5: its tail was cut"
    assert (answer.status, answer.out) == (5, f"WRONG {_kept(tmp_path)}: {tail}\n")


def test_what_is_no_checkpoint_is_refused_with_the_way_out(few: Cli, tmp_path: Path) -> None:
    assert few("audit", "verify", "--since", "auto").status == 0
    kept = _kept(tmp_path)
    kept.write_text("nothing of the kind\n")
    answer = few("audit", "verify", "--since", "auto")
    assert (answer.status, answer.out) == (2, "")
    assert f"--since {kept}: " in answer.err
    assert "omit --since to verify everything" in answer.err


def test_what_somebody_else_can_have_written_is_not_trusted(few: Cli, tmp_path: Path) -> None:
    assert few("audit", "verify", "--since", "auto").status == 0
    _kept(tmp_path).chmod(0o620)
    answer = few("audit", "verify", "--since", "auto")
    assert answer.status == 1
    assert "somebody else can have written it: remove it, and everything is verified" in answer.err


def test_nothing_is_kept_of_what_was_not_verified_whole(
    few: Cli, tmp_path: Path, db_url: str
) -> None:
    assert few("audit", "verify", "--since", "auto", "--no-policy").status == 0
    _tampered(db_url.removeprefix("sqlite:///"))
    assert few("audit", "verify", "--since", "auto").status == 5
    assert not list(tmp_path.glob("state/**/*.checkpoint"))


def test_what_is_kept_is_not_replaced_by_a_checkpoint_that_covers_less(
    few: Cli, tmp_path: Path, db_url: str, clock: FrozenDateTimeFactory
) -> None:
    _more(few, clock)
    assert few("audit", "verify", "--since", "auto").status == 0
    before = _kept(tmp_path).read_bytes()
    with closing(sqlite3.connect(db_url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("DELETE FROM checkpoints WHERE id = 2")
        connection.execute("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'checkpoints'")
    answer = few("audit", "verify", "--since", "auto")
    assert (answer.status, "saved for the next run" in answer.err) == (0, False)
    assert _kept(tmp_path).read_bytes() == before


def test_nothing_is_kept_of_a_bundle(few: Cli, tmp_path: Path) -> None:
    bundle = _bundle(few, tmp_path / "bundle")
    answer = few("audit", "verify", bundle, "--since", "auto")
    assert (answer.status, "name the checkpoint of one that you verified" in answer.err) == (
        2,
        True,
    )
    held = f"{bundle}/checkpoint"
    found = few("audit", "verify", bundle, "--since", held, "--json").json
    assert found["since"] == {"where": held, "size": 5, "sites": 0}


def test_a_witness_that_has_not_signed_is_missed(log: Cli) -> None:
    witness = str(SigningKey.generate("witness.example/w", COSIGNATURE_V1).verifier)
    answer = log("audit", "verify", "--witness", witness)
    assert answer.status == 5
    assert answer.out == f"WRONG {witness}: this witness has signed none of these checkpoints\n"


@pytest.mark.parametrize("option", ["--key", "--checkpoint", "--witness"])
def test_what_is_no_key_and_no_checkpoint_is_wrong_usage(
    log: Cli, tmp_path: Path, option: str
) -> None:
    (tmp_path / "given").write_text("nothing of the kind\n")
    answer: Result = log("audit", "verify", option, str(tmp_path / "given"))
    assert (answer.status, answer.out) == (2, "")
    assert option in answer.err
    assert log("audit", "verify", option, str(tmp_path / "gone")).status in (1, 2)


def test_a_witness_s_key_is_no_key_of_a_log(log: Cli) -> None:
    witness = str(SigningKey.generate("witness.example/w", COSIGNATURE_V1).verifier)
    assert log("audit", "verify", "--key", witness).status == 2
    assert log("audit", "verify", "--witness", _key(log)).status == 2


def test_a_bundle_that_is_not_there_is_said_so(cli: Cli, tmp_path: Path) -> None:
    answer = cli("audit", "verify", str(tmp_path / "gone"))
    assert answer.status == 1
    assert "gone" in answer.err


def test_what_nobody_has_signed_is_consistent_and_no_more(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    answer = cli("audit", "verify")

    assert answer.status == 0
    assert answer.err.splitlines()[0] == "consistent, but not signed"


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_plain_export_is_no_bundle_that_is_broken(cli: Cli, tmp_path: Path, form: str) -> None:
    cli("site", "add", "shop.example")
    file = tmp_path / f"log.{form}"
    cli("audit", "export", "--format", form, "-o", str(file))
    answer = cli("audit", "verify", str(file))

    assert answer.status == 2
    assert f"{file.name} is a plain export with nothing to prove it by: make a bundle" in answer.err
