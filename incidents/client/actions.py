"""The actions of the client, a method each; made by scripts/docs from `contract`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from incidents.contract.documents.actions import Acted


class RequestOptions(TypedDict, total=False):
    """The options of an action's request."""

    key: str
    if_match: str
    dry_run: bool
    unless_closing: bool


class Actions:
    """The actions on incidents, contacts, items of the queue, orders and sites."""

    def _to(
        self, folder: str, of: str, action: str, words: Mapping[str, Any], how: RequestOptions
    ) -> Acted:
        raise NotImplementedError

    def recur(
        self,
        incident: str,
        *,
        at: str | None = None,
        note: str | None = None,
        again: bool = False,
        **how: Unpack[RequestOptions],
    ) -> Acted:
        """Log content that is still there."""
        return self._to(
            "incidents", incident, "recur", {"at": at, "note": note, "again": again}, how
        )

    def void_contact(self, contact: str, *, reason: str, **how: Unpack[RequestOptions]) -> Acted:
        """Void a contact that was recorded by mistake."""
        return self._to("contacts", contact, "void", {"reason": reason}, how)

    def removed(
        self,
        incident: str,
        *,
        at: str | None = None,
        note: str | None = None,
        **how: Unpack[RequestOptions],
    ) -> Acted:
        """Record that the content is removed."""
        return self._to("incidents", incident, "removed", {"at": at, "note": note}, how)

    def refused(
        self,
        incident: str,
        *,
        at: str | None = None,
        note: str | None = None,
        confirm: str | None = None,
        **how: Unpack[RequestOptions],
    ) -> Acted:
        """Record that the customer was told and refuses deletion, which closes the site (R5)."""
        return self._to(
            "incidents", incident, "refused", {"at": at, "note": note, "confirm": confirm}, how
        )

    def take_back(self, incident: str, *, reason: str, **how: Unpack[RequestOptions]) -> Acted:
        """Withdraw the last recorded removal or refusal of the incident."""
        return self._to("incidents", incident, "take-back", {"reason": reason}, how)

    def void(self, incident: str, *, reason: str, **how: Unpack[RequestOptions]) -> Acted:
        """Void an incident that was logged in error or is not a violation."""
        return self._to("incidents", incident, "void", {"reason": reason}, how)

    def reported(
        self,
        incident: str,
        *,
        ref: str | None = None,
        at: str | None = None,
        **how: Unpack[RequestOptions],
    ) -> Acted:
        """Record that an incident was reported to the police."""
        return self._to("incidents", incident, "reported", {"ref": ref, "at": at}, how)

    def claim(self, item: str, **how: Unpack[RequestOptions]) -> Acted:
        """Claim an item, so that nobody else works on it."""
        return self._to("queue", item, "claim", {}, how)

    def release(self, item: str, **how: Unpack[RequestOptions]) -> Acted:
        """Return an item to the queue."""
        return self._to("queue", item, "release", {}, how)

    def done(
        self,
        item: str,
        *,
        outcome: str | None = None,
        note: str | None = None,
        **how: Unpack[RequestOptions],
    ) -> Acted:
        """Complete a task, such as 12-t2, with its outcome."""
        return self._to("queue", item, "done", {"outcome": outcome, "note": note}, how)

    def revoke_links(self, incident: str, **how: Unpack[RequestOptions]) -> Acted:
        """Revoke all links to the customer page of an incident."""
        return self._to("incidents", incident, "revoke-links", {}, how)

    def false_info(
        self,
        site: str,
        *,
        field: str,
        evidence: str,
        confirm: str | None = None,
        **how: Unpack[RequestOptions],
    ) -> Acted:
        """Record that a filed detail is false, which closes the site (R4)."""
        return self._to(
            "sites",
            site,
            "false-info",
            {"field": field, "evidence": evidence, "confirm": confirm},
            how,
        )

    def confirm_closure(
        self, site: str, *, confirm: str | None = None, **how: Unpack[RequestOptions]
    ) -> Acted:
        """Close a site at another person's request (R4, R5), if the policy requires two people."""
        return self._to("sites", site, "confirm-closure", {"confirm": confirm}, how)

    def decline_closure(
        self, site: str, *, reason: str | None = None, **how: Unpack[RequestOptions]
    ) -> Acted:
        """Decline a request to close a site, or withdraw your own."""
        return self._to("sites", site, "decline-closure", {"reason": reason}, how)

    def hold(self, site: str, *, reason: str, **how: Unpack[RequestOptions]) -> Acted:
        """Hold a site down by order of the police or the regulator."""
        return self._to("sites", site, "hold", {"reason": reason}, how)

    def unhold(self, site: str, *, reason: str, **how: Unpack[RequestOptions]) -> Acted:
        """End a hold."""
        return self._to("sites", site, "unhold", {"reason": reason}, how)

    def reinstate(self, site: str, *, reason: str, **how: Unpack[RequestOptions]) -> Acted:
        """Request to reopen a closed site; another person decides."""
        return self._to("sites", site, "reinstate", {"reason": reason}, how)

    def approve(self, site: str, **how: Unpack[RequestOptions]) -> Acted:
        """Approve another person's request to reopen a site."""
        return self._to("sites", site, "approve", {}, how)

    def decline(
        self, site: str, *, reason: str | None = None, **how: Unpack[RequestOptions]
    ) -> Acted:
        """Decline a request to reopen a site."""
        return self._to("sites", site, "decline", {"reason": reason}, how)

    def uphold(self, site: str, *, reason: str, **how: Unpack[RequestOptions]) -> Acted:
        """Uphold a disputed closure."""
        return self._to("sites", site, "uphold", {"reason": reason}, how)

    def retry_order(self, order: str, **how: Unpack[RequestOptions]) -> Acted:
        """Retry an order: a dead letter or one that the brake holds."""
        return self._to("orders", order, "retry", {}, how)

    def release_order(self, order: str, **how: Unpack[RequestOptions]) -> Acted:
        """Carry out a braked order, with its notice to the customer (as `retry` does)."""
        return self._to("orders", order, "release", {}, how)

    def cancel_order(self, order: str, *, reason: str, **how: Unpack[RequestOptions]) -> Acted:
        """Cancel an order."""
        return self._to("orders", order, "cancel", {"reason": reason}, how)
