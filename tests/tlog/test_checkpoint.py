"""The checkpoint: the example of C2SP tlog-checkpoint, and each text that is not one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.tlog import note
from incidents.tlog.note import Checkpoint, CheckpointError

EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
    "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
LINE = st.text(st.characters(codec="utf-8", min_codepoint=0x20), min_size=1)


def test_the_specifications_example_is_read_and_written_to_the_byte() -> None:
    text = note.parse(EXAMPLE).text
    found = note.parse_checkpoint(text)
    assert found.origin == "example.com/behind-the-sofa"
    assert found.size == 20_852_163
    assert found.root == base64.b64decode(ROOT)
    assert found.extensions == ()
    assert found.text == text


@given(
    origin=LINE,
    size=st.integers(0, 2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(LINE, max_size=3).map(tuple),
)
def test_each_checkpoint_is_read_back(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...]
) -> None:
    written = Checkpoint(origin, size, root, extensions)
    assert note.parse_checkpoint(written.text) == written


def test_extension_lines_are_kept_in_their_order() -> None:
    text = f"log.example\n0\n{ROOT}\none\ntwo\n"
    assert note.parse_checkpoint(text).extensions == ("one", "two")
    assert note.parse_checkpoint(text).text == text


@pytest.mark.parametrize(
    ("written", "because"),
    [
        ("", "end with a newline"),
        (f"log.example\n1\n{ROOT}", "end with a newline"),
        ("log.example\n", "three lines"),
        ("log.example\n1\n", "three lines"),
        (f"\n1\n{ROOT}\n", "'' is no line"),
        (f"log.example\n\n{ROOT}\n", "size is ''"),
        (f"log.example\n01\n{ROOT}\n", "size is '01'"),
        (f"log.example\n00\n{ROOT}\n", "size is '00'"),
        (f"log.example\n+1\n{ROOT}\n", "size is"),
        (f"log.example\n-1\n{ROOT}\n", "size is"),
        (f"log.example\n 1\n{ROOT}\n", "size is"),
        (f"log.example\n1_0\n{ROOT}\n", "size is"),
        (f"log.example\n0x1\n{ROOT}\n", "size is"),
        (f"log.example\n１\n{ROOT}\n", "size is"),
        (f"log.example\n9223372036854775808\n{ROOT}\n", "size is"),
        (f"log.example\n{'9' * 10_000}\n{ROOT}\n", "size is"),
        ("log.example\n1\n\n", "root has 0 bytes"),
        (f"log.example\n1\n{ROOT[:-1]}\n", "base64"),
        (f"log.example\n1\n{ROOT} \n", "base64"),
        (f"log.example\n1\n{ROOT[:-2]}J=\n", "base64"),
        ("log.example\n1\nAAAA\n", "root has 3 bytes"),
        (f"log.example\n1\n{base64.b64encode(bytes(33)).decode()}\n", "root has 33 bytes"),
        (f"log.example\n1\n{ROOT}\n\n", "'' is no line"),
        (f"log.example\n1\n{ROOT}\none\n\n", "'' is no line"),
        (f"log.example\r\n1\n{ROOT}\n", "no line"),
    ],
)
def test_what_is_no_checkpoint_is_refused_with_the_reason(written: str, because: str) -> None:
    with pytest.raises(CheckpointError, match=because):
        note.parse_checkpoint(written)


def test_what_would_be_no_checkpoint_is_not_made() -> None:
    for origin, size, root, extensions in (
        ("", 1, bytes(32), ()),
        ("a\nb", 1, bytes(32), ()),
        ("\ud800", 1, bytes(32), ()),
        ("a", -1, bytes(32), ()),
        ("a", 2**63, bytes(32), ()),
        ("a", 1, bytes(31), ()),
        ("a", 1, b"", ()),
        ("a", 1, bytes(32), ("",)),
        ("a", 1, bytes(32), ("x\n",)),
    ):
        with pytest.raises(CheckpointError):
            Checkpoint(origin, size, root, extensions)


def test_the_largest_size_is_2_63_less_one() -> None:
    text = f"log.example\n9223372036854775807\n{ROOT}\n"
    assert note.parse_checkpoint(text).size == 2**63 - 1
