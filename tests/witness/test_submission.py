"""The submission: the form of C2SP tlog-witness's example, and each body that is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.tlog import note
from incidents.tlog.note import CheckpointError, NoteError
from incidents.witness import rules
from incidents.witness.rules import Submission, SubmissionError

HASHES = (
    "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
    "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
    "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
    "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
)
CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
    "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/"
    "V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n"
)
EXAMPLE = f"old 20852014\n{HASHES}\n{CHECKPOINT}".encode()


def test_the_specifications_example_is_read_and_written_to_the_byte() -> None:
    found = rules.parse_submission(EXAMPLE)
    assert found.old == 20_852_014
    assert len(found.proof) == 4
    assert found.checkpoint.size == 20_852_163
    assert len(found.note.signatures) == 2
    assert bytes(found) == EXAMPLE


def test_the_first_submission_has_no_hashes() -> None:
    first = f"old 0\n\n{CHECKPOINT}".encode()
    assert rules.parse_submission(first).proof == ()
    assert bytes(rules.parse_submission(first)) == first


@given(
    old=st.integers(0, 2**63 - 1),
    proof=st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
)
def test_each_submission_is_read_back(old: int, proof: tuple[bytes, ...]) -> None:
    written = rules.submission_of(note.parse(CHECKPOINT), old, proof)
    assert rules.parse_submission(bytes(written)) == written
    assert isinstance(written, Submission)


@pytest.mark.parametrize(
    ("body", "because"),
    [
        ("", "no empty line"),
        ("old 0\n", "no empty line"),
        ("\n\n" + CHECKPOINT, "old size"),
        (f"{HASHES}\n{CHECKPOINT}", "old size"),
        (f"OLD 0\n\n{CHECKPOINT}", "old size"),
        (f"old\n\n{CHECKPOINT}", "old size"),
        (f"old  0\n\n{CHECKPOINT}", "old size is ' 0'"),
        (f"old 00\n\n{CHECKPOINT}", "old size is '00'"),
        (f"old 01\n\n{CHECKPOINT}", "old size is '01'"),
        (f"old +1\n\n{CHECKPOINT}", "old size"),
        (f"old -1\n\n{CHECKPOINT}", "old size"),
        (f"old 1 \n\n{CHECKPOINT}", "old size"),
        (f"old 9223372036854775808\n\n{CHECKPOINT}", "old size"),
        (f"old １\n\n{CHECKPOINT}", "ASCII"),
        (f"old 0\r\n\r\n{CHECKPOINT}", "old size is '0.*r'"),
        (f"old 1\nAAAA\n\n{CHECKPOINT}", "3 bytes"),
        (f"old 1\n{HASHES[:43]}\n\n{CHECKPOINT}", "base64"),
        (f"old 1\n{HASHES[:42]}x=\n\n{CHECKPOINT}", "base64"),
        (f"old 1\n{HASHES * 16}\n{CHECKPOINT}", "more than 63"),
    ],
)
def test_what_is_no_submission_is_refused_with_the_reason(body: str, because: str) -> None:
    with pytest.raises(SubmissionError, match=because):
        rules.parse_submission(body.encode())


def test_63_hashes_are_the_most() -> None:
    most = (HASHES * 16)[: 63 * 45]
    assert len(rules.parse_submission(f"old 1\n{most}\n{CHECKPOINT}".encode()).proof) == 63


def test_what_stands_below_must_be_a_signed_checkpoint() -> None:
    with pytest.raises(NoteError):
        rules.parse_submission(b"old 0\n\n")
    with pytest.raises(NoteError):
        rules.parse_submission(f"old 0\n\n{CHECKPOINT[:-1]}".encode())
    with pytest.raises(CheckpointError):
        rules.parse_submission(
            f"old 0\n\nlog.example\n1\n\n{CHECKPOINT.partition(chr(10) * 2)[2]}".encode()
        )
