"""The signed note: Go's example to the byte, and each text that is not one.

The vectors of PeterNeumann and EnochRoot are those of golang.org/x/mod/sumdb/note; the poem is the
example of C2SP signed-note.
"""

import pytest

from incidents.tlog import note
from incidents.tlog.keys import COSIGNATURE_V1, KeyFormatError, SigningKey, VerifierKey
from incidents.tlog.note import Note, NoteError, Signature

PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
ENOCH = VerifierKey.parse("EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop")
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETERS = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotp"
    "RZb6KE6RyyBwJnAM=\n"
)
ENOCHS = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox"
    "33WWd1RvMc+QQ=\n"
)
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMou"
    "FSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)


def test_gos_example_is_signed_to_the_byte() -> None:
    signed = note.sign_note(TEXT, SigningKey.parse(PRIVATE))
    assert str(signed) == TEXT + "\n" + PETERS
    assert bytes(signed) == (TEXT + "\n" + PETERS).encode()


def test_gos_example_is_opened() -> None:
    found = note.parse((TEXT + "\n" + PETERS + ENOCHS).encode())
    assert found.text == TEXT
    assert [signature.name for signature in found.signatures] == ["PeterNeumann", "EnochRoot"]
    assert note.verified_keys(found, [PETER, ENOCH]) == [PETER, ENOCH]
    assert note.verified_keys(found, [ENOCH]) == [ENOCH]
    assert str(found) == TEXT + "\n" + PETERS + ENOCHS


def test_the_last_empty_line_is_the_end_of_the_text() -> None:
    found = note.parse(POEM)
    assert found.text.endswith(":\n\ned è subito sera.\n")
    assert str(found) == POEM


@pytest.mark.parametrize("text", ["\n", "\n\n", "a\n\n\n", "— a AAAA\n", "例子\n", "\x7f\x85\n"])
def test_any_text_of_lines_is_signed_and_read_back(text: str) -> None:
    key = SigningKey.generate("log.example")
    signed = note.sign_note(text, key)
    assert note.parse(bytes(signed)) == note.parse(str(signed)) == signed
    assert note.verified_keys(signed, [key.verifier]) == [key.verifier]


@pytest.mark.parametrize(
    ("written", "because"),
    [
        ("", "no empty line"),
        ("\n", "no empty line"),
        (TEXT, "no empty line"),
        (TEXT + PETERS, "no empty line"),
        (TEXT + "\n", "no signature"),
        (TEXT + "\n" + PETERS[:-1], "cut off"),
        (TEXT + "\n" + PETERS + "\n", "no signature"),
        (TEXT + "\n" + PETERS + "Unexpected line.\n", "a signature is wanted"),
        (TEXT + "\n" + PETERS.replace("—", "-"), "a signature is wanted"),
        (TEXT + "\n" + PETERS.replace("— ", "—"), "a signature is wanted"),
        (TEXT + "\n" + PETERS.replace("PeterNeumann", "Peter Neumann"), "base64"),
        (TEXT + "\n" + PETERS.replace("PeterNeumann", "Peter+Neumann"), "a signature is wanted"),
        (TEXT + "\n" + PETERS.replace("PeterNeumann", ""), "a signature is wanted"),
        (TEXT + "\n" + PETERS.replace("\n", " \n"), "base64"),
        (TEXT + "\n" + PETERS.replace("nAM=", "nAN="), "base64"),
        (TEXT + "\n" + PETERS.replace("nAM=", "nAM"), "base64"),
        (TEXT + "\n" + PETERS.replace("/", "_"), "base64"),
        (TEXT + "\n— a AAAAAA==\n", "cut off"),
        (TEXT + "\n— a\n", "cut off"),
        (TEXT + "\n— a \n", "cut off"),
        ("\x01" + TEXT + "\n" + PETERS, "control"),
        (TEXT.replace("\n", "\r\n") + "\n" + PETERS, "control"),
        (TEXT + "\n" + PETERS.replace("\n", "\r\n"), "base64"),
        (TEXT.replace(" ", "\t") + "\n" + PETERS, "control"),
        (TEXT + "\x00\n\n" + PETERS, "control"),
        ("\ud800" + TEXT + "\n" + PETERS, "UTF-8"),
        (TEXT + "\n" + PETERS + PETERS, "twice"),
        (TEXT + "\n" + ENOCHS + PETERS + ENOCHS, "twice"),
    ],
)
def test_what_is_no_note_is_refused_with_the_reason(written: str, because: str) -> None:
    with pytest.raises(NoteError, match=because):
        note.parse(written)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(NoteError, match="not UTF-8 at byte 3"):
        note.parse(b"abc\xff\n\n" + PETERS.encode())
    # An overlong newline is none.
    with pytest.raises(NoteError, match="UTF-8"):
        note.parse(b"\xc0\x8a\n\n" + PETERS.encode())


def test_a_text_that_would_break_the_note_is_not_signed() -> None:
    key = SigningKey.generate("log.example")
    for text in ("", "abc", "a\r\n", "a\x00\n", "\ud800\n"):
        with pytest.raises(NoteError):
            note.sign_note(text, key)


def test_a_note_of_1_mb_is_the_largest() -> None:
    key = SigningKey.generate("log.example")
    signatures = len(str(note.sign_note("\n", key)).encode()) - 1
    text = "x" * (1_000_000 - signatures - 1) + "\n"
    largest = bytes(note.sign_note(text, key))
    assert len(largest) == 1_000_000
    assert note.parse(largest).text == text
    with pytest.raises(NoteError, match="more than 1,000,000 bytes"):
        note.parse(b"x" + largest)
    with pytest.raises(NoteError, match="1,000,000 bytes"):
        note.sign_note("é" * 500_000 + "\n", key)


def test_a_note_of_characters_is_measured_in_bytes() -> None:
    with pytest.raises(NoteError, match="more than 1,000,000 bytes"):
        note.parse("é" * 499_999 + "\n\n" + PETERS)


def test_100_signatures_are_the_most() -> None:
    many = [str(Signature(f"w{i}", b"abcd", b"x")) + "\n" for i in range(101)]
    assert len(note.parse(TEXT + "\n" + "".join(many[:100])).signatures) == 100
    with pytest.raises(NoteError, match="more than 100"):
        note.parse(TEXT + "\n" + "".join(many))


def test_signatures_of_unknown_keys_are_passed_over_even_with_a_known_name_or_a_known_id() -> None:
    same_name = Signature("PeterNeumann", b"abcd", b"x" * 64)
    same_id = Signature("CarmenSandiego", PETER.key_hash, b"x" * 64)
    found = note.parse(f"{TEXT}\n{same_name}\n{same_id}\n{PETERS}")
    assert note.verified_keys(found, [PETER]) == [PETER]


def test_a_note_that_no_known_key_has_signed_is_not_opened() -> None:
    found = note.parse(TEXT + "\n" + PETERS + ENOCHS)
    for known in ([], [SigningKey.generate("PeterNeumann").verifier]):
        with pytest.raises(NoteError, match="none of the keys"):
            note.verified_keys(found, known)


def test_one_wrong_signature_of_a_known_key_spoils_the_whole_note() -> None:
    wrong = Signature("PeterNeumann", PETER.key_hash, b"x" * 64)
    for lines in (f"{wrong}\n{ENOCHS}", f"{ENOCHS}{wrong}\n"):
        with pytest.raises(NoteError, match=r"of PeterNeumann\+c74f20a3.* is wrong"):
            note.verified_keys(note.parse(f"{TEXT}\n{lines}"), [PETER, ENOCH])


def test_two_signatures_of_one_known_key_are_refused() -> None:
    wrong = Signature("PeterNeumann", PETER.key_hash, b"x" * 64)
    with pytest.raises(NoteError, match="twice"):
        note.verified_keys(note.parse(f"{TEXT}\n{PETERS}{wrong}\n"), [PETER])


def test_two_known_keys_of_one_id_are_refused_and_one_that_is_named_twice_is_not() -> None:
    found = note.parse(TEXT + "\n" + PETERS)
    assert note.verified_keys(found, [PETER, PETER]) == [PETER]
    # Their ids of four bytes fall together: they are two of some 100,000 that were tried.
    one, other = (VerifierKey("a", 1, n.to_bytes(32, "big")) for n in (65227, 67083))
    assert one.key_hash == other.key_hash
    with pytest.raises(NoteError, match="two of the keys"):
        note.verified_keys(found, [PETER, one, other])


def test_each_changed_byte_of_a_note_is_found() -> None:
    whole = (TEXT + "\n" + PETERS).encode()
    for i in range(len(whole)):
        for bit in (1, 128):
            changed = whole[:i] + bytes([whole[i] ^ bit]) + whole[i + 1 :]
            with pytest.raises(NoteError):
                note.verified_keys(note.parse(changed), [PETER])


def test_a_witness_of_the_note_is_opened_by_its_cosignature() -> None:
    witness = SigningKey.generate("witness.example", COSIGNATURE_V1)
    own = note.parse(TEXT + "\n" + PETERS)
    both = Note(TEXT, (*own.signatures, note.cosign(witness, TEXT, 1_700_000_000)))
    assert note.verified_keys(note.parse(bytes(both)), [PETER, witness.verifier]) == [
        PETER,
        witness.verifier,
    ]
    bare = Signature(witness.verifier.name, witness.verifier.key_hash, witness.sign(TEXT.encode()))
    with pytest.raises(NoteError, match="wrong"):
        note.verified_keys(Note(TEXT, (*own.signatures, bare)), [PETER, witness.verifier])


def test_a_witnesss_key_signs_no_note() -> None:
    with pytest.raises(KeyFormatError, match="witness"):
        note.sign_note(TEXT, SigningKey.generate("witness.example", COSIGNATURE_V1))
