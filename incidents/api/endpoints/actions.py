"""The actions over HTTP: an endpoint for each action of the table that has a path."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any, cast

from anyio import to_thread
from fastapi import Body, Depends, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State

from incidents.api import bodies
from incidents.api.caller import Caller, tag_of
from incidents.api.entrance import act_caller, log_caller
from incidents.api.operation import JSON, operation, router
from incidents.app import App
from incidents.contract import target
from incidents.contract.action import Action
from incidents.contract.actions import ACTIONS
from incidents.contract.documents.acts import Acted
from incidents.contract.target import CONTACT, INCIDENT, ITEM, ORDER, SITE
from incidents.desk import Answer, Envelope
from incidents.errors import DatabaseError
from incidents.machine.commands import Log, Recur
from incidents.views import masked, on_record

_LOOKS = {
    SITE: "A site's name.",
    INCIDENT: "An incident's id, such as 12-3.",
    CONTACT: "A contact's id, such as 12-3-1.",
    ITEM: "A queue item, such as 12-3 or 12-t2.",
    ORDER: "An order's id, such as 12-o45 or 12-o45.notice.",
}

routes = router("acts")


def given(by: Caller, answer: Answer, status: int = 200) -> JSON:
    """The response to an action that took effect, with the site's ETag."""
    [document] = act_documents(by.app, [answer])
    return _given(by, answer, document, status)


def act_documents(app: App, answers_: Sequence[Answer]) -> list[Acted]:
    """The documents of actions that took effect; one query fetches people's text.

    Phone numbers and addresses stay masked.
    """
    # An event of theirs has the fields of its kind as well.
    documents = [
        cast("Acted", answer.document | {"repeated": answer.repeated}) for answer in answers_
    ]
    if refs := on_record.text_refs(documents):
        with app.single_query() as connection:
            texts = on_record.personal_texts(connection, refs)
        documents = on_record.texts_revealed(documents, texts)
    return [masked.document(document) for document in documents]


def _given(by: Caller, answer: Answer, document: Acted, status: int) -> JSON:
    tag = None if by.dry_run else tag_of(answer)
    return JSON(document, status, headers=None if tag is None else {"ETag": tag})


async def _answered(by: Caller, envelope: Envelope, batches: State) -> tuple[Answer, Acted]:
    """The desk's answer to an action, processed with others of the same moment, and its document.

    Raises:
        Problem: the desk's refusal.
    """
    answer: Answer | None = await batches.command_batch.take(envelope)
    if answer is None:
        alone = by.app.batcher.submit_alone
        answer = await to_thread.run_sync(alone, envelope, limiter=batches.exclusive)
    if answer.refusal is not None:
        raise by.refused(answer)
    try:
        return answer, await batches.document_batch.take(answer)
    except DatabaseError:
        # The act is on record: a shared read that failed must not say that the act did.
        [document] = await run_in_threadpool(act_documents, by.app, [answer])
        return answer, document


def _offer(act: Action) -> None:
    form, status, summary = bodies.body(act), act.status, act.summary or act.short
    to = Annotated[str, Path(max_length=300, description=_LOOKS[act.of])]

    async def endpoint(by: Caller, request: Request, **given_: Any) -> JSON:
        words = given_["words"] or form()
        site, command = bodies.command(act, by.by, given_[act.of], words)
        if by.dry_run or act.closes:
            # A dry run or a confirmation reads the site on its own.
            confirm = getattr(words, "confirm", None)
            return await run_in_threadpool(
                lambda: given(by, by.act(site, command, confirm=confirm), status)
            )
        by.counts(1)
        answer, document = await _answered(by, by.envelope(site, command), request.app.state)
        return _given(by, answer, document, status)

    endpoint.__name__ = f"{act.operation or act.name}_of_{act.of}"
    endpoint.__doc__ = summary
    # An empty request must not log a violation.
    optional = act.command is not Log and not any(
        each.is_required() for each in form.model_fields.values()
    )
    body = Annotated[form | None if optional else form, Body()]  # type: ignore[valid-type]
    who = log_caller if issubclass(act.command, Log | Recur) else act_caller
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
            act.name, Acted,
            status=status, acting=True, closing=act.closes, tagged=True,
        ),
    )  # fmt: skip


for _act in ACTIONS:
    if _act.path is not None:
        _offer(_act)
