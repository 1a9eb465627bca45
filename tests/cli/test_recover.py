"""`incidents recover`: after an older database was put back, log and record go on, on record."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from incidents import clock, settings
from incidents.audit import log_status, rotation, sequencer, signing
from incidents.audit.checkpointing import checkpointed
from incidents.audit.last_signed import set_aside
from incidents.audit.signing import Signing
from incidents.audit.signing_key import KeyRing
from incidents.bootstrap import House
from incidents.cli import log_key
from incidents.desk import Envelope
from incidents.machine.commands import AddSite
from incidents.tlog import note
from incidents.tlog.keys import VerifierKey
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
    assert "3 entries were signed, and the log has 2" in cli("audit", "status").err
    answer = cli("audit", "verify")
    assert (answer.status, "3 entries were signed" in answer.out + answer.err) == (5, True)
    assert cli("site", "add", "blog.example").status == 0
    assert cli("audit", "checkpoint").status == 5


def test_what_is_signed_while_the_status_is_looked_up_is_not_missing(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{folder}/desk.db")
    looked = log_status.document

    def while_another_signs(connection: Connection, now: datetime) -> dict[str, Any]:
        found = looked(connection, now)
        house = House(settings.load())
        house.desk.submit([Envelope(site="blog.example", command=AddSite(by="operator-2"))])
        ring = KeyRing(folder / "audit.key")
        assert checkpointed(house.engine, ring, clock.now).pending == 0
        house.close()
        return found

    monkeypatch.setattr(log_status, "document", while_another_signs)
    assert "NOTHING IS SIGNED" not in cli("audit", "status").err


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


def test_the_key_that_signed_what_is_lost_signs_nothing_beside_a_running_recovery(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Daemons sign at any moment: before the new key is on record, and before it has signed."""
    old = VerifierKey.parse(cli("audit", "key", "show", "-q").out.strip())
    rotate, on_record = rotation.rotate, log_key.on_record

    def sign() -> Signing:
        house = House(settings.load())
        sequencer.number_all(house.engine)
        done = signing.sign(house.engine, KeyRing(folder / "audit.key"), clock.now(), at_once=True)
        house.close()
        return done

    def rotated(*given: Any, **how: Any) -> Any:
        assert "signed what is lost" in (sign().unable or "")
        return rotate(*given, **how)

    def put_on_record(*given: Any) -> Callable[[str, str | None], None]:
        put = on_record(*given)

        def put_and_sign(key: str, previous: str | None) -> None:
            put(key, previous)
            made = sign().made
            assert made is not None
            assert made.key == key
            assert old.key_hash not in [each.key_hash for each in note.parse(made.note).signatures]

        return put_and_sign

    monkeypatch.setattr(rotation, "rotate", rotated)
    monkeypatch.setattr(log_key, "on_record", put_on_record)
    recover(cli)
    assert cli("audit", "verify").status == 0


def test_a_recovery_that_was_cut_off_before_there_was_a_new_key_is_brought_to_its_end(
    cli: Cli, folder: Path
) -> None:
    before = cli("audit", "key", "show", "-q").out
    set_aside(folder / "audit.key", clock.now())
    assert cli("site", "add", "blog.example").status == 0
    answer = cli("audit", "checkpoint")
    assert (answer.status, "incidents recover" in answer.out + answer.err) == (1, True)

    assert str(recover(cli)["key"]) not in before
    assert cli("audit", "checkpoint").status == 0


def test_it_signs_what_is_left_by_a_new_key_and_puts_the_loss_on_record(
    cli: Cli, folder: Path
) -> None:
    signed = (folder / "audit.key.signed").read_text()
    before = cli("audit", "key", "show", "-q").out

    done = recover(cli)

    assert (done["epoch"], done["cause"], done["signed"]) == (1, "asked", 3)
    assert str(done["key"]) not in before
    assert Path(str(done["kept"])).read_text() == signed
    assert cli("site", "add", "blog.example").status == 0
    assert cli("audit", "checkpoint").status == 0
    assert cli("audit", "verify").status == 0
    assert cli("audit", "replay").status == 0
    assert "epoch 1" in cli("audit", "status").out
    [told] = [
        entry
        for line in cli("audit", "export").out.splitlines()
        if (entry := json.loads(line))["kind"] == "history_resumed"
    ]
    assert (told["actor"], told["data"]["signed"]) == ("sre-1", 3)


def test_each_time_it_is_asked_for_the_numbers_of_orders_rise(cli: Cli, folder: Path) -> None:
    assert [recover(cli)["epoch"], recover(cli)["epoch"]] == [1, 2]
