"""The acts over HTTP: an endpoint for each one of the table, and how the desk's answer is shown."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Body, Depends, Path

from incidents.api import answers, forms
from incidents.api.act_table import ACTS, CONTACT, INCIDENT, ITEM, ORDER, SITE, Act
from incidents.api.caller import Caller, answered, tag_of
from incidents.api.entrance import actor
from incidents.api.operation import JSON, operation, router
from incidents.desk import Answer
from incidents.views import masked, personal

_WHERE = {
    SITE: ("/sites/{site}", "A site's name."),
    INCIDENT: ("/incidents/{incident}", "An incident's id, such as 12-3."),
    CONTACT: ("/contacts/{contact}", "A contact's id, such as 12-3-1."),
    ITEM: ("/queue/{item}", "An item of the queue, such as 12-3 or 12-t2."),
    ORDER: ("/orders/{order}", "An order's id, such as 12-o45 or 12-o45.notice."),
}

routes = router("acts")


def given(by: Caller, answer: Answer, status: int = 200) -> JSON:
    """The answer to an act that took effect, with the site's ETag."""
    tag = None if by.dry_run else tag_of(answer)
    return JSON(shown(by, answer), status, headers=None if tag is None else {"ETag": tag})


def shown(by: Caller, answer: Answer) -> dict[str, Any]:
    """Its document; nobody is shown a number or an address for having acted."""
    [found] = all_shown(by, [answer])
    return found


def all_shown(by: Caller, given_: Sequence[Answer]) -> list[dict[str, Any]]:
    """The same, of many, with one look for what people wrote."""
    documents = [answered(answer, by.when) for answer in given_]
    if any(True for document in documents for _ in personal.refs(document)):
        with by.house.glancing() as connection:
            documents = personal.reveal(connection, documents)
    return [masked.document(document) for document in documents]


def _offer(act: Act) -> None:
    path, what = _WHERE[act.of]

    def endpoint(by: Caller, **given_: Any) -> JSON:
        words = given_["words"] or act.form()
        site, command = act.read(by.by, given_[act.of], words)
        answer = by.act(site, command, confirm=getattr(words, "confirm", None))
        return given(by, answer, act.status)

    endpoint.__name__ = f"{act.act}_of_{act.of}"
    endpoint.__doc__ = act.told
    # A violation is not logged by a request that was sent by mistake.
    optional = act.form is not forms.Finding and not any(
        each.is_required() for each in act.form.model_fields.values()
    )
    body = Annotated[act.form | None if optional else act.form, Body()]  # type: ignore[valid-type]
    named = Parameter.KEYWORD_ONLY
    endpoint.__signature__ = Signature([  # type: ignore[attr-defined]  # what FastAPI reads
        Parameter("by", named, annotation=Annotated[Caller, Depends(actor)]),
        Parameter(act.of, named, annotation=Annotated[str, Path(max_length=300, description=what)]),
        Parameter("words", named, annotation=body, default=None if optional else Parameter.empty),
    ])  # fmt: skip
    routes.add_api_route(
        f"{path}/{act.name}",
        endpoint,
        methods=["POST"],
        operation_id=endpoint.__name__,
        summary=act.told,
        **operation(
            act.act, answers.Acted, status=act.status, acting=True, closing=act.closes, tagged=True
        ),
    )


for _act in ACTS:
    _offer(_act)
