"""The keys of signed notes: the text of Go's `sumdb/note`, and nothing private is ever told.

The vectors are those of golang.org/x/mod/sumdb/note.
"""

import base64
import copy
import hashlib
import pickle
import traceback

import pytest

from incidents.tlog import keys
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, KeyFormatError, SigningKey, VerifierKey

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
SEED_TEXT = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"


def test_gos_keys_are_read_and_written_to_the_byte() -> None:
    assert str(VerifierKey.parse(PETER)) == PETER
    assert SigningKey.parse(PETER_PRIVATE).private_text() == PETER_PRIVATE
    assert str(SigningKey.parse(PETER_PRIVATE).verifier) == PETER
    assert VerifierKey.parse(PETER).key_hash == bytes.fromhex("c74f20a3")
    assert VerifierKey.parse(PETER).algorithm == ED25519


def test_every_part_of_a_verifier_key_and_every_changed_character_is_refused() -> None:
    for start in range(len(PETER)):
        for end in range(start, len(PETER) + 1):
            if (start, end) != (0, len(PETER)):
                _refused(PETER[start:end])
    for i, character in enumerate(PETER):
        _refused(PETER[:i] + chr(ord(character) + 1) + PETER[i + 1 :])


def test_every_part_of_a_private_key_and_every_changed_character_is_refused() -> None:
    whole = PETER_PRIVATE
    for start in range(len(whole)):
        for end in range(start, len(whole) + 1):
            if (start, end) != (0, len(whole)):
                _refused_in_silence(whole[start:end])
    for i, character in enumerate(whole):
        _refused_in_silence(whole[:i] + chr(ord(character) + 1) + whole[i + 1 :])


@pytest.mark.parametrize(
    ("written", "because"),
    [
        # As Go's own tests have them: the key id is right for what is wrong.
        ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", "base64"),
        ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "0x65"),
        (PETER.replace("c74f20a3", "C74F20A3"), "hexadecimal"),
        (PETER.replace("c74f20a3", "c74f20a4"), "key id"),
        (PETER + "\n", "base64"),
        ("a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "space"),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "empty"),
        ("a+c74f20a3+", "cut off"),
        ("", "hexadecimal"),
    ],
)
def test_what_is_no_verifier_key_is_refused_with_the_reason(written: str, because: str) -> None:
    with pytest.raises(KeyFormatError, match=because):
        VerifierKey.parse(written)


def test_a_key_of_another_length_is_refused_even_with_its_own_key_id() -> None:
    for length in (0, 31, 33, 64):
        data = bytes([ED25519]) + bytes(length)
        key_id = hashlib.sha256(b"log.example\n" + data).hexdigest()[:8]
        _refused(f"log.example+{key_id}+{base64.b64encode(data).decode()}")
        with pytest.raises(KeyFormatError):
            VerifierKey("log.example", ED25519, bytes(length))


def test_base64_with_bits_that_are_left_over_is_refused() -> None:
    key = SigningKey.generate("log.example")
    # 33 bytes leave no bits over, so the case is made of 34.
    data = base64.b64encode(bytes([1]) + key.verifier.public + b"\0").decode()
    assert data.endswith("A==")
    for last in "AB":
        _refused(f"log.example+{key.verifier.key_hash.hex()}+{data[:-3]}{last}==")


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\n", "a\x00", "a\x1b", "a\u00a0b", "a\u2003", "a\u3000", "\ud800"]
)
def test_a_name_that_would_break_a_line_of_a_note_is_refused(name: str) -> None:
    with pytest.raises(KeyFormatError):
        SigningKey.generate(name)
    with pytest.raises(KeyFormatError):
        VerifierKey(name, ED25519, bytes(32))


def test_a_name_in_any_script_is_taken() -> None:
    key = SigningKey.generate("例子.测试/log").verifier
    assert VerifierKey.parse(str(key)) == key


@pytest.mark.parametrize("algorithm", [ED25519, COSIGNATURE_V1])
def test_a_new_key_signs_and_its_text_is_read_back(algorithm: int) -> None:
    key = SigningKey.generate("log.example", algorithm)
    again = SigningKey.parse(key.private_text() + "\n")
    assert again == key
    assert again.verifier == VerifierKey.parse(str(key.verifier))
    assert key.verifier.algorithm == algorithm
    assert keys.verify(key.verifier, b"hi", again.sign(b"hi"))


def test_two_new_keys_are_never_the_same() -> None:
    assert SigningKey.generate("log.example") != SigningKey.generate("log.example")


def test_each_changed_byte_of_signature_or_message_is_found() -> None:
    key = SigningKey.parse(PETER_PRIVATE)
    message, signature = b"twenty bytes are here", key.sign(b"twenty bytes are here")
    for i in range(len(signature)):
        assert not keys.verify(key.verifier, message, _flipped(signature, i))
    for i in range(len(message)):
        assert not keys.verify(key.verifier, _flipped(message, i), signature)
    for length in (0, 32, 63):
        assert not keys.verify(key.verifier, message, signature[:length])
    assert not keys.verify(key.verifier, message, signature + b"\0")
    assert not keys.verify(SigningKey.generate("a").verifier, message, signature)
    assert keys.verify(key.verifier, message, signature)


def test_a_public_key_that_is_no_point_of_the_curve_has_signed_nothing() -> None:
    for public in (b"\xff" * 32, bytes(32), b"\x02" + bytes(31)):
        assert not keys.verify(VerifierKey("a", ED25519, public), b"hi", b"\x01" * 64)


def test_a_private_key_shows_itself_nowhere() -> None:
    key = SigningKey.parse(PETER_PRIVATE)
    seed = base64.b64decode(SEED_TEXT)[1:]
    for shown in (repr(key), str(key), f"{key}", repr({"key": key})):
        assert PETER in shown
        assert SEED_TEXT not in shown
        assert repr(seed)[2:-1] not in shown
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        copy.copy(key)


def test_a_private_key_given_for_a_public_one_is_refused_in_silence() -> None:
    for given in (PETER_PRIVATE, " " + PETER_PRIVATE):
        with pytest.raises(KeyFormatError, match="it is private") as refused:
            VerifierKey.parse(given)
        assert SEED_TEXT not in _told(refused.value)
    for given in (PETER_PRIVATE[1:], PETER_PRIVATE[8:], PETER_PRIVATE[12:]):
        with pytest.raises(KeyFormatError) as refused:
            VerifierKey.parse(given)
        assert SEED_TEXT not in _told(refused.value)


def _refused(text: str) -> None:
    with pytest.raises(KeyFormatError):
        VerifierKey.parse(text)


def _refused_in_silence(text: str) -> None:
    with pytest.raises(KeyFormatError) as refused:
        SigningKey.parse(text)
    error = refused.value
    assert error.__suppress_context__
    told = str(error) + repr(error.facts)
    assert not any(SEED_TEXT[i : i + 8] in told for i in range(len(SEED_TEXT) - 7))


def _told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).split("KeyFormatError", 1)[1]


def _flipped(data: bytes, i: int) -> bytes:
    return data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]
