"""The problems: each error as an RFC 9457 document of a stable type, without the caller's input.

The type is `urn:incidents:problem:` followed by the error's name. A refusal of the desk has a name
of its own (docs/reference/refusals.md) and `facts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi_problem.error import Problem, StatusProblem
from fastapi_problem.handler import ExceptionHandler, new_exception_handler
from starlette.exceptions import HTTPException
from starlette.requests import Request

from incidents.accounts import identity
from incidents.accounts.identity import Identity
from incidents.accounts.serve_key import ServeKeyReplacedError
from incidents.api import statuses
from incidents.api.limits import TooManyActsError
from incidents.audit.log.signing_key import SigningKeyError
from incidents.contract import refusal_hints
from incidents.contract.case_documents import plain
from incidents.contract.documents import Hint
from incidents.contract.documents.actions import InvalidPart
from incidents.contract.hints import look, right_of
from incidents.desk import Answer
from incidents.errors import (
    AdapterFaultError,
    BusyError,
    DatabaseError,
    IncidentsError,
    InputError,
    LibraryError,
    RefusedError,
    SettingError,
    SettingsFileError,
    UnknownSettingError,
    VerificationError,
)
from incidents.filing.presets import PresetError, PresetsFileError
from incidents.locale import refusals
from incidents.locale.language import ENGLISH
from incidents.locale.words import TimeFormat
from incidents.log import logger
from incidents.machine.refusal import Refusal
from incidents.notices.customer_link import NoCustomerPageError
from incidents.settings.retention import BadRetentionError, RetentionTooShortError
from incidents.system.side_process import OverspentError
from incidents.values.json_object import JSONObject

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:incidents:problem:{type}"

_TOLD = (
    InputError, RefusedError, OverspentError, TooManyActsError, BusyError, AdapterFaultError,
)  # fmt: skip
"""Errors whose messages are safe to send, because they reveal nothing about this machine."""
_NOT_SET_UP = (
    SettingError, UnknownSettingError, SettingsFileError, LibraryError, NoCustomerPageError,
    PresetError, PresetsFileError, SigningKeyError, BadRetentionError, RetentionTooShortError,
)  # fmt: skip

API = "/api/"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""The security headers of JSON answers, problems, metrics and static files; pages have their
own."""
_NOT_THERE = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)

_log = logger("api")


class _Fault(StatusProblem):
    """An unexpected exception; the answer reveals nothing about it."""

    type_ = "fault"
    title = "Fault"
    status = int(HTTPStatus.INTERNAL_SERVER_ERROR)

    def __init__(self, *_: object, **__: object) -> None:
        # The middleware that adds these headers elsewhere does not see this answer.
        super().__init__("a fault in this program", dict(HEADERS))


def problem(
    status: HTTPStatus,
    name: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Problem:
    """Return a problem with that name as its type and title."""
    title = name.replace("_", " ").capitalize()
    return Problem(
        title, type_=name.replace("_", "-"), detail=detail, status=int(status),
        headers=dict(headers) if headers else None, **more,
    )  # fmt: skip


def unprocessable(name: str, detail: str, **more: Any) -> Problem:
    """Return a problem for unusable content (422); `part` makes each of its `errors`."""
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, name, detail, **more)


def invalid_request(errors: list[InvalidPart]) -> Problem:
    """Return a problem for a request that does not match the OpenAPI document (422)."""
    return unprocessable(
        "invalid_request", "the request does not match its description", errors=errors
    )


def part(kind: str, detail: str, *where: str) -> InvalidPart:
    """Describe an error at the location `where` of a request, without the caller's input."""
    return {"loc": [*where], "type": kind, "msg": detail}


def not_signed_in(*, with_token: bool = False) -> Problem:
    """Return a problem for an unknown caller (401); `with_token`: the token is invalid."""
    return problem(
        HTTPStatus.UNAUTHORIZED,
        "not_signed_in",
        _NOBODYS if with_token else _NOTHING_GIVEN,
        headers={"WWW-Authenticate": 'Bearer realm="incidents"'},
    )


_NOTHING_GIVEN = (
    "this needs a session, or a token as Authorization: Bearer; you can create a token for your"
    " account"
)
_NOBODYS = (
    "the token is not valid here: it is mistyped, expired, or revoked, or its account is disabled;"
    " create another one"
)


def not_let(by: Identity, action: str, why: str) -> Problem:
    """Return a problem for an action that the caller may not do (403), with the reason."""
    detail = _NOT_LET[why].format(
        by=by.handle, role=by.role, act=ENGLISH.word("act", action),
        who=refusals.roles_for(action) if why == "role" else None,
    )  # fmt: skip
    return problem(HTTPStatus.FORBIDDEN, "not_let", detail, act=action, why=why)


_NOT_LET = {
    "role": "{by} has the role {role}, which may not {act}: {who} may",
    "token_scope": "this token may not {act}: use one that was made for it",
    "in_person": "to {act}, a person must sign in: a token is not enough",
    "prove_again": "to {act}, you need a password entered in the last five minutes: POST it to"
    " /api/v1/session/proof",
    "factor_demanded": "{by} has the role {role}, which signs in with a second factor here: add one"
    " in the console",
    "csrf": "a change in a session needs the header X-CSRF-Token with the csrf from the sign-in; in"
    " the console, reload the page",
}


def refused(answer: Answer, when: TimeFormat, who: Identity) -> Problem:
    """Return a refusal of the desk as a problem for `who`, with times in `when`'s zone.

    The hints suit that caller. `events`: the events that were due before the action,
    which took effect despite the refusal.
    """
    refusal = answer.refusal
    assert refusal is not None
    return problem(
        statuses.of(refusal.name),
        refusal.name,
        refusals.sentence(refusal, when),
        facts=facts(refusal),
        events=[{**event, "site": answer.site} for event in answer.document["events"]],
        **_hints(refusal.name, refusal.facts, who),
    )


def _hints(name: str, facts: Mapping[str, Any], who: Identity | None) -> JSONObject:
    """The hints for other actions, except actions on the machine that keeps the log."""
    found = refusal_hints.of_refusal(name, facts) if name != "nothing_signed" else []
    hints = [each for each in found if who is None or _fits(who, each)]
    if found and not hints:
        # To add a site is the only hint that stands alone.
        hints = [look("sites")]
    return {"hints": hints} if hints else {}


def _fits(who: Identity, hint: Hint) -> bool:
    """Whether the caller should see the hint.

    Hints that no operator, or no token, may follow are kept: they are for other people.
    """
    right = right_of(hint)
    if right is None or not identity.may("operator", right):
        return True
    return who.may(right) or (right in identity.IN_PERSON and identity.may(who.role, right))


def facts(refusal: Refusal) -> JSONObject:
    """The facts of a refusal, in JSON form."""
    return {name: plain(value) for name, value in refusal.facts.items()}


def of_error(error: IncidentsError, who: Identity | None = None) -> Problem:
    """Return the problem for an error of this program; the log has what the answer must not reveal.

    The hints suit the caller `who`, or any caller if it is None.
    """
    if isinstance(error, ServeKeyReplacedError):
        _log.error(error.message, error=type(error).__name__)
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.name, error.message)
    if isinstance(error, DatabaseError):
        # A driver's message may quote a row.
        reason = {} if error.__cause__ else {"reason": error.message}
        _log.error("the database is unavailable", error=type(error).__name__, **reason)
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "database", "the database is unavailable: try again",
            headers={"Retry-After": "5"},
        )  # fmt: skip
    if isinstance(error, _TOLD):
        wait_s = error.facts.get("wait_s", 5 if isinstance(error, BusyError) else None)
        headers = None if wait_s is None else {"Retry-After": str(wait_s)}
        return problem(
            statuses.of(error.name, error), error.name, error.message, headers=headers,
            **_hints(error.name, error.facts, who),
        )  # fmt: skip
    if isinstance(error, VerificationError):
        # The message may name files of this machine, so only the log has it.
        _log.error("the log does not match its checkpoint", error=error)
        return problem(
            HTTPStatus.CONFLICT,
            "not_verified",
            "the record does not match its signature: verify it",
        )
    if isinstance(error, _NOT_SET_UP):
        _log.warning("a setting that the request needs is missing", error=type(error).__name__)
        return problem(
            HTTPStatus.CONFLICT, "not_set_up", "this desk is not set up for this: see its settings"
        )
    _log.error("a request failed", error=type(error).__name__)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", "the program failed to do this")


def handler(is_somebody: Callable[[Request], bool]) -> ExceptionHandler:
    """Return the handler that turns every exception into a problem.

    Its answers do not reveal to an unknown caller which paths exist.
    """
    return new_exception_handler(
        handlers={IncidentsError: lambda _, request, error: of_error(error, _caller(request))},
        http_exception_handler=partial(_http, is_somebody),
        request_validation_handler=lambda _handler, _request, error: invalid(error.errors()),
        unhandled_wrappers={"default": _Fault},
        documentation_uri_template=TYPE,
    )


def _caller(request: Request) -> Identity | None:
    """The caller; None if the request was not authenticated for an action."""
    caller = getattr(request.state, "caller", None)
    return None if caller is None else caller.identity


def _http(
    is_somebody: Callable[[Request], bool], _handler: Any, request: Request, error: HTTPException
) -> Problem:
    status = HTTPStatus(error.status_code)
    hidden = status in _NOT_THERE and request.url.path.startswith(API)
    if hidden and not is_somebody(request):
        return not_signed_in()
    # Only our own detail: a library's may contain the caller's input.
    own = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and error.detail
    name, phrase = statuses.type_name(status), statuses.phrase(status)
    detail = own or f"{phrase}."
    if status == HTTPStatus.NOT_FOUND and request.url.path.startswith(API):
        detail = f"{detail} /openapi.json lists the paths."
    return problem(status, name, detail, headers=error.headers)


def invalid(found: Sequence[Mapping[str, Any]]) -> Problem:
    """Return the errors of a request with their locations, without the input that they quote."""
    return invalid_request(
        [part(str(each["type"]), _detail_of(each), *map(str, each["loc"])) for each in found]
    )


def _detail_of(error: Mapping[str, Any]) -> str:
    """Return pydantic's message without the parts that may contain input."""
    if error["type"] == "model_attributes_type":
        return "must be a JSON object, sent with Content-Type: application/json"
    if error["type"] in ("literal_error", "extra_forbidden"):
        # All the choices, or all the known keys, which are ours.
        return str(error["msg"])
    return str(error["msg"]).partition(", ")[0].partition(": ")[0]
