"""The log's status."""

import json

import pytest

from incidents import clock
from incidents.audit.log import loss, sequencer, signed_files, signing
from incidents.audit.log import status as log_status
from incidents.store import checkpoints, leaves
from incidents.store.checkpoints import FAILED, REFUSED
from incidents.store.database.engine import reading, writing
from tests.audit.log_rig import Rig


def status(house: Rig) -> dict[str, object]:
    with reading(house.engine) as connection:
        found = log_status.progress(connection, house.time.now)
    json.dumps(found)
    return {k: found[k] for k in ("pending", "unnumbered", "numbered", "published", "late")}


def test_the_status_counts_what_is_pending_numbered_and_published(house: Rig) -> None:
    house.add(3)
    assert status(house) == {
        "pending": 3, "unnumbered": 3, "numbered": 0, "published": 0, "late": False,
    }  # fmt: skip
    house.time.later(hours=1)
    house.make_key()
    assert status(house)["late"]

    house.sign()
    house.add(2)
    sequencer.number_some(house.engine, 1)

    assert status(house) == {
        "pending": 2, "unnumbered": 1, "numbered": 5, "published": 4, "late": False,
    }  # fmt: skip
    house.time.later(seconds=60)
    assert not status(house)["late"]
    house.time.later(seconds=1)
    assert status(house)["late"]


def unsigned_since(house: Rig) -> str | None:
    with reading(house.engine) as connection:
        since = log_status.unsigned_since(connection, house.time.now)
    return None if since is None else clock.rfc3339(since)


@pytest.mark.parametrize(("stays", "since"), [(True, "2026-03-01T10:00:01Z"), (False, None)])
def test_what_waits_for_more_than_a_minute_is_unsigned_where_a_daemon_signed_before(
    house: Rig, stays: bool, since: str | None
) -> None:
    house.make_key()
    sequencer.number_all(house.engine)
    signing.sign(house.engine, house.ring, house.time.now, is_daemon=stays)
    house.time.later(seconds=1)
    house.add()
    house.time.later(seconds=60)
    assert unsigned_since(house) is None

    house.time.later(seconds=1)

    assert unsigned_since(house) == since


def trouble(house: Rig, how: str) -> None:
    with writing(house.engine) as connection:
        checkpoints.record_signing_failure(connection, how, house.time.now)


@pytest.mark.both_databases
def test_what_was_refused_is_unsigned_at_once_and_what_failed_when_entries_wait(
    house: Rig,
) -> None:
    house.begin()
    trouble(house, FAILED)
    house.time.later(minutes=5)
    assert unsigned_since(house) is None
    house.add()
    house.time.later(seconds=61)
    assert unsigned_since(house) == "2026-03-01T10:05:00Z"

    trouble(house, REFUSED)
    house.time.later(seconds=1)
    trouble(house, REFUSED)

    assert unsigned_since(house) == "2026-03-01T10:06:01Z"
    house.sign()
    assert unsigned_since(house) is None


def test_what_is_signed_after_the_files_were_read_is_no_loss(house: Rig) -> None:
    house.begin()
    files = signed_files.read_folder(house.ring.file)
    with reading(house.engine) as connection:
        leaves.head(connection)
        house.go_on()

        assert loss.find(connection, files) is None
        assert loss.find(connection, signed_files.read_folder(house.ring.file)) is not None
