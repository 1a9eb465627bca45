"""The change of a filing as a request has it, read into the desk's command."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi_problem.error import Problem

from incidents.api import forms, problems
from incidents.errors import InputError
from incidents.filing import form, presets, settings
from incidents.machine import commands as c
from incidents.machine import filing

_NAMES = {prefix: {part.key for part in parts} for prefix, parts in form.PARTS.items()}


def command(by: str, asked: forms.Filed) -> c.Command:
    """The command for it.

    Raises:
        Problem: 422, saying which detail is none; a key that nobody knows is not repeated.
        InputError: if nothing is to change.
        UnknownPresetError: naming the presets that there are.
        RefusedError: for a text that cannot be kept.
    """
    details, parts = _presets(asked.presets), []
    if len(asked.details) > forms.MAX_DETAILS:
        raise _wrong(None, f"{forms.MAX_DETAILS} details are the most in one request")
    for key, given in asked.details.items():
        if not filing.is_known(key):
            raise _wrong(None, "a filing has no such detail: GET /filings/fields lists them")
        if isinstance(given, dict):
            details.pop(key, None)
            parts += _parts(key, given)
        else:
            details[key] = _text(key, given)
    if not (details or parts):
        raise InputError("nothing to change is given: give details, or a preset")
    return c.ChangeFiling(by=by, details=tuple(sorted(details.items())), parts=tuple(parts))


def _presets(names: list[str]) -> dict[str, str]:
    if not names:
        return {}
    extra = settings.load().presets
    return {key: text for name in names for key, text in presets.details(name, extra).items()}


def _parts(key: str, given: dict[str, Any]) -> list[tuple[str, str, str]]:
    known = next((names for kind, names in _NAMES.items() if key.startswith(kind)), None)
    if known is None:
        raise _wrong(key, "this detail is a text, and not an object")
    if not given.keys() <= known:
        raise _wrong(
            key, f"it has a part that it does not take: it takes {', '.join(sorted(known))}"
        )
    return [(key, name, _text(key, given[name], name)) for name in sorted(given)]


def _text(key: str, given: Any, *part: str) -> str:
    """The text; an empty one of what is taken away."""
    if given is None or given == "":
        return ""
    if not isinstance(given, str):
        raise _wrong(key, "a text is needed here, or null, which takes it away", *part)
    named = ".".join((key, *part))
    return forms.needed(named, given) if given.strip() else ""


def _wrong(key: str | None, told: str, *part: str) -> Problem:
    where = ["body", "details", *([] if key is None else [key]), *part]
    return problems.problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", "the request is not as described",
        errors=[{"loc": where, "type": "filed_detail", "msg": told}],
    )  # fmt: skip
