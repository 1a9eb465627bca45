"""The cosignature: the statement to the byte, its time, and each change of it."""

import pytest

from incidents.tlog import keys, note
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, KeyFormatError, SigningKey, VerifierKey
from incidents.tlog.note import NoteError, Signature

TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
# The example of C2SP tlog-cosignature, whose key is not published.
EXAMPLE = (
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX"
    "3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
)
AT = 1_679_315_147


def test_the_message_is_the_specifications_example_to_the_byte() -> None:
    assert note.cosignature_message(TEXT, AT) == (
        b"cosignature/v1\n"
        b"time 1679315147\n"
        b"example.com/behind-the-sofa\n"
        b"20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_the_time_of_the_specifications_example_is_read() -> None:
    signature = Signature.parse(EXAMPLE)
    assert note.time_of_cosignature(signature) == AT
    assert str(signature) == EXAMPLE


def test_a_cosignature_is_the_time_in_eight_bytes_and_then_the_signature() -> None:
    key = SigningKey.generate("witness.example/w1", COSIGNATURE_V1)
    made = note.cosign(key, TEXT, AT)
    assert made.name == "witness.example/w1"
    assert made.key_hash == key.verifier.key_hash
    assert made.blob[:8] == AT.to_bytes(8, "big")
    assert keys.verify(key.verifier, note.cosignature_message(TEXT, AT), made.blob[8:])
    assert note.verify_cosignature(key.verifier, TEXT, made.blob)
    assert note.time_of_cosignature(made) == AT


def test_extension_lines_are_signed_too() -> None:
    key = SigningKey.generate("witness.example", COSIGNATURE_V1)
    made = note.cosign(key, TEXT + "extension\n", AT)
    assert note.verify_cosignature(key.verifier, TEXT + "extension\n", made.blob)
    assert not note.verify_cosignature(key.verifier, TEXT, made.blob)


def test_the_key_id_of_a_witness_differs_from_that_of_a_log_with_the_same_key() -> None:
    witness = SigningKey.generate("witness.example", COSIGNATURE_V1).verifier
    log = VerifierKey(witness.name, ED25519, witness.public)
    assert log.key_hash != witness.key_hash


def test_each_changed_byte_of_a_cosignature_or_its_text_is_found() -> None:
    key = SigningKey.generate("witness.example", COSIGNATURE_V1)
    blob = note.cosign(key, TEXT, AT).blob
    for i in range(len(blob)):
        assert not note.verify_cosignature(key.verifier, TEXT, _flipped(blob, i))
    for i in range(len(TEXT)):
        changed = TEXT[:i] + chr(ord(TEXT[i]) ^ 1) + TEXT[i + 1 :]
        assert not note.verify_cosignature(key.verifier, changed, blob)
    for wrong in (b"", blob[:-1], blob + b"\0", blob[8:]):
        assert not note.verify_cosignature(key.verifier, TEXT, wrong)


@pytest.mark.parametrize("at", [0, 1, 2**63 - 1])
def test_each_time_that_a_cosignature_can_have_is_signed(at: int) -> None:
    key = SigningKey.generate("witness.example", COSIGNATURE_V1)
    made = note.cosign(key, TEXT, at)
    assert note.time_of_cosignature(made) == at
    assert note.verify_cosignature(key.verifier, TEXT, made.blob)


@pytest.mark.parametrize("at", [-1, 2**63, 2**64])
def test_no_other_time_is(at: int) -> None:
    key = SigningKey.generate("witness.example", COSIGNATURE_V1)
    with pytest.raises(ValueError, match="no time"):
        note.cosign(key, TEXT, at)


def test_a_time_over_2_63_is_refused_however_well_it_is_signed() -> None:
    key = SigningKey.generate("witness.example", COSIGNATURE_V1)
    at = 2**63
    blob = at.to_bytes(8, "big") + key.sign(note.cosignature_message(TEXT, at))
    assert not note.verify_cosignature(key.verifier, TEXT, blob)


def test_a_logs_key_makes_no_cosignature() -> None:
    with pytest.raises(KeyFormatError, match="0x04"):
        note.cosign(SigningKey.generate("log.example"), TEXT, AT)


def test_the_signature_of_a_log_has_no_time() -> None:
    key = SigningKey.generate("log.example")
    (signature,) = note.sign_note(TEXT, key).signatures
    with pytest.raises(NoteError, match="no cosignature"):
        note.time_of_cosignature(signature)


def _flipped(data: bytes, i: int) -> bytes:
    return data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]
