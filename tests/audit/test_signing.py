"""The signing of checkpoints: when one is made, and when nothing is signed any more."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from incidents.audit.log import loss, sequencer, signed_files, signing
from incidents.audit.log.signed_files import InconsistentLogError
from incidents.audit.log.signing import Signing, is_due
from incidents.audit.log.signing_key import KeyRing
from incidents.audit.log.status import checkpoint_now
from incidents.errors import FileError
from incidents.store.database.engine import reading, writing
from incidents.store.log.checkpoints import Signed
from incidents.store.schema.log_tables import checkpoints as table
from incidents.tlog import note
from incidents.tlog.keys import SigningKey
from tests.audit.log_rig import NAME, START, LogRig, opened

SECOND = timedelta(seconds=1)


def test_a_checkpoint_names_the_log_its_size_and_its_root_and_is_signed_by_the_key(
    rig: LogRig,
) -> None:
    key = rig.make_key()
    rig.add(2)

    made = rig.sign().made

    assert made is not None
    assert opened(made, key) == [key]
    found = note.parse_checkpoint(note.parse(made.note).text)
    assert (found.origin, found.size, found.root) == (NAME, 3, made.root)
    assert rig.last()._replace(id=0) == made
    assert (made.key, made.signed_at) == (str(key), START)


def test_without_a_key_nothing_is_signed_and_all_is_numbered(rig: LogRig) -> None:
    rig.add()

    assert rig.sign() == Signing(unable=signing.NO_KEY)
    assert rig.signed() == []


def test_on_a_machine_without_the_key_nothing_is_signed(rig: LogRig, tmp_path: Path) -> None:
    key = rig.make_key()
    rig.ring = KeyRing(tmp_path / "elsewhere.key")

    done = rig.sign()

    assert done.made is None
    assert str(key) in str(done.unable)


def test_one_second_parts_two_checkpoints_and_an_hour_when_nothing_is_new(rig: LogRig) -> None:
    rig.make_key()
    assert rig.sign().made

    rig.add()
    rig.time.later(seconds=0.999)
    assert rig.sign() == Signing()
    rig.time.later(seconds=0.001)
    assert rig.sign().made

    rig.time.later(minutes=59, seconds=59.999)
    assert rig.sign() == Signing()
    rig.time.later(seconds=0.001)
    assert rig.sign().made

    assert [signed.size for signed in rig.signed()] == [1, 2, 2]


def test_a_clock_that_was_set_back_holds_up_nothing_new(rig: LogRig) -> None:
    rig.begin()
    rig.time.later(days=-1)
    assert rig.sign() == Signing()
    rig.add()

    assert rig.sign().made


@pytest.mark.parametrize(
    ("size", "since", "at_once", "due"),
    [
        (0, None, False, False),
        (1, None, False, True),
        (5, timedelta(0), False, False),
        (6, timedelta(0), False, False),
        (6, timedelta(0), True, True),
        (6, SECOND, False, True),
        (5, timedelta(hours=1) - SECOND, True, False),
        (5, timedelta(hours=1), False, True),
        (5, -SECOND, False, False),
        (6, -SECOND, False, True),
    ],
)
def test_what_is_due(size: int, since: timedelta | None, at_once: bool, due: bool) -> None:
    last = None if since is None else Signed(1, 5, b"", "", "", START - since)

    assert is_due(START, size, last, at_once=at_once) is due


def test_of_two_that_sign_at_one_moment_the_second_waits_and_finds_it_done(
    rig: LogRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.make_key()
    sequencer.number_all(rig.engine)
    sign, second = note.sign_note, ThreadPoolExecutor(1)
    done: list[Future[Signing]] = []

    def late(*given: object) -> note.Note:
        done.append(second.submit(rig.sign))
        return sign(*given)  # type: ignore[arg-type]  # passed on as it was given

    monkeypatch.setattr(note, "sign_note", late)

    assert rig.sign().made
    assert [each.result() for each in done] == [Signing()]
    assert len(rig.signed()) == 1


def _execute(rig: LogRig, *statements: str) -> None:
    with writing(rig.engine) as connection:
        for statement in statements:
            connection.execute(text(statement))


def _rebuild(rig: LogRig, order: str) -> None:
    """Somebody with the database's password makes another log of the entries."""
    _execute(
        rig,
        "DELETE FROM leaves",
        "DELETE FROM tiles",
        "DELETE FROM log_head",
    )
    with writing(rig.engine) as connection:
        frontier = b""
        connection.execute(
            text("INSERT INTO log_head (id, size, frontier, floor) VALUES (1, 0, :f, 0)"),
            {"f": frontier},
        )
        connection.execute(text(order))


REWRITTEN = (
    "UPDATE entries SET leaf_hash = (SELECT leaf_hash FROM entries WHERE id = 1) WHERE id = 2"
)
CUT = "DELETE FROM entries WHERE id > 2"


@pytest.mark.parametrize("change", [REWRITTEN, CUT])
def test_nothing_is_signed_of_a_log_that_does_not_begin_with_what_was_signed(
    rig: LogRig, change: str
) -> None:
    rig.begin(5)
    before = rig.last()
    _rebuild(rig, change)
    rig.time.later(hours=2)

    with pytest.raises(InconsistentLogError, match="6 entries were signed"):
        rig.sign()

    assert rig.last() == before


@pytest.mark.parametrize("change", [REWRITTEN, CUT])
def test_nor_when_the_table_of_checkpoints_was_rewritten_with_it(rig: LogRig, change: str) -> None:
    rig.begin(5)
    _rebuild(rig, change)
    _execute(rig, "DELETE FROM checkpoints")
    rig.time.later(hours=2)

    with pytest.raises(
        InconsistentLogError, match=r"audit\.key\.signed.*incidents recover --reason R"
    ):
        rig.sign()

    assert rig.signed() == []


def test_a_key_whose_files_are_lost_is_compared_with_the_database_alone(rig: LogRig) -> None:
    key = rig.begin(5)
    _rebuild(rig, CUT)
    _execute(rig, "DELETE FROM checkpoints")
    rig.beside(key).unlink()
    with pytest.raises(InconsistentLogError):
        rig.sign()

    rig.shared.unlink()
    made = rig.sign().made

    assert made is not None
    assert made.size == 2


def test_nothing_is_signed_after_a_checkpoint_that_no_key_of_the_log_has_signed(
    rig: LogRig,
) -> None:
    rig.begin()
    stranger = SigningKey.generate(NAME)
    last = rig.last()
    forged = str(note.sign_note(note.parse(last.note).text, stranger))
    with writing(rig.engine) as connection:
        connection.execute(table.update().values(note=forged))
    rig.time.later(hours=2)
    with pytest.raises(InconsistentLogError, match="was not signed so"):
        rig.sign()

    with writing(rig.engine) as connection:
        connection.execute(table.update().values(key=str(stranger.verifier)))
    with pytest.raises(InconsistentLogError, match="no key of the log"):
        rig.sign()


def test_nothing_is_signed_when_a_tile_was_changed(rig: LogRig) -> None:
    rig.begin(9)
    rig.add(1)
    sequencer.number_all(rig.engine)
    with writing(rig.engine) as connection:
        tile = connection.execute(text("SELECT hashes FROM tiles WHERE level = 0")).scalar_one()
        changed = bytes([tile[0] ^ 1]) + bytes(tile[1:])
        connection.execute(text("UPDATE tiles SET hashes = :new"), {"new": changed})
    rig.time.later(seconds=1)

    with pytest.raises(InconsistentLogError):
        rig.sign()


def test_a_key_that_has_signed_another_log_signs_no_second_one(
    rig: LogRig, db_url: str, tmp_path: Path
) -> None:
    key = rig.begin(3)
    other = rig.last().note.replace(NAME, "other.example/incidents")
    signed_files.save(rig.ring.file, other, [key])
    rig.add()
    rig.time.later(seconds=1)

    with pytest.raises(InconsistentLogError, match=r"other\.example"):
        rig.sign()


def test_an_older_version_finds_in_its_own_file_what_was_signed_last_by_whichever_key(
    rig: LogRig,
) -> None:
    """Or it would sign a second history after a backup that it has made is put back."""
    rig.begin(3)
    assert rig.shared.read_text() == rig.last().note

    rig.rotate()
    assert rig.shared.read_text() == rig.last().note


def test_what_an_older_version_has_signed_since_is_compared_as_well(rig: LogRig) -> None:
    key = rig.begin(3)
    other = rig.last().note.replace("\n4\n", "\n9\n")
    rig.shared.write_text(other)
    rig.add()
    rig.time.later(seconds=1)

    with pytest.raises(InconsistentLogError, match=r"9 entries were signed.*key\.signed\)"):
        rig.sign()
    with reading(rig.engine) as connection:
        found = loss.find(connection, signed_files.read_folder(rig.ring.file))
    assert found is not None
    assert found.size == 9
    assert rig.kept(key) == rig.last().note


@pytest.mark.parametrize("own", [None, "an older one"])
def test_what_an_older_version_has_signed_stays_when_another_key_takes_its_file(
    rig: LogRig, own: str | None
) -> None:
    key = rig.begin(3)
    older, newer = rig.last().note, rig.go_on().note
    rig.shared.write_text(newer)
    rig.beside(key).unlink()
    if own is not None:
        rig.beside(key).write_text(older)

    rig.rotate(lost=True)

    assert rig.kept(key) == newer
    assert rig.shared.read_text() == rig.last().note != newer


def test_a_shared_file_that_cannot_be_read_stays_as_it_is_for_the_older_version(
    rig: LogRig,
) -> None:
    rig.begin(3)
    rig.shared.write_text("torn")

    rig.go_on()

    assert rig.shared.read_text() == "torn"


def test_what_a_key_of_another_log_has_signed_beside_it_is_no_matter(rig: LogRig) -> None:
    rig.begin(3)
    stranger = SigningKey.generate("other.example/incidents")
    signed = str(note.sign_note(f"other.example/incidents\n9\n{'A' * 43}=\n", stranger))
    rig.ring.file.with_name("audit.key.signed").write_text(signed)
    signed_files.save(rig.ring.file, signed, [stranger.verifier])

    assert rig.go_on().size == 5
    with reading(rig.engine) as connection:
        assert loss.find(connection, signed_files.read_folder(rig.ring.file)) is None


@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize("whose", ["its own", "another one's"])
def test_a_checkpoint_is_refused_while_what_was_signed_last_cannot_be_read(
    rig: LogRig, whose: str, is_new: bool
) -> None:
    """Also where nothing is to be signed, or by another key: nobody can tell what is missing."""
    key = rig.begin(1)
    file = rig.beside(key)
    if whose == "another one's":
        file = file.with_name(f"{rig.ring.file.name}.signed-00000000")
    else:
        file.unlink()
    file.mkdir()
    if is_new:
        rig.add()
        rig.time.later(seconds=1)

    with pytest.raises(FileError, match=rf"{file} cannot be read: it is not a file"):
        checkpoint_now(rig.engine, rig.ring, lambda: rig.time.now)
    file.rmdir()

    done = checkpoint_now(rig.engine, rig.ring, lambda: rig.time.now)

    assert (done.note, done.unable) == (rig.last().note, None)


def test_where_another_place_signs_a_checkpoint_needs_no_file_of_this_one(
    rig: LogRig, tmp_path: Path
) -> None:
    rig.begin(1)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    folder.joinpath("audit.key.signed").mkdir()

    done = checkpoint_now(rig.engine, KeyRing(folder / "audit.key"), lambda: rig.time.now)

    assert done.note == rig.last().note
