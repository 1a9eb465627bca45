"""Reporters over HTTP: how often each was right, and the standing that the desk has given them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from incidents.api import bodies
from incidents.api.authentication import ActionCaller, ReadCaller
from incidents.api.operation import JSON, operation, router
from incidents.contract.documents.reports import Reporter, ReporterList, Standing
from incidents.values import inputs
from incidents.views.inbox import reporters

routes = router("reports")

Named = Annotated[str, Path(max_length=254, description="A reporter's email address or name.")]


class Marked(bodies.Form):
    """The standing of a reporter, and why they have it."""

    standing: Standing
    reason: bodies.Text


@routes.get("/reporters", **operation("look", ReporterList))
def list_reporters(by: ReadCaller) -> JSON:
    """List the reporters who are trusted, muted or blocked, the last marked first."""
    with by.reading() as connection:
        return JSON({"items": reporters.with_standing(connection)})


@routes.get("/reporters/{reporter:path}", **operation("look", Reporter))
def show_reporter(by: ReadCaller, reporter: Named) -> JSON:
    """Show how often a reporter was right, and their standing."""
    with by.reading() as connection:
        return JSON(reporters.reporter(connection, inputs.reporter(reporter)))


@routes.post("/reporters/{reporter:path}", **operation("mark_reporter", Reporter, acting=True))
def mark_reporter(by: ActionCaller, reporter: Named, words: Marked) -> JSON:
    """Trust, mute or block a reporter, or end that; the reason goes on record.

    The reports of a trusted reporter come first in the list. A muted one gets no mail. The reports
    of a blocked one come last, no rule acts on them, and nobody answers them.
    """
    reason = inputs.text("reason")(words.reason)
    by.take_quota(1)
    found = by.app.reports.mark(
        inputs.reporter(reporter), words.standing, reason, by=by.by, login=by.identity.login,
        dry_run=by.dry_run,
    )  # fmt: skip
    return JSON(found)
