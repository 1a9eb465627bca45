"""The HTTP statuses: of each error, and their names and phrases, whatever Python's version."""

from __future__ import annotations

from http import HTTPStatus

from incidents.errors import IncidentsError, InputError

_BAD_INPUT = frozenset(
    {
        "bad_text", "text_too_long", "empty_text", "bad_site_name", "bad_url", "too_many_urls",
        "urls_too_long", "personal_code", "unknown_outcome", "unknown_audience", "bad_digest",
        "bad_item", "unfit_detail", "filing_too_long", "bad_day", "day_in_future", "unknown_detail",
        "unknown_field", "unknown_preset", "key_reused", "key_spent",
        "telling_name", "reserved_name", "weak_password", "guessable_password",
    }
)  # fmt: skip
_STATUS = {
    "changed_meanwhile": HTTPStatus.PRECONDITION_FAILED,
    "clock_ahead": HTTPStatus.SERVICE_UNAVAILABLE,
    "clock_behind": HTTPStatus.SERVICE_UNAVAILABLE,
    "sign_in_needed": HTTPStatus.FORBIDDEN,
    "not_let": HTTPStatus.FORBIDDEN,
    "sealed_content": HTTPStatus.FORBIDDEN,
    "reveal_denied": HTTPStatus.FORBIDDEN,
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
    "factor_needed": HTTPStatus.FORBIDDEN,
    "wrong_factor": HTTPStatus.FORBIDDEN,
    "factor_demanded": HTTPStatus.FORBIDDEN,
    "provider_word": HTTPStatus.FORBIDDEN,
    "unknown_subject": HTTPStatus.FORBIDDEN,
    "blocked": HTTPStatus.TOO_MANY_REQUESTS,
    "overspent": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_acts": HTTPStatus.TOO_MANY_REQUESTS,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "evidence_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
_PHRASE = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Entity",
}
"""Those of Python 3.11, which are in the contract: from 3.13 on Python has those of RFC 9110."""


def of(name: str, error: IncidentsError | None = None) -> HTTPStatus:
    """Return the status of the error, or of the refusal, of that name."""
    if name in _STATUS:
        return _STATUS[name]
    if name in _BAD_INPUT or isinstance(error, InputError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.NOT_FOUND if name.startswith("unknown_") else HTTPStatus.CONFLICT


def phrase(status: HTTPStatus) -> str:
    """Return its reason phrase, such as `Not Found`."""
    return _PHRASE.get(status, status.phrase)


def type_name(status: HTTPStatus) -> str:
    """Return its name as the type of a problem, such as `not_found`."""
    return phrase(status).lower().replace(" ", "_").replace("-", "_")
