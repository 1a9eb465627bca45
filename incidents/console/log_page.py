"""The page that logs a violation, or finds the addresses in what is pasted first."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from incidents import inputs, site_name
from incidents.console import details, pasted, telling
from incidents.console.said import Said
from incidents.console.sitting import Acting, Doing, Looking, Sitting
from incidents.errors import InputError, RefusedError
from incidents.machine import commands as c
from incidents.store import sites

router = APIRouter()

CATEGORIES = ("gambling", "pornography", "fraud", "phishing", "malware", "spam", "illegal_content")


@router.get("/log")
def form(here: Looking, site: Annotated[str, Query(max_length=300)] = "") -> Response:
    """The form that logs a violation, or finds the addresses in what is pasted first."""
    here.needs("log")
    return _page(here, {"site": site})


@router.post("/log")
def log(desk: Doing) -> Response:
    """Shows what was found in the text, or logs what was shown."""
    typed = dict(desk.given.fields)
    if desk.given.text("step") != "log":
        return _found(desk, typed, desk.given.text("paste") or "")
    urls = desk.given.texts("url")
    urls += [url for url in (desk.given.text("urls") or "").split() if url]
    try:
        name = inputs.site(desk.given.text("site") or "")
        kept = inputs.urls(urls)
        command = c.Log(
            by=desk.by, at=details.when(desk.given, "at", desk.reader),
            urls=kept.urls, written=kept.written,
            category=details.text(desk.given, "category", limit=100),
            note=details.text(desk.given, "note"), again=desk.given.text("again") is not None,
        )  # fmt: skip
        meant = site_name.is_called(name, desk.given.text("confirm"))
        answer = desk.submit(name, command, seen=False, unless_closing=not meant)
    except (InputError, RefusedError) as error:
        return _page(desk, typed, said=telling.refused(desk.reader, error), urls=urls)
    said = telling.told(desk, answer)
    if answer.refusal is not None:
        why = answer.refusal.name
        return _page(
            desk, typed, said=said, urls=urls, unknown=name if why == "unknown_site" else None,
            closes=name if why == "would_close" else None,
        )  # fmt: skip
    return desk.back(f"/incidents/{answer.document['incident']['id']}", said)


def _found(desk: Acting, typed: dict[str, str], text: str) -> Response:
    if len(text) > pasted.MAX_CHARACTERS:
        told = desk.reader.say(
            "log.paste.long", length=f"{len(text):,}", limit=f"{pasted.MAX_CHARACTERS:,}"
        )
        return _page(desk, typed, said=Said("refused", told))
    with desk.reading() as connection:
        found = pasted.find(text, partial(sites.ids_by_name, connection))
    return _page(desk, typed, found=found)


def _page(
    here: Sitting,
    typed: dict[str, str],
    *,
    found: pasted.Found | None = None,
    said: Said | None = None,
    urls: list[str] | None = None,
    unknown: str | None = None,
    closes: str | None = None,
) -> Response:
    known: dict[str, int] = {}
    if found is not None and found.hosts:
        with here.reading() as connection:
            known = sites.ids_by_name(connection, found.hosts)
        # Of the hosts that were found, the one that is in the register; else the most frequent.
        likely = next((host for host in found.hosts if host in known), found.hosts[0])
        typed = {**typed, "site": typed.get("site") or likely}
    kept = urls if urls is not None else list(found.urls) if found else []
    # What was found is ticked where it is of the site; what somebody has ticked stays so.
    ticked = pasted.at_site(kept, typed["site"]) if found and kept else set(kept)
    return here.page(
        "log", status=409 if said else 200, said=said, typed=typed, found=found, known=known,
        urls=kept, ticked=ticked, unknown=unknown, closes=closes, opened="log",
        categories=CATEGORIES, path="/log",
    )  # fmt: skip
