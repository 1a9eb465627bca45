"""The problems: each error as RFC 9457 has it, under a stable type, and never what was given.

The type is `urn:incidents:problem:` and the error's name; what the desk refuses goes under its own
names (docs/reference/refusals.md), with `facts` beside it.
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

from incidents.accounts.identity import Identity
from incidents.accounts.serve_key import ServeKeyReplacedError
from incidents.api.limits import BusyError, TooManyActsError
from incidents.audit.log.signing_key import SigningKeyError
from incidents.clock import rfc3339
from incidents.contract import ways_out
from incidents.desk import Answer
from incidents.errors import (
    AdapterFaultError,
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
from incidents.locale import refusal_words
from incidents.locale.words import When
from incidents.log import logger
from incidents.machine.refusal import Refusal
from incidents.notices.customer_link import NoCustomerPageError
from incidents.settings.retention import BadRetentionError, RetentionTooShortError
from incidents.system.side_process import OverspentError

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:incidents:problem:{type}"

_BAD_INPUT = frozenset(
    {
        "bad_text", "text_too_long", "empty_text", "bad_site_name", "bad_url", "too_many_urls",
        "urls_too_long", "personal_code", "unknown_outcome", "unknown_audience", "bad_digest",
        "bad_item", "unfit_detail", "filing_too_long", "bad_day", "day_in_future", "unknown_detail",
        "unknown_field", "unknown_preset",
        "key_reused", "telling_name", "reserved_name", "weak_password", "guessable_password",
    }
)  # fmt: skip
_STATUS = {
    "changed_meanwhile": HTTPStatus.PRECONDITION_FAILED,
    "clock_ahead": HTTPStatus.SERVICE_UNAVAILABLE,
    "clock_behind": HTTPStatus.SERVICE_UNAVAILABLE,
    "sign_in_needed": HTTPStatus.FORBIDDEN,
    "not_let": HTTPStatus.FORBIDDEN,
    "same_person": HTTPStatus.FORBIDDEN,
    "second_needed": HTTPStatus.FORBIDDEN,
    "own_second": HTTPStatus.FORBIDDEN,
    "second_sign_in": HTTPStatus.FORBIDDEN,
    "second_not_in": HTTPStatus.FORBIDDEN,
    "second_role": HTTPStatus.FORBIDDEN,
    "password_given": HTTPStatus.FORBIDDEN,
    "for_a_supervisor": HTTPStatus.FORBIDDEN,
    "no_supervisor": HTTPStatus.FORBIDDEN,
    "sign_in": HTTPStatus.UNAUTHORIZED,
    "provider_word": HTTPStatus.FORBIDDEN,
    "unknown_subject": HTTPStatus.FORBIDDEN,
    "blocked": HTTPStatus.TOO_MANY_REQUESTS,
    "overspent": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_acts": HTTPStatus.TOO_MANY_REQUESTS,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "evidence_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}

_TOLD = (
    InputError, RefusedError, OverspentError, TooManyActsError, BusyError, AdapterFaultError,
)  # fmt: skip
"""What says itself what is wrong, and nothing that only this machine may know."""
_NOT_SET_UP = (
    SettingError, UnknownSettingError, SettingsFileError, LibraryError, NoCustomerPageError,
    PresetError, PresetsFileError, SigningKeyError, BadRetentionError, RetentionTooShortError,
)  # fmt: skip

API = "/api/"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""The security headers of each answer that is no page: JSON, problems, metrics, static files."""
_NOT_THERE = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)

_log = logger("api")


class _Fault(StatusProblem):
    """What nobody has thought of: no word of it goes out."""

    type_ = "fault"
    title = "Fault"
    status = int(HTTPStatus.INTERNAL_SERVER_ERROR)

    def __init__(self, *_: object, **__: object) -> None:
        # It is answered from outside what adds this to all else.
        super().__init__("a fault in this program", dict(HEADERS))


def problem(
    status: HTTPStatus,
    name: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Problem:
    """A problem of that name."""
    title = name.replace("_", " ").capitalize()
    return Problem(
        title, type_=name.replace("_", "-"), detail=detail, status=int(status),
        headers=dict(headers) if headers else None, **more,
    )  # fmt: skip


def unprocessable(name: str, detail: str, **more: Any) -> Problem:
    """What was sent cannot be used (422); `errors` are of its parts, as `part` tells of each."""
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, name, detail, **more)


def invalid_request(errors: list[dict[str, Any]]) -> Problem:
    """The request is not as the OpenAPI document describes it (422)."""
    return unprocessable("invalid_request", "the request is not as described", errors=errors)


def part(kind: str, told: str, *where: str) -> dict[str, Any]:
    """What is wrong with one part of a request, which stands there; never what was given."""
    return {"loc": [*where], "type": kind, "msg": told}


def not_signed_in(*, with_token: bool = False) -> Problem:
    """Nobody, or nobody any more (RFC 9110, section 11.6.1); `with_token`: something was given."""
    return problem(
        HTTPStatus.UNAUTHORIZED,
        "not_signed_in",
        _NOBODYS if with_token else _NOTHING_GIVEN,
        headers={"WWW-Authenticate": 'Bearer realm="incidents"'},
    )


_NOTHING_GIVEN = (
    "this needs a token, as Authorization: Bearer, or a session; the command line takes the token"
    " in INCIDENTS_TOKEN, and incidents token make gives one"
)
_NOBODYS = (
    "the token that was given is nobody's here: mistyped, expired, revoked, or its account"
    " disabled; incidents token list shows which there are, and incidents token make gives one"
)


def not_let(by: Identity, act: str, why: str) -> Problem:
    """Somebody who may not do that, by name; of a role that may not, with those that may."""
    detail = _NOT_LET[why].format(
        by=by.handle, role=by.role, act=refusal_words.words(act),
        who=refusal_words.who_may(act) if why == "role" else None,
    )  # fmt: skip
    return problem(HTTPStatus.FORBIDDEN, "not_let", detail, act=act, why=why)


_NOT_LET = {
    "role": "{by} has the role {role} here, which may not do {act}: {who} may",
    "token_scope": "this token is not for {act} (token list shows what it is for)",
    "in_person": "{act} is done by a person who has signed in: no token does it",
    "prove_again": "{act} needs a password given in the last five minutes: POST"
    " /api/v1/session/proof takes it again",
    "csrf": "a change in a session needs the session's own word: the header X-CSRF-Token with the"
    " csrf that the sign-in has answered, or a page of the console, loaded again",
}


def refused(answer: Answer, when: When) -> Problem:
    """What the desk has refused, in `when`'s zone; what had fallen due before it was done all the
    same."""
    refusal = answer.refusal
    assert refusal is not None
    return problem(
        _status(refusal.name),
        refusal.name,
        refusal_words.sentence(refusal, when),
        facts=facts(refusal),
        events=answer.document["events"],
        **_ways_out(refusal.name, refusal.facts),
    )


def _ways_out(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What can be done instead, where it is an act."""
    hints = ways_out.of_refusal(name, facts)
    return {"hints": hints} if hints else {}


def facts(refusal: Refusal) -> dict[str, Any]:
    """The facts of a refusal, as JSON has them."""
    return {name: _plain(value) for name, value in refusal.facts.items()}


def of_error(error: IncidentsError) -> Problem:
    """An error of this program's own."""
    if isinstance(error, ServeKeyReplacedError):
        _log.error(error.message, error=type(error).__name__)
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.name, error.message)
    if isinstance(error, DatabaseError):
        _log.error("the database does not do its part", error=type(error).__name__)
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "database", "the database does not answer now",
            headers={"Retry-After": "5"},
        )  # fmt: skip
    if isinstance(error, _TOLD):
        wait_s = error.facts.get("wait_s", 5 if isinstance(error, BusyError) else None)
        headers = None if wait_s is None else {"Retry-After": str(wait_s)}
        return problem(
            _status(error.name, error), error.name, error.message, headers=headers,
            **_ways_out(error.name, error.facts),
        )  # fmt: skip
    if isinstance(error, VerificationError):
        # It may name files of this machine, and is for whoever keeps the log.
        _log.error("the log is not what it says it is", error=error)
        return problem(
            HTTPStatus.CONFLICT, "not_verified", "the record is not what was signed: verify it"
        )
    if isinstance(error, _NOT_SET_UP):
        _log.warning("the settings do not say what a request needs", error=type(error).__name__)
        return problem(
            HTTPStatus.CONFLICT, "not_set_up", "this desk is not set up for that: see its settings"
        )
    _log.error("a request failed", error=type(error).__name__)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", "the program could not do this")


def handler(is_somebody: Callable[[Request], bool]) -> ExceptionHandler:
    """What makes problems of all that is raised; nobody is told which paths there are."""
    return new_exception_handler(
        handlers={IncidentsError: lambda _, __, error: of_error(error)},
        http_exception_handler=partial(_http, is_somebody),
        request_validation_handler=lambda _handler, _request, error: invalid(error.errors()),
        unhandled_wrappers={"default": _Fault},
        documentation_uri_template=TYPE,
    )


def _status(name: str, error: IncidentsError | None = None) -> HTTPStatus:
    if name in _STATUS:
        return _STATUS[name]
    if name in _BAD_INPUT or isinstance(error, InputError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.NOT_FOUND if name.startswith("unknown_") else HTTPStatus.CONFLICT


def _http(
    is_somebody: Callable[[Request], bool], _handler: Any, request: Request, error: HTTPException
) -> Problem:
    status = HTTPStatus(error.status_code)
    hidden = status in _NOT_THERE and request.url.path.startswith(API)
    if hidden and not is_somebody(request):
        return not_signed_in()
    name = status.name.lower()
    # Of ours alone: what a library says may hold what was given.
    own = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and error.detail
    return problem(status, name, own or f"{status.phrase}.", headers=error.headers)


def invalid(found: Sequence[Mapping[str, Any]]) -> Problem:
    """What is wrong and where, and nothing of what was given (pydantic tells its input)."""
    # Of many keys that nobody knows, their place is told once.
    told = dict.fromkeys((str(each["type"]), _told(each), *_place(each)) for each in found)
    return invalid_request([part(*each) for each in told])


def _place(error: Mapping[str, Any]) -> tuple[str, ...]:
    """Where it is; of a key that nobody knows what it stands in, since who asks has made it up."""
    parts = tuple(str(part) for part in error["loc"])
    return parts[:-1] if error["type"] == "extra_forbidden" else parts


def _told(error: Mapping[str, Any]) -> str:
    """pydantic's sentence, without what may stand in it of the input."""
    if error["type"] == "extra_forbidden":
        return "a key stands here that this does not take: /openapi.json lists those that it takes"
    if error["type"] == "model_attributes_type":
        return "a JSON object is needed here, sent with Content-Type: application/json"
    return str(error["msg"]).partition(", ")[0].partition(": ")[0]


def _plain(value: Any) -> Any:
    if hasattr(value, "tzinfo"):
        return rfc3339(value)
    return list(value) if isinstance(value, tuple) else value
