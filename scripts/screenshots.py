"""The screenshots: the console's pictures, taken of a real server in a real browser.

Without options, those of the documentation; with `--gallery`, those of the parts, which tests
compare; with `--every FOLDER`, each page in each look.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.accounts import secrets
from incidents.app import App
from incidents.clock import now
from incidents.demo.scenario import END
from incidents.desk import accounts
from incidents.desk.own_stream import Actor
from incidents.settings import sources
from incidents.testing import rehearsal
from scripts import a_month
from scripts.pictures import gallery_pictures, palette, served_console
from scripts.pictures.console_pictures import FOLDER, PICTURES, Picture
from scripts.pictures.every_page import take_every_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from sqlalchemy import Connection

_PASSWORD = "a horse and a battery"  # noqa: S105 - of an account that lives as long as the script
_ROOT = Actor(person="admin-1", login="root")
_ADMIN = Actor(person="admin-1", login="session", signed_in=True)


def main() -> int:
    """Take the pictures that were asked for; return 0 if each succeeded."""
    asked = argparse.ArgumentParser(prog="scripts/screenshots", description=__doc__)
    asked.add_argument("--gallery", action="store_true", help="take the parts of the gallery")
    asked.add_argument("--every", metavar="FOLDER", type=Path, help="take each page, in each look")
    asked.add_argument("pages", nargs="*", metavar="PAGE", help="only these pages, or parts")
    given = asked.parse_args()
    if given.every is not None:
        return take_every_page(given.every, given.pages)
    if given.gallery:
        gallery_pictures.take_anew(given.pages)
        return 0
    if given.pages:
        asked.error("PAGE needs --every or --gallery")
    return _take_pictures()


def _take_pictures() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        a_month.play(Path(folder))
        with rehearsal(END):
            opened = App(sources.load())
            try:
                opened.desk.on_record(_people)
                with served_console.serving(opened) as url, served_console.browser() as browser:
                    for picture in PICTURES:
                        _take(browser, url, picture)
                        size = picture.file.stat().st_size
                        print(
                            f"{picture.file.relative_to(FOLDER.parents[1])}  {size / 1024:.0f} KiB"
                        )
            finally:
                opened.close()
    return 0


def _people(connection: Connection) -> None:
    accounts.make(connection, _ROOT, "admin-1", "administrator", now)
    accounts.make(connection, _ADMIN, "wang", "supervisor", now)
    hash_ = secrets.hash_password(_PASSWORD, "wang")
    accounts.set_password(connection, _ADMIN, "wang", hash_, now, second_after=accounts.AT_ONCE)


def _take(browser: Browser, url: str, picture: Picture) -> None:
    """Sign in, open the page, and take the picture once nothing moves any more."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height}, locale=picture.language,
        color_scheme=picture.scheme, reduced_motion="reduce",
    )  # fmt: skip
    try:
        served_console.sign_in(context, url, "wang", _PASSWORD)
        page = context.new_page()
        page.clock.set_fixed_time(END)
        page.goto(url + picture.path)
        page.wait_for_load_state("load")
        if picture.path == "/":
            page.locator("#live:not(:empty)").wait_for()
        png = page.screenshot(animations="disabled", caret="hide")
        picture.file.write_bytes(palette.reduced(png))
    finally:
        context.close()


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    sys.exit(main())
