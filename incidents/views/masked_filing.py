"""The masked filing: how what is filed is shown until somebody asks for people's details in full.

Numbers and addresses of people are masked as everywhere (see `masked`), an identity card's number
as a phone number is; in words of people's own, and of servers, what looks like a number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from incidents.filing import address
from incidents.machine import filing
from incidents.store.types import canonical
from incidents.views import masked

_MASKS: Mapping[str, Callable[[str], str]] = {
    "subject_number": masked.phone,
    "responsible_number": masked.phone,
    "responsible_phone": masked.phone,
    "support_phone": masked.phone,
    "responsible_email": masked.address,
    # Where a site is seen by everybody.
    "home_url": str,
}


def details(found: Mapping[str, str | None]) -> dict[str, str | None]:
    """The details, each masked as its key asks for; what has been erased stays null."""
    return {key: text and detail(key, text) for key, text in found.items()}


def detail(key: str, text: str) -> str:
    """One detail, masked as its key asks for."""
    if key.startswith(filing.SERVER):
        return _server(text)
    return _MASKS.get(key, masked.words)(text) if filing.is_sealed(key) else text


def _server(text: str) -> str:
    """A server's addresses stay: they say nothing of a person, and are as long as a number."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return masked.words(text)
    if not isinstance(facts, dict):
        return masked.words(text)
    return canonical({name: _fact(name, str(told)) for name, told in facts.items()})


def _fact(name: str, told: str) -> str:
    return told if name == "ip" and address.read(told) is not None else masked.words(told)
