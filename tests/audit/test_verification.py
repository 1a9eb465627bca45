"""The verification of the log in a database: whatever was changed behind its back is named."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Executable, delete, insert, select, text, update

from incidents.audit.facts import Flaw
from incidents.audit.log import sequencer
from incidents.audit.proof import verification
from incidents.audit.proof.verdict import VerifyOptions
from incidents.machine import commands as c
from incidents.store.database.engine import reading, writing
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import (
    checkpoints,
    cosignatures,
    leaves,
    log_head,
    log_keys,
    tiles,
)
from tests.audit import bundles, signed_log, verifying
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Signer
from tests.audit.histories import Histories
from tests.audit.rewriting import (
    change_body,
    entry_at,
    findings,
    held,
    key,
    rebuild,
    rehash,
    seen,
    sign_again,
    verdict,
)
from tests.audit.signed_log import put_key, sign
from tests.audit.tampering import unrecorded_changes
from tests.audit.worker_threads import WorkerThread
from tests.desk.rehearsal import Rehearsal, rehearsal


def fill(day: Rehearsal) -> None:
    signed_log.a_case(day)
    sign(day)
    day.later(minutes=5)
    day.add("late.example")
    sign(day, witnesses=[WITNESS])
    day.later(minutes=5)
    day.give(c.Log(by="li"), "late.example")
    sign(day)


# ── all is well ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.both_databases
def test_a_log_that_nobody_touched_verifies(day: Rehearsal) -> None:
    found = seen(day)
    assert found.findings == ()
    assert (found.entries, found.size, found.pending, found.uncovered) == (29, 29, 0, 0)
    assert (found.sites, found.checkpoints, found.policies) == (3, 3, 2)
    assert (found.key, found.trusted, found.decided) == (LOG.vkey, "inside", True)
    assert found.witnesses[WITNESS.vkey].size == 28


@pytest.mark.both_databases
def test_several_processes_find_what_one_finds(
    own_day: Rehearsal, worker_threads: list[WorkerThread]
) -> None:
    right = verification.database(own_day.engine, VerifyOptions(), processes=2)
    assert right.findings == ()
    with reading(own_day.engine) as connection:
        assert right == verdict(connection)
    with own_day.engine.begin() as connection:
        change_body(connection, 7, _by_another)
    wrong = verification.database(own_day.engine, VerifyOptions(), processes=2)
    assert [flaw.leaf for flaw in wrong.findings][:2] == [7, 7]


def test_what_is_known_from_outside_makes_the_key_a_trusted_one(day: Rehearsal) -> None:
    asked = VerifyOptions(keys=(key(LOG),), witnesses=(key(WITNESS),))
    found = seen(day, asked)
    assert found.findings == ()
    assert found.trusted == "outside"


@pytest.mark.both_databases
def test_entries_that_are_not_numbered_yet_are_counted_and_looked_at(own_day: Rehearsal) -> None:
    own_day.give(c.Log(by="li", again=True), "late.example")
    found = seen(own_day)
    assert found.findings == ()
    assert (found.entries, found.pending, found.pending_since) == (
        30,
        1,
        "2026-03-02T00:30:00.000250Z",
    )
    with own_day.engine.begin() as connection:
        connection.execute(
            update(entries).where(entries.c.id == 30).values(body=entries.c.body + " ")
        )
        assert "entries 30: it is not in the canonical form of RFC 8785" in findings(connection)


def test_numbered_entries_that_no_checkpoint_covers_are_told(own_day: Rehearsal) -> None:
    own_day.give(c.Log(by="li", again=True), "late.example")
    sequencer.number_all(own_day.engine)
    found = seen(own_day)
    assert (found.findings, found.uncovered, found.pending) == ((), 1, 0)


def test_an_empty_log_verifies_and_nobody_has_signed_it(db_url: str) -> None:
    with rehearsal(db_url) as day, reading(day.engine) as connection:
        found = verdict(connection)
    assert (found.findings, found.entries, found.key, found.size) == ((), 0, None, None)


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────


def _by_another(body: str) -> str:
    return body.replace('"actor":"', '"actor":"x')


def _changed(connection: Connection) -> None:
    change_body(connection, 7, _by_another)


def _changed_with_its_hash(connection: Connection) -> None:
    _changed(connection)
    rehash(connection)


def _of_no_version(connection: Connection) -> None:
    change_body(connection, 7, lambda body: body.replace('"v":1', '"v":2'))


def _gone_with_its_number(connection: Connection) -> None:
    connection.execute(GONE)
    connection.execute(delete(leaves).where(leaves.c.leaf_index == 7))


def _swapped(connection: Connection) -> None:
    first, second = (connection.scalar(select(entry_at(leaf))) for leaf in (7, 8))
    for leaf, entry in ((7, -1), (8, first), (7, second)):
        connection.execute(update(leaves).where(leaves.c.leaf_index == leaf).values(entry_id=entry))


def _put_in(connection: Connection) -> None:
    row = connection.execute(select(entries).where(entries.c.id == 8)).mappings().one()
    new = dict(row) | {"id": 1_000, "site_seq": 900}
    connection.execute(insert(entries).values(new))


def _put_in_and_numbered(connection: Connection) -> None:
    _put_in(connection)
    connection.execute(insert(leaves).values(leaf_index=29, entry_id=1_000))


def _tile(change: Callable[[bytes], bytes]) -> Callable[[Connection], None]:
    def tamper(connection: Connection) -> None:
        blob = connection.scalar(select(tiles.c.hashes).where(tiles.c.level == 0))
        assert blob is not None
        connection.execute(update(tiles).values(hashes=change(blob)))

    return tamper


Tampering = Executable | Callable[[Connection], None]
"""A statement, or several."""


def done(connection: Connection, tampering: Tampering) -> None:
    if isinstance(tampering, Executable):
        connection.execute(tampering)
    else:
        tampering(connection)


def _of_7(**values: Any) -> Executable:
    return update(entries).where(entries.c.id == entry_at(7)).values(**values)


GONE = delete(entries).where(entries.c.id == entry_at(7))
WITHOUT_NUMBER = delete(leaves).where(leaves.c.leaf_index == 7)
EARLY = update(entries).where(entries.c.id == entry_at(27)).values(
    recorded_at=select(entries.c.recorded_at).where(entries.c.id == 1).scalar_subquery()
)  # fmt: skip
OTHER_HASH = _tile(lambda blob: blob[: 7 * 32] + bytes(32) + blob[8 * 32 :])
NUMBERED = "log_head: it says that {} entries are numbered, and leaves has {}"
ENTRIES: dict[str, tuple[Tampering, str, int | None]] = {
    "changed": (_changed, "its leaf hash is not that of its body: one of them was changed", 7),
    "changed with its hash": (_changed_with_its_hash, "tile/0/000.p/29: of leaf 7 it has", 7),
    "of no version": (_of_no_version, "it does not end as the desk writes", 7),
    "gone": (GONE, "it is the number of entry 8, which is deleted", 7),
    "gone with its number": (
        _gone_with_its_number, "no entry has the number 7: the number is deleted", 7,
    ),
    "no number": (WITHOUT_NUMBER, "no entry has the number 7: the number is deleted", 7),
    "swapped": (_swapped, "entries 9, leaf 7: it is entry", 7),
    "put in": (_put_in, "it is entry", None),
    "put in and numbered": (_put_in_and_numbered, NUMBERED.format(29, 30), None),
    "other site": (_of_7(site_seq=900), "but its row says 2-900", 7),
    "other time": (EARLY, "it was recorded at", 27),
    "other hash": (_of_7(leaf_hash=bytes(32)), "its leaf hash is not that of its body", 7),
    "tile": (OTHER_HASH, "tile/0/000.p/29: of leaf 7 it has 00000", 7),
    "tile gone": (delete(tiles), "tile/0/000.p/29: it is not there", None),
    "tile too long": (
        _tile(lambda blob: blob + bytes(32)), "tile/0/000.p/29: it has 30 hashes, not 29", None,
    ),
    "tile too many": (
        insert(tiles).values(level=1, n=0, hashes=bytes(32)),
        "tiles 1-0: a tree of 29 entries has no such tile", None,
    ),
    "frontier": (
        update(log_head).values(frontier=bytes(32 * 4)),
        "log_head: the hashes that the tree would go on from", None,
    ),
    "size": (update(log_head).values(size=28), NUMBERED.format(28, 29), None),
}  # fmt: skip


@pytest.mark.parametrize(("tampering", "sentence", "leaf"), ENTRIES.values(), ids=ENTRIES)
def test_what_is_done_to_entries_numbers_and_tiles_is_named(
    day: Rehearsal, tampering: Tampering, sentence: str, leaf: int | None
) -> None:
    with unrecorded_changes(day.engine) as connection:
        done(connection, tampering)
        found = verdict(connection).findings
    named = [flaw for flaw in found if sentence in str(flaw)]
    assert named, list(map(str, found))
    if leaf is not None:
        assert named[0].leaf == leaf
        assert first_leaf(found) == leaf


def first_leaf(found: Sequence[Flaw]) -> int | None:
    return min((flaw.leaf for flaw in found if flaw.leaf is not None), default=None)


def test_an_entry_that_is_named_has_its_site_and_its_number_there(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        _changed(connection)
        flaw = verdict(connection).findings[0]
    assert flaw.where == "entries 8, leaf 7"
    assert (flaw.site, flaw.entry, flaw.leaf) == ("canary.example", "2-3", 7)
    assert flaw.expected != flaw.found


# ── checkpoints and keys ─────────────────────────────────────────────────────────────────────────


def _second(**values: Any) -> Executable:
    return update(checkpoints).where(checkpoints.c.id == 2).values(**values)


def _note(change: Callable[[str], str]) -> Callable[[Connection], None]:
    def tamper(connection: Connection) -> None:
        note = connection.scalar(select(checkpoints.c.note).where(checkpoints.c.id == 2))
        assert note is not None
        connection.execute(_second(note=change(note)))

    return tamper


def _by_the_forger(note: str) -> str:
    signed = note.partition("\n\n")[0] + "\n"
    return signed + "\n" + FORGER.line(signed)


def _in_another_order(connection: Connection) -> None:
    row = connection.execute(select(checkpoints).where(checkpoints.c.id == 1)).mappings().one()
    connection.execute(insert(checkpoints).values(dict(row) | {"id": 4}))


def _key_put_in(connection: Connection) -> None:
    row = connection.execute(select(log_keys)).mappings().one()
    connection.execute(insert(log_keys).values(dict(row) | {"key": FORGER.vkey, "seq": 9}))


UNTRUSTED = "checkpoints 2: Not a trusted signed note: "
SIGNED: dict[str, tuple[Tampering, str]] = {
    "signed by another": (_note(_by_the_forger), f"{UNTRUSTED}none of"),
    "other root": (_second(root=bytes(32)), "its row says 0000"),
    "other size": (_second(size=27), "checkpoints 2: it is of 28 entries, but its row says 27"),
    "other key": (
        _second(key=FORGER.vkey), f"checkpoints 2: its row says that {FORGER.vkey} has signed it",
    ),
    "other text": (
        _note(lambda note: note.replace("\n28\n", "\n27\n")), f"{UNTRUSTED}the signature of",
    ),
    "in another order": (
        _in_another_order, "checkpoints 4: it is of 27 entries, and the one before it of 29",
    ),
    "cosignature": (
        update(cosignatures).values(line=WITNESS.line("another\n")),
        "it is not a signature of that checkpoint by that witness",
    ),
    "key gone": (delete(log_keys), f"log_keys {LOG.vkey}: an entry names it, and it is gone"),
    "key put in": (_key_put_in, f"log_keys {FORGER.vkey}: no entry says that it is a key"),
    "key moved": (
        update(log_keys).values(seq=5),
        f"log_keys {LOG.vkey}: its entry is 1, but its row says 5",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("tampering", "sentence"), SIGNED.values(), ids=SIGNED)
def test_what_is_done_to_checkpoints_and_keys_is_named(
    day: Rehearsal, tampering: Tampering, sentence: str
) -> None:
    with unrecorded_changes(day.engine) as connection:
        done(connection, tampering)
        found = findings(connection)
    assert any(sentence in flaw for flaw in found), found


@pytest.mark.both_databases
def test_a_checkpoint_that_is_deleted_is_missed_where_numbers_have_no_gaps(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        connection.execute(delete(checkpoints).where(checkpoints.c.id == 3))
        found = findings(connection)
    missed = "checkpoints: 3 were signed, and 2 are there: some were deleted"
    assert found == ([missed] if day.engine.dialect.name == "sqlite" else [])


# ── rewritten ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("leaf", "covering", "parts"),
    [(7, [1, 2, 3], {"checkpoints", "policy"}), (27, [2, 3], {"checkpoints"})],
)
def test_an_entry_that_is_changed_with_the_whole_tree_is_found_by_each_checkpoint_that_covers_it(
    day: Rehearsal, leaf: int, covering: list[int], parts: set[str]
) -> None:
    with unrecorded_changes(day.engine) as connection:
        change_body(connection, leaf, _by_another)
        rebuild(connection)
        found = verdict(connection).findings
    signed = [flaw for flaw in found if flaw.part == "checkpoints"]
    assert [flaw.where for flaw in signed] == [f"checkpoints {n}" for n in covering]
    assert {flaw.part for flaw in found} == parts
    assert "one of these entries was changed" in str(signed[0])


def test_what_is_rewritten_with_the_right_key_only_a_checkpoint_held_outside_shows(
    day: Rehearsal,
) -> None:
    with reading(day.engine) as connection:
        notes = list(connection.scalars(select(checkpoints.c.note).order_by(checkpoints.c.id)))
    asked = VerifyOptions(keys=(key(LOG),), held=tuple(held(note.encode()) for note in notes))
    with reading(day.engine) as connection:
        assert verdict(connection, asked).agreeing == ("held", "held", "held")
    with unrecorded_changes(day.engine) as connection:
        change_body(connection, 27, _by_another)
        sign_again(connection, rebuild(connection))
        assert findings(connection, VerifyOptions(keys=(key(LOG),))) == []
        found = findings(connection, asked)
    assert [flaw.partition(" is ")[0] for flaw in found] == [
        "held: the root of the first 28 entries", "held: the root of the first 29 entries",
    ]  # fmt: skip
    assert all("the log was rewritten" in flaw for flaw in found)


@pytest.mark.both_databases
def test_a_tail_that_was_cut_off_only_a_checkpoint_held_outside_shows(day: Rehearsal) -> None:
    with reading(day.engine) as connection:
        last = connection.scalar(select(checkpoints.c.note).where(checkpoints.c.id == 3))
        assert last is not None
    with unrecorded_changes(day.engine) as connection:
        connection.execute(delete(entries).where(entries.c.id == entry_at(28)))
        connection.execute(delete(leaves).where(leaves.c.leaf_index == 28))
        connection.execute(delete(checkpoints).where(checkpoints.c.id == 3))
        if day.engine.dialect.name == "sqlite":
            connection.execute(
                text("UPDATE sqlite_sequence SET seq = 2 WHERE name = 'checkpoints'")
            )
        rebuild(connection)
        assert findings(connection) == []
        found = findings(connection, VerifyOptions(held=(held(last.encode()),)))
    assert found == ["held: it is of 29 entries, and the log has 28: its tail was cut"]


def test_a_held_checkpoint_of_another_log_is_refused(day: Rehearsal) -> None:
    note = bundles.head([b"{}"], FORGER)
    found = list(map(str, seen(day, VerifyOptions(held=(held(note),))).findings))
    assert any("none of the keys that are known has signed it" in flaw for flaw in found)


# ── trust ────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_or_a_witness_that_is_not_the_log_s_is_told(day: Rehearsal) -> None:
    other = Signer(name="witness.example/w2", seed=9, kind=4)
    asked = VerifyOptions(keys=(key(FORGER),), witnesses=(key(other),))
    found = list(map(str, seen(day, asked).findings))
    assert found == [
        f"{FORGER.vkey}: you named it as a key of the log, but the log has no such key",
        f"{other.vkey}: this witness has signed none of these checkpoints",
    ]


def test_a_key_that_was_handed_over_leads_to_the_new_one(own_day: Rehearsal) -> None:
    put_key(own_day, NEXT, LOG)
    sign(own_day, LOG, NEXT)
    found = seen(own_day, VerifyOptions(keys=(key(LOG),)))
    assert (found.findings, found.key, found.broken) == ((), NEXT.vkey, ())


def test_a_key_that_took_over_without_a_hand_over_is_told_and_refused_to_who_knows_the_old_one(
    own_day: Rehearsal,
) -> None:
    put_key(own_day, NEXT, LOG)
    sign(own_day, NEXT)
    with reading(own_day.engine) as connection:
        found = verdict(connection)
        assert (found.findings, found.broken) == ((), ((LOG.vkey, NEXT.vkey),))
        assert findings(connection, VerifyOptions(keys=(key(NEXT),))) == []
        assert findings(connection, VerifyOptions(keys=(key(LOG),))) == [
            f"{NEXT.vkey}: it signed after {LOG.vkey}, which has not handed over to it"
        ]


def test_the_old_key_signs_nothing_that_covers_the_new_one(own_day: Rehearsal) -> None:
    put_key(own_day, NEXT, LOG)
    sign(own_day, LOG)
    found = list(map(str, seen(own_day).findings))
    assert f"checkpoints 4: the key at that time was {NEXT.vkey}, and {LOG.vkey} has signed it" in (
        found
    )


# ── the policy ───────────────────────────────────────────────────────────────────────────────────


def test_a_suspension_that_does_not_follow_is_named_and_not_looked_for_without_the_policy(
    day: Rehearsal,
) -> None:
    with unrecorded_changes(day.engine) as connection:
        bodies = connection.execute(
            select(leaves.c.leaf_index, entries.c.body)
            .join(entries, entries.c.id == leaves.c.entry_id)
            .order_by(leaves.c.leaf_index)
        ).all()
        leaf = next(n for n, body in bodies if '"kind":"site_suspended"' in body)
        old = next(body for n, body in bodies if n == leaf)
        at = old.partition('"until":"')[2].partition('"')[0]
        change_body(connection, leaf, lambda body: body.replace(at, "2026-03-02T09:00:00Z"))
        sign_again(connection, rebuild(connection))
        assert findings(connection, VerifyOptions(policy=False)) == []
        first = verdict(connection).findings[0]
    assert (first.part, first.leaf, first.site) == ("policy", leaf, "shop.example")
    assert first.what.startswith("until is 2026-03-02T09:00:00Z, but the policy gives")


def test_the_findings_come_in_the_order_of_what_was_looked_at(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        for tampering in (OTHER_HASH, _changed, delete(log_keys)):
            done(connection, tampering)
        parts = [part for part, _ in groupby(flaw.part for flaw in verdict(connection).findings)]
    assert parts == sorted(parts, key=["entries", "tree", "checkpoints", "policy"].index)


# ── keys that have not handed over ───────────────────────────────────────────────────────────────


@pytest.fixture
def unsigned(histories: Histories) -> Iterator[Rehearsal]:
    """A log that nobody has signed."""
    with histories.after(signed_log.a_case) as day:
        yield day


def test_a_key_whose_checkpoints_are_all_gone_has_not_handed_over(
    unsigned: Rehearsal, tmp_path: Path
) -> None:
    sign(unsigned)
    with writing(unsigned.engine) as connection:
        connection.execute(delete(checkpoints))
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = 'checkpoints'"))
    put_key(unsigned, FORGER, LOG)
    sign(unsigned, FORGER)
    with reading(unsigned.engine) as connection:
        found = verdict(connection)
        assert (found.findings, found.broken) == ((), ((LOG.vkey, FORGER.vkey),))
        (flaw,) = verdict(connection, VerifyOptions(keys=(key(LOG),))).findings
        assert str(flaw).startswith(f"{FORGER.vkey}: ")
    signed_log.export(unsigned, tmp_path / "b")
    (wrong,) = verifying.wrong(tmp_path / "b", keys=[LOG.vkey], policy=True)
    assert wrong == f"{LOG.vkey}: you named it as a key of the log, but the log has no such key"


def test_a_key_that_was_passed_over_has_not_handed_over(unsigned: Rehearsal) -> None:
    sign(unsigned)
    put_key(unsigned, NEXT, LOG)
    put_key(unsigned, FORGER, NEXT)
    sign(unsigned, LOG, FORGER)
    with reading(unsigned.engine) as connection:
        assert verdict(connection).broken == (
            (LOG.vkey, NEXT.vkey), (NEXT.vkey, FORGER.vkey),
        )  # fmt: skip
        assert verdict(connection, VerifyOptions(keys=(key(NEXT),))).findings
        assert verdict(connection, VerifyOptions(keys=(key(FORGER),))).findings == ()


def test_a_first_checkpoint_that_both_keys_have_signed_hands_over(unsigned: Rehearsal) -> None:
    put_key(unsigned, NEXT, LOG)
    sign(unsigned, LOG, NEXT)
    found = seen(unsigned, VerifyOptions(keys=(key(LOG),)))
    assert (found.findings, found.broken) == ((), ())


def test_a_key_of_another_name_is_no_key_of_the_log(unsigned: Rehearsal) -> None:
    other = Signer(name="log.example/other", seed=2)
    sign(unsigned)
    put_key(unsigned, other, LOG)
    sign(unsigned, LOG)
    with reading(unsigned.engine) as connection:
        found = list(map(str, verdict(connection).findings))
    wrong = f"{other.vkey} is no key of this log, which is called 'log.example/desk'"
    assert any(flaw.endswith(wrong) for flaw in found), found
