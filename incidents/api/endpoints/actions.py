"""The acts over HTTP: an endpoint for each one of the table, and a batch of up to 1,000 at once.

Each command of a batch is checked against what the caller may do, as if it had come alone; one that
is refused refuses itself alone. No batch does what a person does in person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Body, Depends, Path, Request
from fastapi_problem.error import Problem
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State

from incidents.api import bodies, problems
from incidents.api.caller import Caller, tag_of
from incidents.api.entrance import Keeping, actor, reporter
from incidents.api.operation import JSON, operation, router
from incidents.app import House
from incidents.contract import target
from incidents.contract.action import Action
from incidents.contract.actions import ACTIONS
from incidents.contract.documents import acts as act_answers
from incidents.contract.target import CONTACT, INCIDENT, ITEM, ORDER, SITE
from incidents.desk import Answer, Envelope, transaction
from incidents.desk.transaction import MAX_BATCH
from incidents.errors import DatabaseError, IncidentsError
from incidents.machine.commands import Log, RecordContact, Recur
from incidents.views import masked, on_record

Document = dict[str, Any]

_LOOKS = {
    SITE: "A site's name.",
    INCIDENT: "An incident's id, such as 12-3.",
    CONTACT: "A contact's id, such as 12-3-1.",
    ITEM: "An item of the queue, such as 12-3 or 12-t2.",
    ORDER: "An order's id, such as 12-o45 or 12-o45.notice.",
}

routes, batch_routes = router("acts"), router("batch")


def given(by: Caller, answer: Answer, status: int = 200) -> JSON:
    """The answer to an act that took effect, with the site's ETag."""
    [document] = act_documents(by.house, [answer])
    return _given(by, answer, document, status)


def act_documents(house: House, answers_: Sequence[Answer]) -> list[Document]:
    """The documents of acts that took effect, with one look for what people wrote.

    Nobody is shown a number or an address for having acted.
    """
    documents = [answer.document | {"repeated": answer.repeated} for answer in answers_]
    if refs := on_record.text_refs(documents):
        with house.glancing() as connection:
            texts = on_record.personal_texts(connection, refs)
        documents = on_record.texts_revealed(documents, texts)
    return [masked.document(document) for document in documents]


def _given(by: Caller, answer: Answer, document: Document, status: int) -> JSON:
    tag = None if by.dry_run else tag_of(answer)
    return JSON(document, status, headers=None if tag is None else {"ETag": tag})


async def _answered(by: Caller, envelope: Envelope, rounds: State) -> tuple[Answer, Document]:
    """What comes of it together with what comes at the same moment, and how it is told.

    Raises:
        Problem: as the desk refuses it.
    """
    answer: Answer | None = await rounds.at_the_desk.take(envelope)
    if answer is None:
        alone = by.house.gatherer.alone
        answer = await to_thread.run_sync(alone, envelope, limiter=rounds.alone)
    if answer.refusal is not None:
        raise problems.refused(answer, by.when)
    try:
        return answer, await rounds.told.take(answer)
    except DatabaseError:
        # It is on record: no look that others have shared may answer that it failed.
        [document] = await run_in_threadpool(act_documents, by.house, [answer])
        return answer, document


def _offer(act: Action) -> None:
    form, status, summary = bodies.body(act), act.status, act.summary or act.short
    to = Annotated[str, Path(max_length=300, description=_LOOKS[act.of])]

    async def endpoint(by: Caller, request: Request, **given_: Any) -> JSON:
        words = given_["words"] or form()
        site, command = bodies.command(act, by.by, given_[act.of], words)
        if by.dry_run or act.closes:
            # What needs a look of its own.
            confirm = getattr(words, "confirm", None)
            return await run_in_threadpool(
                lambda: given(by, by.act(site, command, confirm=confirm), status)
            )
        by.counts(1)
        answer, document = await _answered(by, by.envelope(site, command), request.app.state)
        return _given(by, answer, document, status)

    endpoint.__name__ = f"{act.operation or act.name}_of_{act.of}"
    endpoint.__doc__ = summary
    # A violation is not logged by a request that was sent by mistake.
    optional = act.command is not Log and not any(
        each.is_required() for each in form.model_fields.values()
    )
    body = Annotated[form | None if optional else form, Body()]  # type: ignore[valid-type]
    who = reporter if issubclass(act.command, Log | Recur) else actor
    named = Parameter.KEYWORD_ONLY
    endpoint.__signature__ = Signature([  # type: ignore[attr-defined]  # what FastAPI reads
        Parameter("by", named, annotation=Annotated[Caller, Depends(who)]),
        Parameter("request", named, annotation=Request),
        Parameter(act.of, named, annotation=to),
        Parameter("words", named, annotation=body, default=None if optional else Parameter.empty),
    ])  # fmt: skip
    routes.add_api_route(
        f"/{target.FOLDERS[act.of]}/{{{act.of}}}/{act.path}",
        endpoint,
        methods=["POST"],
        operation_id=endpoint.__name__,
        summary=summary,
        **operation(
            act.name, act_answers.Acted,
            status=status, acting=True, closing=act.closes, tagged=True,
        ),
    )  # fmt: skip


for _act in ACTIONS:
    if _act.path is not None:
        _offer(_act)


MAX_ADDRESSES, MAX_DETAILS, MAX_CHARACTERS = 1_000, 5_000, 100_000
"""So many addresses a batch names, so many details of filings it changes, and so many characters
its words have: each costs something of a command."""
_KNOWN: dict[tuple[str, str], Action] = {
    (name, act.of): act
    for act in ACTIONS
    if (name := act.batch or act.path) is not None and not act.in_person
}
TAKEN = sorted({name for name, _ in _KNOWN})


class Asked(bodies.Form):
    """One command: what to do, to what (a site's name, or an id), and with which words.

    `key`: the same command with the same key is done once.
    """

    do: Annotated[str, Field(max_length=20, json_schema_extra={"enum": TAKEN})]
    to: Annotated[str, Field(max_length=300)]
    words: dict[str, Any] = Field({})
    key: Annotated[str, Field(min_length=1, max_length=150)] | None = None


class Batch(bodies.Form):
    """Commands, which are done in their order."""

    commands: list[Asked] = Field(min_length=1, max_length=MAX_BATCH)


_Place = tuple[int, Envelope] | Problem
"""A command's place among the answers: on its way to the desk, with the status of what takes
effect, or refused before that."""


@batch_routes.post("/batch", **operation("log", act_answers.Results, acting=True, large=True))
def batch(by: Keeping, given: Batch) -> JSON:
    """Do up to 1,000 commands in one transaction, each with its own answer or problem.

    They name at most 1,000 addresses, 5,000 details of filings, and one call about all that is open
    on a site; their words have at most 100,000 characters.
    """
    # Also for the answer: what it is made of is gone when the collector looks.
    with transaction.rare_collection():
        return _answer_to_batch(by, given)


def _answer_to_batch(by: Caller, given: Batch) -> JSON:
    for name, most, called in (
        ("urls", MAX_ADDRESSES, "addresses"), ("details", MAX_DETAILS, "details"),
    ):  # fmt: skip
        listed = (each.words.get(name) for each in given.commands)
        if sum(len(each) for each in listed if isinstance(each, list | dict)) > most:
            raise _too_many(name, f"more than {most:,} {called}")
    words = (text for each in given.commands for text in each.words.values())
    if sum(len(text) for text in words if isinstance(text, str)) > MAX_CHARACTERS:
        raise _too_many("characters", f"more than {MAX_CHARACTERS:,} characters of words")
    by.counts(len(given.commands))
    places = [_place(by, n, asked) for n, asked in enumerate(given.commands)]
    sent = [place[1] for place in places if isinstance(place, tuple)]
    _insist_on_one_call(sent)
    answers = by.house.desk.submit(sent, dry_run=by.dry_run)
    told = iter(act_documents(by.house, [each for each in answers if each.refusal is None]))
    left = iter(answers)
    shown = [_document(by, place, left, told) for place in places]
    refused = sum(each["problem"] is not None for each in shown)
    return JSON({"items": shown, "done": len(shown) - refused, "refused": refused})


def _insist_on_one_call(sent: list[Envelope]) -> None:
    """A call about a site is an entry for each open incident: two in a batch could be a million."""
    called = [
        each.site
        for each in sent
        if isinstance(each.command, RecordContact) and each.command.incident is None
    ]
    if len(called) > len(set(called)):
        raise _too_many("calls", "two calls about all that is open on one site")


def _too_many(name: str, told: str) -> Problem:
    return problems.unprocessable(
        f"too_many_{name}", f"the commands have {told}: send several batches"
    )


def _place(by: Caller, n: int, asked: Asked) -> _Place:
    try:
        act, words = _read(asked)
        by.needs(act.name)
        site, command = bodies.command(act, by.by, asked.to, words)
    except (Problem, IncidentsError) as error:
        return error if isinstance(error, Problem) else problems.of_error(error)
    # Its own key, or its place under that of the whole request.
    key = f"{by.key}:{n}" if asked.key is None and by.key is not None else asked.key
    return act.status, by.envelope(site, command, key)


def _read(asked: Asked) -> tuple[Action, bodies.Form]:
    """Which act that is, by its name and the looks of what it is done to, and its words."""
    for what in target.KINDS:
        act = _KNOWN.get((asked.do, what))
        if act is not None and _looks_like(what, asked.to):
            try:
                return act, bodies.body(act).model_validate(asked.words)
            except ValidationError as error:
                raise problems.invalid(error.errors(include_url=False)) from error
    raise problems.unprocessable(
        "unfit_command", f"no such command of such a thing; there are {', '.join(TAKEN)}"
    )


def _looks_like(what: str, to: str) -> bool:
    try:
        target.read(what, to)
    except IncidentsError:
        # Of a site's name the desk says itself what is wrong with it.
        return what == SITE
    return True


def _document(
    by: Caller, place: _Place, answers: Iterator[Answer], told: Iterator[Document]
) -> Document:
    """What came of a command, by the desk's next answer if it came there."""
    if isinstance(place, tuple):
        answer = next(answers)
        if answer.refusal is None:
            return {"status": place[0], "answer": next(told), "problem": None}
        place = problems.refused(answer, by.when)
    problem = masked.document(place.marshal(uri=problems.TYPE))
    return {"status": place.status, "answer": None, "problem": problem}
