"""The checks that need only the details of a filing, and the filing's completeness.

The score of a filing is out of 100, and each missing detail has the reason why it is needed. Some
details are needed only because of others. A detail counts as missing while it is undecided whether
it is needed, so that adding a detail never lowers the score, not even `nature`, which can make a
site commercial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from incidents.errors import LibraryError
from incidents.filing import ip_addresses, items, people, record_number, typed_details
from incidents.filing.finding import Finding, finding_sentence
from incidents.machine.filing import Details

if TYPE_CHECKING:
    from incidents.contract.documents.filings import FilingFinding


class NoFilingLibraryError(LibraryError):
    """cannot check the filing: {detail} is not installed"""

    extra = "filing"


def check(details: Details, *, today: date) -> list[Finding]:
    """The findings on the details, in the order of the form; `today`: in the desk's zone.

    Raises:
        NoFilingLibraryError: naming the library to install.
    """
    try:
        return [
            *typed_details.check_choices(details),
            *_on_people(details, today),
            *record_number.check_record_numbers(details, today=today),
            *items.check_office(details, today=today),
            *ip_addresses.check_addresses(details),
            *ip_addresses.check_address_rules(details),
            *items.check_documents(details, today=today),
            *typed_details.check_days(details, today=today),
        ]
    except ModuleNotFoundError as error:
        raise NoFilingLibraryError(detail=error.name) from error


def falsehoods(details: Details, *, today: date) -> list[Finding]:
    """The findings of `check` that say a detail is false (R4).

    Raises:
        NoFilingLibraryError: naming the library to install.
    """
    try:
        return [finding for finding in _on_people(details, today) if finding.false]
    except ModuleNotFoundError as error:
        raise NoFilingLibraryError(detail=error.name) from error


def _on_people(details: Details, today: date) -> Iterator[Finding]:
    """The findings on people's numbers and addresses, the only details that can be false."""
    yield from people.check_identity(details, today=today)
    yield from people.check_phones(details)
    yield from people.check_mail(details)


SERVER, DOCUMENT = "server", "document"
"""The fields of missing servers and documents, without labels."""

_Check = Callable[[Details], bool]


@dataclass(frozen=True, slots=True)
class Missing:
    """A required detail that is not on record; `why`: the code of the reason it is required."""

    field: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """The completeness of a filing; `score`: 0 to 100, and 100 only if nothing is missing."""

    score: int
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class _Need:
    """A detail that is needed by all filings, or by those whose detail `choice` has a `value`."""

    field: str
    why: str
    choice: str = ""
    value: str = ""

    def is_met(self, details: Details) -> bool:
        judge = _OF_ITEMS.get(self.why)
        if judge is not None:
            return judge(details)
        text = details.get(self.field, "").strip()
        return (
            text in typed_details.CHOICES[self.field]
            if self.field in typed_details.CHOICES
            else bool(text)
        )

    def is_decided(self, details: Details) -> bool:
        return not self.choice or details.get(self.choice) in typed_details.CHOICES[self.choice]

    def is_asked(self, details: Details) -> bool:
        return not self.choice or details.get(self.choice) == self.value


_COMMERCIAL = ("nature", "commercial")
_COMPANY = ("support_kind", "company")

NEEDS = (
    _Need("subject_kind", "who_owns"),
    _Need("subject_name", "who_owns"),
    _Need("subject_number", "who_it_is"),
    _Need("responsible_name", "who_answers"),
    _Need("responsible_number", "who_it_is"),
    _Need("responsible_phone", "to_reach"),
    _Need("responsible_email", "to_reach"),
    _Need("opened_on", "to_file_in_time"),
    _Need("service_type", "decides_level"),
    _Need("level", "is_filed"),
    _Need("nature", "decides_licence"),
    _Need("hosting", "may_forbid_licence"),
    _Need("ip", "is_filed"),
    _Need("access_provider", "is_filed"),
    _Need("access_method", "is_filed"),
    _Need("registrar", "is_filed"),
    _Need("support_kind", "is_filed"),
    _Need("support_name", "support_is_company", *_COMPANY),
    _Need("support_phone", "support_is_company", *_COMPANY),
    _Need("office_code", "decides_office"),
    _Need(SERVER, "server_on_record"),
    _Need(SERVER, "server_place"),
    _Need(SERVER, "server_count"),
    _Need(DOCUMENT, "contract_is_filed"),
    _Need("icp_number", "licence_needs_filing", *_COMMERCIAL),
    _Need("icp_licence", "paid_services", *_COMMERCIAL),
    _Need("contract_ip", "province_may_bind", *_COMMERCIAL),
    _Need("resolved_ip", "province_may_bind", *_COMMERCIAL),
    _Need("reported_ip", "province_may_bind", *_COMMERCIAL),
    _Need(SERVER, "server_province", *_COMMERCIAL),
)
"""The details that a filing needs, in the order of the form."""


def completeness(details: Details) -> Completeness:
    """The completeness of a filing, with its missing details."""
    missing = tuple(
        Missing(need.field, need.why)
        for need in NEEDS
        if need.is_asked(details) and not need.is_met(details)
    )
    there = sum(
        need.is_decided(details) and (need.is_met(details) or not need.is_asked(details))
        for need in NEEDS
    )
    return Completeness(score=100 * there // len(NEEDS), missing=missing)


def _server_has(*names: str) -> _Check:
    return lambda details: any(
        server.get(name).strip() for server in items.servers(details) for name in names
    )


_OF_ITEMS: dict[str, _Check] = {
    "server_on_record": lambda details: any(
        server.facts is not None for server in items.servers(details)
    ),
    "server_place": _server_has("place", "city"),
    "server_count": _server_has("count"),
    "server_province": _server_has("province"),
    "contract_is_filed": lambda details: any(
        each.get("kind") == items.CONTRACT for each in items.documents(details)
    ),
}
"""The needs that a server or document fulfils instead of a detail, by the code of the reason."""


def finding_document(found: Finding) -> FilingFinding:
    """A finding as JSON, with its English sentence."""
    return {
        "verdict": found.verdict,
        "field": found.field,
        "code": found.code,
        "facts": dict(found.facts),
        "source": found.source,
        "false": found.false,
        "sentence": finding_sentence(found),
    }


def read_finding(data: FilingFinding) -> Finding:
    """Read a finding from its JSON."""
    return Finding(
        verdict=data["verdict"], field=data["field"], code=data["code"], facts=data["facts"],
        source=data["source"], false=data["false"],
    )  # fmt: skip
