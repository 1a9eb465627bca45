"""The submission of a form: the form, its command, and the desk's answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from incidents import clock
from incidents.accounts import secrets, security_keys
from incidents.accounts.credentials import Visit
from incidents.accounts.second_factor import FactorNeededError
from incidents.api import authentication, caller
from incidents.api.limits import TooManyActsError
from incidents.console import forms, kept_form, rendering
from incidents.console.flash import Flash, set_flash
from incidents.console.forms import (
    NotAllowedError,
    QuotaExceededError,
    ReauthenticationError,
    SentForm,
    form_with_files,
    sent_form,
)
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext, signed_in_context
from incidents.contract import target
from incidents.contract.action import Action, Field, name_of
from incidents.contract.target import Target
from incidents.desk import Answer, Envelope
from incidents.desk.envelope import from_json
from incidents.errors import InputError, RefusedError
from incidents.machine.command import Words
from incidents.machine.commands import Command, HandOver
from incidents.store import desk_state
from incidents.values import inputs, typed_time

TWICE_FOR = timedelta(seconds=10)
"""The time in which the same form, sent again from the same page, counts as a double click."""


@dataclass(frozen=True, slots=True)
class Submission(RequestContext):
    """The submission of a form of this console by a signed-in person."""

    form: SentForm
    unproved: RefusedError | None = None
    """The error if the person has not confirmed their identity, though they tried to."""
    has_proved: bool = False
    """Whether this form itself has confirmed their identity, however fresh an earlier proof is."""

    def place(self, opened: str | None) -> str:
        """The path of the form's page, for which the input is kept."""
        return kept_form.keep_sent(self.request, self.by, self.form.fields, opened)

    @property
    def typed(self) -> dict[str, str]:
        """The input in the form, by field name."""
        return dict(self.form.fields)

    def authorise(self, action: str, site: str | int | None = None) -> None:
        """Check that the person may do the action now; some need a recent confirmation.

        Raises:
            NotAllowedError: if the person may not do the action.
            ReauthenticationError: if the person must confirm their identity first; a page then asks
                for it and resubmits the form.
        """
        why = self.identity.denial(action, clock.machine_now())
        if why == "prove_again" or (why is None and self.unproved is not None):
            name = None if site is None else caller.name_of_site(self.app, site)
            raise ReauthenticationError(self.form, action, name, wrong=self.unproved)
        if why is not None:
            caller.refuse(self.app, self.identity, action, why, self.request.url.path[:100])
            raise NotAllowedError(action, why)

    def take_quota(self, actions: int = 1, *, part: int = 0) -> None:
        """Take the form's actions from the account's quota, only once per request.

        Raises:
            QuotaExceededError: if the quota is used up, and the form is not a repeated one.
        """
        if getattr(self.request.state, "is_counted", False):
            return
        try:
            self.request.app.state.quota.take(self.identity, actions)
        except TooManyActsError as error:
            if self.answered(part) is None:
                raise QuotaExceededError(self.form, error.facts) from error
        self.request.state.is_counted = True

    @property
    def seen(self) -> int | None:
        """The number of the site's last entry that the person saw on the form's page."""
        seen = self.form.text("seen")
        return int(seen) if seen and seen.isascii() and seen.isdigit() and len(seen) < 19 else None

    def submit(
        self,
        site: str | int,
        command: Command,
        *,
        seen: bool = True,
        at: int | None = None,
        steady: bool = False,
        part: int = 0,
        about: forms.Is | None = None,
        unless_closing: bool = False,
    ) -> Answer:
        """Submit the command to the desk.

        With `seen`, the desk refuses the command if the site has changed since the form's page was
        rendered, or since the site's entry `at`. With `unless_closing`, the desk refuses a command
        that closes the site.

        A form that is sent twice runs once. If the page gave a key, this always holds; otherwise,
        for a few seconds. A `steady` form counts as the same even if its page has shown later
        entries in between. `part` distinguishes the commands of one form. The person must confirm a
        colleague's claim on an item that the command is `about`.

        Raises:
            NotAllowedError, ReauthenticationError: see `authorise`.
            ClaimedError: with the claims that the person has not confirmed.
            QuotaExceededError: see `take_quota`.
        """
        self.authorise(name_of(type(command)), site)
        if about is not None:
            with self.reading() as connection:
                held = forms.unconfirmed_claims(connection, site, about, self.form, self.by)
            if held and self.answered(part) is None:
                raise forms.ClaimedError(self.form, held)
        self.take_quota(part=part)
        envelope = self.envelope(site, command, None if steady else self.seen, part)
        seen_at = at if at is not None else self.seen if seen else None
        return self.app.group_commit.submit(
            replace(envelope, seen=seen_at, unless_closing=unless_closing)
        )

    def hand_over(self, to: str, of: Collection[int]) -> list[Answer]:
        """Hand over the person's items on those sites to another person.

        Raises:
            NotAllowedError, ReauthenticationError: as in `authorise`; nothing is changed.
            QuotaExceededError: see `take_quota`.
        """
        self.authorise(name_of(HandOver))
        self.take_quota()
        envelope = self.envelope(0, HandOver(by=self.by, to=to), None)
        # Without a key from its page, the held items are looked up again: none is given twice.
        return self.app.hand_over(replace(envelope, key=self.key(), key_for=None), of=of)

    def envelope(
        self, site: str | int, command: Command, seen: int | None, part: int = 0
    ) -> Envelope:
        """The envelope of one of the form's commands, with its idempotency key."""
        # Without the session's secret, nobody can guess the text from it.
        own = secrets.form_token(self.visit.cookie, repr((site, command, seen)))
        given = self.key(part)
        return Envelope(
            site=site, command=command, login=self.identity.login,
            signed_in=self.identity.proved_at is not None,
            key=given or f"{self.by}:console:{own}", given_key=self.form.text("key"),
            key_for=None if given else TWICE_FOR,
        )  # fmt: skip

    def key(self, part: int = 0) -> str | None:
        """The idempotency key that the form's page gave to this action."""
        given = self.form.text("key")
        return given and f"{self.by}:console:{given[:100]}" + (f":p{part}" if part else "")

    def answered(self, part: int = 0) -> Answer | None:
        """Return the answer to the same form, if it was sent before."""
        key = self.key(part)
        if key is None:
            return None
        with self.reading() as connection:
            kept = desk_state.answers_kept(connection, [key])
        # Without its answer, a key is left to the desk, which refuses it.
        return from_json(kept[key].answer) if kept and kept[key].answer else None

    def back(self, to: str, flash: Flash | None = None) -> Response:
        """Redirect to a page of this console, which shows the result.

        If an open page sent the form by fetch, it shows the result too, and goes there by script.
        """
        if "HX-Request" not in self.request.headers:
            return set_flash(
                RedirectResponse(to, status_code=303, headers=rendering.HEADERS), flash
            )
        there = {"HX-Redirect": to}
        return set_flash(
            rendering.response("flash_only", self.reader, headers=there, flash=flash), flash
        )


def submission(
    request: Request,
    here: Annotated[RequestContext, Depends(signed_in_context)],
    form: Annotated[SentForm, Depends(sent_form)],
) -> Submission:
    """Return the submission, after checking the form's CSRF token and a confirmation, if any.

    Raises:
        NotAllowedError: for a form that was made elsewhere.
    """
    word = form.text("csrf") or request.headers.get(authentication.CSRF_HEADER)
    if not authentication.is_own_form(here.visit, word):
        caller.refuse(here.app, here.identity, "form", "csrf", None)
        raise NotAllowedError("form", "csrf")
    visit, wrong = _proved(here, form)
    has_proved = wrong is None and _gives_proof(form)
    with here.timed() as (_, timed):
        # What the desk answers counts by the clock that its pages count by.
        reader = timed.reader
    return Submission(
        request, here.app, here.authenticator, visit, reader, here.version, form, wrong, has_proved
    )


def submission_with_files(
    request: Request,
    here: Annotated[RequestContext, Depends(signed_in_context)],
    form: Annotated[SentForm, Depends(form_with_files)],
) -> Submission:
    """Return the submission of a form that can have files."""
    return submission(request, here, form)


def _proved(here: RequestContext, form: SentForm) -> tuple[Visit, RefusedError | None]:
    """Confirm the person's identity by what the form proves, if anything.

    Return the visit, renewed if the identity is confirmed, and otherwise the error.
    """
    address = caller.address_of(here.request)
    ticket = form.password(forms.TICKET)
    if not _gives_proof(form):
        return here.visit, None
    try:
        if ticket is not None:
            given = security_keys.Answer(form.text(forms.CODE), form.text(forms.CREDENTIAL))
            return here.authenticator.finish_proof(here.visit, ticket, given, address), None
        return here.authenticator.reauthenticate(here.visit, form.password() or "", address), None
    except RefusedError as error:
        if isinstance(error, FactorNeededError) and here.identity.is_proved(clock.machine_now()):
            # The password is right, and the second factor was given a moment ago.
            return here.visit, None
        # The action is not known here: `Submission.authorise` reports the error.
        return here.visit, error


def _gives_proof(form: SentForm) -> bool:
    """Whether the form has a password, or a second factor, that proves who sends it."""
    has_any = form.password() is not None or form.password(forms.TICKET) is not None
    return has_any and form.text("proves") is not None


Submitted = Annotated[Submission, Depends(submission)]
SubmittedWithFiles = Annotated[Submission, Depends(submission_with_files)]


def optional_text(
    form: SentForm, name: str, *, limit: int = inputs.MAX_TEXT_CHARACTERS
) -> str | None:
    """Return the text in the field; None if the field is empty.

    Raises:
        BadTextError, TextTooLongError: see `values.inputs.text`.
    """
    found = form.text(name)
    return None if found is None else inputs.text(name, limit=limit)(found)


def time_field(
    form: SentForm, name: str, reader: Reader, *, required: bool = False
) -> datetime | None:
    """Return the time in the field, read in the reader's time zone; None if it is empty.

    Raises:
        InputError, FutureError: as for `typed_time.read`.
    """
    found = form.text(name) or ""
    if not found and not required:
        return None
    try:
        return typed_time.read(found, reader.zone, reader.now)
    except InputError as error:
        spoken = reader.spoken
        if "refused.bad_time" not in spoken.phrases:
            raise
        raise InputError(spoken.say("refused.bad_time", given=found[:80])) from error


def command_of_form(desk: Submission, action: Action, of: Target) -> Command:
    """Return the command on that target with the form's fields; raises the fields' errors."""
    given = {each.name: _field(desk, each) for each in action.asked}
    named = target.fields(action.command, of)
    return action.command(by=desk.by, **action.fixed, **named, **given)


def _field(desk: Submission, field: Field) -> Any:
    if field.is_time:
        return time_field(desk.form, field.name, desk.reader, required=field.required)
    typed = desk.form.text(field.name)
    if field.type is bool:
        return typed is not None
    if isinstance(field.fact, Words):
        is_left_out = typed is None and not field.required
        if is_left_out:
            return None
        fact = field.fact
        return inputs.text(field.name, limit=fact.limit, is_half_width=fact.is_half_width)(
            typed or ""
        )
    return typed or ("" if field.required else field.default)


def reveal_on_record(desk: Submission, about: str) -> None:
    """Check that the person may see personal data in full, and record the reveal first.

    Raises:
        NotAllowedError: if the person may not see personal data in full.
    """
    desk.authorise("reveal")
    caller.record_reveal(desk.app, desk.identity, about)
