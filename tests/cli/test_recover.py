"""`incidents recover`: after an older database was put back, log and record go on, on record."""

import errno
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.cli import kept_checkpoint
from tests.cli.conftest import Cli


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Path:
    """A desk whose database is older than what was signed of it."""
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    for command in (
        "db upgrade", "audit key new desk.example/log", "site add shop.example",
        "audit checkpoint", f"db backup {tmp_path}/older.db", "site add forum.example",
        "audit checkpoint",
    ):  # fmt: skip
        assert cli(*command.split()).status == 0, command
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/older.db")
    return tmp_path


def recover(cli: Cli) -> dict[str, object]:
    answer = cli("recover", "--reason", "the disk is gone", "--as", "sre-1", "--json")
    assert answer.status == 0, answer.err
    found: dict[str, object] = json.loads(answer.out)
    return found


def test_status_and_verify_say_what_is_missing_and_nothing_is_signed(
    cli: Cli, folder: Path
) -> None:
    status = cli("audit", "status")
    assert "NOTHING IS SIGNED: 3 entries were signed, and the log has 2" in status.err
    assert "signing: REFUSED" in status.out
    assert cli("audit", "status", "--json").json["signs"] is False
    answer = cli("audit", "verify")
    assert (answer.status, "3 entries were signed" in answer.out + answer.err) == (5, True)
    assert cli("site", "add", "blog.example").status == 0
    assert cli("audit", "checkpoint").status == 5


def test_entries_that_only_have_to_be_numbered_again_are_not_missing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby that takes over may have heard of entries, and not of their numbers yet."""
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    for command in (
        "db upgrade", "audit key new desk.example/log", "audit checkpoint", "site add shop.example",
        f"db backup {tmp_path}/older.db", "audit checkpoint",
    ):  # fmt: skip
        assert cli(*command.split()).status == 0, command
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/older.db")

    assert "NOTHING IS SIGNED" not in cli("audit", "status").err
    assert cli("audit", "checkpoint").status == 0
    assert cli("audit", "verify").status == 0


def test_what_is_missing_is_found_before_anything_is_numbered(cli: Cli, folder: Path) -> None:
    assert cli("site", "add", "blog.example").status == 0

    assert recover(cli)["signed"] == 3


def test_it_signs_what_is_left_by_a_new_key_and_puts_the_loss_on_record(
    cli: Cli, folder: Path
) -> None:
    [file] = folder.glob("audit.key.signed-*")
    signed = file.read_text()
    before = cli("audit", "key", "show", "-q").out

    done = recover(cli)

    assert (done["epoch"], done["cause"], done["signed"]) == (60, "asked", 3)
    assert str(done["key"]) not in before
    assert done["kept"] == str(file)
    assert file.read_text() == signed
    assert cli("site", "add", "blog.example").status == 0
    assert cli("audit", "checkpoint").status == 0
    assert cli("audit", "verify").status == 0
    assert cli("audit", "replay").status == 0
    assert "epoch 60" in cli("audit", "status").out
    [told] = [
        entry
        for line in cli("audit", "export").out.splitlines()
        if (entry := json.loads(line))["kind"] == "history_resumed"
    ]
    assert (told["actor"], told["data"]["signed"]) == ("sre-1", 3)


def test_each_time_it_is_asked_for_the_numbers_of_orders_rise(cli: Cli, folder: Path) -> None:
    assert [recover(cli)["epoch"], recover(cli)["epoch"]] == [60, 61]


def test_who_may_not_read_what_was_signed_last_is_told_and_not_refused(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    for command in ("status", "verify"):
        answer = cli("audit", command)

        assert answer.status == 0
        assert "not compared with what was signed last" in answer.err
        assert "Permission denied" in answer.err


def test_on_a_machine_that_does_not_sign_it_is_refused_until_that_is_said(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "other").mkdir()
    shutil.copy(folder / "audit.key", folder / "other")
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(folder / "other" / "audit.key"))

    answer = cli("recover", "--reason", "the disk is gone")

    assert (answer.status, "--sign-here" in answer.err) == (3, True)
    assert cli("audit", "status", "--json").json["resumed"] is None
    assert "--sign-here --reason R" in answer.err
    here = cli("recover", "--reason", "it burned", "--sign-here")
    assert here.status == 0
    assert "nobody here knows what the previous key signed last" in here.out
    assert "from now on desk.example/log+" in here.out
    assert "in epoch 60" in here.out
    assert "1 site compared with the world" in here.out
    assert cli("site", "add", "blog.example").status == 0
    assert cli("audit", "checkpoint").status == 0


def test_a_checkpoint_that_verify_has_kept_of_what_is_lost_is_to_be_moved_away(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = folder / "kept.checkpoint"
    monkeypatch.setattr(kept_checkpoint, "place", lambda _: kept)
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{folder}/desk.db")
    assert cli("audit", "verify", "--since", "auto").status == 0
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{folder}/older.db")

    answer = cli("recover", "--reason", "the disk is gone")

    assert f"next: move {kept} away, then verify everything once" in answer.err
    kept.unlink()
    assert "verify everything" not in cli("recover", "--reason", "once more").err
    assert cli("audit", "verify", "--since", "auto").status == 0
    assert "verify everything" not in cli("recover", "--reason", "once more").err


@pytest.mark.usefixtures("folder")
def test_entries_that_wait_for_a_key_that_is_brought_now_and_then_are_no_alarm(
    cli: Cli, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{folder}/desk.db")
    cli("site", "add", "blog.example")
    assert cli("daemon", "--once").status == 0
    cli("site", "add", "news.example")
    clock.tick(timedelta(seconds=66))

    assert "NOT SIGNED" not in cli("queue").out + cli("queue").err
    assert "not signed" not in cli("daemon", "status").out


def test_a_signing_that_was_refused_is_an_alarm_at_once(cli: Cli, folder: Path) -> None:
    cli("site", "add", "blog.example")
    cli("daemon", "--once")

    assert "NOT SIGNED" in cli("queue").out + cli("queue").err
    cli("recover", "--reason", "the disk is gone")
    assert "NOT SIGNED" not in cli("queue").out + cli("queue").err
