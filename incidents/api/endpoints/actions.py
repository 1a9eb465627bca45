"""The actions over HTTP, with one endpoint for each action in the table that has a path."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any, cast

from anyio import to_thread
from fastapi import Body, Depends, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from incidents.api import bodies, plain_request
from incidents.api.authentication import action_caller, log_caller
from incidents.api.caller import Caller, tag_of
from incidents.api.operation import JSON, GuardedRoute, operation, router
from incidents.app import App
from incidents.contract import target
from incidents.contract.action import Action
from incidents.contract.actions import ACTIONS
from incidents.contract.documents.actions import Acted
from incidents.contract.target import CONTACT, INCIDENT, ITEM, ORDER, SITE
from incidents.desk import Answer, Envelope
from incidents.errors import DatabaseError
from incidents.machine.commands import Log, Recur
from incidents.views import masked, record_entries

_LOOKS = {
    SITE: "A site's name.",
    INCIDENT: "An incident's id, such as 12-3.",
    CONTACT: "A contact's id, such as 12-3-1.",
    ITEM: "A queue item, such as 12-3 or 12-t2.",
    ORDER: "An order's id, such as 12-o45 or 12-o45.notice.",
}

_FEW = 10
"""The maximum number of events whose document is made at once, and not in a thread."""


class ActionRoute(GuardedRoute):
    """A route of an action, which is decided together with others of the same moment."""

    async def answer_plain(self, request: Request) -> Response | None:
        """Answer a `plain_request`."""
        given = await plain_request.read(request, self.endpoint.form)  # type: ignore[attr-defined]
        return None if given is None else await self.endpoint(**given)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce the action to the others of its moment."""
        with scope["app"].state.command_batch.coming() as coming:
            scope.setdefault("state", {})["coming"] = coming
            await super().handle(scope, receive, send)


routes = router("acts", ActionRoute)


def given(by: Caller, answer: Answer, status: int = 200) -> JSON:
    """The response to an action that took effect, with the site's ETag."""
    [document] = action_documents(by.app, [answer])
    return _given(by, answer, document, status)


def action_documents(app: App, answers_: Sequence[Answer]) -> list[Acted]:
    """Return the documents of actions that took effect; one query fetches people's older text.

    Phone numbers and addresses stay masked.
    """
    # An event of theirs has the fields of its kind as well.
    documents = [
        cast("Acted", answer.document | {"repeated": answer.repeated}) for answer in answers_
    ]
    if refs := {*record_entries.text_refs(documents)}:
        texts = {ref: text for answer in answers_ for ref, text in answer.texts.items()}
        if older := refs - texts.keys():
            with app.single_query() as connection:
                texts |= record_entries.personal_texts(connection, older)
        documents = record_entries.texts_revealed(documents, texts)
    return [masked.document(document) for document in documents]


def _is_known(answer: Answer) -> bool:
    """Whether the document has no text that must be read."""
    return answer.texts.keys() >= {*record_entries.text_refs(answer.document)}


def _given(by: Caller, answer: Answer, document: Acted, status: int) -> JSON:
    tag = None if by.dry_run else tag_of(answer)
    return JSON(document, status, headers=None if tag is None else {"ETag": tag})


async def _answered(by: Caller, envelope: Envelope, request: Request) -> tuple[Answer, Acted]:
    """Return the desk's answer to an action, and its document.

    The action is processed in one batch with others of the same moment.

    Raises:
        Problem: the desk's refusal.
    """
    batches = request.app.state
    answer: Answer | None = await batches.command_batch.take(envelope)
    if answer is None:
        alone = by.app.group_commit.submit_alone
        answer = await to_thread.run_sync(alone, envelope, limiter=batches.exclusive)
    if answer.refusal is not None:
        raise by.refused(answer)
    if len(answer.events) <= _FEW and _is_known(answer):
        [document] = action_documents(by.app, [answer])
        return answer, document
    try:
        return answer, await batches.document_batch.take(answer)
    except DatabaseError:
        # The action is on record: a shared read that failed must not say that the action did.
        [document] = await run_in_threadpool(action_documents, by.app, [answer])
        return answer, document


def _offer(action: Action) -> None:
    form, status, summary = bodies.body(action), action.status, action.summary or action.short
    to = Annotated[str, Path(max_length=plain_request.MAX_TARGET, description=_LOOKS[action.of])]

    async def endpoint(by: Caller, request: Request, **given_: Any) -> JSON:
        request.state.coming.arrived()
        words = given_["words"] or form()
        site, command = bodies.command(action, by.by, given_[action.of], words)
        if by.dry_run or action.closes:
            # A dry run or a confirmation reads the site on its own.
            confirm = getattr(words, "confirm", None)
            return await run_in_threadpool(
                lambda: given(by, by.submit(site, command, confirm=confirm), status)
            )
        by.take_quota(1)
        answer, document = await _answered(by, by.envelope(site, command), request)
        return _given(by, answer, document, status)

    endpoint.__name__ = f"{action.operation or action.name}_of_{action.of}"
    endpoint.__doc__ = summary
    endpoint.form = form  # type: ignore[attr-defined]  # what `ActionRoute` reads
    # An empty request must not log a violation.
    optional = action.command is not Log and not any(
        each.is_required() for each in form.model_fields.values()
    )
    body = Annotated[form | None if optional else form, Body()]  # type: ignore[valid-type]
    who = log_caller if issubclass(action.command, Log | Recur) else action_caller
    named = Parameter.KEYWORD_ONLY
    endpoint.__signature__ = Signature([  # type: ignore[attr-defined]  # what FastAPI reads
        Parameter("by", named, annotation=Annotated[Caller, Depends(who)]),
        Parameter("request", named, annotation=Request),
        Parameter(action.of, named, annotation=to),
        Parameter("words", named, annotation=body, default=None if optional else Parameter.empty),
    ])  # fmt: skip
    routes.add_api_route(
        f"/{target.FOLDERS[action.of]}/{{{action.of}}}/{action.path}",
        endpoint,
        methods=["POST"],
        operation_id=endpoint.__name__,
        summary=summary,
        **operation(
            action.name, Acted,
            status=status, acting=True, closing=action.closes, tagged=True,
        ),
    )  # fmt: skip


for _action in ACTIONS:
    if _action.path is not None:
        _offer(_action)
