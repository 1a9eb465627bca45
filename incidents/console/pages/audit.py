"""The audit page: the state of the log, the filtered record, its export, and its verification."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, TypedDict, get_args

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse

from incidents import clock
from incidents.audit import export
from incidents.audit.log import status as log_status
from incidents.audit.proof import proving, verification
from incidents.audit.proof.verdict import Verdict, VerifyOptions
from incidents.console import messages, rendering
from incidents.console.figures.quantities import span
from incidents.console.flash import Flash
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.submission import Submitted
from incidents.contract.documents.sites import Rule
from incidents.errors import InputError, RefusedError
from incidents.machine import events
from incidents.record import own_events
from incidents.record.account_events import SealedOpened
from incidents.store.cases import sites
from incidents.store.log import leaves
from incidents.values import inputs, typed_time
from incidents.views import record_entries

router = APIRouter()

PAGE = 100
MAX_FINDINGS = 100
"""The maximum number of findings shown of a verification; the rest are only counted."""
_MAX_PERSON = 100
_FORMATS: dict[str, tuple[str, Callable[..., Iterator[bytes]]]] = {
    "jsonl": ("application/x-ndjson", export.jsonl),
    "csv": ("text/csv; charset=utf-8", export.write_csv),
}
RULES: tuple[str, ...] = get_args(Rule)
KINDS = (*events.KINDS, *own_events.KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The filters as the reader typed them."""

    site: str = ""
    kind: str = ""
    rule: str = ""
    person: str = ""
    since: str = ""
    until: str = ""

    @property
    def query(self) -> str:
        """The filters as a query string, without empty fields."""
        return rendering.query({name: getattr(self, name) for name in self.__slots__})

    def read(self, here: RequestContext, connection: Connection) -> record_entries.EntryFilter:
        """Return the filter of entries; raises InputError or RefusedError for invalid input."""
        since, until = self._time("since", here), self._time("until", here)
        if since is not None and until is not None and since >= until:
            raise InputError(here.reader.say("audit.nothing_between"))
        site_id = None
        if self.site:
            site_id = int(sites.named(connection, inputs.site(self.site))["id"])
        return record_entries.EntryFilter(
            site_id=site_id, kind=self.kind or None, rule=self.rule or None,
            person=self.person or None, since=since, until=until,
        )  # fmt: skip

    def _time(self, limit: typed_time.Limit, here: RequestContext) -> datetime | None:
        text = getattr(self, limit)
        reader = here.reader
        return typed_time.read(text, reader.zone, reader.now, limit=limit) if text else None


@router.get("/audit")
def show(
    who: Viewer, *, site: str = "", kind: str = "", rule: str = "", person: str = "",
    since: str = "", until: str = "", after: str = "",
) -> Response:  # fmt: skip
    """Show the audit page."""
    asked = Asked(
        site=site.strip(), kind=kind if kind in KINDS else "",
        rule=rule if rule in RULES else "", person=person.strip()[:_MAX_PERSON],
        since=since.strip(), until=until.strip(),
    )  # fmt: skip
    found, wrong = record_entries.Page((), None, None), None
    opened: dict[str, str] = {}
    with who.timed() as (connection, here):
        status = log_status.progress(connection, here.reader.now)
        note = log_status.last_note(connection)
        try:
            wanted = asked.read(here, connection)
            # Whoever may export entries may read them in full.
            if here.identity.may("export"):
                found = record_entries.entries_page(
                    connection, wanted, after=_place(after), limit=PAGE
                )
                opened = record_entries.personal_texts(connection, _reasons(found))
        except (InputError, RefusedError) as error:
            wrong = messages.of_error(here.reader, error).words
    kinds = sorted(((kind, here.reader.word("event", kind)) for kind in KINDS), key=itemgetter(1))
    return here.page(
        "audit",
        status=422 if wrong else 200,
        asked=asked, kinds=kinds, rules=RULES, found=found, opened=opened, wrong=wrong,
        log=status, note=note,
        silent=log_status.silent_witnesses(
            status, log_status.load_settings(here.app.settings).witnesses
        ),
        next=_next(asked, found.after),
        **_verified(here),
    )  # fmt: skip


@router.get("/audit/export.{form}")
def download(here: Viewer, form: str, site: str = "", since: str = "", until: str = "") -> Response:
    """Download the entries of a site and a period, as `incidents audit export` writes them."""
    here.needs("export", about="record")
    if form not in _FORMATS:
        raise InputError(here.reader.say("audit.no_format"))
    asked = Asked(site=site.strip(), since=since.strip(), until=until.strip())
    with here.reading() as connection:
        wanted = asked.read(here, connection)
    selection = export.Selection(site_id=wanted.site_id, since=wanted.since, until=wanted.until)
    kind, write = _FORMATS[form]
    headers = {
        **rendering.HEADERS, "Content-Disposition": f'attachment; filename="entries.{form}"',
    }  # fmt: skip
    told = export.buffered(here.reading, selection, write)
    return StreamingResponse(told, media_type=kind, headers=headers)


@router.get("/audit/checkpoint")
def checkpoint(here: Viewer) -> Response:
    """Download the last checkpoint byte for byte, with witness signatures, to save elsewhere."""
    with here.reading() as connection:
        note = log_status.last_note(connection)
    if note is None:
        raise InputError(here.reader.say("audit.no_checkpoint"))
    headers = {**rendering.HEADERS, "Content-Disposition": 'attachment; filename="checkpoint.txt"'}
    return Response(note, media_type="text/plain; charset=utf-8", headers=headers)


@router.post("/audit/verify", dependencies=needs("export"))
def verify(desk: Submitted) -> Response:
    """Start to verify the live log; the page shows the progress and the verdict."""
    # Who may take the whole record away may have it proved: either reads all of it.
    desk.authorise("export")
    with desk.reading() as connection:
        size = leaves.head(connection).size
    app, proving = desk.app, desk.request.app.state.verifying
    begun = proving.begin(
        lambda done: app.views.run(
            lambda engine: verification.database(engine, VerifyOptions(), done=done)
        ),
        by=desk.by, of=size, clock=clock.now,
    )  # fmt: skip
    flash = None if begun else Flash("refused", desk.reader.say("verify.runs_already"))
    return desk.back("/audit#verify", flash)


@router.get("/audit/verdict")
def verdict(here: Viewer) -> Response:
    """Show the part of the page that changes while the verification runs."""
    return here.page("verdict", **_verified(here))


class _Verified(TypedDict):
    """The facts for the template that shows a verification."""

    last: proving.Proof[Verdict] | None
    took: str | None
    most: int
    percent: int


def _verified(here: RequestContext) -> _Verified:
    last: proving.Proof[Verdict] | None = here.request.app.state.verifying.last
    took, percent = None, 0
    if last is not None and last.ended is not None:
        took = span(here.reader, (last.ended - last.begun).total_seconds())
    if last is not None and last.of:
        percent = min(99, last.entries * 100 // last.of)
    return {"last": last, "took": took, "most": MAX_FINDINGS, "percent": percent}


def _reasons(found: record_entries.Page) -> list[str]:
    """The references of the reasons for which sealed files were opened."""
    documents: list[Any] = [each["entry"] for each in found.entries]
    return [each["data"]["text"] for each in documents if each["kind"] == SealedOpened.kind]


def _next(asked: Asked, after: record_entries.Place | None) -> str | None:
    if after is None:
        return None
    place = rendering.query({"after": f"{clock.rfc3339(after[0])}_{after[1]}"})
    return "/audit?" + "&".join(part for part in (asked.query, place) if part)


def _place(text: str) -> record_entries.Place | None:
    """Read the position at which a page continues; None if the text is not from a page."""
    at, _, id_ = text.partition("_")
    if not (id_.isascii() and id_.isdigit() and len(id_) < 19):
        return None
    try:
        return clock.read_rfc3339(at), int(id_)
    except ValueError:
        return None
