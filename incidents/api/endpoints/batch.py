"""The batch over HTTP: up to 1,000 commands in one request.

Each command is checked against the caller's permissions as if it had come alone, and a refusal
concerns that command alone. A batch accepts no action that a person must do in person.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, cast

from fastapi_problem.error import Problem
from pydantic import Field, ValidationError

from incidents.api import bodies, problems
from incidents.api.authentication import PermanentKeyCaller
from incidents.api.caller import Caller
from incidents.api.endpoints import actions
from incidents.api.operation import JSON, operation, router
from incidents.contract import target
from incidents.contract.action import Action
from incidents.contract.actions import ACTIONS
from incidents.contract.documents.actions import Acted, Result, Results
from incidents.contract.documents.actions import Problem as ProblemDocument
from incidents.contract.target import SITE
from incidents.desk import Answer, Envelope, transaction
from incidents.desk.transaction import MAX_BATCH
from incidents.errors import IncidentsError
from incidents.machine.commands import RecordContact
from incidents.values.json_object import JSONObject
from incidents.views import masked

MAX_ADDRESSES, MAX_DETAILS, MAX_CHARACTERS = 1_000, 5_000, 100_000
"""The most addresses, changed details of filings and characters of text in a batch: each has its
cost, as a command does."""
_KNOWN: dict[tuple[str, str], Action] = {
    (name, action.of): action
    for action in ACTIONS
    if (name := action.batch or action.path) is not None and not action.in_person
}
TAKEN = sorted({name for name, _ in _KNOWN})

routes = router("batch")


class Asked(bodies.Form):
    """A command: the action, its target (a site's name, or an ID), and its fields.

    `key`: a command that is repeated with the same key runs once.
    """

    do: Annotated[str, Field(max_length=20, json_schema_extra={"enum": TAKEN})]
    to: Annotated[str, Field(max_length=300)]
    words: JSONObject = Field({})
    key: Annotated[str, Field(min_length=1, max_length=150)] | None = None


class Batch(bodies.Form):
    """Commands, in the order in which they run."""

    commands: list[Asked] = Field(min_length=1, max_length=MAX_BATCH)


_Place = tuple[int, Envelope] | Problem
"""A command's place among the answers: its status on success and its envelope for the desk, or the
problem that refused it before."""


@routes.post("/batch", **operation("log", Results, acting=True, large=True))
def batch(by: PermanentKeyCaller, given: Batch) -> JSON:
    """Run up to 1,000 commands in one transaction, each with its own answer or problem.

    Together they can have up to 1,000 URLs, 5,000 filed details, 100,000 characters of text, and
    one call per site that covers all its open incidents.
    """
    # The garbage collector also waits for the answer, whose parts are freed before it looks.
    with transaction.infrequent_gc():
        return _answer_to_batch(by, given)


def _answer_to_batch(by: Caller, given: Batch) -> JSON:
    for name, most, called in (
        ("urls", MAX_ADDRESSES, "URLs"), ("details", MAX_DETAILS, "details"),
    ):  # fmt: skip
        listed = (each.words.get(name) for each in given.commands)
        if sum(len(each) for each in listed if isinstance(each, list | dict)) > most:
            raise _too_many(name, f"more than {most:,} {called}")
    words = (text for each in given.commands for text in each.words.values())
    if sum(len(text) for text in words if isinstance(text, str)) > MAX_CHARACTERS:
        raise _too_many("characters", f"more than {MAX_CHARACTERS:,} characters of text")
    by.take_quota(len(given.commands))
    places = [_place(by, n, asked) for n, asked in enumerate(given.commands)]
    sent = [place[1] for place in places if isinstance(place, tuple)]
    _insist_on_one_call(sent)
    answers = by.app.desk.submit(sent, dry_run=by.dry_run)
    documents = iter(
        actions.action_documents(by.app, [each for each in answers if each.refusal is None])
    )
    left = iter(answers)
    shown = [_document(by, place, left, documents) for place in places]
    refused = sum(each["problem"] is not None for each in shown)
    found: Results = {"items": shown, "done": len(shown) - refused, "refused": refused}
    return JSON(found)


def _insist_on_one_call(sent: list[Envelope]) -> None:
    """Allow one call about a site: it adds an entry for each open incident of the site."""
    called = [
        each.site
        for each in sent
        if isinstance(each.command, RecordContact) and each.command.incident is None
    ]
    if len(called) > len(set(called)):
        raise _too_many("calls", "two calls about everything open on one site")


def _too_many(name: str, most: str) -> Problem:
    return problems.unprocessable(
        f"too_many_{name}", f"the commands have {most}: send several batches"
    )


def _place(by: Caller, n: int, asked: Asked) -> _Place:
    try:
        action, words = _read(asked)
        by.needs(action.name)
        site, command = bodies.command(action, by.by, asked.to, words)
    except (Problem, IncidentsError) as error:
        return error if isinstance(error, Problem) else problems.of_error(error, by.identity)
    # Its own key, or the request's key with its place.
    key = f"{by.key}:{n}" if asked.key is None and by.key is not None else asked.key
    return action.status, by.envelope(site, command, key, asked.key or by.key)


def _read(asked: Asked) -> tuple[Action, bodies.Form]:
    """The action of a command, by its name and the form of its target, and its body."""
    for what in target.KINDS:
        action = _KNOWN.get((asked.do, what))
        if action is not None and _looks_like(what, asked.to):
            try:
                return action, bodies.body(action).model_validate(asked.words)
            except ValidationError as error:
                raise problems.invalid(error.errors(include_url=False)) from error
    raise problems.unprocessable(
        "unfit_command", f"unknown command or target: use {', '.join(TAKEN)}"
    )


def _looks_like(what: str, to: str) -> bool:
    try:
        target.read(what, to)
    except IncidentsError:
        # The desk itself reports the error in a site's name.
        return what == SITE
    return True


def _document(
    by: Caller, place: _Place, answers: Iterator[Answer], documents: Iterator[Acted]
) -> Result:
    """The result of a command: the desk's next answer, if the command reached the desk."""
    if isinstance(place, tuple):
        answer = next(answers)
        if answer.refusal is None:
            return {"status": place[0], "answer": next(documents), "problem": None}
        place = by.refused(answer)
    problem = masked.document(place.marshal(uri=problems.TYPE))
    return {
        "status": place.status, "answer": None,
        "problem": cast("ProblemDocument", problem),
    }  # fmt: skip
