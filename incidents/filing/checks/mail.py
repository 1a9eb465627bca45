"""The mail address of a filing: whether it can take mail, and whether it is of the throw-away kind.

Nobody is asked: no name is looked up, and no mail is sent.
"""

from __future__ import annotations

from incidents.filing.checks.finding import Finding, ok, suspect, wrong
from incidents.machine.filing import Details

SYNTAX = "RFC 5321 section 4.1.2 and RFC 6531, email-validator"
RESERVED = "RFC 2606, RFC 6761 section 6"
DISPOSABLE = "the list disposable-email-domains"

FIELD = "responsible_email"

MAX_CHARACTERS = 320
"""So many a mail address has at most, before and behind its @ (RFC 5321, section 4.5.3.1)."""

NO_MAIL = frozenset({
    "test", "example", "invalid", "localhost", "local", "onion", "arpa", "example.com",
    "example.net", "example.org",
})  # fmt: skip
"""Under these no mail is taken, by their meaning."""


def check(details: Details) -> list[Finding]:
    """What is to be said of the responsible person's address."""
    return [_of(details[FIELD])] if FIELD in details else []


def _of(text: str) -> Finding:
    from disposable_email_domains import blocklist
    from email_validator import EmailNotValidError, validate_email

    if len(text) > MAX_CHARACTERS:
        return wrong(FIELD, "mail_unreadable", SYNTAX, false=True)
    domains = _domains(text.strip().rpartition("@")[2].lower())
    if "@" in text and not NO_MAIL.isdisjoint(domains):
        return wrong(FIELD, "mail_reserved", RESERVED, false=True, domain=domains[0])
    try:
        domain = validate_email(text.strip(), check_deliverability=False).ascii_domain.lower()
    except EmailNotValidError:
        return wrong(FIELD, "mail_unreadable", SYNTAX, false=True)
    if not blocklist.isdisjoint(_domains(domain)):
        return suspect(FIELD, "mail_disposable", DISPOSABLE, false=True, domain=domain)
    return ok(FIELD, "mail_ok", SYNTAX, domain=domain)


def _domains(domain: str) -> list[str]:
    """The domain and all that it lies in: `a.example.com`, `example.com`, `com`."""
    labels = domain.rstrip(".").split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]
