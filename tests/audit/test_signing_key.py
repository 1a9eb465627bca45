"""The signing key: a file or a command, and how one key takes the place of another."""

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from incidents.audit.log import rotation, sequencer, signed_files, signing, signing_key
from incidents.audit.log.signing import Signing
from incidents.audit.log.signing_key import KeyRing, SigningKeyError
from incidents.errors import InputError, RefusedError
from incidents.store.database.engine import reading
from incidents.store.log import checkpoints
from incidents.store.log.checkpoints import Signed
from incidents.tlog import note
from incidents.tlog.keys import SigningKey, VerifierKey
from incidents.tlog.note import Checkpoint
from tests.audit.log_rig import NAME, LogRig, opened


def test_the_file_of_the_key_is_its_owners_alone_and_what_others_can_read_is_refused(
    rig: LogRig,
) -> None:
    rig.make_key()
    file = rig.ring.file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    file.chmod(0o640)

    with pytest.raises(SigningKeyError, match=r"others can read .*0640.*chmod 600"):
        rig.sign()


def test_a_key_is_never_overwritten(rig: LogRig, tmp_path: Path) -> None:
    file = tmp_path / "a.key"
    made = signing_key.make(file, NAME)

    with pytest.raises(RefusedError, match="never overwritten"):
        signing_key.make(file, NAME)

    assert signing_key.read(file) == made
    assert [each.name for each in tmp_path.iterdir()] == ["a.key"]


def test_making_the_first_key_goes_on_where_it_was_cut_off(rig: LogRig) -> None:
    there = signing_key.make(rig.ring.file, NAME)

    assert rig.make_key() == there.verifier
    with pytest.raises(RefusedError, match="the log already has a key"):
        rig.make_key()


def test_the_key_of_another_log_is_not_taken(rig: LogRig) -> None:
    signing_key.make(rig.ring.file, "other.example/incidents")
    with pytest.raises(RefusedError, match="another log"):
        rig.make_key()


def test_nor_one_that_has_signed_already(rig: LogRig) -> None:
    key = signing_key.make(rig.ring.file, NAME)
    signed = str(note.sign_note(Checkpoint(NAME, 1, b"\1" * 32).text, key))
    signed_files.save(rig.ring.file, signed, [key.verifier])

    with pytest.raises(RefusedError, match="another log"):
        rig.make_key()


def test_the_first_checkpoint_after_a_rotation_is_signed_by_both_keys_and_covers_its_entry(
    rig: LogRig,
) -> None:
    old = rig.begin()

    new = rig.rotate()

    assert new != old
    assert new.name == old.name
    assert opened(rig.last(), old, new) == [old, new]
    assert (rig.last().key, rig.last().size) == (str(new), 2)
    with reading(rig.engine) as connection:
        assert checkpoints.active(connection) == str(new)
    assert opened(rig.go_on(), old, new) == [new]
    files = {file.name for file in rig.ring.file.parent.iterdir()}
    retired = f"audit.key.retired-{old.key_hash.hex()}"
    signed = {file.name for file in (rig.shared, *map(rig.beside, (old, new)))}
    assert files == {"audit.key", "audit.key.signed.lock", retired} | signed


STEPS = (
    (signing_key, "make"),
    (sequencer, "number_all"),
    (signing, "sign_locked"),
    (checkpoints, "add"),
    (signed_files, "save"),
    (signing_key, "replace"),
)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_a_rotation_that_is_cut_off_goes_on_where_it_was(
    rig: LogRig, monkeypatch: pytest.MonkeyPatch, step: int, after: bool
) -> None:
    old = rig.begin(3)
    module, name = STEPS[step]
    real = getattr(module, name)

    def cut(*given: object, **options: object) -> object:
        if after:
            real(*given, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, name, cut)
        with pytest.raises(KeyboardInterrupt):
            rig.rotate()
    # A daemon meets the log in between.
    rig.time.later(seconds=1)
    rig.add()
    rig.sign()

    new = VerifierKey.parse(_active(rig)) if name == "replace" and after else rig.rotate()

    with reading(rig.engine) as connection:
        assert list(checkpoints.every_key(connection)) == [str(old), str(new)]
    both = [signed for signed in rig.signed() if _is_by(signed, old) and _is_by(signed, new)]
    assert len(both) == 1
    own = signing_key.read(rig.ring.file)
    assert own is not None
    assert own.verifier == new
    rig.go_on()
    assert not rig.ring.successor.exists()


def _active(rig: LogRig) -> str:
    with reading(rig.engine) as connection:
        found = checkpoints.active(connection)
    assert found is not None
    return found


def _is_by(signed: Signed, key: VerifierKey) -> bool:
    return any(each.key_hash == key.key_hash for each in note.parse(signed.note).signatures)


def test_until_the_entry_of_a_new_key_is_numbered_nobody_signs(rig: LogRig) -> None:
    old = rig.begin()
    new = signing_key.make(rig.ring.successor, NAME)
    rig.on_record(str(new.verifier), str(old))
    rig.time.later(hours=1)

    assert signing.sign(rig.engine, rig.ring, rig.time.now) == Signing()
    made = rig.sign().made

    assert made is not None
    assert opened(made, old, new.verifier) == [old, new.verifier]


def test_a_log_whose_key_is_lost_is_signed_by_the_new_one_alone(rig: LogRig) -> None:
    old = rig.begin()
    rig.ring.file.unlink()
    with pytest.raises(RefusedError, match="--lost"):
        rig.rotate()

    new = rig.rotate(lost=True)

    assert opened(rig.last(), old, new) == [new]
    rig.go_on()


COMMAND = """
import base64, os, sys
sys.path[:0] = {path!r}
from incidents.tlog.keys import SigningKey
key_id = os.environ["INCIDENTS_AUDIT_SIGN_AS"].split("+")[1]
key = SigningKey.parse(open({folder!r} + "/" + key_id).read())
print(base64.b64encode(key.sign(sys.stdin.buffer.read())).decode())
"""


@pytest.fixture
def kms(tmp_path: Path) -> Callable[[], VerifierKey]:
    """Makes keys that only the command `kms.py` can read."""
    (tmp_path / "keys").mkdir()
    program = COMMAND.format(path=[str(Path.cwd())], folder=str(tmp_path / "keys"))
    (tmp_path / "kms.py").write_text(program)

    def make() -> VerifierKey:
        key = SigningKey.generate(NAME)
        (tmp_path / "keys" / key.verifier.key_hash.hex()).write_text(key.private_text())
        return key.verifier

    return make


def test_a_command_signs_and_its_key_is_rotated_as_well(
    rig: LogRig, tmp_path: Path, kms: Callable[[], VerifierKey]
) -> None:
    rig.ring = KeyRing(tmp_path / "audit.key", [sys.executable, str(tmp_path / "kms.py")])
    old, new = kms(), kms()
    rotation.first(rig.engine, rig.ring, NAME, rig.on_record, public=str(old))
    assert rig.sign().made
    assert opened(rig.last(), old) == [old]

    rotation.rotate(rig.engine, rig.ring, rig.on_record, public=str(new))

    assert opened(rig.last(), old, new) == [old, new]
    assert not rig.ring.file.exists()
    assert rig.kept(old) == rig.kept(new) == rig.last().note


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit('no such key')", "ended with 1: no such key"),
        ("print('not base64')", "is not base64"),
        ("print('AAAA')", "is not a signature"),
    ],
)
def test_a_command_that_does_not_sign_is_told_of(
    rig: LogRig, tmp_path: Path, kms: Callable[[], VerifierKey], program: str, said: str
) -> None:
    rig.ring = KeyRing(tmp_path / "audit.key", [sys.executable, "-c", program])

    with pytest.raises(SigningKeyError, match=said):
        rotation.first(rig.engine, rig.ring, NAME, rig.on_record, public=str(kms()))

    with pytest.raises(InputError, match="--public"):
        rotation.first(rig.engine, rig.ring, NAME, rig.on_record)
