"""The hindrances: why nothing is done yet for somebody who asks the console for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from incidents.console.forms import Given


class SignedOutError(Exception):
    """Nobody sits here, or nobody any more: they sign in first."""


class NotLetError(Exception):
    """They may not do that; `why` as `Identity.why_not` has it, or `csrf`."""

    def __init__(self, act: str, why: str) -> None:
        super().__init__(act, why)
        self.act, self.why = act, why


class ProveAgainError(Exception):
    """It is too long ago that they have proved who they are; `wrong` after a wrong password.

    `act` is what they are about to do, to which `site`, if it is done to one.
    """

    def __init__(
        self, given: Given, act: str, site: str | None = None, *, wrong: str | None = None
    ) -> None:
        super().__init__()
        self.given, self.act, self.site, self.wrong = given, act, site, wrong


class BeyondQuotaError(Exception):
    """Their account has done so many acts lately that this one has to wait; `facts` as
    TooManyActsError has them."""

    def __init__(self, given: Given, facts: dict[str, Any]) -> None:
        super().__init__()
        self.given, self.facts = given, facts
