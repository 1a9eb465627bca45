"""The commands of the second person: approve or decline a request on a site."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from incidents.cli import options, params
from incidents.cli.lazy_group import verb
from incidents.cli.reauthentication import password_file_option
from incidents.cli.submission import Submission
from incidents.errors import RefusedError
from incidents.machine import commands as c

Request = Literal["reinstatement", "closure"]
_REQUESTS: tuple[Request, ...] = ("reinstatement", "closure")

Command = Callable[..., Any]


class TwoRequestedError(RefusedError):
    """A reinstatement and a closure of {site} wait for a second person: choose with --what"""


class NothingRequestedError(RefusedError):
    """nobody requested the reinstatement or the closure of {site}"""

    name = "no_request"


def _what_option(of: Command) -> Command:
    return click.option(
        "--what", type=click.Choice(_REQUESTS), help="Which request, if two are waiting."
    )(of)


@verb()
@params.site_argument
@_what_option
@params.confirm_option
@password_file_option
@options.action
def approve(
    submission: Submission,
    *,
    site: str,
    what: Request | None,
    confirm: str | None,
    password_file: Path | None,
) -> None:
    """Approve another person's request on SITE: to reinstate it, or to close it.

    To close a site, you must type its name, or give --confirm NAME. Where there are accounts, the
    command asks for your password, or takes --password-file.
    """
    if _requested(submission, site, what) == "closure":
        command = c.ConfirmClosure(by=submission.by)
        submission.close_site(site, command, confirm=confirm, password=password_file)
    else:
        submission.submit_in_person(site, c.Approve(by=submission.by), password_file)


@verb()
@params.site_argument
@_what_option
@click.option(
    "--reason", type=params.text("reason"), callback=params.refuse_placeholder, metavar="R",
    help="Reason, in your own words.",
)  # fmt: skip
@options.action
def decline(submission: Submission, *, site: str, what: Request | None, reason: str | None) -> None:
    """Decline another person's request on SITE: the site stays as it is.

    The person who requested a closure can withdraw the request this way.
    """
    if _requested(submission, site, what) == "closure":
        submission.submit(site, c.DeclineClosure(by=submission.by, reason=reason))
    else:
        submission.submit(site, c.Decline(by=submission.by, reason=reason))


def _requested(submission: Submission, site: str, what: Request | None) -> Request:
    """Return the kind of request that waits, or the kind that the person chose.

    Raises:
        UnknownSiteError: if there is no such site.
        TwoRequestedError: if two requests wait and the person chose none.
        NothingRequestedError: if none waits, unless a program reads the answer.
    """
    with submission.run.queries() as queries:
        found = queries.site(site)
    waits = [each for each in _REQUESTS if found[_FIELDS[each]] is not None]
    if what is None and len(waits) > 1:
        raise TwoRequestedError(site=found["site"])
    if what is None and not waits and not submission.run.for_programs:
        raise NothingRequestedError(site=found["site"])
    # Of one that does not wait the desk says so.
    return what or (waits or _REQUESTS)[0]


_FIELDS: dict[Request, Literal["reinstatement", "closure_request"]] = {
    "reinstatement": "reinstatement",
    "closure": "closure_request",
}
"""The key of each kind of request in the document of a site."""
