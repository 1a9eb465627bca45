"""The gallery: each part of the console looks as it did when its picture was committed."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from scripts.pictures import gallery_pictures as pictures
from scripts.pictures.gallery_pictures import LOOKS, Look
from tests.browser import Chromium

# Both languages and both colours with each change, each with the other colours with `long`.
_EACH_DAY = {"en-light", "zh-dark"}
_LOOKS = [
    pytest.param(look, id=str(look), marks=[] if str(look) in _EACH_DAY else [pytest.mark.long])
    for look in LOOKS
]
_MOST_BYTES = 1_000_000


@pytest.mark.parametrize("look", _LOOKS)
def test_each_part_looks_as_its_committed_picture(browser: Chromium, look: Look) -> None:
    with pictures.opened(browser._browser, look) as page:
        here = pictures.about(browser._browser, page)
        other = {
            name: told
            for name in pictures.names(page)
            if (told := _other(page, look, name)) is not None
        }
    taken_with = json.loads(pictures.ABOUT.read_text(encoding="utf-8"))
    hint = "" if here == taken_with else f" They were taken with {taken_with}, here are {here}."
    assert other == {}, f"If that is meant, {pictures.TAKE_ANEW}; look at each.{hint}"


def test_each_part_has_a_picture_in_each_look_and_no_picture_is_left_over(
    browser: Chromium,
) -> None:
    with pictures.opened(browser._browser, LOOKS[0]) as page:
        names = pictures.names(page)
    wanted = {pictures.file(look, name) for look in LOOKS for name in names}
    committed = set(pictures.FOLDER.glob("*.png"))
    assert committed == wanted, pictures.TAKE_ANEW
    assert sum(each.stat().st_size for each in committed) < _MOST_BYTES


def _other(page: Page, look: Look, name: str) -> str | None:
    file = pictures.file(look, name)
    if not file.exists():
        return "has no picture"
    return pictures.difference(page, pictures.picture(page, name), file.read_bytes())
