"""The bulk actions: one action on many rows of a list, previewed first, then row by row its result.

The preview is the desk's own dry run. Each row is a command of its own: one that is refused stops
no other, and a form that is sent twice does nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console import messages, submission
from incidents.console.flash import Flash
from incidents.console.pages.sign_in import own
from incidents.console.submission import Submission, Submitted
from incidents.contract.action import Action
from incidents.contract.actions import ACTIONS
from incidents.contract.target import Target
from incidents.errors import InputError, RefusedError
from incidents.machine.commands import Command, HandOver
from incidents.values import inputs
from incidents.views import accounts

router = APIRouter()

MAX_ROWS = 100
"""The maximum number of rows of one bulk action; a page of each list has fewer."""


@dataclass(frozen=True, slots=True)
class BulkAction:
    """An action that lists offer for many rows; `read` turns a row's id into the target."""

    action: Action
    read: Callable[[str], Target]


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one row, or what it would be."""

    id: str
    flash: Flash


def _row(word: str) -> Action:
    """The row of the contract with that name."""
    return next(each for each in ACTIONS if each.word == word)


BULK: dict[str, BulkAction] = {
    "claim": BulkAction(_row("claim"), inputs.item),
    "release": BulkAction(_row("release"), inputs.item),
    "reported": BulkAction(_row("reported"), inputs.incident),
    "retry": BulkAction(_row("acts retry"), inputs.order),
    "carry-out": BulkAction(_row("acts release"), inputs.order),
    "cancel": BulkAction(_row("acts cancel"), inputs.order),
    "hand-over": BulkAction(_row("hand-over"), inputs.item),
}
"""The actions by the last part of their path."""
HAND_OVER = "hand-over"


class NothingChosenError(RefusedError):
    """no row chosen: choose at least one, then try again"""


class TooManyChosenError(RefusedError):
    """{given} rows chosen: choose at most {most}"""


class UnknownBulkActionError(RefusedError):
    """no such bulk action: {given!r}"""


@router.post("/bulk/{name}")
def preview(desk: Submitted, name: str) -> Response:
    """Show what the action would do to each row, and ask for its fields and a confirmation."""
    return _page(desk, name, done=False)


@router.post("/bulk/{name}/do")
def do(desk: Submitted, name: str) -> Response:
    """Do the action on each row, and show each result."""
    return _page(desk, name, done=True)


def _page(desk: Submission, name: str, *, done: bool) -> Response:
    back = own(desk.form.text("back") or "/")
    try:
        ids = _chosen(desk, name)
        if done:
            rows = _rows(desk, name, ids, dry_run=False)
        else:
            # What still has to be typed is unknown yet: then the rows alone are shown.
            rows = [] if _missing(desk, name) else _rows(desk, name, ids, dry_run=True)
    except (InputError, RefusedError) as error:
        return desk.back(back, messages.of_error(desk.reader, error))
    return desk.page(
        "queue/bulk", name=name, act_key=name.replace("-", "_"), ids=ids, rows=rows, done=done,
        asked=_asked(name), typed=desk.typed, opened=name, missing=_missing(desk, name),
        takers=_takers(desk) if name == HAND_OVER else [], to=desk.form.text("to"),
        place_back=back, new_key=token_urlsafe(12),
    )  # fmt: skip


def _takers(desk: Submission) -> list[str]:
    with desk.reading() as connection:
        return [each for each in accounts.who_may(connection, "claim_item") if each != desk.by]


def _chosen(desk: Submission, name: str) -> list[str]:
    if name not in BULK:
        raise UnknownBulkActionError(given=name[:40])
    ids = list(dict.fromkeys(each for each in desk.form.texts("row") if each.strip()))
    if not ids:
        raise NothingChosenError
    if len(ids) > MAX_ROWS:
        raise TooManyChosenError(given=len(ids), most=MAX_ROWS)
    return ids


def _asked(name: str) -> tuple[Any, ...]:
    """The fields that the person fills in once for all rows."""
    return () if name == HAND_OVER else BULK[name].action.asked


def _missing(desk: Submission, name: str) -> list[str]:
    needed = [each.name for each in _asked(name) if each.required]
    needed += ["to"] if name == HAND_OVER else []
    return [each for each in needed if desk.form.text(each) is None]


def _rows(desk: Submission, name: str, ids: list[str], *, dry_run: bool) -> list[Row]:
    bulk, rows = BULK[name], {}
    desk.authorise(bulk.action.name)
    envelopes = []
    for part, id_ in enumerate(ids):
        try:
            target = bulk.read(id_)
            command = _command(desk, name, target)
        except (InputError, RefusedError) as error:
            rows[id_] = messages.of_error(desk.reader, error)
            continue
        envelopes.append((id_, desk.envelope(target[0], command, None, part)))
    if not dry_run:
        desk.take_quota(len(envelopes))
    answers = desk.app.desk.submit([each for _, each in envelopes], dry_run=dry_run)
    for (id_, _), answer in zip(envelopes, answers, strict=True):
        rows[id_] = messages.of_answer(desk, answer)
    return [Row(id_, rows[id_]) for id_ in ids]


def _command(desk: Submission, name: str, target: Target) -> Command:
    if name == HAND_OVER:
        return HandOver(by=desk.by, to=desk.form.text("to") or "", item=str(target[1]))
    return submission.command_of_form(desk, BULK[name].action, target)
