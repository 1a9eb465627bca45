"""Forms: their input, within a limit, and the colleagues' claims to confirm first.

Only the console asks people to confirm a colleague's claim. The desk itself records a call or its
result despite a claim, because a call is a fact, whoever made it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import Request
from sqlalchemy import Connection
from starlette.datastructures import FormData, UploadFile

from incidents.api.operation import MAX_OPEN_BODY, counted, has_files
from incidents.errors import RefusedError
from incidents.machine.case import Claim
from incidents.store.cases import sites, work

if TYPE_CHECKING:
    from incidents.contract.documents import Facts

MAX_FORM_BYTES = 2**20
MAX_FIELDS = 200
"""The maximum number of fields of a form, with files or without."""

PASSWORD, SECOND_PASSWORD = "password", "second_password"
NEW_PASSWORD, SAME_PASSWORD = "new_password", "same_password"
TICKET, CODE, CREDENTIAL = "proof_ticket", "proof_code", "proof_credential"
"""The fields of the second step of a confirmation. The form that waits for it may have a `code`."""
_SECRET = (
    PASSWORD, SECOND_PASSWORD, NEW_PASSWORD, SAME_PASSWORD, TICKET, CODE, CREDENTIAL,
)  # fmt: skip
"""The fields whose content is never shown again after a submission."""


@contextmanager
def on_disk(upload: UploadFile) -> Iterator[Path]:
    """Open a temporary copy of the uploaded file."""
    with tempfile.NamedTemporaryFile(prefix="incidents-") as copy:
        shutil.copyfileobj(upload.file, copy)
        copy.flush()
        yield Path(copy.name)


class FormTooLargeError(Exception):
    """The form has more bytes than anybody types."""


class SentForm:
    """The content of a submitted form."""

    def __init__(self, form: FormData) -> None:
        self._form = form

    def text(self, name: str) -> str | None:
        """The text of the field without surrounding blanks; None if it is empty."""
        value = self._form.get(name)
        return (value.strip() or None) if isinstance(value, str) else None

    def password(self, name: str = PASSWORD) -> str | None:
        """The password as typed, including blanks; None if the form has no such field."""
        value = self._form.get(name)
        return value if isinstance(value, str) else None

    def file(self, name: str) -> UploadFile | None:
        """The file that was chosen in the field, if any."""
        value = self._form.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def files(self, name: str) -> list[UploadFile]:
        """The files that were chosen in the field."""
        found = self._form.getlist(name)
        return [value for value in found if isinstance(value, UploadFile) and value.filename]

    @property
    def has_files(self) -> bool:
        """Whether a file was chosen; if so, the person must choose it again after an error."""
        values = (value for _, value in self._form.multi_items())
        return any(isinstance(value, UploadFile) and value.filename for value in values)

    def texts(self, name: str) -> list[str]:
        """All texts under that field name."""
        return [value for value in self._form.getlist(name) if isinstance(value, str)]

    @property
    def fields(self) -> list[tuple[str, str]]:
        """All fields except passwords: the person's own, new ones, and that of a second person."""
        return [
            (name, value)
            for name, value in self._form.multi_items()
            if isinstance(value, str) and name not in _SECRET
        ]


async def sent_form(request: Request) -> AsyncIterator[SentForm]:
    """Yield the submitted form, without files; raises FormTooLargeError."""
    async with _form(request, MAX_FORM_BYTES) as form:
        yield SentForm(form)


async def form_with_files(request: Request) -> AsyncIterator[SentForm]:
    """Yield the submitted form, possibly with files; raises FormTooLargeError."""
    limit = MAX_FORM_BYTES
    if has_files(request):
        limit += request.app.state.app.settings.evidence_limit
    async with _form(request, limit) as form:
        yield SentForm(form)


async def anonymous_form(request: Request) -> AsyncIterator[SentForm]:
    """Yield a short form of a person who is not signed in yet; raises FormTooLargeError."""
    async with _form(request, MAX_OPEN_BODY) as form:
        yield SentForm(form)


@asynccontextmanager
async def _form(request: Request, limit: int) -> AsyncIterator[FormData]:
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()) or int(length) > limit:
        raise FormTooLargeError
    # A length may be accompanied by chunked encoding, and then the chunks count.
    bounded = counted(request, limit)
    if not has_files(request) and (await bounded.body()).count(b"&") >= MAX_FIELDS:
        # The parser bounds those of the other kind alone.
        raise FormTooLargeError
    async with bounded.form(max_files=20, max_fields=MAX_FIELDS) as form:
        yield form


DESPITE = "despite"
"""The field that names a colleague whose claim the sender has seen and wants to ignore."""

Is = Callable[[str, Claim], bool]
"""A test whether an action is about a given item of a site that has this claim."""


def only(item: str, until: datetime | None = None) -> Is:
    """Return a test that is true for only that item, if it was claimed by then."""
    return lambda held, claim: held == item and (until is None or claim.at <= until)


class ClaimedError(Exception):
    """Colleagues have claimed an item, and the sender of `form` has not confirmed each claim."""

    def __init__(self, form: SentForm, held: Iterable[Claim]) -> None:
        super().__init__()
        self.form, self.held = form, tuple(held)


def unconfirmed_claims(
    connection: Connection,
    site: str | int,
    about: Is,
    form: SentForm,
    by: str,
) -> list[Claim]:
    """List colleagues' claims on items that the form is `about`, the earliest first.

    The list is empty if the form confirms each holder. If an item has a new holder, the sender must
    confirm again.
    """
    ids = [site] if isinstance(site, int) else sites.ids_by_name(connection, [site]).values()
    held = {
        claim.by: claim
        for _, item, claim in work.claims_of_sites(connection, ids)
        if about(item, claim) and claim.by != by
    }
    known = held.keys() <= set(form.texts(DESPITE))
    return [] if known else sorted(held.values(), key=lambda claim: claim.at)


class SignedOutError(Exception):
    """Nobody is signed in."""


class NotAllowedError(Exception):
    """The person may not do the action; `why` is a `Denial`, or `csrf`."""

    def __init__(self, action: str, why: str) -> None:
        super().__init__(action, why)
        self.action, self.why = action, why


class ReauthenticationError(Exception):
    """A person must confirm their identity first; `wrong`: why their last attempt failed.

    `action`: the action that they are about to do; `site`: the site of the action, if any.
    """

    def __init__(
        self, form: SentForm, action: str, site: str | None = None, *,
        wrong: RefusedError | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.form, self.action, self.site, self.wrong = form, action, site, wrong


class QuotaExceededError(Exception):
    """The account did too many actions in a short time.

    `facts`: the facts of the TooManyActsError.
    """

    def __init__(self, form: SentForm, facts: Facts) -> None:
        super().__init__()
        self.form, self.facts = form, facts
