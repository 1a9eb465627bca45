"""What customers had of what a report names, by the address book, as people and programs see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from incidents.clock import rfc3339
from incidents.store.inbox.address_book import ALWAYS
from incidents.views.inbox.candidates import MOST, Asked, Found

if TYPE_CHECKING:
    from incidents.contract.documents.reports import Held


def of_report(found: Found, asked: Asked) -> list[Held]:
    """What makes sites candidates of the report, at most as many as there may be candidates."""
    return [
        {
            "site": site, "customer": held.customer, "what": held.kind, "value": held.value,
            "since": None if held.since == ALWAYS else rfc3339(held.since),
            "until": None if held.until is None else rfc3339(held.until),
        }
        for site, held in found.holdings(asked)[:MOST]
    ]  # fmt: skip


def without_customers(held: Iterable[Held]) -> list[Held]:
    """The same for who may not see personal data: a customer's name may be a person's."""
    return [cast("Held", {**each, "customer": ""}) for each in held]
