"""The claimed: what a colleague has taken is not acted on before somebody says that they mean it.

It is asked here and refused nowhere else: that somebody was called is a fact, whoever called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from incidents.machine.case import Claim
from incidents.store import claims, sites

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from incidents.console.form import Given

DESPITE = "despite"
"""The field that names a holder whose claim somebody knows of."""

Is = Callable[[str], bool]
"""Whether an act is about that item of a site."""


def only(item: str) -> Is:
    """Of an act on one item."""
    return lambda held: held == item


class HeldError(Exception):
    """Colleagues hold it, and whoever sent `given` was not asked about each of them yet."""

    def __init__(self, given: Given, held: Iterable[Claim]) -> None:
        super().__init__()
        self.given, self.held = given, tuple(held)


def unasked(
    connection: Connection, site: str | int, about: Is, given: Given, by: str
) -> list[Claim]:
    """The claims of colleagues of `by` on items that it is `about`, the earliest first, if the form
    does not say of each one that it is known. What has gone to another since is asked about anew.
    """
    ids = [site] if isinstance(site, int) else sites.ids_by_name(connection, [site]).values()
    held = {
        claim.by: claim
        for _, item, claim in claims.of_sites(connection, ids)
        if about(item) and claim.by != by
    }
    known = held.keys() <= set(given.texts(DESPITE))
    return [] if known else sorted(held.values(), key=lambda claim: claim.at)
