"""A log whose old checkpoints were thinned proves what it proved before, and hides no deletion."""

from datetime import timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time
from sqlalchemy import Connection, delete, insert, select

from incidents.audit.log import sequencer
from incidents.audit.proof import bundle_verification
from incidents.audit.proof.verdict import VerifyOptions
from incidents.audit.replay import Replay
from incidents.desk import own_stream, thinning
from incidents.machine import commands as c
from incidents.record.own_events import CheckpointsThinned
from incidents.settings.retention import LEAST
from incidents.store.database.engine import reading, writing
from incidents.store.schema.log_tables import checkpoints, stamps
from incidents.tlog import proof
from tests.audit import signed_log
from tests.audit.bundles import LOG, NEXT, WITNESS
from tests.audit.rewriting import findings, held, key, seen
from tests.audit.signed_log import put_key, sign
from tests.audit.tampering import unrecorded_changes
from tests.desk.rehearsal import Rehearsal

pytestmark = pytest.mark.both_databases


def fill(day: Rehearsal) -> None:
    """Eleven checkpoints in two hours, of two keys; a witness signed the third, the 5th has a time
    stamp. Then a month passes, and a site is added."""
    signed_log.a_case(day)
    for n in range(5):
        day.add(f"early-{n}.example")
        sign(day, witnesses=[WITNESS] if n == 2 else [])
        day.later(minutes=5)
    with writing(day.engine) as connection:
        row = {"checkpoint": 5, "authority": "tsa.example", "response": b"", "at": day.now}
        connection.execute(insert(stamps).values(row))
    put_key(day, NEXT, LOG)
    sign(day, LOG, NEXT)
    for n in range(5):
        day.later(minutes=11)
        day.add(f"late-{n}.example")
        sign(day, NEXT)
    day.later(days=31)
    day.add("new.example")
    sign(day, NEXT)


def thin(day: Rehearsal) -> int:
    with freeze_time(day.now):
        return thinning.thin(day.desk, day.engine, LEAST, day.now, by="clock")


def notes(day: Rehearsal) -> dict[int, bytes]:
    with reading(day.engine) as connection:
        found = connection.execute(select(checkpoints.c.id, checkpoints.c.note))
        return {id_: note.encode() for id_, note in found}


def test_what_is_left_verifies_with_its_witness_and_its_handover(own_day: Rehearsal) -> None:
    before = notes(own_day)
    gone = thin(own_day)
    left = notes(own_day)
    # The first of each key, the witness's, the stamped one, the last of each hour, and the newest.
    assert {1, 3, 5, 6, 11, 12} <= left.keys()
    assert gone == len(before) - len(left) > 0
    found = seen(own_day, VerifyOptions(keys=(key(LOG),), witnesses=(key(WITNESS),)))
    assert found.findings == ()
    assert (found.checkpoints, found.broken) == (len(left), ())
    assert thin(own_day) == 0
    with reading(own_day.engine) as connection:
        assert list(Replay(connection).findings()) == []


def test_each_batch_is_on_record_and_what_was_thinned_stays_proved(
    own_day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinning, "AT_ONCE", 2)
    outside = {id_: held(note) for id_, note in notes(own_day).items()}
    gone = thin(own_day)
    bodies = [str(body) for (body,) in own_day.rows("SELECT body FROM entries WHERE site_id = 0")]
    entries = sum('"checkpoints_thinned"' in body for body in bodies)
    assert entries == -(-gone // 2)
    thinned = outside.keys() - notes(own_day).keys()
    assert len(thinned) == gone
    for id_ in thinned:
        for options in (VerifyOptions(held=(outside[id_],)), VerifyOptions(since=outside[id_])):
            found = seen(own_day, options)
            assert (found.findings, found.agreeing) == ((), ("held",))


def test_a_consistency_proof_begins_at_a_thinned_checkpoint_too(own_day: Rehearsal) -> None:
    outside = {id_: held(note).checkpoint for id_, note in notes(own_day).items()}
    thin(own_day)
    new = outside[12]
    for id_ in outside.keys() - notes(own_day).keys():
        old = outside[id_]
        path = sequencer.consistency(own_day.engine, old.size, new.size)
        proof.check_consistency(old.size, old.root, new.size, new.root, path)


def test_a_bundle_of_a_thinned_log_agrees_with_a_thinned_checkpoint(
    own_day: Rehearsal, tmp_path: Path
) -> None:
    outside = notes(own_day)
    thin(own_day)
    signed_log.export(own_day, tmp_path / "bundle")
    for id_ in outside.keys() - notes(own_day).keys():
        options = VerifyOptions(held=(held(outside[id_]),))
        found = bundle_verification.bundle(tmp_path / "bundle", options, processes=1)
        assert (found.findings, found.agreeing) == ((), ("held",))


def test_a_checkpoint_that_is_deleted_behind_it_is_missed_on_sqlite(own_day: Rehearsal) -> None:
    gone = thin(own_day)
    with unrecorded_changes(own_day.engine) as connection:
        connection.execute(delete(checkpoints).where(checkpoints.c.id == 11))
        found = findings(connection)
    missed = f"checkpoints: 12 were signed, {gone} of them thinned, and {11 - gone} are there"
    assert found == ([missed] if own_day.engine.dialect.name == "sqlite" else [])


def test_a_deletion_of_young_checkpoints_is_a_finding_also_on_record(own_day: Rehearsal) -> None:
    def forge(connection: Connection) -> None:
        place = own_stream.place(connection, lambda: own_day.now)
        connection.execute(delete(checkpoints).where(checkpoints.c.id == 12))
        own_stream.record(
            connection, place, CheckpointsThinned, "clock", None,
            before=own_day.now - LEAST + timedelta(seconds=1), rows=1,
        )  # fmt: skip

    own_day.desk.on_record(forge)
    [found] = seen(own_day).findings
    assert "it deleted checkpoints of the last 30 days" in str(found)


def test_signing_goes_on_after_it(own_day: Rehearsal) -> None:
    thin(own_day)
    own_day.give(c.Log(by="li"), "new.example")
    sign(own_day, NEXT)
    assert seen(own_day).findings == ()
