"""A visit to the console, by somebody who works at its queue with keys on a slow computer."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from playwright.sync_api import Locator, Page

from bench.chromium import SlowPage, slow_page
from bench.register import LOGIN, desk_of, taken
from incidents.desk import Envelope
from incidents.machine.commands import ClaimItem, ReleaseItem

SLOWED = 4
PAGES = {"the queue": "/", "the incidents": "/incidents"}
"""The pages that are opened, each with its path."""

NEXT, CHOSEN, OPENED = "next row", "row chosen", "item opened"
PALETTE, LETTER = "palette opened", "letter typed in the palette"
HELD, UNDONE = "outcome recorded", "outcome undone"
TICK, FRESH = "a second's tick", "fresh list shown"
IN_INCIDENTS = "next row of the incidents"
AT_ONCE = (NEXT, IN_INCIDENTS, CHOSEN, OPENED, PALETTE, LETTER, HELD, UNDONE, TICK, FRESH)
"""What happens in the page alone."""

_PREVIEWED = 20
_LETTERS = "site-1.exa"

Act = Callable[[Page], object]
Took = dict[str, list[float]]
"""Milliseconds of each time, by what was done."""


def bare_label(rows: int) -> str:
    """The label of the first row of the bare table."""
    return f"a bare table of {rows:,} rows, first row"


def work(url: str, port: int, who: Mapping[str, str], times: int) -> Took:
    """What the console takes, for somebody with that session."""
    name, _, value = who["Cookie"].partition("=")
    at = f"http://127.0.0.1:{port}"
    took: Took = {}
    with slow_page(SLOWED, {name: value}) as slow:
        for page, path in PAGES.items():
            took[f"{page}, first row"] = [slow.first_row_ms(at + path) for _ in range(times)]
        took[IN_INCIDENTS] = [slow.painted_ms("keydown", _key("j")) for _ in range(times)]
        took["filter changed, with the server"] = _filtered(slow, at, times)
        slow.first_row_ms(at)
        slow.page.locator("#live.live").wait_for()
        took |= _keys(slow, times)
        took |= _palette(slow, times)
        took |= _news(slow, url, times)
        took["preview of rows, with the server"] = _previewed(slow, at, times)
    return took


def _keys(slow: SlowPage, times: int) -> Took:
    """Down the queue: each row, its pane, its choice, and an outcome that is undone."""
    took: Took = {each: [] for each in (NEXT, "item shown, with the server", CHOSEN, OPENED)}
    took |= {HELD: [], UNDONE: [], TICK: []}
    page = slow.page
    for n in range(2, times + 2):
        took[NEXT].append(slow.painted_ms("keydown", _key("j")))
        _settled(page)
        took[CHOSEN].append(slow.painted_ms("keydown", _key("x")))
        row = page.locator("#items > li").nth(times + n)
        took[OPENED].append(slow.painted_ms("click", _click(row)))
        _settled(page)
        row = page.locator("#items > li").nth(n)
        shown = f"#item[data-item='{(row.get_attribute('id') or '')[2:]}']"
        took["item shown, with the server"].append(slow.shown_ms("click", _click(row), shown))
        page.keyboard.press("2")
        took[HELD].append(slow.painted_ms("keydown", _key("Enter")))
        page.locator("#sent .waiting").wait_for()
        took[UNDONE].append(slow.painted_ms("keydown", _key("z")))
        page.locator("#sent li").wait_for(state="detached")
        _settled(page)
        took[TICK].append(slow.run_ms("clock.tick()"))
    return took


def _palette(slow: SlowPage, times: int) -> Took:
    took: Took = {PALETTE: [], LETTER: [], "sites found, with the server": []}
    page = slow.page
    for _ in range(times):
        page.keyboard.down("Control")
        took[PALETTE].append(slow.painted_ms("keydown", _key("k")))
        page.keyboard.up("Control")
        for letter in _LETTERS[:-1]:
            took[LETTER].append(slow.painted_ms("input", _key(letter)))
        # No page and no act has all these letters.
        took["sites found, with the server"].append(
            slow.shown_ms("input", _key(_LETTERS[-1]), "#palette [role=option]")
        )
        page.keyboard.press("Escape")
        page.locator("#palette").wait_for(state="hidden")
    return took


def _news(slow: SlowPage, url: str, times: int) -> Took:
    """What a colleague claims and gives back, until it is seen in the list."""
    took: Took = {FRESH: [], "colleague's change, with the server": []}
    page = slow.page
    site, _, item = (page.locator("#items > li").nth(1).get_attribute("id") or "")[2:].partition(
        "-"
    )
    with desk_of(url) as desk:
        for n in range(times):
            who = f"colleague-{n}"
            # Between two looks of the server at the record.
            page.wait_for_timeout(1_000)
            page.evaluate(
                "who => { window.seen = bench.shown(`#items [data-by='${who}']`);"
                " window.took = bench.next('htmx:beforeSwap') }",
                who,
            )
            claim, release = ClaimItem(by=who, item=item), ReleaseItem(by=who, item=item)
            taken(desk, [Envelope(site=int(site), command=claim, login=LOGIN)])
            committed = time.time() * 1_000
            took["colleague's change, with the server"].append(
                page.evaluate("seen.then((at) => performance.timeOrigin + at)") - committed
            )
            took[FRESH].append(page.evaluate("took"))
            taken(desk, [Envelope(site=int(site), command=release, login=LOGIN)])
    return took


def _filtered(slow: SlowPage, at: str, times: int) -> list[float]:
    took = []
    for _ in range(times):
        slow.first_row_ms(f"{at}/incidents?state=open")
        took.append(slow.left_ms(lambda page: page.locator(".chip").first.click()))
    return took


def _previewed(slow: SlowPage, at: str, times: int) -> list[float]:
    took = []
    for _ in range(times):
        slow.first_row_ms(at)
        for box in slow.page.locator("#items input[name=row]").all()[:_PREVIEWED]:
            box.check()
        took.append(slow.left_ms(lambda page: page.locator("#bulk button").first.click()))
    return took


def _key(key: str) -> Act:
    return lambda page: page.keyboard.press(key)


def _click(at: Locator) -> Act:
    return lambda _page: at.click()


def _settled(page: Page) -> None:
    """Wait until the pane shows the row that is selected."""
    # A function to wait for would be evaluated, which the console's policy forbids.
    selected = page.locator("#items .selected").get_attribute("id") or ""
    page.locator(f"#item[data-item='{selected[2:]}']").wait_for()


def bare(rows: Mapping[str, int], times: int) -> Took:
    """What a page takes that is a table and nothing else."""
    took: Took = {}
    with slow_page(SLOWED, {}) as slow, _tables() as at:
        for n in rows.values():
            took[bare_label(n)] = [slow.first_row_ms(f"{at}/{n}") for _ in range(times)]
            took[f"a bare table of {n:,} rows, next row"] = [
                slow.painted_ms("keydown", _key("j")) for _ in range(times)
            ]
    return took


@contextmanager
def _tables() -> Iterator[str]:
    """While it lasts, a server of bare tables: /N has N rows."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Table)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Table(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with as many rows as the path says."""
        name = self.path.strip("/")
        rows = "".join(_ROW.format(n=n) for n in range(int(name))) if name.isdigit() else ""
        sent = f"<!DOCTYPE html><title>table</title>{_SELECT}<table><tbody>{rows}</table>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_ROW = (
    "<tr><td>{n}-1<td>site-{n}.example.com<td>call · phishing<td>no answer<td>12:43<td>operator-1"
)
_SELECT = (
    "<style>.on { background: #def }</style>"
    "<script>let at = -1; addEventListener('keydown', () => {"
    " const rows = document.getElementsByTagName('tr'); rows[at]?.classList.remove('on');"
    " rows[++at].classList.add('on'); })</script>"
)
