"""The masking of people's phone numbers and addresses, until somebody reveals them.

A phone number keeps its country and area code and its last two digits, an email address its first
letter and its domain, an identity number its last two characters. A value that is too short for
this is hidden entirely.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from incidents.machine import filing
from incidents.store.schema.types import canonical

if TYPE_CHECKING:
    from incidents.contract.documents import Facts

D = TypeVar("D")

DOT = "•"
_HIDDEN = DOT * 3
_OPENING, _CLOSING = "“”"

# Fewer digits than this are an extension or a service number, whose end is not shown.
_LEAST_DIGITS = 7
_LAST = 2
# The country and area code is shown only if at least this many digits stay hidden.
_LEAST_HIDDEN = 5

# What people and programs put between the digits of one number: blanks of any width and of none,
# line breaks, dashes, dots, parentheses, slashes, colons, tildes, asterisks, Chinese commas. No
# ASCII comma: it also separates the ids of incidents.
_SEPARATORS = (
    " \t\r\n\x85\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff"
    ".．·•・‧∙⋅()（）/／\u2044，、:：~～*＊_＿－﹣ー‐‑‒–—―−-"
)
_PUNCTUATION = re.escape("+＋[]［］,，、;；:：#*|<>")
_HIDES = re.compile(f"[^{_PUNCTUATION}{_SEPARATORS}]")
_BETWEEN_NUMBERS = re.compile(r"([/／,，、;；|\n])")
_EXTENSION = re.compile(
    r"(?:ext|extension|x|#|转|轉|分机|分機)[\s.:：]{0,5}\w{0,20}\s{0,5}$", re.IGNORECASE
)
_BETWEEN_ADDRESSES = re.compile(r"([\s,，、;；<>()（）\[\]]+)")
# A domain ends in a name: one that ends in digits may be a phone number.
_ADDRESS = re.compile(
    r"(?P<local>.*)(?P<at>[@＠])(?P<domain>(?:[\w-]+\.)+(?:xn--[\w-]+|[^\W\d_]{2,}))"
)
_DATE = (
    r"(?:(?<![\d-])(?:19|20)\d\d(?:-\d\d?-|/\d\d?/|\.\d\d?\.)\d\d?"
    r"(?:[T ]\d\d:\d\d(?::\d\d)?)?(?![\d-]|[/.]\d)"
    r"|(?<![\d/])\d\d?/\d\d?/(?:19|20)\d\d(?![\d/-]))"
)
# Bounded, or a long row of separators would take quadratic time.
_NUMBER = rf"(?P<number>[+＋(（]{{0,2}}\d(?:[{_SEPARATORS}]{{0,6}}(?!{_DATE})\d){{6,}})"
# Text may follow an address without a space, in Chinese for example. After a domain that is not
# ASCII nobody can tell where it begins, so everything is hidden.
_IN_WORDS = re.compile(
    rf"(?P<date>{_DATE})"
    r"|(?P<address>[\w.!#$%&'*+/=?^`{|}~-]{1,64}+[@＠](?:(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}|\S+))"
    rf"|{_NUMBER}"
)
# Any letter may begin an address of up to 64 more: addresses are searched only if there is an @.
_IN_OTHER_WORDS = re.compile(rf"(?P<date>{_DATE})|{_NUMBER}(?P<address>)")
# The part before the host of a web address may be a password.
_AS_WRITTEN = frozenset({"urls_written", "written"})
_USER = re.compile(r"^([^:]*:[/\\\s]*)[^/\\?#]*@")
# Country codes of two digits (ITU-T E.164); 1 and 7 have one digit, all others three.
_TWO_DIGITS = frozenset([
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46",
    "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63",
    "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
])  # fmt: skip
_CHINA, _NORTH_AMERICA = "86", "1"


def phone(text: str) -> str:
    """Mask a phone number, or several: `+86 10 5555 0100` becomes `+86 10 •••• ••00`.

    The result is as long as `text`. Letters and extensions are hidden; digits of any script count.
    """
    parts = _BETWEEN_NUMBERS.split(text)
    return "".join(part if n % 2 else _with_extension(part) for n, part in enumerate(parts))


def address(text: str) -> str:
    """Mask an email address, or several: `wang@shop.example` becomes `w•••@shop.example`.

    Three dots replace a hidden part of any length. Text that is not an address is hidden entirely.
    """
    parts = _BETWEEN_ADDRESSES.split(text)
    return "".join(part if n % 2 or not part else _address(part) for n, part in enumerate(parts))


@lru_cache(maxsize=4)
def words(text: str) -> str:
    """Mask anything that looks like a phone number or an address in free text.

    Seven digits or more look like a number, unless they are a date. The result is cached, because a
    document repeats a text for an incident and its events.
    """
    pattern = _IN_WORDS if "@" in text or "＠" in text else _IN_OTHER_WORDS
    return pattern.sub(_word, text)


def identity(text: str) -> str:
    """Mask the number of an identity document, such as an identity card: `••••••••••••••••2X`."""
    places = [n for n, character in enumerate(text) if character.isalnum()]
    shown = places[-_LAST:] if len(places) >= _LEAST_DIGITS else []
    return _dotted(text, frozenset(shown))


def server(text: str) -> str:
    """Mask a server of a filing, a JSON object: all parts but its IP address are free text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _HIDDEN
    return canonical(_server(found)) if isinstance(found, dict) else _HIDDEN


_MASKS: dict[str, Callable[[str], str]] = {
    "phone": phone, "email": address, "person": words, "note": words, "remark": words,
    **dict.fromkeys(filing.SEALED_FIELDS, words),
    **dict.fromkeys(("responsible_phone", "access_phone", "support_phone"), phone),
    **dict.fromkeys(("subject_number", "responsible_number"), identity),
    "responsible_email": address,
}  # fmt: skip
_WORDS = frozenset({"reason", "text", "said", "evidence", "name"})


def details(found: Mapping[str, str | None]) -> dict[str, str | None]:
    """The details of a filing, each masked as its name requires; None stays None."""
    return {name: text and _MASKS[name](text) for name, text in found.items()}


def document(value: D) -> D:
    """A document, or a list of them, with personal text masked at any depth.

    The sentences of a timeline quote people, and only the quotation in such a sentence is masked.
    """
    return cast("D", _document(value))


def _document(value: Any) -> Any:
    if isinstance(value, list):
        return [_document(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {
        name: inner if inner is None else _masked(name, inner) for name, inner in value.items()
    }
    quotation = value.get("said")
    if isinstance(quotation, str) and isinstance(value.get("words"), str):
        found["words"] = value["words"].replace(quotation, words(quotation))
    return found


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return _masked_text(name, value)
    if isinstance(value, list) and name in _AS_WRITTEN:
        return [_USER.sub(rf"\1{_HIDDEN}@", each) for each in value]
    if isinstance(value, list) and name in _WORDS:
        return [_quoted(each) if isinstance(each, str) else _document(each) for each in value]
    if isinstance(value, dict) and name.startswith(filing.SERVER):
        return _server(value)
    return _document(value)


def _masked_text(name: str, value: str) -> str:
    if name in _MASKS:
        return _MASKS[name](value)
    if name in _WORDS:
        return words(value)
    return server(value) if name.startswith(filing.SERVER) else value


def _server(parts: Facts) -> dict[str, object]:
    return {
        name: words(text) if name != "ip" and isinstance(text, str) else text
        for name, text in parts.items()
    }


def _quoted(line: str) -> str:
    """A line generated by this program, with the quotation between “ and ” masked.

    Digests, names, web addresses and commands outside the quotation stay unchanged.
    """
    first, last = line.find(_OPENING), line.rfind(_CLOSING)
    if not 0 <= first < last:
        return line
    return line[:first] + words(line[first:last]) + line[last:]


def _with_extension(text: str) -> str:
    found = _EXTENSION.search(text)
    at = len(text) if found is None else found.start()
    return _number(text[:at]) + _dotted(text[at:], frozenset())


def _number(text: str) -> str:
    places = [n for n, character in enumerate(text) if character.isdecimal()]
    digits = "".join(str(unicodedata.decimal(text[n])) for n in places)
    shown: set[int] = set()
    if len(digits) >= _LEAST_DIGITS:
        shown.update(places[-_LAST:])
        code = _code(digits, international=any(each in "+＋" for each in text[: places[0]]))
        if len(digits) - _LAST - code >= _LEAST_HIDDEN:
            shown.update(places[:code])
    return _dotted(text, shown)


def _dotted(text: str, shown: set[int] | frozenset[int]) -> str:
    dotted = _HIDES.sub(DOT, text)
    if not shown:
        return dotted
    return "".join(text[n] if n in shown else each for n, each in enumerate(dotted))


def _code(digits: str, *, international: bool) -> int:
    """The number of leading digits that are the country and area code."""
    prefix = 2 if digits.startswith("00") and not international else 0
    if not international and not prefix:
        return _with_zero(digits) if digits.startswith("0") else 0
    rest = digits[prefix:]
    country = 1 if rest[0] in "17" else 2 if rest[:2] in _TWO_DIGITS else 3
    after = rest[country:]
    if rest.startswith(_CHINA):
        # The zero that is dialled inside the country is often written too, in parentheses.
        return prefix + country + (_with_zero(after) if after.startswith("0") else _area(after))
    return prefix + country + (3 if rest.startswith(_NORTH_AMERICA) else 0)


def _with_zero(digits: str) -> int:
    area = _area(digits[1:])
    return area and area + 1


def _area(digits: str) -> int:
    """The number of digits in a Chinese area code, without its leading 0; 0 for a mobile number."""
    if digits.startswith(("10", "2")):
        return 2
    return 0 if digits.startswith(("0", "1")) else 3


def _address(text: str) -> str:
    found = _ADDRESS.fullmatch(text)
    if found is None or sum(map(str.isdecimal, found["domain"])) >= _LEAST_DIGITS:
        return _HIDDEN
    local = found["local"]
    first = local[0] if len(local) > 1 and local[0].isalnum() else ""
    return f"{first}{_HIDDEN}{found['at']}{found['domain']}"


def _word(found: re.Match[str]) -> str:
    if found["date"]:
        return found["date"]
    return _address(found[0]) if found["address"] else phone(found[0])
