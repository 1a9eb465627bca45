"""The screenshots: the documentation shows each that the script takes, and no other."""

import re
import struct
import zlib
from pathlib import Path

import pytest

from scripts.pictures import palette
from scripts.pictures.console_pictures import FOLDER, PICTURES, Picture
from tests.docs.pages import ROOT

_IMAGE = re.compile(r"!\[(?P<told>[^\]]*)\]\((?P<file>[^)]+\.png)\)")
MAX_BYTES = 150_000


def shown(page: Path) -> dict[Path, str]:
    """The screenshots that a page shows, with what it tells whoever does not see them."""
    text = page.read_text(encoding="utf-8")
    return {
        (page.parent / found["file"]).resolve(): found["told"] for found in _IMAGE.finditer(text)
    }


def test_the_documentation_shows_each_picture_that_the_script_takes_and_no_other() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    seen = {file for page in pages for file in shown(page)}
    assert seen == {picture.file for picture in PICTURES}
    assert set(FOLDER.iterdir()) == seen


def test_both_readmes_and_the_page_of_the_browser_tell_what_is_to_be_seen() -> None:
    readmes = [shown(ROOT / name) for name in ("README.md", "README.zh-CN.md")]
    guide = shown(ROOT / "docs" / "how-to" / "work-in-a-browser.md")
    assert readmes[0].keys() == readmes[1].keys() <= guide.keys()
    for told in (*readmes, guide):
        assert all(len(words) > 20 for words in told.values())


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_of_the_size_that_the_script_asks_for_and_light(picture: Picture) -> None:
    png = picture.file.read_bytes()
    assert struct.unpack(">II", png[16:24]) == (picture.width, picture.height)
    assert len(png) < MAX_BYTES


def rgb(lines: list[bytes]) -> bytes:
    """A PNG as Chromium writes it, of lines that have their filter before them."""
    header = struct.pack(">IIBBBBB", len(lines[0]) // 3, len(lines), 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(lines))
    parts = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return palette._SIGNATURE + b"".join(palette._chunk(*part) for part in parts)


def test_a_reduced_picture_shows_the_same_whatever_filters_it_was_written_with() -> None:
    red, blue = bytes((200, 10, 10)), bytes((10, 10, 200))
    # Five lines, red and blue, each by another filter (PNG, section 9).
    lines = [
        bytes((0, *red, *blue)),
        bytes((1, *red, 66, 0, 190)),
        bytes((2, *bytes(3), *bytes(3))),
        bytes((3, 100, 5, 5, 161, 0, 95)),
        bytes((4, *bytes(3), *bytes(3))),
    ]
    reduced = palette.reduced(rgb(lines))
    chunks = dict(palette._chunks(reduced))
    body = zlib.decompress(chunks[b"IDAT"])
    colours = [chunks[b"PLTE"][at : at + 3] for at in (0, 3)]
    seen = [[colours[n] for n in body[row * 3 + 1 : row * 3 + 3]] for row in range(5)]
    assert seen == [[red, blue]] * 5


def test_what_is_no_picture_of_a_browser_is_not_reduced() -> None:
    with pytest.raises(ValueError, match="no PNG"):
        palette.reduced(b"GIF89a")
