"""The log's status."""

import json

import pytest

from incidents import clock
from incidents.audit.log import loss, sequencer, signed_files, signing
from incidents.audit.log import status as log_status
from incidents.store.database.engine import reading, writing
from incidents.store.log import checkpoints, leaves
from incidents.store.log.checkpoints import FAILED, REFUSED
from tests.audit.log_rig import LogRig


def status(rig: LogRig) -> dict[str, object]:
    with reading(rig.engine) as connection:
        found = log_status.progress(connection, rig.time.now)
    json.dumps(found)
    return {k: found[k] for k in ("pending", "unnumbered", "numbered", "published", "late")}


def test_the_status_counts_what_is_pending_numbered_and_published(rig: LogRig) -> None:
    rig.add(3)
    assert status(rig) == {
        "pending": 3, "unnumbered": 3, "numbered": 0, "published": 0, "late": False,
    }  # fmt: skip
    rig.time.later(hours=1)
    rig.make_key()
    assert status(rig)["late"]

    rig.sign()
    rig.add(2)
    sequencer.number_some(rig.engine, 1)

    assert status(rig) == {
        "pending": 2, "unnumbered": 1, "numbered": 5, "published": 4, "late": False,
    }  # fmt: skip
    rig.time.later(seconds=60)
    assert not status(rig)["late"]
    rig.time.later(seconds=1)
    assert status(rig)["late"]


def unsigned_since(rig: LogRig) -> str | None:
    with reading(rig.engine) as connection:
        since = log_status.unsigned_since(connection, rig.time.now)
    return None if since is None else clock.rfc3339(since)


@pytest.mark.parametrize(("stays", "since"), [(True, "2026-03-01T10:00:01Z"), (False, None)])
def test_what_waits_for_more_than_a_minute_is_unsigned_where_a_daemon_signed_before(
    rig: LogRig, stays: bool, since: str | None
) -> None:
    rig.make_key()
    sequencer.number_all(rig.engine)
    signing.sign(rig.engine, rig.ring, rig.time.now, is_daemon=stays)
    rig.time.later(seconds=1)
    rig.add()
    rig.time.later(seconds=60)
    assert unsigned_since(rig) is None

    rig.time.later(seconds=1)

    assert unsigned_since(rig) == since


def trouble(rig: LogRig, how: str) -> None:
    with writing(rig.engine) as connection:
        checkpoints.record_signing_failure(connection, how, rig.time.now)


@pytest.mark.both_databases
def test_what_was_refused_is_unsigned_at_once_and_what_failed_when_entries_wait(
    rig: LogRig,
) -> None:
    rig.begin()
    trouble(rig, FAILED)
    rig.time.later(minutes=5)
    assert unsigned_since(rig) is None
    rig.add()
    rig.time.later(seconds=61)
    assert unsigned_since(rig) == "2026-03-01T10:05:00Z"

    trouble(rig, REFUSED)
    rig.time.later(seconds=1)
    trouble(rig, REFUSED)

    assert unsigned_since(rig) == "2026-03-01T10:06:01Z"
    rig.sign()
    assert unsigned_since(rig) is None


def test_what_is_signed_after_the_files_were_read_is_no_loss(rig: LogRig) -> None:
    rig.begin()
    files = signed_files.read_folder(rig.ring.file)
    with reading(rig.engine) as connection:
        leaves.head(connection)
        rig.go_on()

        assert loss.find(connection, files) is None
        assert loss.find(connection, signed_files.read_folder(rig.ring.file)) is not None
