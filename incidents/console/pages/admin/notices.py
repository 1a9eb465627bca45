"""The pages of notices: each of them as it will look, in both languages; nothing is sent."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console import messages
from incidents.console.pages.admin.health import Manager
from incidents.console.rendering import Reader, capitalised
from incidents.errors import IncidentsError
from incidents.notices import notice_settings, preview, samples
from incidents.notices.notice_types import LANGUAGES, NOTICES

router = APIRouter()

PAGE = "/admin/notices"


@router.get(PAGE)
def show(here: Manager) -> Response:
    """List the notices: who receives each, and when."""
    found = notice_settings.listed(here.app.lanes_without_channel)
    names = {each["notice"]: _name(here.reader, each["notice"]) for each in found}
    unset = {each["to"]: each["unset"] for each in found if "unset" in each}
    return here.page("admin/notices", notices=found, names=names, unset=unset)


@router.get(f"{PAGE}/{{notice}}")
def show_one(here: Manager, notice: str) -> Response:
    """Show a notice with made-up facts, in each language."""
    if notice not in NOTICES:
        return here.page(
            "admin/notice", status=404, notice=notice[:40], name=notice[:40], letters=[],
            wrong=here.reader.say("notices.unknown"),
        )  # fmt: skip
    letters, wrong = [], None
    try:
        wording = notice_settings.wording(here.app.settings.zone)
        facts = samples.of(notice)
        letters = list(preview.letters(wording, notice, facts, LANGUAGES))
    except IncidentsError as error:
        wrong = messages.error_text(here.reader, error)
    return here.page(
        "admin/notice", status=422 if wrong else 200, notice=notice,
        name=_name(here.reader, notice), letters=letters, wrong=wrong,
    )  # fmt: skip


def _name(reader: Reader, notice: str) -> str:
    """The notice by its occasion, in the reader's language."""
    return capitalised(reader.phrase(f"notice_when.{notice}") or NOTICES[notice].when, ())
