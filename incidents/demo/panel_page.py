"""The pages of the panel: all sites beside the last notices, and one notice in full."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from incidents.demo.panel_state import Notice, PanelState
from incidents.system import page_template
from incidents.values.site_name import shown

Say = Callable[..., str]
"""Fills a phrase of the catalogue, given by its ID, with facts."""

FOLDER = Path(__file__).with_name("panel_files")
FILES = {
    "/panel.css": ("text/css; charset=utf-8", (FOLDER / "panel.css").read_text(encoding="utf-8")),
    "/panel.js": (
        "text/javascript; charset=utf-8", (FOLDER / "panel.js").read_text(encoding="utf-8")
    ),
}  # fmt: skip
"""The files that the pages need, by path, each with its type."""

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The security policy of the pages, as strict as that of the console."""

# At the usual speed these are a minute and a quarter of a minute of the visitor's.
_NEW_ORDER, _NEW_NOTICE = timedelta(hours=1), timedelta(minutes=15)


def panel(state: PanelState, say: Say, console: str) -> str:
    """The page with all sites and the last notices; `console`: the address of the console."""
    now, sites, notices = state.clock(), state.sites(), state.notices()
    down = sum(not site.is_up for _, site in sites)
    return page_template.load(FOLDER / "panel.html.jinja").render(
        say=say, shown=shown, console=console, sites=sites, notices=notices,
        down=down, up=len(sites) - down,
        new_sites={name for name, site in sites if site.at and now - site.at < _NEW_ORDER},
        new_notices={each.n for each in notices if now - each.at < _NEW_NOTICE},
    )  # fmt: skip


def notice(found: Notice, say: Say, console: str) -> str:
    """The page with one notice."""
    template = page_template.load(FOLDER / "notice.html.jinja")
    return template.render(say=say, console=console, notice=found)
