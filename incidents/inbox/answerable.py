"""Where a mail may be answered (RFC 3834), and which servers vouch for who sent it.

A mail's fields are written by anybody. An answer goes to the one address in From, or in Reply-To if
both are of one organisation: never to a third party that a forger names. Nothing is decoded, so no
encoded word (RFC 2047) hides an address.
"""

from __future__ import annotations

import re

from incidents.inbox.mail import Mail, addresses
from incidents.values import public_suffix

_MAX = 254
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)
_NOBODY = re.compile(
    r"(?:.*[._+-])?(?:no|do[._-]?not|dont|never)[._-]?reply(?:[._+-].*)?|mailer[._-]?daemon"
    r"|postmaster|hostmaster|root|daemon|nobody|bounces?(?:[._+=-].*)?|.*[._-]bounces?"
    r"|(?:owner-.+|.+-(?:request|owner|admin|bounces))|majordomo|listserv|mdaemon|auto(?:mail|reply)?"
)
_RECIPIENTS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
_PASSED = re.compile(r"\b(dmarc|dkim|spf)\s*=\s*pass\b([^;]*)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_DOMAINS = {
    "dmarc": re.compile(r"\bheader\.from\s*=\s*(\S+)", re.IGNORECASE),
    "dkim": re.compile(r"\bheader\.(?:d|i)\s*=\s*(\S+)", re.IGNORECASE),
    "spf": re.compile(r"\bsmtp\.mailfrom\s*=\s*(\S+)", re.IGNORECASE),
}
_MAX_RESULTS = 20


def is_address(text: str) -> bool:
    """Whether a mail can be sent to that text: one plain address, in ASCII."""
    return len(text) <= _MAX and _ADDRESS.fullmatch(text) is not None


def is_nobody(address: str) -> bool:
    """Whether nobody reads mail to that address, such as `no-reply@…` or `mailer-daemon@…`."""
    return _NOBODY.fullmatch(address.rpartition("@")[0].lower()) is not None


def address_of(mail: Mail) -> str | None:
    """The address to which the mail may be answered, in lower case; None if it may not."""
    if mail.is_automatic:
        return None
    sender = _only(mail, "from")
    if sender is None:
        return None
    found = sender
    if "reply-to" in mail.fields:
        asked = _only(mail, "reply-to")
        if asked is not None and _organisation(asked) == _organisation(sender):
            found = asked
    recipients = {address.lower() for name in _RECIPIENTS for address in _addresses(mail, name)}
    if is_nobody(sender) or is_nobody(found) or {sender, found} & recipients:
        return None
    return found


def vouchers(mail: Mail) -> tuple[str, ...]:
    """The servers that say that the sender's domain sent the mail, as they name themselves.

    By the first field Authentication-Results (RFC 8601) of each: an upper one is newer. Only the
    operator knows which server is theirs, so that nobody else can have written its field.
    """
    sender = _only(mail, "from")
    if sender is None:
        return ()
    domain, found = _organisation(sender), {}
    for field in mail.fields.get("authentication-results", ())[:_MAX_RESULTS]:
        plain = _COMMENT.sub(" ", field)
        server, _, results = plain.partition(";")
        name = (server.split() or [""])[0].lower()
        if name and name.isascii() and name not in found:
            found[name] = _is_from(results, domain)
    return tuple(name for name, is_so in found.items() if is_so)


def _is_from(results: str, domain: str) -> bool:
    for method, facts in _PASSED.findall(results):
        stated = _DOMAINS[method.lower()].search(facts)
        if stated is None:
            continue
        named = stated[1].strip('"<>').rpartition("@")[2].lower()
        if named and _organisation(f"@{named}") == domain:
            return True
    return False


def _only(mail: Mail, name: str) -> str | None:
    """The one address in the fields of that name, in lower case; None if there is not just one."""
    found = _addresses(mail, name)
    if len(found) != 1 or len(mail.fields[name]) != 1 or not is_address(found[0]):
        return None
    return found[0].lower()


def _addresses(mail: Mail, name: str) -> list[str]:
    return [address for address in addresses(mail.fields.get(name, [])) if address]


def _organisation(address: str) -> str:
    domain = address.rpartition("@")[2].lower()
    return public_suffix.registrable(domain) or domain
