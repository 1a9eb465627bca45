"""A person's name, under which they act and sign entries."""

import unicodedata

from incidents.errors import (
    BadTextError,
    EmptyTextError,
    RefusedError,
    ReservedNameError,
    TextTooLongError,
)
from incidents.values import site_name

MAX_PERSON_CHARACTERS = 100
# A name is recorded unsealed for good, so it must not be able to hold a phone number.
MAX_PERSON_DIGITS = 7
# Signers that are no persons (machine.commands: CHECKER, CLOCK, …).
RESERVED_PERSONS = frozenset({"checker", "clock", "courier", "customer", "daemon"})
RULE = "rule:"
"""The beginning of the signature of an intake rule; no person's name begins with it."""


class TellingNameError(RefusedError):
    """the name {given!r} looks like somebody's address or number, and would stay in the record for
    good: use the name of an account"""


def check_person(name: str) -> str:
    """Check that a person's name can sign entries, and return the name.

    Raises:
        ReservedNameError, BadTextError, EmptyTextError, TextTooLongError, TellingNameError.
    """
    person = name.strip(" ")
    if not person:
        raise EmptyTextError(what="name given with --as")
    if len(person) > MAX_PERSON_CHARACTERS:
        raise TextTooLongError(
            what="name given with --as", length=len(person), limit=MAX_PERSON_CHARACTERS
        )
    for character in person:
        if not character.isprintable():
            raise BadTextError(
                what="name given with --as",
                found=site_name.describe(character),
            )
    plain = unicodedata.normalize("NFKC", person).casefold()
    if plain in RESERVED_PERSONS or plain.startswith(RULE):
        raise ReservedNameError(given=person)
    if (
        "@" in person
        or "＠" in person
        or sum(character.isdigit() for character in person) >= MAX_PERSON_DIGITS
    ):
        raise TellingNameError(given=person)
    return person
