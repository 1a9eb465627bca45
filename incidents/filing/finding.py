"""The finding: what a check says of a filed detail, by a code, with the source of its rule.

Its English sentences stand here, and the names of the details. Another language has the same codes
(see `language`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from incidents.locale.language import Language
from incidents.machine.policy import write_duration

OK, SUSPECT, WRONG, UNKNOWN = VERDICTS = ("ok", "suspect", "wrong", "unknown")
"""It is as it should be; it may be made up; it cannot be so; nobody can tell from what is here."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is said of the detail under the key `field`.

    `code` names the sentence, and `facts` stand in it: nothing of a person is among them, no phone
    number, mail address, number of an identity card or day of birth. `source` says to people where
    the rule comes from. `false` is whether it says that a filed detail is false, which an operator
    then confirms or not (R4).
    """

    verdict: str
    field: str
    code: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    source: str
    false: bool = False


def ok(about: str, code: str, source: str, /, **facts: str) -> Finding:
    """That a detail is as it should be."""
    return Finding(verdict=OK, field=about, code=code, source=source, facts=facts)


def unknown(about: str, code: str, source: str, /, **facts: str) -> Finding:
    """That nobody can tell: a warning."""
    return Finding(verdict=UNKNOWN, field=about, code=code, source=source, facts=facts)


def suspect(about: str, code: str, source: str, /, *, false: bool = False, **facts: str) -> Finding:
    """That a detail can be so, but is often made up or put in the wrong place."""
    return Finding(verdict=SUSPECT, field=about, code=code, source=source, false=false, facts=facts)


def wrong(about: str, code: str, source: str, /, *, false: bool = False, **facts: str) -> Finding:
    """That a detail cannot be so."""
    return Finding(verdict=WRONG, field=about, code=code, source=source, false=false, facts=facts)


FINDING_PHRASES = {
    # ── the coded details
    "choice_unknown": "{field:filed} is none of {choices}.",
    "nature_ok": "{field:filed} fits: a commercial site has a licence, another one has none.",
    "commercial_without_licence": "The site is filed as commercial, and has no ICP licence: a site"
    " with paid services needs one.",
    "licence_without_commerce": "The site is filed as non-commercial, and has an ICP licence: one"
    " of the two may be outdated.",
    "licence_without_filing": "There is an ICP licence and no ICP number: a valid ICP filing is a"
    " condition of the licence.",
    "managed_commercial": "The site is commercial, and runs on managed web hosting, which cannot"
    " have an ICP licence.",
    "level_ok": "Level {level} is that of a {service:service}.",
    "level_with_reason": "Level {level} is filed, where a {service:service} has level {expected}; a"
    " reason for it is on record.",
    "level_differs": "Level {level} is filed, and a {service:service} has level {expected}: correct"
    " it, or put the reason on record (level_reason).",
    # ── the numbers of companies and persons
    "number_of_unknown_kind": "{field:filed} cannot be checked before it is known whether the"
    " subject is a company or a person (subject_kind).",
    "company_number_ok": "{field:filed} has the right check digit; the organisation code in it is"
    " {organisation}.",
    "company_number_unreadable": "{field:filed} is no unified social credit code: these have 18"
    " digits and letters, none of them I, O, S, V or Z.",
    "company_number_check_digit": "{field:filed} has a wrong check digit: no company has this"
    " number.",
    "organisation_check_digit": "{field:filed} has the right check digit, and the organisation code"
    " within it a wrong one.",
    "person_number_ok": "{field:filed} has the right check digit and a day of birth that can be.",
    "person_number_unreadable": "{field:filed} is no number of an identity card: these have 18"
    " digits, the last of which may be an X.",
    "person_number_check_digit": "{field:filed} has a wrong check digit: nobody has this number.",
    "birth_impossible": "{field:filed} holds a day of birth that is in no calendar.",
    "birth_ahead": "{field:filed} holds a day of birth in the future.",
    "birth_too_early": "{field:filed} holds a day of birth before {year}.",
    "person_area_unknown": "{field:filed} begins with an area code that is not known to have been"
    " in use since the day of birth in it.",
    # ── phone numbers
    "phone_exists": "{field:filed} can exist: {country}, {kind:phone}.",
    "phone_service": "{field:filed} is that of a service, as a company's may be.",
    "phone_unreadable": "{field:filed} is no phone number.",
    "phone_impossible": "{field:filed} cannot exist: none of {country} has so many digits.",
    "phone_not_given_out": "{field:filed} cannot exist: {country} gives out no such number.",
    "phone_without_area": "{field:filed} has no area code, so nobody can tell whether it exists.",
    "phone_repeats": "{field:filed} looks made up: it has the same digit {count} times in a row.",
    "phone_counts": "{field:filed} looks made up: {count} of its digits only count up or down.",
    "phone_of_service": "{field:filed} is that of a public service, and nobody's own.",
    "phone_hotline": "{field:filed} is a company's hotline, where the responsible person may not be"
    " the one who answers.",
    "phone_emergency": "{field:filed} is an emergency number.",
    "phone_service_with_area": "{field:filed} is a service number behind an area code: these are"
    " dialled without one.",
    # ── mail
    "mail_ok": "{field:filed} can be one of {domain}.",
    "mail_unreadable": "{field:filed} is no mail address.",
    "mail_reserved": "{field:filed} takes no mail: {domain} is reserved, and nobody's.",
    "mail_disposable": "{field:filed} may be given up by now: {domain} gives out addresses to be"
    " thrown away.",
    # ── record numbers, areas and offices
    "icp_number_ok": "{field:filed} is written as one: {number}.",
    "icp_number_unreadable": "{field:filed} is none; one looks like 京ICP备12345678号-1, with the"
    " character of a province and 8 to 10 digits.",
    "icp_licence_ok": "{field:filed} is written as one: {number}.",
    "icp_licence_unreadable": "{field:filed} is none; one looks like 京ICP证150476号 or"
    " 粤B2-20090059.",
    "public_security_ok": "{field:filed} is written as one: {number}.",
    "public_security_unreadable": "{field:filed} is none; one looks like 京公网安备"
    " 11010502000001号, with 11 to 14 digits.",
    "public_security_other_province": "{field:filed}, {number}, begins with the character of"
    " another province than its area code, {area}.",
    "area_unknown": "{field:filed} holds the area code {area}, which is in no table of areas; a new"
    " area may not be in it yet.",
    "area_of_other_years": "{field:filed} holds the area code {area} ({name}), which was not in use"
    " in {year}.",
    "office_ok": "{field:filed} is one of {city}.",
    "office_unreadable": "{field:filed} is none: these have 6 or 12 digits.",
    "office_of_another_city": "{field:filed} is one of {city}, and the servers on record stand in"
    " {served}.",
    "office_not_listed": "{field:filed} is another one of {city} than the listed {listed}: ask"
    " whether it is the office of the servers' place.",
    # ── addresses
    "address_unreadable": "{field:filed} is no IP address, nor several with spaces between.",
    "no_server_on_record": "No server is on record, so nobody can tell which province's rules for"
    " addresses hold.",
    "server_without_province": "A server is on record without its province, so nobody can tell"
    " which province's rules for addresses hold.",
    "several_provinces": "The servers stand in {provinces}: which province's rules for addresses"
    " hold is to be asked.",
    "city_decides": "In {province} the addresses are bound, but not in {free}: say the city of each"
    " server.",
    "province_not_known": "No province of China is called {province}, so nobody can tell which"
    " rules for addresses hold.",
    "number_not_filed": "The site is approved, and the number that it was given is not on record.",
    "day_late": "{day} is later than {until}, the last day of the 30 for it.",
    "province_binds_nothing": "{province} binds no addresses of commercial sites.",
    "bound_address_missing": "{field:filed} is not on record, and {province} binds it.",
    "addresses_same": "The contract's IP, the reported IP and the one that the name points to are"
    " one and the same, as {province} wants it.",
    "addresses_contract": "The contract's IP is the one that the name points to, as {province}"
    " wants it.",
    "addresses_inventory": "The contract's IP, the reported IP and the one that the name points to"
    " are those of servers in {province}, as it wants it.",
    "addresses_differ": "{field:filed} is {addresses}, and the name points to {resolved}:"
    " {province} wants them to be the same.",
    "address_not_in_inventory": "{field:filed} is {addresses}, which is no address of a server on"
    " record in {province}.",
    "server_elsewhere": "{province} gave the licence and wants the servers there; this one stands"
    " in {stands}.",
    # ── documents and days
    "item_unreadable": "What is on record as {field} cannot be read.",
    "contract_present": "The access contract is on record.",
    "filed_without_contract": "The site has been filed, and no access contract is on record.",
    "document_kind_unknown": "{field} is of another kind than {kinds}.",
    "document_holds": "{field} holds to the end of {day}.",
    "document_expires": "{field} holds to the end of {day} only, {left} days from now.",
    "document_expired": "{field} expired after {day}.",
    "expiry_unreadable": "What {field} says of its expiry is no day; one looks like 2026-03-01.",
    "day_unreadable": "{field:filed} is no day; one looks like 2026-03-01.",
    "day_ahead": "{field:filed}, {day}, lies in the future.",
    "day_before": "{field:filed}, {day}, lies before {earlier:filed}, {earlier_day}.",
    "days_in_order": "The days on record are in order.",
}

FILED = {
    "subject_kind": "the kind of the subject",
    "subject_name": "the subject's name",
    "subject_number": "the subject's number",
    "responsible_name": "the responsible person's name",
    "responsible_number": "the responsible person's number",
    "responsible_phone": "the responsible person's phone number",
    "responsible_email": "the responsible person's mail address",
    "access_provider": "the access provider",
    "access_place": "the access provider's place",
    "access_phone": "the access provider's phone number",
    "access_method": "the method of access",
    "access_code": "the access provider's code",
    "registrar": "the domain registrar",
    "support_kind": "the kind of the technical support",
    "support_name": "the technical support's name",
    "support_phone": "the technical support's phone number",
    "hosting": "the kind of hosting",
    "service_type": "the service type",
    "nature": "the nature of the site",
    "level": "the level",
    "level_reason": "the reason for the level",
    "home_url": "the address of the home page",
    "ip": "the filed IP",
    "contract_ip": "the contract's IP",
    "resolved_ip": "the IP that the name points to",
    "reported_ip": "the reported IP",
    "icp_number": "the ICP number",
    "icp_licence": "the ICP licence",
    "public_security_number": "the public-security number",
    "office_code": "the office code",
    "opened_on": "the day of the opening",
    "filed_on": "the day of the filing",
    "approved_on": "the day of the approval",
    "shown_on": "the day on which the number was shown",
    "server": "the servers",
    "document": "the access contract",
}
"""What the details are called within a sentence, by their keys."""

_SERVICES = {
    "microblog": "microblog site", "news": "news site", "video": "video site",
    "game": "game site", "search": "search engine", "mail": "mail service",
    "company": "company site", "other": "site of another service",
}  # fmt: skip
_PHONES = {
    "fixed_line": "a fixed line",
    "mobile": "a mobile phone",
    "fixed_line_or_mobile": "a fixed line or a mobile phone",
    "toll_free": "free of charge",
    "shared_cost": "at a shared charge",
}

NEEDS = {
    "who_owns": "a filing is made for the one whose site it is",
    "who_it_is": "the number tells who it is, and its check digit whether it can be",
    "who_answers": "somebody answers for the site by name",
    "to_reach": "the responsible person has to be reached within an hour of a violation",
    "to_file_in_time": "the site is to be filed within 30 days of its opening",
    "decides_level": "the level follows from the service",
    "decides_licence": "a site with paid services needs a licence, another one none",
    "may_forbid_licence": "managed web hosting cannot have a licence",
    "is_filed": "it is one of the things that are filed",
    "support_is_company": "the technical support is a company, which is named in the filing",
    "decides_office": "it is filed with the office of the place where the server stands",
    "server_on_record": "the servers are filed",
    "server_place": "the place of the servers is filed",
    "server_count": "the number of the servers is filed",
    "server_province": "the rules for the addresses are those of the servers' province",
    "contract_is_filed": "the access contract is filed",
    "licence_needs_filing": "a valid ICP filing is a condition of the licence",
    "paid_services": "a site with paid services needs an ICP licence",
    "province_may_bind": "some provinces bind the addresses of commercial sites",
}
"""Why a detail is needed that is missing, by the code (see `checks`)."""

STEPS = {
    "change_site_filing": "Change the site's filing.",
    "say_address_changed": "Say that the IP address has changed.",
    "submit_for_first_review": "Submit it for the first review.",
    "change_contract": "Have the contract changed too: it names the IP.",
}
"""What is to be done when an address has changed, by the code (see `ip_addresses`)."""

FINDING_WORDS = (
    {f"filed.{key}": name for key, name in FILED.items()}
    | {f"need.{code}": why for code, why in NEEDS.items()}
    | {f"step.{code}": step for code, step in STEPS.items()}
    | {f"service.{code}": name for code, name in _SERVICES.items()}
    | {f"phone.{code}": name for code, name in _PHONES.items()}
)
"""The words of the groups that the sentences name."""

_ENGLISH = Language(phrases=FINDING_PHRASES | FINDING_WORDS, duration=write_duration, comma=", ")


def finding_sentence(finding: Finding) -> str:
    """What a finding says, in English."""
    said = _ENGLISH.say(finding.code, when=None, field=finding.field, **finding.facts)
    # A key is written as it is.
    return said if said.startswith(finding.field) else said[:1].upper() + said[1:]
