"""The gallery's pictures: each part in each look, and how unlike the committed one it is.

A browser compares them at half their size, so that a letter's soft edge counts for little.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import sync_playwright

from incidents.console.languages import Chosen
from incidents.console.static_files import STATIC_FILES
from scripts.pictures import gallery, palette
from scripts.pictures.gallery_data import NOW

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

# The browser of the tests, as they run it.
_PROGRAM = "/usr/bin/chromium-headless-shell"
_OPTIONS = ("--no-sandbox", "--disable-gpu")
FOLDER = Path(__file__).resolve().parents[2] / "tests" / "console" / "gallery"
ABOUT = FOLDER / "about.json"
TAKE_ANEW = "`scripts/screenshots --gallery [PART…]` takes them anew"
_ADDRESS = "http://gallery.test"
_WIDTH = 720
# The same on each machine: what scripts/test installs, and not what a system prefers.
_FONTS = """
:root, :root:lang(zh) {
    --latin: "DejaVu Sans"; --cjk: "WenQuanYi Micro Hei"; --mono: "DejaVu Sans Mono", var(--cjk);
}
#notices, #live, footer { display: none !important; }
main, body { padding: 0 !important; } .item { content-visibility: visible !important; }
#pane { position: static !important; max-height: none !important; }
.part { padding: 8px; } .pick { opacity: 0 !important; } #bulk { display: flex !important; }
"""
_MEASURE = """() => {
    const line = document.createElement("span");
    line.textContent = "Queue 0123 待办事项";
    line.style.font = '14px "DejaVu Sans", "WenQuanYi Micro Hei"';
    document.body.append(line);
    const width = line.getBoundingClientRect().width;
    line.remove();
    return width;
}"""
_UNLIKE = """async ([is, was, threshold]) => {
    const load = async (data) => createImageBitmap(await (await fetch(data)).blob());
    const [a, b] = await Promise.all([load(is), load(was)]);
    if (Math.abs(a.width - b.width) > 2 || Math.abs(a.height - b.height) > 2)
        return `is ${a.width} × ${a.height}, was ${b.width} × ${b.height}`;
    const width = a.width >> 1, height = a.height >> 1;
    const pixels = (image) => {
        const context = new OffscreenCanvas(width, height).getContext("2d");
        context.imageSmoothingQuality = "high";
        context.drawImage(image, 0, 0, width, height);
        return context.getImageData(0, 0, width, height).data;
    };
    const [x, y] = [pixels(a), pixels(b)];
    let other = 0;
    for (let at = 0; at < x.length; at += 4)
        if ([0, 1, 2].some((n) => Math.abs(x[at + n] - y[at + n]) > threshold)) other++;
    return other / (width * height);
}"""
_APART = 120
"""How unlike the colours of a committed picture are at least, which keeps it small."""
_THRESHOLD = 12
"""By how much of 255 a pixel of half the size may differ."""
MOST_OTHER = 0.002
"""Which part of a picture's pixels may differ by more."""

_OF_FRAME = {
    "frame": "header.top", "menu": ".menu > ul", "palette": "#palette", "keys": "#keys",
}  # fmt: skip

Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Look:
    """A look of the gallery."""

    language: Chosen
    scheme: Scheme

    def __str__(self) -> str:
        return f"{self.language}-{self.scheme}"


LOOKS = tuple(Look(language, scheme) for language in ("en", "zh") for scheme in ("light", "dark"))


@contextmanager
def opened(browser: Browser, look: Look) -> Iterator[Page]:
    """Open the gallery in that look, as if a server had it."""
    text = gallery.page(look.language)
    context = browser.new_context(
        viewport={"width": _WIDTH, "height": 900}, color_scheme=look.scheme,
        locale={"en": "en-GB", "zh": "zh-CN"}[look.language], reduced_motion="reduce",
        timezone_id="Asia/Shanghai",
    )  # fmt: skip
    try:
        page = context.new_page()
        # The clocks of the rows stand still, too, by whatever way they count.
        page.clock.install(time=NOW - timedelta(minutes=1))
        page.clock.pause_at(NOW)
        page.route("**/*", lambda route: _answer(route, text))
        page.goto(_ADDRESS)
        page.add_style_tag(content=_FONTS)
        page.clock.run_for(2_000)
        page.evaluate("document.querySelectorAll('.act').forEach(each => each.open = true)")
        yield page
    finally:
        context.close()


def _answer(route: Route, text: str) -> None:
    path = route.request.url.removeprefix(_ADDRESS)
    static = next((each for each in STATIC_FILES.values() if each.path == path), None)
    if static is not None:
        route.fulfill(body=static.content, content_type=static.kind)
    elif path == "/":
        route.fulfill(body=text, content_type="text/html; charset=utf-8")
    else:
        route.abort()


def names(page: Page) -> list[str]:
    """The names of the gallery's parts, and of what stands in the frame of each page."""
    found: list[str] = page.evaluate("[...document.querySelectorAll('.part')].map(e => e.id)")
    return [*_OF_FRAME, *(each.removeprefix("part-") for each in found)]


def picture(page: Page, name: str) -> bytes:
    """The picture of a part, as a PNG."""
    place = page.locator(_OF_FRAME.get(name, f"#part-{name}"))
    if name == "menu":
        page.evaluate("document.querySelector('.menu').open = true")
    elif name == "palette":
        page.keyboard.press("Control+k")
    elif name == "keys":
        place.evaluate("dialog => dialog.showModal()")
    try:
        return place.screenshot(animations="disabled", caret="hide")
    finally:
        page.evaluate("document.querySelectorAll('dialog[open]').forEach(each => each.close())")
        page.evaluate("document.querySelector('.menu').open = false")


def file(look: Look, name: str) -> Path:
    """The committed picture of a part."""
    return FOLDER / f"{name}-{look}.png"


def difference(page: Page, is_: bytes, was: bytes) -> str | None:
    """Say how a picture differs from the one that was; None if it does not."""
    sent = [f"data:image/png;base64,{base64.b64encode(each).decode()}" for each in (is_, was)]
    found: Any = page.evaluate(_UNLIKE, [*sent, _THRESHOLD])
    if isinstance(found, str):
        return found
    return f"{found:.2%} of its pixels differ" if found > MOST_OTHER else None


def about(browser: Browser, page: Page) -> dict[str, object]:
    """What pictures depend on beside the console: the browser, and how wide its letters are."""
    return {"chromium": browser.version, "line": page.evaluate(_MEASURE)}


def take_anew(only: Collection[str] = ()) -> None:
    """Take all pictures, or those of some parts, and write them into the folder."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_PROGRAM, args=list(_OPTIONS))
        try:
            _take(browser, only)
        finally:
            browser.close()


def _take(browser: Browser, only: Collection[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    if not only:
        for old in FOLDER.glob("*.png"):
            old.unlink()
    for look in LOOKS:
        with opened(browser, look) as page:
            for name in names(page):
                if not only or name in only:
                    png = palette.reduced(picture(page, name), apart=_APART)
                    file(look, name).write_bytes(png)
            ABOUT.write_text(json.dumps(about(browser, page), indent=1) + "\n", encoding="utf-8")
