"""Every page in every look: language, colours and width, each a picture in a folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from incidents import clock
from incidents.app import App
from incidents.demo import sample, scenario
from incidents.settings import sources
from incidents.store.database import schema
from incidents.testing import Rehearsal, rehearsal
from scripts.pictures import served_console
from scripts.pictures.visits import EVERY_PAGE, PASSWORD, Visit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

_LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_WIDTHS = (360, 900, 1440)
_WINDOW, _HIGHEST = 900, 2_400
"""The heights of the window, and of a picture at most, in pixels."""
_LATE_MINUTES = 6
_SETTINGS = """
[notices]
desk_name = "示例主机"
desk_phone = "+86 10 5555 0100"
desk_mail = "desk@host.example"
[customer]
base_url = "https://desk.host.example"
secret = "0123456789abcdef0123456789abcdef"
"""


def take_every_page(folder: Path, names: Collection[str] = ()) -> int:
    """Take each page, or those of that name, in each look; return 0.

    A visit may change something: each language has a desk of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [each for each in EVERY_PAGE if not names or each.name in names]
    with served_console.browser() as browser:
        for language, locale in _LANGUAGES.items():
            with _sample_desk() as (url, time):
                for visit in wanted:
                    context = browser.new_context(locale=locale, reduced_motion="reduce")
                    try:
                        page = _visited(context, url, visit, time)
                        _take(page, f"{folder}/{visit.name}-{language}")
                    finally:
                        context.close()
                    print(f"{visit.name}-{language}")
    return 0


@contextmanager
def _sample_desk() -> Iterator[tuple[str, Rehearsal]]:
    """A served desk with the sample data and its people, and its clock."""
    with TemporaryDirectory() as folder, rehearsal(scenario.END) as time:
        config = Path(folder, "config.toml")
        config.write_text(_SETTINGS, encoding="utf-8")
        os.environ |= {
            "INCIDENTS_CONFIG": str(config), "INCIDENTS_DB": f"sqlite:///{folder}/desk.db",
            "INCIDENTS_SERVE_KEY": f"{folder}/serve.key", "INCIDENTS_EVIDENCE": f"{folder}/files",
        }  # fmt: skip
        schema.upgrade(os.environ["INCIDENTS_DB"])
        app = App(sources.load())
        try:
            sample.play(app.engine, time.now, "desk", more=True)
            app.desk.on_record(lambda own: sample.add_people(own, time.now, "desk", PASSWORD))
            with served_console.serving(app) as url:
                yield url, time
        finally:
            app.close()


def _visited(context: BrowserContext, url: str, visit: Visit, time: Rehearsal) -> Page:
    """The page with what is opened there, in a wide window."""
    if visit.who is not None:
        served_console.sign_in(context, url, visit.who, PASSWORD)
    if visit.is_late:
        time.later(minutes=_LATE_MINUTES)
    page = context.new_page()
    page.clock.set_fixed_time(clock.now())
    page.set_viewport_size({"width": _WIDTHS[-1], "height": _WINDOW})
    page.goto(url + visit.path)
    for step in visit.steps:
        step(page)
    return page


def _take(page: Page, name: str) -> None:
    for scheme in _SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in _WIDTHS:
            page.set_viewport_size({"width": width, "height": _WINDOW})
            _picture(page, f"{name}-{scheme}-{width}.png", width)


def _picture(page: Page, file: str, width: int) -> None:
    """The whole page, from its top down to the highest that is taken."""
    page.evaluate("scrollTo(0, 0)")
    height: int = page.evaluate("document.documentElement.scrollHeight")
    page.screenshot(
        path=file, full_page=True, animations="disabled", caret="hide",
        clip={"x": 0, "y": 0, "width": width, "height": min(max(height, _WINDOW), _HIGHEST)},
    )  # fmt: skip
