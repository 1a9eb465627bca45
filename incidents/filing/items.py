"""The items of a filing: its servers and its documents, each a JSON object of texts.

The checks cover the access contract, documents that expire, and whether the public-security office
on record is the office of the servers' city.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources

from incidents.filing import area
from incidents.filing.finding import Finding, ok, suspect, unknown, wrong
from incidents.filing.record_number import normalized
from incidents.filing.typed_details import read_day
from incidents.machine.filing import DOCUMENT, SERVER, Details


@dataclass(frozen=True, slots=True)
class Item:
    """A server or a document: its key and its parts; the parts are None if unreadable."""

    key: str
    facts: Mapping[str, str] | None

    def get(self, name: str) -> str:
        """The part of that name; empty if there is none."""
        return "" if self.facts is None else self.facts.get(name, "")

    @property
    def province(self) -> str:
        """The name of the server's province, such as 广东; empty if unknown."""
        province = area.named(self.get("province"))
        return province.name if province is not None else self.get("province").strip()

    @property
    def city(self) -> str:
        """The city of the server, without 市; empty if unknown."""
        return self.get("city").strip().removesuffix("市")


def servers(details: Details) -> list[Item]:
    """The servers on record, in the order of their labels."""
    return _items(details, SERVER)


def documents(details: Details) -> list[Item]:
    """The documents on record, in the order of their labels."""
    return _items(details, DOCUMENT)


def _items(details: Details, kind: str) -> list[Item]:
    return [Item(key, _read_item(details[key])) for key in sorted(details) if key.startswith(kind)]


def _read_item(text: str) -> dict[str, str] | None:
    try:
        found = json.loads(text)
    # Too deeply nested brackets.
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        return None
    return found


CONTRACT_SOURCE, KIND_SOURCE, EXPIRY_SOURCE = (
    "specification F.42",
    "specification F.44",
    "specification F.45",
)

EXPIRES_SOON = timedelta(days=30)
"""The number of days before its expiry when a document should be renewed; it is valid on its last
day."""

CONTRACT = "access_contract"
DOCUMENT_KINDS = (
    CONTRACT, "commercial_licence", "idc_licence", "isp_licence", "server_region_certificate",
    "site_verification_notice", "graded_protection", "access_agreement", "server_contract", "other",
)  # fmt: skip


def check_documents(details: Details, *, today: date) -> list[Finding]:
    """The findings on items that cannot be read, on the contract, and on documents that expire."""
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
        return [ok(held, "contract_present", CONTRACT_SOURCE)]
    if "filed_on" in details:
        return [wrong("filed_on", "filed_without_contract", CONTRACT_SOURCE)]
    # Before a site is filed, the completeness shows that it is missing.
    return []


def _document(item: Item, today: date) -> list[Finding]:
    found = []
    if item.get("kind") not in DOCUMENT_KINDS:
        found.append(
            unknown(item.key, "document_kind_unknown", KIND_SOURCE, kinds=", ".join(DOCUMENT_KINDS))
        )
    text = item.get("expires_on")
    if text:
        found.append(_expiry(item.key, read_day(text), today))
    return found


def _expiry(key: str, last: date | None, today: date) -> Finding:
    if last is None:
        return wrong(key, "expiry_unreadable", "ISO 8601")
    if last < today:
        return wrong(key, "document_expired", EXPIRY_SOURCE, day=last.isoformat())
    if last - today <= EXPIRES_SOON:
        left = str((last - today).days)
        return suspect(key, "document_expires", EXPIRY_SOURCE, day=last.isoformat(), left=left)
    return ok(key, "document_holds", EXPIRY_SOURCE, day=last.isoformat())


OFFICE_SOURCE = "specification F.48"
OFFICE_FIELD = "office_code"
_OFFICE_CODE = re.compile("[0-9]{6}(?:[0-9]{6})?")


@cache
def offices() -> dict[str, str]:
    """The codes of public-security offices by city (such as 深圳), as in the documentation."""
    text = (resources.files("incidents.filing") / "offices.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def check_office(details: Details, *, today: date) -> list[Finding]:
    """The findings on the office's code: its format, its area, and the servers' cities."""
    if OFFICE_FIELD not in details:
        return []
    code = normalized(details[OFFICE_FIELD])
    if not _OFFICE_CODE.fullmatch(code):
        return [wrong(OFFICE_FIELD, "office_unreadable", OFFICE_SOURCE)]
    if _listed_city(code) is None:
        warned = area.warnings(OFFICE_FIELD, code[:6], today.year)
        if warned:
            return warned
    return [_office_of_city(code, {server.city for server in servers(details)} - {""})]


def _office_of_city(code: str, cities: set[str]) -> Finding:
    """The finding whether the office with that code is that of one of the servers' cities."""
    city = _listed_city(code) or area.city(code) or code[:6]
    # A county-level city lies in another city.
    here = area.find(code)
    county = "" if here is None else here.last_name.removesuffix("市")
    if cities and cities.isdisjoint({city, county}):
        served = ", ".join(sorted(cities))
        return suspect(
            OFFICE_FIELD, "office_of_another_city", OFFICE_SOURCE, city=city, served=served
        )
    listed = offices().get(city)
    if listed is not None and not _is_same_office(listed, code):
        return unknown(OFFICE_FIELD, "office_not_listed", OFFICE_SOURCE, city=city, listed=listed)
    return ok(OFFICE_FIELD, "office_ok", OFFICE_SOURCE, city=city)


def _listed_city(code: str) -> str | None:
    return next((city for city, listed in offices().items() if _is_same_office(listed, code)), None)


def _is_same_office(one: str, other: str) -> bool:
    return one.ljust(12, "0") == other.ljust(12, "0")
