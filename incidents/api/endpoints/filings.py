"""The filings over HTTP: filed details, their changes, check results, and deadlines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from incidents import clock, views
from incidents.api import bodies
from incidents.api.authentication import ActionCaller, ReadCaller
from incidents.api.caller import Caller, etag
from incidents.api.endpoints import actions
from incidents.api.operation import ALONE, JSON, answering, operation, router
from incidents.api.parameters import Cursor, Limit, Reveal, SiteName
from incidents.contract.actions import of_command
from incidents.contract.documents import filings as filing_documents
from incidents.contract.documents.actions import Acted
from incidents.filing import checks, export, finding, form, presets, settings
from incidents.filing.calendar import Entry, calendar
from incidents.filing.finding import OK
from incidents.filing.footer import check as footer_check
from incidents.machine import commands as c
from incidents.machine.filing import DOCUMENT, SERVER
from incidents.store.cases import sites
from incidents.values import inputs
from incidents.views import lists, masked
from incidents.views.filing import details_of

routes = router("filings")

Until = Annotated[date | None, Query(description="Only deadlines up to this day.")]

ICS = "text/calendar"
_HTML = "text/html"


@routes.get("/sites/{site}/filing", **operation("look", filing_documents.Filing, tagged=True))
def show(by: ReadCaller, site: SiteName, reveal: Reveal = False) -> JSON:
    """Show a site's filing in the order of the official form, with missing details and deadlines.

    A server and a document are objects of their own.
    """
    name = inputs.site(site)
    by.reveals(name, wanted=reveal)
    with by.reading() as connection:
        row = sites.named(connection, name)
        found = views.filing(connection, name)
    filed = details_of(found)
    complete = checks.completeness(filed)
    shown = found["details"] if reveal else masked.document(found["details"])
    document: filing_documents.Filing = {
        "site": found["site"], "details": _parted(shown), "terms": found["terms"],
        "score": complete.score,
        "missing": [
            {"field": each.field, "why": each.why, "words": finding.ENGLISH.word("need", each.why)}
            for each in complete.missing
        ],
    }  # fmt: skip
    return JSON(document, headers={"ETag": etag(row["id"], row["seq"])})


@routes.patch(
    "/sites/{site}/filing",
    **operation("change_filing", Acted, acting=True, tagged=True, large=True),
)
def change(by: ActionCaller, site: SiteName, filed: bodies.Filed) -> JSON:
    """Change details of a site's filing; omitted details stay unchanged (RFC 7396).

    If a check finds that a detail might be false, it raises a suspicion for a person to review. It
    does not close the site.
    """
    name, command = bodies.command(of_command(c.ChangeFiling), by.by, site, filed)
    return actions.given(by, by.submit(name, command))


@routes.get("/sites/{site}/filing/findings", **operation("look", filing_documents.FilingFindings))
def findings(by: ReadCaller, site: SiteName) -> JSON:
    """List the findings of the checks on a filing, each with the source of its rule.

    A person reviews each suspicion that a detail is false. Checks never close a site (R4).
    """
    found = checks.check(_filed(by, site), today=today(by))
    told = list(map(checks.finding_document, found))
    return JSON({"site": inputs.site(site), "findings": told})


@routes.get(
    "/sites/{site}/filing/snippet", response_class=Response,
    **answering("look", "HTML for the foot of the pages.", _HTML),
)  # fmt: skip
def snippet(
    by: ReadCaller,
    site: SiteName,
    icon: Annotated[str, Query(min_length=1, max_length=300, description="URL of the icon.")] = (
        footer_check.ICON_PATH
    ),
) -> Response:
    """Return the HTML for the footer of the site's pages: record numbers, icon, and links."""
    name = inputs.site(site)
    told = footer_check.snippet_of_filing(
        name, _filed(by, site), icon=icon, icp_form=settings.load().icp_form
    )
    return Response(told, media_type=_HTML, headers=ALONE)


@routes.get(
    "/sites/{site}/filing/form", response_class=Response,
    **answering("look", "A self-contained page.", _HTML),
)  # fmt: skip
def printed(by: ReadCaller, site: SiteName, reveal: Reveal = False) -> Response:
    """Return the filing as a printable page in Chinese and English, in the order of the form."""
    name, on = inputs.site(site), today(by)
    by.reveals(name, wanted=reveal)
    details = _filed(by, site)
    found = [
        finding.finding_sentence(each)
        for each in checks.check(details, today=on)
        if each.verdict != OK
    ]
    shown = details if reveal else masked.document(details)
    page = export.form_page(name, shown, on=on.isoformat(), findings=found)
    return Response(page, media_type=_HTML, headers=ALONE)


@routes.get("/filings/terms", **operation("look", filing_documents.TermPage))
def terms(by: ReadCaller, until: Until = None, limit: Limit = 50, cursor: Cursor = None) -> JSON:
    """List filings to submit and numbers to display, the most urgent first.

    Each deadline is 30 days after the event that starts it. The last day counts in full, in the
    desk's own time zone.
    """
    with by.reading() as connection:
        found = lists.terms_page(connection, _day(until), limit=limit, cursor=cursor)
    now = today(by)
    items: list[filing_documents.SiteTerm] = [
        {**term, "days_left": (date.fromisoformat(term["due_on"]) - now).days}
        for term in found["items"]
    ]
    return JSON({"items": items, "next": found["next"]})


@routes.get(
    "/filings/terms.ics", response_class=Response,
    **answering("look", "A calendar (iCalendar, RFC 5545).", ICS),
)  # fmt: skip
def as_calendar(by: ReadCaller, until: Until = None) -> Response:
    """Return the filing deadlines as a calendar, with an all-day event on each last day."""
    with by.reading() as connection:
        found = views.filing_terms(connection, _day(until))
    told = "".join(calendar(map(Entry.of, found), clock.now()))
    return Response(told, media_type=ICS, headers=ALONE)


@routes.get("/filings/fields", **operation("look", filing_documents.FilingFields))
def fields(by: ReadCaller) -> JSON:  # noqa: ARG001 - is let in
    """List the details of a filing in the order of the official form, with their choices."""
    found: filing_documents.FilingFields = {
        "items": [_field(field) for section in form.SECTIONS for field in section.fields],
        "server": [*map(_field, form.SERVER_FIELDS)],
        "document": [*map(_field, form.DOCUMENT_FIELDS)],
    }
    return JSON(found)


@routes.get("/filings/presets", **operation("look", filing_documents.FilingPresets))
def known_presets(by: ReadCaller) -> JSON:  # noqa: ARG001 - is let in
    """List the presets: details that all sites of one access provider or registrar share."""
    known = presets.known(settings.load().presets)
    items: list[filing_documents.FilingPreset] = [
        {"preset": name, "about": preset.about, "details": dict(preset.details)}
        for name, preset in sorted(known.items())
    ]
    return JSON({"items": items})


def today(by: Caller) -> date:
    """Today's date in the desk's own time zone, whatever time zone the caller uses."""
    return clock.now().astimezone(by.app.settings.zone).date()


def _filed(by: Caller, site: str) -> dict[str, str]:
    with by.reading() as connection:
        return views.filing_details(connection, inputs.site(site))


def _parted(details: Mapping[str, str | None]) -> dict[str, filing_documents.Filed]:
    """The details in the order of the form, with servers and documents split into parts."""
    return {
        key: json.loads(text) if text is not None and key.startswith((SERVER, DOCUMENT)) else text
        for key, text in sorted(details.items(), key=lambda each: form.sort_key(each[0]))
    }


def _field(field: form.Field) -> filing_documents.FilingField:
    choices: list[filing_documents.FilingChoice] = [
        {"code": each.code, "zh": each.zh, "en": each.en} for each in field.choices
    ]
    return {"key": field.key, "zh": field.zh, "en": field.en, "choices": choices}


def _day(until: date | None) -> str | None:
    return None if until is None else until.isoformat()
