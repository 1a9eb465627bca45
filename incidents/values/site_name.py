"""A site's name: its accepted spellings, and the one form in which it is stored.

The stored form is a host's lower-case ASCII form (UTS 46), of at most 253 octets, or an IP address
in its shortest form. Any name that DNS can serve is valid, even one that no registry would sell: an
emoji, a hyphen at an end. It is never a URL: a site is the name of one responsible person, not any
host in an address.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Never
from unicodedata import category, combining, normalize
from unicodedata import name as unicode_name

from incidents.errors import BadSiteNameError, Cause
from incidents.values import ids, punycode

MAX_OCTETS = 253
MAX_LABEL_OCTETS = 63
MAX_WRITTEN = 1_000
"""The maximum number of written characters to examine; UTS 46 can drop some of them."""
_MOST_MARKS = 4 * MAX_LABEL_OCTETS
"""The maximum number of combining marks in a part of valid length.

At most three marks and a letter become one character (Unicode, normal form C), in quadratic time.
"""

_PLAIN = re.compile("[a-z0-9_-]+")
# Signs that browsers accept (WHATWG URL Standard: no forbidden domain code point) and DNS serves.
_SERVED = re.compile(r"[a-z0-9_!\"$&'()*+,;=`{}~-]+")
CAUSES = {
    "empty": "it is empty; write a host's name such as shop.example",
    "character": "it holds {character}; write a host's name alone",
    "url": "it is a URL; give the host's name, and the address with --url",
    "path": "it has a path; give the host's name, and the address with --url",
    "at": "it has an @; give the host's name alone, what stands behind the @",
    "percent": "it has a %; give an IP address without its zone, or a name as it is read",
    "asterisk": "it has a *; a site is one name, so give each host its own record",
    "brackets": "it is in brackets; give the IP address without brackets and port",
    "port": "it has a port; give the host alone, {host}",
    "colon": "it is no IP address, and a host's name has no colon",
    "number": "a name that ends in a number is an IP address, and this is not a valid one",
    "id": "it looks like the id of an incident or of a task; write the whole name",
    "endless": "it has {characters} characters, and at most {limit} are looked at",
    "long": "it has {octets} octets in its ASCII form, and {limit} are the most",
    "empty_part": "it has an empty part between two dots",
    "long_part": "its part {part}… has {octets} octets; {limit} are the most",
    "wide_part": "its part {part}… has {characters} characters; {limit} octets are the most",
    "part": "its part {part!r} may hold letters, digits and hyphens alone",
    "hyphen": "its part {part!r} begins or ends with a hyphen",
    "idna": "its part {part!r} is not allowed in a name (IDNA): {detail}",
}
"""The reasons why a text is not a site's name, by code."""

_NOT_IN_A_NAME = {"@": "at", "%": "percent", "*": "asterisk"}
_LIKE_AN_ID = re.compile(rf"\d+(?:-t?\d+)+|\d+-(?:{'|'.join(ids.NAMED)})", re.ASCII)
_KEPT = re.compile(rf"[a-z0-9._-]{{1,{MAX_OCTETS}}}")
_FIRST_WORD = re.compile("[ -]")
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}), frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"CYRILLIC"}), frozenset({"GREEK"}),
)  # fmt: skip
"""The scripts that one label may mix, by Unicode's names; digits belong to all scripts."""
_ALIKE = frozenset(
    "асԁеһіјӏорԛѕԝхуѵѡҽпгкнтмвьбαβγικνορτυχωηεエカタトニハヘミムリロンソノスーへり一丨丶丿〇口・ヽ"
)
"""Letters of other scripts that can pass for a Latin or Han letter, or for a sign."""
_LATIN = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßœāăćčēěğīńňōőřśšūůűźżž")
"""Latin letters with clearly visible marks; a dot below, or a missing dot, could deceive."""
# The four full stops that IDNA takes for a dot.
_DOTS = re.compile("[.\u3002\uff0e\uff61]")


def read(text: str) -> str:
    """Read a site's name, and return its stored form.

    Raises:
        BadSiteNameError: naming the text, the reason, and the remedy.
    """
    kept = read_host(text)
    if _LIKE_AN_ID.fullmatch(kept):
        _refuse(text, "id")
    if not any(map(str.isalnum, kept)):
        _refuse(text, "part", part=kept)
    return kept


def matches_name(site: str, typed: str | None) -> bool:
    """Whether a text typed as confirmation is the name of that site."""
    try:
        return typed is not None and read(typed.strip()) == site
    except BadSiteNameError:
        return False


def read_host(text: str) -> str:
    """Read any host, even one that cannot be a site. Raises the same errors as `read`."""
    return _host(text, _PLAIN)


def read_served(text: str) -> str:
    """Read a host in an address, which may have any character that browsers accept.

    Such a host is below some site. A site's own name is typed in a shell and written into servers'
    configuration, so it has only letters, digits, hyphens and underscores.
    """
    return _host(text, _SERVED)


def _host(text: str, allowed: re.Pattern[str]) -> str:
    name = text.strip(" ")
    if len(name) > MAX_WRITTEN:
        _refuse(text, "endless", characters=f"{len(name):,}", limit=f"{MAX_WRITTEN:,}")
    _refuse_what_is_no_name(text, name, allowed)
    address = _ip_address(name)
    if address is not None:
        return address
    labels = _DOTS.split(name.removesuffix("."))
    kept = ".".join(_label(text, label, allowed) for label in labels)
    # Checked in the kept form, where ① is a 1.
    if kept.rpartition(".")[2].isdecimal():
        _refuse(text, "number")
    if len(kept) > MAX_OCTETS:
        _refuse(text, "long", octets=len(kept), limit=MAX_OCTETS)
    return kept


def read_own_host(text: str) -> str:
    """Read a host that this program contacts, in the strict form of registries (IDNA 2008)."""
    kept = read_host(text)
    for label in kept.split("."):
        if label.startswith("xn--"):
            _refuse_outside_idna_2008(text, label)
        elif label.startswith("-") or label.endswith("-"):
            _refuse(text, "hyphen", part=label)
    return kept


def shown(name: str) -> str:
    """Return a stored name for people: in Unicode if that deceives nobody, otherwise in A-labels.

    A label is of one script, or of Latin, Han and kana, or of Latin, Han and Hangul, as in browsers
    (UTS 39, Highly Restrictive), and has, of each script, a letter that is not a look-alike. Names
    in other scripts, and any other text, are returned unchanged.
    """
    return _written(name) if "xn--" in name and _KEPT.fullmatch(name) else name


def in_full(name: str) -> str:
    """Return the shown name followed by the stored form, for copying."""
    written = shown(name)
    return name if written == name else f"{written} ({name})"


@lru_cache(1024)
def _written(name: str) -> str:
    import idna

    labels = name.split(".")
    try:
        read = [idna.ulabel(label) if label.startswith("xn--") else label for label in labels]
        written = ".".join(read)
        is_same = read_host(written) == name
    except (idna.IDNAError, UnicodeError, BadSiteNameError):
        return name
    return written if is_same and all(map(_is_plain_to_see, read)) else name


def _is_plain_to_see(label: str) -> bool:
    if label.isascii():
        return True
    scripts = {_script(letter) for letter in label if letter.isalpha() or not letter.isascii()}
    bases = (normalize("NFD", letter)[0] for letter in label)
    plain = {_script(letter) for letter in bases if letter not in _ALIKE}
    return scripts - {"LATIN"} <= plain and any(scripts <= group for group in _TOGETHER)


def _script(letter: str) -> str:
    """The letter's script by its name in Unicode; empty for a Latin letter with an unusual mark."""
    if letter.isascii():
        return "LATIN"
    script = _FIRST_WORD.split(unicode_name(letter, ""))[0]
    if script == "LATIN" and letter not in _LATIN:
        return ""
    return "CJK" if script == "IDEOGRAPHIC" else script


def _refuse_what_is_no_name(text: str, name: str, allowed: re.Pattern[str]) -> None:
    if not name:
        _refuse(text, "empty")
    suspect = name if " " in name or not name.isprintable() else ""
    for character in suspect:
        # UTS 46 drops characters without width.
        has_width = category(character) != "Cf"
        if character.isspace() or (has_width and not character.isprintable()):
            _refuse(text, "character", character=describe(character))
    if "://" in name or name.startswith("//"):
        _refuse(text, "url")
    if "/" in name or "\\" in name or "?" in name or "#" in name:
        _refuse(text, "path")
    for mark, code in _NOT_IN_A_NAME.items():
        if mark in name and not allowed.fullmatch(mark):
            _refuse(text, code)
    if name.startswith("["):
        _refuse(text, "brackets")
    if name.count(":") == 1:
        _refuse(text, "port", host=name.partition(":")[0])


def _ip_address(name: str) -> str | None:
    if not (":" in name or name.replace(".", "").isdecimal()):
        return None
    import ipaddress

    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        if ":" in name:
            _refuse(name, "colon")
        return None


def _label(text: str, label: str, allowed: re.Pattern[str]) -> str:
    small = label.lower() if label.isascii() else _mapped(text, label)
    if not small:
        _refuse(text, "empty_part")
    plain = small if small.isascii() else "".join(filter(str.isascii, small))
    if plain and not allowed.fullmatch(plain):
        _refuse(text, "part", part=label)
    if not small.isascii() and len(small) > MAX_LABEL_OCTETS:
        _refuse_wide(text, label, len(small))
    kept = small if small.isascii() else f"xn--{punycode.encode(small)}"
    if len(kept) > MAX_LABEL_OCTETS:
        _refuse(text, "long_part", part=label[:20], octets=len(kept), limit=MAX_LABEL_OCTETS)
    return kept


def _mapped(text: str, label: str) -> str:
    """Map full-width and capital letters to the intended letters (UTS 46)."""
    import idna

    if len(label) > _MOST_MARKS and sum(map(bool, map(combining, label))) > _MOST_MARKS:
        _refuse_wide(text, label, len(label))
    try:
        return idna.uts46_remap(label, std3_rules=False)
    except (idna.IDNAError, UnicodeError) as error:
        _refuse(text, "idna", part=label, detail=str(error))


def _refuse_wide(text: str, label: str, characters: int) -> Never:
    """Refuse a part with too many characters.

    Each character has at least one octet, so the octets need not be counted.
    """
    facts = {"characters": f"{characters:,}", "limit": MAX_LABEL_OCTETS}
    _refuse(text, "wide_part", part=label[:20], **facts)


def _refuse_outside_idna_2008(text: str, label: str) -> None:
    import idna

    try:
        idna.decode(label)
    except (idna.IDNAError, UnicodeError) as error:
        _refuse(text, "idna", part=label, detail=str(error))


def describe(character: str) -> Cause:
    """Describe a character that cannot be shown, by its code point: `the character U+0000`."""
    if character == " ":
        return Cause.of("a_space", "a space")
    return Cause.of("a_character", "the character {point}", point=f"U+{ord(character):04X}")


def _refuse(text: str, code: str, **facts: Any) -> Never:
    given = text if len(text) <= 80 else text[:79] + "…"
    raise BadSiteNameError(given=given, detail=Cause.of(f"site_{code}", CAUSES[code], **facts))
