"""The way back: one key never signs two histories, wherever it is cut off, and whoever signs."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from incidents.audit.log import (
    loss,
    rotation,
    sequencer,
    signed_files,
    signers_lock,
    signing,
    signing_key,
)
from incidents.audit.log.loss import LossKnownError
from incidents.audit.log.signed_files import InconsistentLogError, TornNoteError, TornShareError
from incidents.audit.log.signers_lock import HeldError, SignsElsewhereError
from incidents.audit.log.signing_key import KeyRing
from incidents.enforcement.continuity import Continuity
from incidents.enforcement.history_recovery import (
    HistoryRecovery,
    Outcome,
    RecoveryRequest,
    SignerAtWorkError,
)
from incidents.errors import InputError, RefusedError
from incidents.store import monitoring
from incidents.store.database.engine import reading, writing
from incidents.store.log import checkpoints
from incidents.store.monitoring import Heartbeat
from incidents.testing import rehearsal
from incidents.tlog import note
from incidents.tlog.keys import SigningKey, VerifierKey
from incidents.tlog.note import Checkpoint
from tests.audit.log_rig import NAME, START, LogRig, opened
from tests.cli.conftest import copy

ASKED = RecoveryRequest(by="sre-1", login=None, reason="the disk is gone")


class Desk(LogRig):
    """A desk whose database was put back, older than what was signed of it by `old`."""

    old: VerifierKey

    def go_on(self, asked: RecoveryRequest = ASKED) -> Outcome:  # type: ignore[override]  # another way on
        def now() -> datetime:
            return self.time.now

        way = HistoryRecovery(self.engine, self.desk, lambda: reading(self.engine), self.ring, now)
        return way.resume(asked, self.on_record)

    def lost(self) -> bool:
        files = signed_files.read_folder(self.ring.file)
        with reading(self.engine) as connection:
            return loss.find(connection, files) is not None

    def forget(self) -> None:
        """The folder does not know what the old key has signed last."""
        self.beside(self.old).unlink()
        self.shared.unlink()

    def signs(self) -> bool:
        """Whether a daemon signs what is new."""
        self.add()
        self.time.later(seconds=1)
        return self.sign().made is not None


def lose(desk: Desk, sqlite_url: str, folder: Path) -> None:
    """One entry more is signed, and the database put back as it was before; with another one."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    copy(file, folder / "older.db")
    LogRig.go_on(desk)
    put_back(desk, sqlite_url, folder / "older.db")


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    """One that has lost an entry that was signed."""
    with rehearsal(START) as time:
        found = Desk(sqlite_url, tmp_path, time)
        found.old = found.begin(2)
        lose(found, sqlite_url, tmp_path)
        yield found
        found.engine.dispose()


@pytest.fixture
def by(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> list[VerifierKey]:
    """The keys that have signed what is left."""
    found: list[VerifierKey] = []
    keep = signed_files.save

    def kept(file: Path, written: str, keys: tuple[VerifierKey, ...]) -> None:
        found.extend(keys)
        keep(file, written, keys)

    monkeypatch.setattr(signed_files, "save", kept)
    return found


def test_a_new_key_signs_what_is_left_and_the_old_one_is_on_record_as_lost(
    desk: Desk, by: list[VerifierKey]
) -> None:
    kept = desk.kept(desk.old)

    gone = desk.go_on()

    assert (gone.resumed.signed, gone.lost and gone.lost.kept.note) == (4, kept)
    assert desk.kept(desk.old) == kept
    assert gone.key is not None
    assert opened(desk.last(), desk.old, gone.key) == [gone.key]
    assert desk.signs()
    assert set(by) == {gone.key}
    assert not desk.lost()


STEPS = (
    (rotation, "begin"),
    (Continuity, "resume"),
    (Desk, "on_record"),
    (sequencer, "number_all"),
    (signing, "sign_locked"),
    (signed_files, "save"),
    (checkpoints, "add"),
    (signing_key, "replace"),
)


def cut_off(
    desk: Desk,
    asked: RecoveryRequest,
    step: tuple[object, str],
    patch: pytest.MonkeyPatch,
    *,
    after: bool,
) -> None:
    """It begins to go on, and is cut off before that step, or after it."""
    where, name = step
    real = getattr(where, name)

    def cut(*given: object, **options: object) -> object:
        if after:
            real(*given, **options)
        raise KeyboardInterrupt

    with patch.context() as patched:
        patched.setattr(where, name, cut)
        with pytest.raises(KeyboardInterrupt):
            desk.go_on(asked)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(len(STEPS)), ids=[name for _, name in STEPS])
def test_cut_off_between_two_steps_it_is_gone_again_though_a_daemon_signs_meanwhile(
    desk: Desk, by: list[VerifierKey], monkeypatch: pytest.MonkeyPatch, step: int, after: bool
) -> None:
    kept = desk.kept(desk.old)
    cut_off(desk, ASKED, STEPS[step], monkeypatch, after=after)
    with suppress(InconsistentLogError):
        desk.signs()

    desk.go_on()

    assert desk.signs()
    assert desk.old not in by
    assert len(set(by)) == 1
    assert desk.kept(desk.old) == kept
    own = signing_key.read(desk.ring.file)
    assert own is not None
    assert own.verifier == by[0]
    assert not desk.ring.successor.exists()


def test_a_key_that_was_begun_and_has_signed_what_is_lost_again_signs_no_more(
    desk: Desk, by: list[VerifierKey], sqlite_url: str, tmp_path: Path
) -> None:
    first = desk.go_on().key
    lose(desk, sqlite_url, tmp_path)
    with pytest.raises(InconsistentLogError):
        desk.sign()

    second = desk.go_on().key

    assert first is not None
    assert second not in (first, desk.old)
    assert desk.signs()
    assert not desk.lost()


def test_what_a_key_has_signed_that_an_older_database_does_not_know_is_a_loss_until_answered(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    """The same backup is put back again and again."""
    signed = 4
    for _ in range(3):
        sequencer.number_all(desk.engine)
        assert desk.lost()
        gone = desk.go_on()
        assert gone.resumed is not None
        assert gone.resumed.signed == signed
        assert not desk.lost()
        assert desk.signs()
        assert desk.signs()
        assert not desk.lost()
        signed = desk.last().size
        put_back(desk, sqlite_url, tmp_path / "older.db")
    desk.go_on()
    lose(desk, sqlite_url, tmp_path)
    sequencer.number_all(desk.engine)
    assert desk.lost()


def test_a_loss_that_is_answered_is_one_again_where_the_answer_is_lost_too(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    desk.go_on()
    desk.signs()
    desk.signs()
    larger = desk.last().size
    put_back(desk, sqlite_url, tmp_path / "older.db")
    desk.go_on()
    assert not desk.lost()

    put_back(desk, sqlite_url, tmp_path / "older.db")

    assert desk.lost()
    gone = desk.go_on()
    assert gone.resumed is not None
    assert gone.resumed.signed == larger


def test_a_place_that_was_taken_knows_what_it_signed_after_an_older_database_is_put_back(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    desk.go_on()
    other = elsewhere(desk, tmp_path)
    desk.engine.dispose()
    copy(Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "before.db")
    take = RecoveryRequest(by="sre-1", login=None, reason="it burned", sign_here=True)
    other.go_on(take)
    assert other.signs()
    put_back(other, sqlite_url, tmp_path / "before.db")

    assert other.lost()
    gone = other.go_on(take)

    assert gone.lost is not None
    assert not other.lost()
    assert other.signs()


def put_back(desk: Desk, sqlite_url: str, older: Path) -> None:
    """That database; with an entry that it has not had."""
    desk.engine.dispose()
    copy(older, Path(sqlite_url.removeprefix("sqlite:///")))
    desk.add()


def test_while_it_goes_on_nobody_else_signs(desk: Desk, by: list[VerifierKey]) -> None:
    tried: list[str] = []
    put = desk.on_record

    def on_record(key: str, previous: str | None, lost: bool = False, /) -> None:
        put(key, previous, lost)
        sequencer.number_all(desk.engine)
        with pytest.raises(HeldError, match=r"process \d+ on "):
            signing.sign(desk.engine, desk.ring, desk.time.now, at_once=True, patience_s=0)
        tried.append(key)

    desk.on_record = on_record  # type: ignore[method-assign]  # a daemon beside it
    gone = desk.go_on()

    assert tried == [str(gone.key)]
    assert set(by) == {gone.key}


def test_the_old_key_is_refused_for_what_is_left_though_it_is_put_back(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    copy(Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "left.db")
    desk.go_on()
    retired = signing_key.retired_name(desk.ring.file, desk.old)
    desk.engine.dispose()
    copy(tmp_path / "left.db", Path(sqlite_url.removeprefix("sqlite:///")))
    retired.rename(desk.ring.file)

    with pytest.raises(InconsistentLogError, match="4 entries were signed"):
        desk.sign()


def test_a_file_that_cannot_be_read_counts_as_what_is_lost(desk: Desk) -> None:
    desk.shared.unlink()
    own = desk.beside(desk.old)
    own.write_text("torn")
    with pytest.raises(TornNoteError, match=rf"{own} holds no signed note \(it is not whole\)"):
        desk.sign()
    with pytest.raises(TornNoteError, match="recover --reason"):
        loss.check(desk.engine, desk.ring.file)

    gone = desk.go_on()

    assert gone.resumed.signed is None
    assert (gone.lost, gone.is_loss_unknown) == (None, True), "what it signed last stays nowhere"
    assert gone.key not in (None, desk.old)
    assert desk.signs()
    assert own.read_text() == "torn"


@pytest.mark.parametrize("torn", [b"", b"torn", b"\0\0", b"\xff"])
def test_a_torn_shared_file_is_named_before_the_next_key_is_made_and_a_person_goes_on(
    sqlite_url: str, tmp_path: Path, torn: bytes
) -> None:
    """After a power cut, say. The key that has a file of its own signs meanwhile."""
    with rehearsal(START) as time:
        desk = Desk(sqlite_url, tmp_path, time)
        desk.old = desk.begin(2)
        desk.shared.write_bytes(torn)
        assert desk.signs()
        for _ in range(2):
            with pytest.raises(TornShareError, match=rf"mv {desk.shared} {desk.shared}\.wrong"):
                desk.rotate()
        assert keys_of(desk) == [str(desk.old)]
        assert not desk.ring.successor.exists()

        gone = desk.go_on()

        assert gone.key not in (None, desk.old), "an older version may have signed more by it"
        assert gone.is_loss_unknown
        assert desk.signs()
        aside = desk.shared.with_name(desk.shared.name + signed_files.WRONG)
        assert aside.read_bytes() == torn
        assert desk.shared.read_text() == desk.last().note
        # Once more, and what was put aside stays.
        desk.shared.write_text("torn again")
        desk.go_on()
        assert aside.read_bytes() == torn
        assert aside.with_name(f"{aside.name}-2").read_text() == "torn again"
        assert desk.signs()
        desk.engine.dispose()


@pytest.fixture
def torn(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    """One that has lost nothing, but beside a shared file that holds no note."""
    with rehearsal(START) as time:
        found = Desk(sqlite_url, tmp_path, time)
        found.old = found.begin(2)
        found.shared.write_bytes(b"torn")
        yield found
        found.engine.dispose()


def test_a_recovery_that_was_refused_beside_a_torn_shared_file_leaves_it_for_the_next_one(
    torn: Desk,
) -> None:
    with pytest.raises(InputError, match="--public"):
        torn.go_on(replace(ASKED, public=str(torn.old)))
    assert torn.shared.read_bytes() == b"torn"

    gone = torn.go_on()

    assert gone.key not in (None, torn.old)
    assert gone.is_loss_unknown
    assert torn.signs()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(len(STEPS)), ids=[name for _, name in STEPS])
def test_a_recovery_that_is_cut_off_beside_a_torn_shared_file_never_lets_the_old_key_sign_on(
    torn: Desk, monkeypatch: pytest.MonkeyPatch, step: int, after: bool
) -> None:
    cut_off(torn, ASKED, STEPS[step], monkeypatch, after=after)

    torn.go_on()

    assert torn.signs()
    assert torn.last().key != str(torn.old)
    own = signing_key.read(torn.ring.file)
    assert own is not None
    assert torn.last().key == str(own.verifier)


def test_no_first_key_begins_beside_a_torn_shared_file(sqlite_url: str, tmp_path: Path) -> None:
    with rehearsal(START) as time:
        desk = Desk(sqlite_url, tmp_path, time)
        desk.shared.write_text("")
        with pytest.raises(TornShareError, match="it is empty"):
            rotation.first(desk.engine, desk.ring, NAME, desk.on_record)
        assert keys_of(desk) == []
        assert not desk.ring.file.exists()

        desk.shared.rename(desk.shared.with_name("aside"))

        rotation.first(desk.engine, desk.ring, NAME, desk.on_record)
        assert desk.signs()
        desk.engine.dispose()


def test_what_all_keys_had_in_one_file_before_still_counts(desk: Desk) -> None:
    file = desk.beside(desk.old)
    file.rename(desk.ring.file.with_name("audit.key.signed"))
    with pytest.raises(InconsistentLogError):
        desk.sign()
    assert desk.lost()

    gone = desk.go_on()

    assert desk.signs()
    assert gone.lost is not None
    assert gone.lost.kept == (file, desk.kept(desk.old))


def test_all_that_root_makes_beside_the_key_belongs_to_whom_the_key_belonged(desk: Desk) -> None:
    """Else the daemon, which is another user, could sign no more."""
    key = desk.ring.file
    signers_lock.lock_file(key).unlink()
    os.chown(key, 65_534, 65_534)
    before = {file.name for file in key.parent.iterdir()}

    gone = desk.go_on(HERE)

    made = {each for each in key.parent.iterdir() if each.name.startswith(key.name)}
    own = {each.name: each.stat().st_uid for each in made if each.name not in before}
    assert gone.key is not None
    assert signing_key.retired_name(key, desk.old).name in own
    assert signers_lock.lock_file(key).name in own
    assert set(own.values()) == {key.stat().st_uid} == {65_534}


# ── machines that do not sign ────────────────────────────────────────────────────────────────────


def elsewhere(desk: Desk, folder: Path) -> Desk:
    """The same desk as another machine sees it, which has a copy of the folder."""
    other = folder / "other"
    shutil.copytree(desk.ring.file.parent, other, ignore=shutil.ignore_patterns("*.db*", "other"))
    found = Desk(str(desk.engine.url), other, desk.time)
    found.old = desk.old
    found.sites = 100
    return found


def test_in_a_backup_of_before_the_first_signing_the_place_is_where_the_key_is(
    sqlite_url: str, tmp_path: Path
) -> None:
    with rehearsal(START) as time:
        desk = Desk(sqlite_url, tmp_path, time)
        desk.old = desk.make_key()
        lose(desk, sqlite_url, tmp_path)
        for folder in ("there", "not_there"):
            other = Desk(sqlite_url, tmp_path / folder, time)
            if folder == "there":
                (tmp_path / folder).mkdir()
            with pytest.raises(SignsElsewhereError):
                other.go_on()

        assert desk.go_on().resumed.signed == 2
        desk.engine.dispose()


def test_a_copy_of_the_folder_is_another_place_and_signs_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    other = elsewhere(desk, tmp_path)
    # It was copied before what is lost was signed.
    other.forget()

    done = other.sign(at_once=True)

    assert done.made is None
    assert "another key file" in str(done.unable)


def test_where_another_machine_signs_it_is_refused_and_nothing_is_done(
    desk: Desk, tmp_path: Path
) -> None:
    other = elsewhere(desk, tmp_path)
    before = sorted(file.name for file in other.ring.file.parent.iterdir())
    with reading(desk.engine) as connection:
        log = signing.log(connection)

    with pytest.raises(SignsElsewhereError, match="--sign-here"):
        other.go_on()

    assert sorted(file.name for file in other.ring.file.parent.iterdir()) == before
    with reading(desk.engine) as connection:
        assert signing.log(connection) == log
    assert desk.go_on().key is not None


HERE = RecoveryRequest(by="sre-1", login=None, reason="it burned", sign_here=True)


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ((Desk, "on_record"), True), ((signing, "sign_locked"), False),
        ((signed_files, "save"), False), ((signed_files, "save"), True),
        ((checkpoints, "add"), True),
    ],
)  # fmt: skip
def test_a_machine_that_takes_the_others_place_and_is_cut_off_goes_on_with_a_key_of_its_own(
    desk: Desk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[object, str],
    after: bool,
) -> None:
    """A copy of its folder and database may have the one that was made, and sign with it."""
    other = elsewhere(desk, tmp_path)
    cut_off(other, HERE, step, monkeypatch, after=after)

    gone = other.go_on(HERE)

    assert len(keys_of(other)) == 3
    assert keys_of(other)[-1] == str(gone.key)
    assert other.signs()
    assert not other.ring.successor.exists()


@pytest.mark.parametrize("knows", [False, True])
def test_a_machine_that_takes_the_others_place_signs_by_a_new_key_whatever_it_knows(
    desk: Desk, tmp_path: Path, by: list[VerifierKey], knows: bool
) -> None:
    other = elsewhere(desk, tmp_path)
    if not knows:
        other.forget()

    gone = other.go_on(HERE)

    assert (gone.resumed.signed, gone.is_loss_unknown) == ((4, False) if knows else (None, True))
    assert gone.resumed.epoch == 59
    assert gone.key not in (None, desk.old)
    assert other.signs()
    assert set(by) == {gone.key}
    desk.add()
    assert "is not on this machine" in str(desk.sign(at_once=True).unable)


def beats(desk: Desk, ago: timedelta = timedelta(0)) -> None:
    """A daemon was heard of so long ago."""
    at = desk.time.now - ago
    beat = Heartbeat(daemon="desk-1-7", host="desk-1", pid=7, started_at=at, beat_at=at)
    with writing(desk.engine) as connection:
        monitoring.beat(connection, beat)


def note_signing(desk: Desk, how: str | None) -> None:
    """How the log is signed, as a daemon has noted it, if one has."""
    if how is not None:
        with writing(desk.engine) as connection:
            checkpoints.record_signing_failure(connection, how, desk.time.now)


@pytest.mark.parametrize("how", [None, checkpoints.STAYS, checkpoints.REFUSED])
def test_beside_a_daemon_that_signs_elsewhere_no_machine_takes_its_place(
    desk: Desk, tmp_path: Path, how: str | None
) -> None:
    """Whoever has forgotten to name the key's file would hide what is known to be lost."""
    other = elsewhere(desk, tmp_path)
    note_signing(desk, how)
    beats(desk)

    with pytest.raises(SignerAtWorkError, match=r"desk-1-7.*INCIDENTS_AUDIT_KEY"):
        other.go_on(HERE)

    assert desk.go_on(HERE).key is not None


@pytest.mark.parametrize(
    ("how", "silent_for"),
    [(checkpoints.FAILED, timedelta(0)), (checkpoints.REFUSED, timedelta(seconds=11))],
)
def test_beside_a_daemon_that_cannot_sign_or_is_gone_one_does(
    desk: Desk, tmp_path: Path, how: str, silent_for: timedelta
) -> None:
    other = elsewhere(desk, tmp_path)
    note_signing(desk, how)
    beats(desk, silent_for)

    assert other.go_on(HERE).key is not None


def test_where_entries_wait_for_long_the_daemons_that_are_at_work_do_not_sign(
    desk: Desk, tmp_path: Path
) -> None:
    other = elsewhere(desk, tmp_path)
    note_signing(desk, checkpoints.STAYS)
    desk.time.later(seconds=61)
    beats(desk)

    assert other.go_on(HERE).key is not None


def test_a_folder_that_was_put_back_with_its_disk_signs_by_a_new_key_if_that_is_said(
    desk: Desk, by: list[VerifierKey]
) -> None:
    """Its file has its number still, and knows as little of what is lost as the database."""
    first = desk.go_on().key

    gone = desk.go_on(HERE)

    assert (gone.lost, gone.is_loss_unknown) == (None, True)
    assert gone.key not in (None, desk.old, first)
    by.clear()
    assert desk.signs()
    assert by == [gone.key]


def test_what_was_signed_at_the_right_place_is_put_on_record_though_another_one_went_on_before(
    desk: Desk, tmp_path: Path
) -> None:
    other = elsewhere(desk, tmp_path)
    other.forget()
    other.go_on(HERE)

    gone = desk.go_on(HERE)

    assert (gone.resumed.signed, gone.lost and gone.lost.kept.file) == (4, desk.beside(desk.old))
    assert desk.signs()
    # That is told once.
    assert desk.go_on().resumed.signed is None


@pytest.mark.parametrize("lost", [False, True])
def test_a_machine_that_does_not_sign_rotates_no_key_nor_one_that_is_lost(
    desk: Desk, tmp_path: Path, lost: bool
) -> None:
    desk.go_on()
    other = elsewhere(desk, tmp_path)
    signers_lock.lock_file(other.ring.file).unlink()
    keys, before = keys_of(desk), sorted(other.ring.file.parent.iterdir())

    with pytest.raises(SignsElsewhereError, match="recover --sign-here"):
        other.rotate(lost=lost)

    assert keys_of(desk) == keys
    assert sorted(other.ring.file.parent.iterdir()) == before
    assert desk.signs()


def keys_of(desk: Desk) -> list[str]:
    with reading(desk.engine) as connection:
        return list(checkpoints.every_key(connection))


@pytest.mark.parametrize("key_is_there", [False, True])
def test_a_key_that_is_lost_with_what_it_signed_is_not_replaced_without_that_on_record(
    desk: Desk, key_is_there: bool
) -> None:
    before = keys_of(desk)
    if not key_is_there:
        desk.ring.file.unlink()

    with pytest.raises(LossKnownError, match=r"4 entries were signed.*recover --reason"):
        desk.rotate(lost=True)

    assert keys_of(desk) == before
    assert not desk.ring.successor.exists()
    assert desk.go_on().resumed is not None
    assert desk.signs()


def test_a_machine_without_the_key_or_its_folder_signs_nothing_and_makes_no_lock(
    desk: Desk, tmp_path: Path
) -> None:
    sequencer.number_all(desk.engine)
    desk.time.later(seconds=1)
    for file in (tmp_path / "no" / "audit.key", tmp_path / "other.key"):
        done = signing.sign(desk.engine, KeyRing(file), desk.time.now, at_once=True)

        assert "is not on this machine" in str(done.unable)
        assert not signers_lock.lock_file(file).exists()


# ── a command signs ──────────────────────────────────────────────────────────────────────────────

COMMAND = """
import base64, os, pathlib, sys
sys.path[:0] = {path!r}
from incidents.tlog.keys import SigningKey, VerifierKey
of = VerifierKey.parse(os.environ["INCIDENTS_AUDIT_SIGN_AS"])
key = SigningKey.parse((pathlib.Path({folder!r}) / of.key_hash.hex()).read_text())
print(base64.b64encode(key.sign(sys.stdin.buffer.read())).decode())
"""


@pytest.fixture
def command(tmp_path: Path) -> tuple[KeyRing, Callable[[], VerifierKey]]:
    """A command that signs, and what makes keys for it."""
    program = tmp_path / "kms.py"
    program.write_text(COMMAND.format(path=[str(Path.cwd())], folder=str(tmp_path)))

    def make() -> VerifierKey:
        key = SigningKey.generate(NAME)
        (tmp_path / key.verifier.key_hash.hex()).write_text(key.private_text())
        return key.verifier

    return KeyRing(tmp_path / "kms.key", [sys.executable, str(program)]), make


def test_where_a_command_signs_a_new_key_is_to_be_named_and_else_nothing_is_done(
    sqlite_url: str, tmp_path: Path, command: tuple[KeyRing, Callable[[], VerifierKey]]
) -> None:
    ring, make = command
    with rehearsal(START) as time:
        desk = Desk(sqlite_url, tmp_path, time)
        desk.ring, desk.old = ring, make()
        rotation.first(desk.engine, ring, NAME, desk.on_record, public=str(desk.old))
        desk.sign()
        lose(desk, sqlite_url, tmp_path)
        new = make()

        with pytest.raises(InputError, match="--public"):
            desk.go_on()
        own = RecoveryRequest(by="sre-1", login=None, reason="x", public=str(desk.old))
        with pytest.raises(RefusedError, match=r"is already on record.*a new one with --public"):
            desk.go_on(own)
        with pytest.raises(InconsistentLogError):
            desk.sign()

        gone = desk.go_on(RecoveryRequest(by="sre-1", login=None, reason="x", public=str(new)))

        assert gone.resumed.signed == 2
        assert gone.key == new
        assert opened(desk.last(), desk.old, new) == [new]
        assert desk.signs()
        desk.engine.dispose()


def test_where_a_command_signs_and_it_is_cut_off_the_key_on_record_may_have_signed_and_is_not_taken(
    sqlite_url: str,
    tmp_path: Path,
    command: tuple[KeyRing, Callable[[], VerifierKey]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ring, make = command
    with rehearsal(START) as time:
        desk = Desk(sqlite_url, tmp_path, time)
        desk.ring = ring
        rotation.first(desk.engine, ring, NAME, desk.on_record, public=str(make()))
        desk.sign()

        def here(key: VerifierKey) -> RecoveryRequest:
            return RecoveryRequest(
                by="sre-1", login=None, reason="x", public=str(key), sign_here=True
            )

        first, second = make(), make()
        cut_off(desk, here(first), (signing, "sign_locked"), monkeypatch, after=False)

        with pytest.raises(RefusedError, match=r"is already on record.*a new one with --public"):
            desk.go_on(here(first))
        assert desk.go_on(here(second)).key == second
        assert desk.signs()
        desk.engine.dispose()


def test_what_a_forked_shared_file_says_stays_for_good(sqlite_url: str, tmp_path: Path) -> None:
    """It is evidence, and no longer than what the key's own file says."""
    with rehearsal(START) as time:
        desk = Desk(sqlite_url, tmp_path, time)
        desk.old = desk.begin(4)
        key = signing_key.read(desk.ring.file)
        assert key is not None
        forked = str(note.sign_note(Checkpoint(NAME, 3, b"\1" * 32).text, key))
        desk.shared.write_text(forked)

        gone = desk.go_on()

        assert gone.lost is not None
        assert gone.lost.kept.note == forked
        assert desk.signs()
        assert gone.lost.kept.file.read_text() == forked
        assert desk.shared.read_text() != forked
        desk.engine.dispose()


def test_what_a_keys_own_file_says_of_another_history_stays_though_the_shared_one_says_more(
    sqlite_url: str, tmp_path: Path
) -> None:
    """An older version has signed on from less, and knows the shared one alone."""
    with rehearsal(START) as time:
        desk = Desk(sqlite_url, tmp_path, time)
        desk.old = desk.begin(4)
        key = signing_key.read(desk.ring.file)
        assert key is not None
        forked = str(note.sign_note(Checkpoint(NAME, 3, b"\1" * 32).text, key))
        desk.beside(desk.old).write_text(forked)
        with pytest.raises(InconsistentLogError):
            desk.signs()

        gone = desk.go_on()

        assert gone.lost is not None
        assert (gone.lost.kept.note, gone.resumed.signed) == (forked, 3)
        assert gone.lost.kept.file.read_text() == forked
        assert gone.key not in (None, desk.old)
        assert desk.signs()
        assert not desk.lost(), "it is on record"
        assert gone.lost.kept.file.read_text() == forked
        desk.engine.dispose()


def test_a_shared_file_that_a_crash_has_left_behind_is_no_evidence(
    sqlite_url: str, tmp_path: Path
) -> None:
    with rehearsal(START) as time:
        desk = Desk(sqlite_url, tmp_path, time)
        desk.old = desk.begin(2)
        before = desk.shared.read_text()
        assert desk.signs()
        desk.shared.write_text(before)

        assert desk.signs()

        assert desk.shared.read_text() == desk.last().note
        assert {each.name for each in tmp_path.glob("audit.key.signed*")} == {
            "audit.key.signed", "audit.key.signed.lock", desk.beside(desk.old).name,
        }  # fmt: skip
        desk.engine.dispose()


@pytest.mark.parametrize("step", [(Continuity, "resume"), (Desk, "on_record")])
@pytest.mark.parametrize("asked", [ASKED, HERE])
def test_a_copy_of_the_folder_that_takes_over_never_signs_by_the_key_that_was_begun_there(
    desk: Desk,
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[object, str],
    asked: RecoveryRequest,
) -> None:
    """Both go on where it was cut off, each from its own copy of what was begun."""
    cut_off(desk, asked, step, monkeypatch, after=False)
    desk.engine.dispose()
    folder = tmp_path / "copied"
    folder.mkdir()
    copy(Path(sqlite_url.removeprefix("sqlite:///")), folder / "desk.db")
    for each in tmp_path.glob("audit.key*"):
        shutil.copy(each, folder / each.name)
    other = Desk(f"sqlite:///{folder}/desk.db", folder, desk.time)
    other.old, other.sites = desk.old, 500

    there, here = other.go_on(HERE), desk.go_on(asked)

    assert there.key is not None
    assert here.key is not None
    assert there.key != here.key
    assert other.signs()
    assert desk.signs()
    other.engine.dispose()
