"""The act at the console: a form that somebody sent, what it asks for, and what they do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from incidents import clock
from incidents.accounts import secrets
from incidents.accounts.authenticator import Visit
from incidents.api import caller, entrance
from incidents.api.limits import TooManyActsError
from incidents.console import forms, request_context, writing
from incidents.console.forms import (
    BeyondQuotaError,
    Given,
    NotLetError,
    ProveAgainError,
    given,
    given_with_files,
)
from incidents.console.request_context import RequestContext, sitting
from incidents.console.writing import Reader, Said, told_next
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
"""The same form of the same page, sent again so soon, comes of a button that was pressed twice."""


@dataclass(frozen=True, slots=True)
class Acting(RequestContext):
    """Somebody who has sent a form of this console."""

    given: Given
    unproved: str | None = None
    """What was wrong with the password by which they would prove who they are."""

    def place(self, opened: str | None) -> str:
        """The page of the form that they have sent; what they sent is kept for it."""
        return request_context.keep_sent(self.request, self.by, self.given.fields, opened)

    @property
    def typed(self) -> dict[str, str]:
        """What they have sent."""
        return dict(self.given.fields)

    def proves(self, act: str, site: str | int | None = None) -> None:
        """See that they may do it now; of some acts a person proves again who they are.

        Raises:
            NotLetError: for what they may not do.
            ProveAgainError: for a page that asks for the password, and then sends the same again.
        """
        why = self.identity.denial(act, clock.now())
        if why == "prove_again" or (why is None and self.unproved is not None):
            name = None if site is None else caller.name_of_site(self.house, site)
            raise ProveAgainError(self.given, act, name, wrong=self.unproved)
        if why is not None:
            caller.refuse(self.house, self.identity, act, why, self.request.url.path[:100])
            raise NotLetError(act, why)

    def counts(self, acts: int = 1, *, part: int = 0) -> None:
        """Counts acts that this form is about to do: once, however often the desk is asked.

        Raises:
            BeyondQuotaError: if their account has done too many lately, and this was not done yet.
        """
        if getattr(self.request.state, "is_counted", False):
            return
        try:
            self.request.app.state.quota.take(self.identity, acts)
        except TooManyActsError as error:
            if self.answered(part) is None:
                raise BeyondQuotaError(self.given, error.facts) from error
        self.request.state.is_counted = True

    @property
    def seen(self) -> int | None:
        """Up to which entry the form's page has told of the site."""
        seen = self.given.text("seen")
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
        """Brings it to the desk; with `seen` it is refused if the site has moved on since, or since
        its entry `at`, with `unless_closing` if it closes the site.

        A form that is sent again is done once: by the key that its page gave it, however late, else
        for some seconds; what is `steady` is the same whatever the page has seen by then. `part`
        tells the commands of one form apart. Of a claim on an item that it is `about` is asked.

        Raises:
            NotLetError, ProveAgainError: see `proves`.
            HeldError: naming the colleagues of whose claims they were not asked.
            BeyondQuotaError: see `counts`.
        """
        self.proves(name_of(type(command)), site)
        if about is not None:
            with self.reading() as connection:
                held = forms.unasked(connection, site, about, self.given, self.by)
            if held and self.answered(part) is None:
                raise forms.HeldError(self.given, held)
        self.counts(part=part)
        order = self._envelope(site, command, None if steady else self.seen, part)
        seen_at = at if at is not None else self.seen if seen else None
        return self.house.batcher.submit(
            replace(order, seen=seen_at, unless_closing=unless_closing)
        )

    def hand_over(self, to: str, of: Collection[int]) -> list[Answer]:
        """Gives what they hold on those sites to somebody else.

        Raises:
            NotLetError, ProveAgainError: see `proves`; then nothing is done.
            BeyondQuotaError: see `counts`.
        """
        self.proves(name_of(HandOver))
        self.counts()
        order = self._envelope(0, HandOver(by=self.by, to=to), None)
        # Without a key of its page it is looked up anew what they hold: nothing is given twice.
        return self.house.hand_over(replace(order, key=self.key(), key_for=None), of=of)

    def _envelope(
        self, site: str | int, command: Command, seen: int | None, part: int = 0
    ) -> Envelope:
        # Nobody can guess from it what was written, without the session's secret.
        own = secrets.form_token(self.visit.cookie, repr((site, command, seen)))
        given = self.key(part)
        return Envelope(
            site=site, command=command, login=self.identity.login,
            signed_in=self.identity.proved_at is not None,
            key=given or f"{self.by}:console:{own}", given_key=self.given.text("key"),
            key_for=None if given else TWICE_FOR,
        )  # fmt: skip

    def key(self, part: int = 0) -> str | None:
        """What the form's page calls this act, each time that it sends it."""
        given = self.given.text("key")
        return given and f"{self.by}:console:{given[:100]}" + (f":p{part}" if part else "")

    def answered(self, part: int = 0) -> Answer | None:
        """The answer that it has had already; for what looks at more than the desk does."""
        key = self.key(part)
        if key is None:
            return None
        with self.reading() as connection:
            kept = desk_state.answers_kept(connection, [key])
        return from_json(kept[key].answer) if kept else None

    def back(self, to: str, said: Said | None = None) -> Response:
        """Sends them to that page of this console, where it stands what the act has come to.

        An open page that has sent it tells it too, and goes there by itself.
        """
        if "HX-Request" not in self.request.headers:
            return told_next(RedirectResponse(to, status_code=303, headers=writing.HEADERS), said)
        there = {"HX-Redirect": to}
        return told_next(writing.response("aloud", self.reader, headers=there, said=said), said)


def acting(
    request: Request,
    here: Annotated[RequestContext, Depends(sitting)],
    form: Annotated[Given, Depends(given)],
) -> Acting:
    """Who sends a form, made by this console for them.

    Raises:
        NotLetError: for one that was made elsewhere.
    """
    word = form.text("csrf") or request.headers.get(entrance.CSRF_HEADER)
    if not entrance.is_own_form(here.visit, word):
        caller.refuse(here.house, here.identity, "form", "csrf", None)
        raise NotLetError("form", "csrf")
    visit, wrong = _proved(here, form)
    with here.timed() as (_, timed):
        # What the desk answers counts by the clock that its pages count by.
        reader = timed.reader
    return Acting(request, here.house, here.door, visit, reader, here.version, form, wrong)


def sending(
    request: Request,
    here: Annotated[RequestContext, Depends(sitting)],
    form: Annotated[Given, Depends(given_with_files)],
) -> Acting:
    """The same, where files may come with the form."""
    return acting(request, here, form)


def _proved(here: RequestContext, form: Given) -> tuple[Visit, str | None]:
    """The visit, with a password in the form one that has just been proved; else what is wrong."""
    password = form.password()
    if password is None or form.text("proves") is None:
        return here.visit, None
    try:
        return here.door.prove(here.visit, password, caller.address_of(here.request)), None
    except RefusedError as error:
        # Told by the act that it was to prove, which nobody knows here: see `Acting.proves`.
        return here.visit, error.name


Doing = Annotated[Acting, Depends(acting)]
Sending = Annotated[Acting, Depends(sending)]


def optional_text(
    given: Given, name: str, *, limit: int = inputs.MAX_TEXT_CHARACTERS
) -> str | None:
    """What was typed there; None if nothing was.

    Raises:
        BadTextError, TextTooLongError: see `values.inputs.text`.
    """
    found = given.text(name)
    return None if found is None else inputs.text(name, limit=limit)(found)


def time_typed(
    given: Given, name: str, reader: Reader, *, required: bool = False
) -> datetime | None:
    """The time that was typed there, in the reader's zone; None if it was left out.

    Raises:
        InputError, FutureError: as `typed_time.read` does.
    """
    found = given.text(name) or ""
    if not found and not required:
        return None
    try:
        return typed_time.read(found, reader.zone, reader.now)
    except InputError as error:
        spoken = reader.spoken
        if "refused.bad_time" not in spoken.phrases:
            raise
        raise InputError(spoken.say("refused.bad_time", given=found[:80])) from error


def command_asked(desk: Acting, action: Action, of: Target) -> Command:
    """The act's command on that target, with the fields of the form; raises as they do."""
    given = {each.name: _field(desk, each) for each in action.asked}
    named = target.fields(action.command, of)
    return action.command(by=desk.by, **action.fixed, **named, **given)


def _field(desk: Acting, field: Field) -> Any:
    if field.is_time:
        return time_typed(desk.given, field.name, desk.reader, required=field.required)
    typed = desk.given.text(field.name)
    if field.type is bool:
        return typed is not None
    if isinstance(field.fact, Words):
        is_left_out = typed is None and not field.required
        return None if is_left_out else inputs.text(field.name, limit=field.fact.limit)(typed or "")
    return typed or ("" if field.required else field.default)


def reveal_on_record(desk: Acting, about: str) -> None:
    """See that they may be shown numbers and addresses in full, and put it on record before.

    Raises:
        NotLetError: if they may not.
    """
    desk.proves("reveal")
    caller.record_reveal(desk.house, desk.identity, about)
