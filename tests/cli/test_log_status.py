"""The log's status and its checkpoint on the command line."""

from datetime import timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.tlog import note
from incidents.tlog.keys import COSIGNATURE_V1, SigningKey, VerifierKey
from tests.cli.conftest import Cli, copy
from tests.conftest import WriteSettings

NAME = "log.example/incidents"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the key will be."""
    found = tmp_path / "audit.key"
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(found))
    return found


def test_the_status_tells_people_what_is_pending_and_what_that_means(cli: Cli) -> None:
    cli("site", "add", "shop.example")

    before = cli("audit", "status")
    assert before.status == 0
    assert "pending: 1, the oldest recorded" in before.out
    assert "none yet" in before.out
    assert "only published entries are tamper-evident" in before.err

    key = cli("audit", "key", "new", NAME, "-q").out.strip()
    cli("audit", "checkpoint")
    after = cli("audit", "status")
    assert after.status == 0
    assert "pending: 0\n" in after.out
    assert "published: 2, signed" in after.out
    assert "witnessed: none" in after.out
    assert key in after.out


def test_the_status_for_programs_has_every_number(cli: Cli) -> None:
    cli("audit", "key", "new", NAME)
    cli("audit", "checkpoint")
    cli("site", "add", "shop.example")

    found = cli("audit", "status", "--json").json

    assert (found["pending"], found["unnumbered"], found["numbered"], found["published"]) == (
        1, 1, 1, 1,
    )  # fmt: skip
    assert found["pending_since"] == "2026-03-02T04:00:00Z"
    assert (found["witnesses"], found["late"]) == ([], False)
    assert cli("audit", "status", "-q").out == "1\n"
    assert cli("audit", "status", "--format", "csv").status == 0


def test_an_entry_that_is_pending_for_more_than_a_minute_is_a_failure_if_there_is_a_key(
    cli: Cli, clock: FrozenDateTimeFactory
) -> None:
    cli("site", "add", "shop.example")
    clock.tick(timedelta(hours=1))
    assert cli("audit", "status").status == 0
    cli("audit", "key", "new", NAME)

    assert cli("audit", "status").status == 1

    cli("audit", "checkpoint")
    assert cli("audit", "status").status == 0
    cli("site", "add", "other.example")
    clock.tick(timedelta(seconds=60))
    assert cli("audit", "status").status == 0
    clock.tick(timedelta(seconds=1))
    assert cli("audit", "status").status == 1


def test_a_checkpoint_is_printed_as_it_was_signed(cli: Cli) -> None:
    key = VerifierKey.parse(cli("audit", "key", "new", NAME, "-q").out.strip())
    cli("site", "add", "shop.example")

    answer = cli("audit", "checkpoint")

    assert (answer.status, answer.err) == (0, "")
    printed = note.parse(answer.out)
    assert note.verified_keys(printed, [key]) == [key]
    found = note.parse_checkpoint(printed.text)
    assert (found.origin, found.size) == (NAME, 2)
    assert cli("audit", "checkpoint").out == answer.out
    assert cli("audit", "checkpoint", "--json").json == {"checkpoint": answer.out}


def test_without_a_key_there_is_no_checkpoint(cli: Cli) -> None:
    answer = cli("audit", "checkpoint")

    assert answer.status == 3
    assert "audit key new" in answer.err


def test_on_another_machine_the_last_one_is_printed(cli: Cli, file: Path) -> None:
    cli("audit", "key", "new", NAME)
    printed = cli("audit", "checkpoint").out
    file.unlink()
    cli("site", "add", "shop.example")

    answer = cli("audit", "checkpoint")

    assert (answer.status, answer.out) == (1, printed)
    assert "no new one was signed" in answer.err


def test_where_there_is_not_even_a_folder_for_the_key_it_is_said_that_there_is_no_key(
    cli: Cli, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine beside PostgreSQL on which another one signs."""
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "nowhere" / "audit.key"))
    cli("site", "add", "shop.example")
    answer = cli("audit", "checkpoint")
    assert (answer.status, "the log has no key yet" in answer.err) == (3, True)

    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(file))
    cli("audit", "key", "new", NAME)
    printed = cli("audit", "checkpoint").out
    cli("site", "add", "forum.example")
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "nowhere" / "audit.key"))
    answer = cli("audit", "checkpoint")
    assert (answer.status, answer.out) == (1, printed)
    assert "is not on this machine" in answer.err


def test_a_log_that_was_changed_is_not_signed(cli: Cli, file: Path) -> None:
    cli("audit", "key", "new", NAME)
    signed = cli("audit", "checkpoint").out
    [beside] = file.parent.glob("audit.key.signed-*")
    beside.write_text(signed.replace(NAME, "other.example"))
    cli("site", "add", "shop.example")

    answer = cli("audit", "checkpoint")

    assert answer.status == 5
    assert str(beside) in answer.err
    assert "incidents recover --reason R" in answer.err


def test_a_checkpoint_that_is_held_is_not_replaced_by_one_that_forgets_it(
    cli: Cli, db_url: str, tmp_path: Path
) -> None:
    held, database = tmp_path / "held", Path(db_url.removeprefix("sqlite:///"))
    cli("site", "add", "a.example")
    cli("audit", "key", "new", "log.example/desk")
    cli("audit", "checkpoint", "-o", str(tmp_path / "older"))
    copy(database, tmp_path / "copy.db")
    cli("site", "add", "b.example")
    assert cli("audit", "checkpoint", "-o", str(held)).status == 0
    newest = held.read_bytes()

    copy(tmp_path / "copy.db", database)
    # Nothing beside the key knows of it any more.
    for each in tmp_path.rglob("*.signed*"):
        each.unlink()
    answer = cli("audit", "checkpoint", "-o", str(held))

    assert answer.status == 5
    assert "of 3 entries, but this log of 2 does not begin with them" in answer.err
    assert held.read_bytes() == newest


def test_a_witness_that_has_signed_nothing_is_told_of(
    cli: Cli, write_settings: WriteSettings
) -> None:
    key = SigningKey.generate("witness.example", COSIGNATURE_V1).verifier
    write_settings(f'[audit]\nwitnesses = [{{ url = "http://127.0.0.1:9", key = "{key}" }}]\n')
    assert "witnessed: witness.example HAS NOT SIGNED" in cli("audit", "status").out
