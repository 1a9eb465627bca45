"""The papers of a filing: whether its access contract is on record, and what expires when."""

from __future__ import annotations

from datetime import date, timedelta

from incidents.filing.checks.day import read_day
from incidents.filing.checks.finding import Finding, ok, suspect, unknown, wrong
from incidents.filing.checks.item import Item, documents, servers
from incidents.machine.filing import Details

SOURCE = "domain.md 5, documents"

SOON = timedelta(days=30)
"""A document that expires within so many days is to be renewed; it holds to its last day's end."""

CONTRACT = "access_contract"
KINDS = (
    CONTRACT, "commercial_licence", "idc_licence", "isp_licence", "server_region_certificate",
    "site_verification_notice", "graded_protection", "access_agreement", "server_contract", "other",
)  # fmt: skip


def check(details: Details, *, today: date) -> list[Finding]:
    """What is to be said of each item that cannot be read, of the contract, and of each expiry."""
    on_record = documents(details)
    unreadable = [
        wrong(item.key, "item_unreadable", "RFC 8259")
        for item in [*servers(details), *on_record]
        if item.facts is None
    ]
    readable = [item for item in on_record if item.facts is not None]
    judged = [finding for item in readable for finding in _document(item, today)]
    return [*unreadable, *_contract(details, readable), *judged]


def _contract(details: Details, on_record: list[Item]) -> list[Finding]:
    held = next((item.key for item in on_record if item.get("kind") == CONTRACT), None)
    if held is not None:
        return [ok(held, "contract_present", SOURCE)]
    if "filed_on" in details:
        return [wrong("filed_on", "filed_without_contract", SOURCE)]
    # Of a site that is not filed yet, the completeness says that it is missing.
    return []


def _document(item: Item, today: date) -> list[Finding]:
    found = []
    if item.get("kind") not in KINDS:
        found.append(unknown(item.key, "document_kind_unknown", SOURCE, kinds=", ".join(KINDS)))
    text = item.get("expires_on")
    if text:
        found.append(_expiry(item.key, read_day(text), today))
    return found


def _expiry(key: str, last: date | None, today: date) -> Finding:
    if last is None:
        return wrong(key, "expiry_unreadable", "ISO 8601")
    if last < today:
        return wrong(key, "document_expired", SOURCE, day=last.isoformat())
    if last - today <= SOON:
        left = str((last - today).days)
        return suspect(key, "document_expires", SOURCE, day=last.isoformat(), left=left)
    return ok(key, "document_holds", SOURCE, day=last.isoformat())
