"""The pages of a site's filing: its details, gaps, findings and changes.

The page of the terms of all sites, with a calendar, is here too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.responses import Response

from incidents import views
from incidents.console import forms, messages, rendering, submission
from incidents.console.flash import Flash
from incidents.console.pages import filing_form, filing_view
from incidents.console.pages.filing_form import Changes, Filed, LabelTakenError, Touched
from incidents.console.pages.site import at as site_at
from incidents.console.pages.site import known
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.submission import Submission, Submitted, SubmittedWithFiles
from incidents.errors import InputError, RefusedError
from incidents.filing import form, presets
from incidents.filing.checks import NoFilingLibraryError
from incidents.machine.commands import ChangeFiling
from incidents.record import evidence

router = APIRouter()

Kind = Literal["server", "document"]
OF_FILE = ("digest", "size")
"""The parts of a document that come from the uploaded file and not from a field."""

TRIES = 5
"""How often a change is compared with the filing again if the site changes meanwhile."""


@router.get("/sites/{name}/filing")
def show(here: Viewer, name: str) -> Response:
    """Show the filing of a site."""
    return _page(here, known(name))


@router.post("/sites/{name}/filing/reveal", dependencies=needs("reveal"))
def reveal(desk: Submitted, name: str) -> Response:
    """Show all details in full; the reveal goes on record first."""
    kept = known(name)
    submission.reveal_on_record(desk, kept)
    with desk.reading() as connection:
        found = Filed.read(connection, kept)
    shown = filing_form.sections(found, desk.reader.language, reveal=True)
    return rendering.response("filing/filed_revealed", desk.reader, sections=shown)


@router.post("/sites/{name}/filing/details", dependencies=needs("change_filing"))
def change(desk: Submitted, name: str) -> Response:
    """Change details in one section of the form."""
    language = desk.reader.language

    def make() -> tuple[Touched, Callable[[Filed], Changes]]:
        touched = Touched.of(desk.form, filing_form.section_keys(desk.form))
        touched.check(language, {})
        return touched, lambda found: filing_form.details(touched, found, language)

    return _do(desk, name, make, opened=f"details-{desk.form.text('section')}")


@router.post("/sites/{name}/filing/preset", dependencies=needs("change_filing"))
def preset(desk: Submitted, name: str) -> Response:
    """Fill in the details that all sites of one provider share."""

    def make() -> tuple[Touched, Callable[[Filed], Changes]]:
        own, _ = filing_view.settings_of(desk.reader)
        found = presets.details(desk.form.text("preset") or "", own.presets)
        return Touched({}, {}), lambda _: found

    return _do(desk, name, make, opened="preset", sighted=True)


@router.post("/sites/{name}/filing/{kind}", dependencies=needs("change_filing"))
def item(desk: SubmittedWithFiles, name: str, kind: Kind) -> Response:
    """Add a server or a document, or change or remove one."""
    language = desk.reader.language
    label = "" if desk.form.text("new") else desk.form.text("label") or ""

    def make() -> tuple[Touched, Callable[[Filed], Changes]]:
        key = filing_form.item_key(desk.form, kind)
        if desk.form.text("remove"):
            return Touched({}, {}), lambda found: filing_form.taken_off(
                desk.form, key, found, language
            )
        keys = (each.key for each in form.PARTS[f"{kind}."] if each.key not in OF_FILE)
        touched = Touched.of(desk.form, keys)
        touched.check(language, filing_form.labels(kind, language))
        touched = _with_file(desk, touched, desk.form.file("file"))

        def changes(found: Filed) -> Changes:
            if desk.form.text("new") and key in found.plain:
                raise LabelTakenError(label=filing_view.detail_label(language, key))
            return filing_form.item(touched, key, found, language)

        return touched, changes

    return _do(desk, name, make, opened=f"{kind}-{label}")


def at(name: str) -> str:
    """The path of the site's filing page."""
    return f"{site_at(name)}/filing"


Make = Callable[[], tuple[Touched, Callable[[Filed], Changes]]]
"""A function that returns the edited fields, and a function that turns the current filing into
changes."""


def _do(desk: Submission, name: str, make: Make, *, opened: str, sighted: bool = False) -> Response:
    """Do the action and return to the page; show a refused form again."""
    kept = known(name)
    desk.authorise("change_filing", kept)
    if (answer := desk.answered()) is not None and answer.refusal is None:
        return desk.back(at(kept), messages.of_answer(desk, answer))
    touched = Touched({}, {})
    try:
        touched, changes = make()
        flash = _submit(desk, kept, changes, sighted=sighted)
    except (InputError, RefusedError) as error:
        flash = messages.of_error(desk.reader, error)
    except NoFilingLibraryError as error:
        why = desk.reader.say(
            "filing.no_library", name=error.facts["detail"], way_out=error.way_out
        )
        flash = Flash("refused", why)
    if flash.tone == "refused":
        return _page(desk, kept, flash=flash, opened=opened, touched=touched.changes)
    return desk.back(at(kept), flash)


def _submit(
    desk: Submission, name: str, changes: Callable[[Filed], Changes], *, sighted: bool
) -> Flash:
    """Submit the changes if the filing has not changed since they were compared with it.

    With `sighted`, the desk refuses the changes if the site has changed since the page was
    rendered.
    """
    for _ in range(TRIES):
        with desk.reading() as connection:
            found = Filed.read(connection, name)
        command = ChangeFiling(by=desk.by, details=tuple(sorted(changes(found).items())))
        answer = desk.submit(name, command, at=None if sighted else found.seq)
        moved = answer.refusal is not None and answer.refusal.name == "changed_meanwhile"
        if sighted or not moved:
            break
    return messages.of_answer(desk, answer, seen=desk.seen)


def _with_file(desk: Submission, touched: Touched, upload: UploadFile | None) -> Touched:
    """Add the digest and the size of the uploaded file; the file itself is not stored."""
    if upload is None:
        return touched
    with forms.on_disk(upload) as file:
        digest, size = evidence.measure(file, limit=desk.app.settings.evidence_limit)
    changes = {**touched.changes, "digest": digest, "size": str(size)}
    seen = {f"ref.{each}": touched.fields.get("ref", "") for each in OF_FILE}
    return Touched(changes, {**touched.fields, **seen})


def _page(
    who: RequestContext,
    name: str,
    *,
    flash: Flash | None = None,
    opened: str | None = None,
    touched: Changes | None = None,
) -> Response:
    with who.timed() as (connection, here):
        reader = here.reader
        site = views.site(connection, name, reader.now)
        found = Filed.read(connection, name)
        terms = views.filing(connection, name)["terms"]
    kept, sections = here.kept, filing_form.sections(found, reader.language)
    if kept.fields:
        shown = [name[4:] for name, _ in kept.fields if name[:4] in ("was.", "ref.")]
        opened, touched = kept.opened, Touched.of(kept, shown).changes
    return here.page(
        "filing/filing", status=409 if flash else 200, flash=flash, site=site,
        path=at(name), site_path=site_at(name),
        sections=sections, masks=filing_form.is_masked(sections), seq=found.seq, kept=found.kept,
        look=filing_view.summary(reader, found.details), terms=filing_view.terms(reader, terms),
        waits=filing_view.waits(reader, site["tasks"]), opened=opened, typed=here.typed,
        touched=touched or {}, changes=here.identity.may("change_filing"),
    )  # fmt: skip
