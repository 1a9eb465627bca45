"""The verification that goes on from a checkpoint which was verified before: what it takes from
then, what it looks at again, and that no change of what was verified is taken for it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, delete, func, select, update

from incidents.audit.log import sequencer
from incidents.audit.proof import site_check, verification
from incidents.audit.proof.signed_check import Held
from incidents.audit.proof.verdict import Verdict, VerifyOptions
from incidents.machine import commands as c
from incidents.store.database.engine import reading
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import checkpoints, leaves
from tests.audit import signed_log
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Signer
from tests.audit.histories import Histories
from tests.audit.rewriting import change_body, entry_at, held, key, rebuild, sign_again, verdict
from tests.audit.signed_log import put_key, sign
from tests.audit.tampering import FOUR, unrecorded_changes
from tests.audit.verifying import plain
from tests.audit.worker_threads import WorkerThread
from tests.desk.rehearsal import Rehearsal

BEFORE = 27
"""So many entries of two sites were verified; of a third one there is more."""


def fill(day: Rehearsal) -> None:
    signed_log.a_case(day)
    sign(day, witnesses=[WITNESS])
    day.later(minutes=5)
    day.add("late.example")
    day.give(c.Log(by="li"), "late.example")
    sign(day)


@pytest.fixture(autouse=True)
def _acts_of_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing that was verified could have been within an act: the record is that small."""
    monkeypatch.setattr(site_check, "WITHIN_AN_ACTION", 0)


@pytest.fixture
def empty(histories: Histories) -> Iterator[Rehearsal]:
    """A log with two sites that nobody has signed."""
    with histories.after(signed_log.a_case) as day:
        yield day


def first(connection: Connection) -> Held:
    """The checkpoint that was verified before."""
    note = connection.scalar(select(checkpoints.c.note).order_by(checkpoints.c.id).limit(1))
    assert note is not None
    return held(note.encode())


def _last_note(connection: Connection) -> bytes:
    of = checkpoints.c
    note: str | None = connection.scalar(select(of.note).order_by(of.id.desc()).limit(1))
    assert note is not None
    return note.encode()


def going_on(connection: Connection) -> Verdict:
    return verdict(connection, VerifyOptions(since=first(connection)))


def wrong(found: Verdict) -> list[str]:
    return plain(list(map(str, found.findings)))


def since(found: Verdict) -> tuple[int, int] | None:
    """How many entries were taken from before, and how many sites were decided again."""
    return None if found.since is None else (found.since.size, found.since.sites)


def _suspended(connection: Connection, *, after: int = 0) -> int:
    """The number of the first suspension among the later entries."""
    of = select(leaves.c.leaf_index).join(entries, entries.c.id == leaves.c.entry_id)
    of = of.where(entries.c.body.contains('"kind":"site_suspended"'))
    of = of.where(leaves.c.leaf_index >= after).order_by(leaves.c.leaf_index)
    leaf: int | None = connection.scalar(of)
    assert leaf is not None
    return leaf


def _by_another(body: str) -> str:
    return body.replace('"actor":"', '"actor":"x')


# ── what is taken from before ────────────────────────────────────────────────────────────────────


@pytest.mark.both_databases
def test_only_a_site_that_goes_on_is_decided_again(day: Rehearsal) -> None:
    with reading(day.engine) as connection:
        found, whole = going_on(connection), verdict(connection)
    assert wrong(found) == []
    assert since(found) == (BEFORE, 1)
    assert (found.entries, found.sites, found.decided) == (29, 3, True)
    assert (found.size, found.root, found.agreeing) == (whole.size, whole.root, ("held",))
    assert whole.since is None


def test_several_processes_find_what_one_finds(
    day: Rehearsal, worker_threads: list[WorkerThread]
) -> None:
    with reading(day.engine) as connection:
        asked = VerifyOptions(since=first(connection))
        assert verification.database(day.engine, asked, processes=2) == verdict(connection, asked)
    assert len(worker_threads) == 2


def test_what_was_decided_then_is_believed_and_a_whole_verification_decides_it_again(
    empty: Rehearsal,
) -> None:
    sequencer.number_all(empty.engine)
    with empty.engine.begin() as connection:
        leaf = _suspended(connection)
        change_body(connection, leaf, lambda body: body.replace('"rule":"', '"rule":"x'))
        rebuild(connection)
    sign(empty)
    empty.add("late.example")
    sign(empty)
    with reading(empty.engine) as connection:
        assert wrong(going_on(connection)) == []
        assert [flaw.part for flaw in verdict(connection).findings] == ["policy"]


@pytest.mark.both_databases
def test_a_site_with_an_entry_that_has_no_number_yet_is_decided_again(own_day: Rehearsal) -> None:
    own_day.give(c.Log(by="li", again=True), "shop.example")
    with reading(own_day.engine) as connection:
        found = going_on(connection)
    assert (wrong(found), since(found), found.pending) == ([], (BEFORE, 2), 1)


def test_an_activation_since_then_has_every_site_decided_again(own_day: Rehearsal) -> None:
    own_day.desk.activate(FOUR.replace("4", "5"), by="li", login="desk1", reason="agreed")
    sign(own_day)
    with reading(own_day.engine) as connection:
        found = going_on(connection)
    assert (wrong(found), since(found)) == ([], (BEFORE, 3))


def test_nothing_after_it_is_well_and_no_site_is_decided(day: Rehearsal) -> None:
    with reading(day.engine) as connection:
        found = verdict(connection, VerifyOptions(since=held(_last_note(connection))))
    assert (wrong(found), since(found), found.size) == ([], (29, 0), 29)


# ── what comes after it ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def waiting(empty: Rehearsal) -> Rehearsal:
    """An incident on a new site was verified, and its hour has lapsed since."""
    empty.add("old.example", "quiet.example")
    empty.give(c.Log(by="li"), "old.example")
    sign(empty)
    empty.later(hours=1, minutes=30)
    assert empty.elapse()
    sign(empty)
    return empty


def test_an_entry_that_depends_on_those_before_is_decided_from_the_first_one(
    waiting: Rehearsal,
) -> None:
    with reading(waiting.engine) as connection:
        found = going_on(connection)
    assert wrong(found) == []
    assert found.since is not None
    assert found.sites == 4
    assert 1 <= found.since.sites < 4


def test_a_later_decision_that_does_not_follow_from_those_before_is_named(
    waiting: Rehearsal,
) -> None:
    with unrecorded_changes(waiting.engine) as connection:
        old = first(connection)
        leaf = _suspended(connection, after=old.checkpoint.size)
        change_body(connection, leaf, lambda body: body.replace('"until":"2026-', '"until":"2027-'))
        sign_again(connection, rebuild(connection))
        found = verdict(connection, VerifyOptions(since=old))
    assert found.since is not None
    (flaw,) = found.findings
    assert (flaw.part, flaw.leaf, flaw.site) == ("policy", leaf, "old.example")


def test_an_entry_after_it_that_was_changed_is_named(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        change_body(connection, 28, _by_another)
        found = going_on(connection)
    assert since(found) == (BEFORE, 1)
    assert found.findings[0].where == "entries 29, leaf 28"


def test_the_rest_of_an_act_that_is_gone_is_missed_though_none_of_it_was_covered(
    empty: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty.add("old.example")
    empty.give(c.Log(by="li"), "old.example")
    empty.later(hours=1, minutes=30)
    empty.elapse()
    sequencer.number_all(empty.engine)
    with empty.engine.begin() as connection:
        last = connection.scalar(select(func.max(entries.c.id)))
        body = connection.scalar(select(entries.c.body).where(entries.c.id == last))
        assert body is not None
        assert '"kind":"site_suspended"' in body
        connection.execute(delete(leaves).where(leaves.c.entry_id == last))
        connection.execute(delete(entries).where(entries.c.id == last))
        rebuild(connection)
    sign(empty)
    with reading(empty.engine) as connection:
        assert wrong(going_on(connection)) == []
        monkeypatch.undo()
        (flaw,) = going_on(connection).findings
    assert flaw.part == "policy"
    assert "it is not there: the policy gives site_suspended" in str(flaw)


# ── what was verified is another now ─────────────────────────────────────────────────────────────


@pytest.mark.both_databases
def test_an_old_entry_that_was_changed_is_named_and_nothing_is_taken(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        change_body(connection, 7, _by_another)
        found = going_on(connection)
    assert found.since is None
    assert found.findings[0].where == "entries 8, leaf 7"
    assert "held: it cannot be compared: the log is wrong before its end" in wrong(found)


@pytest.mark.both_databases
def test_an_old_entry_that_was_rewritten_with_tree_and_signatures_is_found_by_the_root(
    day: Rehearsal,
) -> None:
    with unrecorded_changes(day.engine) as connection:
        old = first(connection)
        change_body(connection, 7, _by_another)
        sign_again(connection, rebuild(connection))
        found = verdict(connection, VerifyOptions(since=old))
    assert (found.since, found.agreeing) == (None, ())
    signed = [flaw for flaw in found.findings if flaw.part == "checkpoints"]
    assert [str(flaw).partition(" is ")[0] for flaw in signed] == [
        f"held: the root of the first {BEFORE} entries"
    ]
    assert "the log was rewritten" in str(signed[0])
    assert [flaw.leaf for flaw in found.findings if flaw.part == "policy"] == [7]


def test_a_row_of_an_old_entry_that_says_another_site_is_named(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        change = update(entries).where(entries.c.id == entry_at(7)).values(site_seq=900)
        connection.execute(change)
        found = going_on(connection)
    assert found.since is None
    assert any("but its row says 2-900" in flaw for flaw in wrong(found))


@pytest.mark.both_databases
def test_a_log_that_ends_before_it_has_lost_its_tail(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        old = held(_last_note(connection))
        for leaf in (27, 28):
            connection.execute(delete(entries).where(entries.c.id == entry_at(leaf)))
            connection.execute(delete(leaves).where(leaves.c.leaf_index == leaf))
        rebuild(connection)
        found = verdict(connection, VerifyOptions(since=old))
    assert found.since is None
    assert "held: it is of 29 entries, and the log has 27: its tail was cut" in wrong(found)


ANOTHER: dict[str, tuple[Signer, str]] = {
    "key": (FORGER, "none of the keys that are known has signed it"),
    "log": (Signer(name="log.example/other"), "it belongs to another log, log.example/other"),
}


@pytest.mark.parametrize(("signer", "sentence"), ANOTHER.values(), ids=ANOTHER)
def test_a_checkpoint_by_another_key_or_of_another_log_is_refused(
    day: Rehearsal, signer: Signer, sentence: str
) -> None:
    with reading(day.engine) as connection:
        own = first(connection).note.text
    text = own.replace(LOG.name, signer.name)
    forged = held(f"{text}\n{signer.line(text)}".encode())
    with reading(day.engine) as connection:
        found = verdict(connection, VerifyOptions(since=forged))
    assert found.since is None
    assert any(sentence in flaw for flaw in wrong(found)), wrong(found)


# ── checkpoints ──────────────────────────────────────────────────────────────────────────────────


def _without_root(connection: Connection, id_: int) -> None:
    change = update(checkpoints).where(checkpoints.c.id == id_).values(root=bytes(32))
    connection.execute(change)


def test_what_was_signed_before_it_is_not_looked_at_and_what_was_signed_since_is(
    own_day: Rehearsal,
) -> None:
    with reading(own_day.engine) as connection:
        old = held(_last_note(connection))
    own_day.later(minutes=5)
    own_day.add("more.example")
    sign(own_day)
    with unrecorded_changes(own_day.engine) as connection:
        _without_root(connection, 2)
        assert wrong(verdict(connection, VerifyOptions(since=old))) == []
        assert len(verdict(connection).findings) == 1
        _without_root(connection, 3)
        (flaw,) = verdict(connection, VerifyOptions(since=old)).findings
    assert flaw.where == "checkpoints 3"


@pytest.mark.both_databases
def test_a_hand_over_and_a_witness_of_before_are_known_still(own_day: Rehearsal) -> None:
    put_key(own_day, NEXT, LOG)
    sign(own_day, LOG, NEXT)
    for _ in range(2):
        own_day.later(minutes=5)
        own_day.give(c.Log(by="li", again=True), "late.example")
        sign(own_day, NEXT)
    with reading(own_day.engine) as connection:
        old = held(_last_note(connection))
    own_day.add("more.example")
    sign(own_day, NEXT)
    asked = VerifyOptions(since=old, keys=(key(LOG),), witnesses=(key(WITNESS),))
    with reading(own_day.engine) as connection:
        found = verdict(connection, asked)
    assert (wrong(found), found.broken, found.key) == ([], (), NEXT.vkey)
    assert found.witnesses[WITNESS.vkey].size == BEFORE
    assert (found.checkpoints, since(found)) == (3, (32, 1))
