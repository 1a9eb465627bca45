"""Every page in every look: language, colours and width, each a picture in a folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from incidents import clock
from scripts.pictures import served_console, tour_data
from scripts.pictures.page_tour import PAGES, Stop
from scripts.pictures.tour_steps import Facts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

_LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_WIDTHS = (360, 900, 1440)
_WINDOW, _HIGHEST = 900, 2_400
"""The heights of the window, and of a picture at most, in pixels."""


def take_every_page(folder: Path, names: Collection[str] = ()) -> int:
    """Take each page of the tour, or those of that name, in each look; return 0."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [each for each in PAGES if not names or each.name in names]
    with (
        tour_data.played() as (app, facts),
        served_console.serving(app) as url,
        served_console.browser() as browser,
    ):
        tour = _Tour(browser, url, facts, folder)
        for language in _LANGUAGES:
            tour.take(wanted, language)
    return 0


class _Tour:
    def __init__(self, browser: Browser, url: str, facts: Facts, folder: Path) -> None:
        self._browser, self._url, self._facts, self._folder = browser, url, facts, folder

    def take(self, stops: Sequence[Stop], language: str) -> None:
        """Take those pages in that language, each visitor in a browser of their own."""
        by_visitor: dict[str | None, list[Stop]] = defaultdict(list)
        for each in stops:
            by_visitor[each.who].append(each)
        for who, own in by_visitor.items():
            context = self._browser.new_context(
                locale=_LANGUAGES[language], reduced_motion="reduce"
            )
            try:
                if who is not None:
                    served_console.sign_in(context, self._url, who, self._facts["password"])
                for stop in own:
                    self._take_one(context, stop, language)
            finally:
                context.close()

    def _take_one(self, context: BrowserContext, stop: Stop, language: str) -> None:
        page = context.new_page()
        try:
            page.clock.set_fixed_time(clock.now())
            page.set_viewport_size({"width": _WIDTHS[-1], "height": _WINDOW})
            page.goto(self._url + stop.path.format_map(self._facts))
            page.wait_for_load_state("load")
            if stop.then is not None:
                stop.then(page, self._facts)
            for scheme in _SCHEMES:
                for width in _WIDTHS:
                    page.emulate_media(color_scheme=scheme)
                    page.set_viewport_size({"width": width, "height": _WINDOW})
                    name = f"{stop.name}-{language}-{scheme}-{width}.png"
                    _picture(page, self._folder / name, width)
        finally:
            page.close()
        print(f"{stop.name}-{language}")


def _picture(page: Page, file: Path, width: int) -> None:
    """The whole page, from its top down to the highest that is taken."""
    page.evaluate("scrollTo(0, 0)")
    height: int = page.evaluate("document.documentElement.scrollHeight")
    page.screenshot(
        path=file, full_page=True, animations="disabled", caret="hide",
        clip={"x": 0, "y": 0, "width": width, "height": min(max(height, _WINDOW), _HIGHEST)},
    )  # fmt: skip
