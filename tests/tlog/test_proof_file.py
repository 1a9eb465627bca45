"""The proof file: the form of C2SP tlog-proof, and each text that is not one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.tlog import note, proof_file
from incidents.tlog.keys import SigningKey
from incidents.tlog.note import Checkpoint
from incidents.tlog.proof_file import ProofFile, ProofFileError

HASHES = [
    "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=",
    "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=",
    "EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=",
]
KEY = SigningKey.generate("example.com/fancylog")
CHECKPOINT = str(note.sign_note(Checkpoint("example.com/fancylog", 109_482, bytes(32)).text, KEY))
HEAD = "c2sp.org/tlog-proof@v1\n"
INDEX = "index 73894\n"
PROOF = "".join(f"{line}\n" for line in HASHES)
EXAMPLE = f"{HEAD}extra YWdl\n{INDEX}{PROOF}\n{CHECKPOINT}"


def test_a_proof_in_the_form_of_the_specification_is_read_and_written_to_the_byte() -> None:
    found = proof_file.parse_file(EXAMPLE.encode())
    assert found.index == 73_894
    assert found.extra == b"age"
    assert found.proof == tuple(map(base64.b64decode, HASHES))
    assert found.checkpoint == CHECKPOINT.encode()
    assert found.text == EXAMPLE


def test_the_checkpoint_in_it_opens_as_it_is() -> None:
    inside = note.parse(proof_file.parse_file(EXAMPLE).checkpoint)
    assert note.verified_keys(inside, [KEY.verifier]) == [KEY.verifier]


def test_without_extra_data_the_line_is_left_out() -> None:
    bare = f"{HEAD}{INDEX}{PROOF}\n{CHECKPOINT}"
    assert proof_file.parse_file(bare).extra is None
    assert proof_file.parse_file(bare).text == bare


def test_the_only_entry_of_a_log_needs_no_hash() -> None:
    only = f"{HEAD}index 0\n\n{CHECKPOINT}"
    assert proof_file.parse_file(only) == ProofFile(0, (), CHECKPOINT.encode())
    assert proof_file.parse_file(only).text == only


@given(
    index=st.integers(0, 2**63 - 1),
    hashes=st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    extra=st.none() | st.binary(min_size=1),
)
def test_each_proof_is_read_back(
    index: int, hashes: tuple[bytes, ...], extra: bytes | None
) -> None:
    written = ProofFile(index, hashes, CHECKPOINT.encode(), extra)
    assert (
        proof_file.parse_file(written.text)
        == proof_file.parse_file(written.text.encode())
        == written
    )


@pytest.mark.parametrize(
    ("written", "because"),
    [
        ("", "no empty line"),
        (f"{HEAD}{INDEX}{PROOF}", "no empty line"),
        (f"\n{EXAMPLE}", "first line"),
        (EXAMPLE.replace("@v1", "@v2"), "first line"),
        (EXAMPLE.replace("\n", "\r\n"), "no empty line"),
        (f"{HEAD}\n{CHECKPOINT}", "the index is wanted"),
        (f"{HEAD}{PROOF}\n{CHECKPOINT}", "the index is wanted"),
        (f"{HEAD}{INDEX}extra YWdl\n{PROOF}\n{CHECKPOINT}", "base64"),
        (f"{HEAD}extra YWdl\nextra YWdl\n{INDEX}\n{CHECKPOINT}", "the index is wanted"),
        (f"{HEAD}extra YWdl\n\n{CHECKPOINT}", "the index is wanted"),
        (f"{HEAD}extra \n{INDEX}\n{CHECKPOINT}", "extra line is empty"),
        (f"{HEAD}extra YWd\n{INDEX}\n{CHECKPOINT}", "base64"),
        (f"{HEAD}extra YQ=\n{INDEX}\n{CHECKPOINT}", "base64"),
        (f"{HEAD}extra YR==\n{INDEX}\n{CHECKPOINT}", "base64"),
        (f"{HEAD}index 01\n\n{CHECKPOINT}", "number"),
        (f"{HEAD}index -1\n\n{CHECKPOINT}", "number"),
        (f"{HEAD}index  1\n\n{CHECKPOINT}", "number"),
        (f"{HEAD}index 9223372036854775808\n\n{CHECKPOINT}", "number"),
        (f"{HEAD}index\n\n{CHECKPOINT}", "the index is wanted"),
        (f"{HEAD}{INDEX}AAAA\n\n{CHECKPOINT}", "3 bytes"),
        (f"{HEAD}{INDEX}{HASHES[0][:-2]}R=\n\n{CHECKPOINT}", "base64"),
        (f"{HEAD}{INDEX}{PROOF * 22}\n{CHECKPOINT}", "more than 63"),
        (f"{HEAD}{INDEX} {PROOF}\n{CHECKPOINT}", "base64"),
    ],
)
def test_what_is_no_proof_is_refused_with_the_reason(written: str, because: str) -> None:
    with pytest.raises(ProofFileError, match=because):
        proof_file.parse_file(written)


def test_a_proof_whose_checkpoint_is_no_note_is_refused() -> None:
    for inside in ("", "a\n", CHECKPOINT[:-1], "\n" + CHECKPOINT.partition("\n\n")[2]):
        with pytest.raises(note.NoteError):
            proof_file.parse_file(f"{HEAD}{INDEX}{PROOF}\n{inside}")


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(ProofFileError, match="byte 23 is not UTF-8"):
        proof_file.parse_file(HEAD.encode() + b"\xff" + CHECKPOINT.encode())
