"""The reference of the policy file: every key with its default, and the bounds that are refused."""

from __future__ import annotations

import json
import re

from incidents.machine import policy
from incidents.machine.policy import DOCUMENTED, PolicyError
from scripts.generated.markdown import code, page, table

_RULES = {
    "repeat": "R1",
    "unreachable": "R2",
    "unreachable_run": "R3",
    "refusal": "R5",
    "closure": "R4, R5",
}
_MEANINGS = {
    "repeat.count": "so many violations on one site close it",
    "repeat.within": "the longest span of time, both ends included, that holds them",
    "unreachable.within": "how long the contact clock of an incident runs, from its recording",
    "unreachable.suspend_for": "how long a suspension lasts, from when it is really made",
    "unreachable.min_attempts": "so many attempts by the deadline a suspension needs; with fewer,"
    " the desk is alarmed and the site is left alone",
    "unreachable_run.count": "the standing case that closes the site in place of a suspension",
    "unreachable_run.run": "which cases count: those in a row, or all since the last reinstatement",
    "refusal.removal_within": "how long a notified incident may stay, from the recording of the"
    " contact, before that counts as a refusal; empty for no deadline",
    "closure.two_people": "whether a closure on somebody's word needs a second person",
}
# A value that no key accepts: its error says what the key must be.
_WRONG: dict[type, object] = {int: -1, str: "0s", bool: 0}
_MUST = re.compile(r"\S+ must be (?P<bounds>.*), got .*")


def text() -> str:
    """The page."""
    return page(
        "# The policy file",
        "The numbers of R1, R2, R3 and R5 are data. R4 has none. A policy is a TOML file; a key"
        " that is left out has the documented value, and an unknown key or section is an error."
        " [closure] is there only where it asks for two people: so the digests of policies"
        " from before it stay as they are. How to change it:"
        " [Change the policy](../how-to/change-the-policy.md).",
        table(
            ("key", "rule", "default", "must be", "meaning"),
            (_row(f"{section}.{key}", default) for section, key, default in _keys()),
        ),
        "## Durations",
        "A duration is written in days, hours, minutes and seconds, in that order: `90m`, `1h30m`,"
        " `24h`, `30d`. `60m` and `1h` are the same.",
        "## The documented policy",
        "It is active from the start. As a file:",
        code(DOCUMENTED.toml(), "toml"),
        "## The digest",
        "A policy's version is its digest, the SHA-256 of its canonical JSON. Two files that say"
        " the same have the same digest. Each decision records the digest of the policy that it"
        " was taken under. That of the documented policy is",
        code(DOCUMENTED.digest),
    )


def _keys() -> list[tuple[str, str, str | int]]:
    # The document leaves out a demand that is off by default.
    document = DOCUMENTED.document() | {"closure": {"two_people": False}}
    return [
        (section, key, default)
        for section, keys in document.items()
        for key, default in keys.items()
    ]


def _row(name: str, default: str | int) -> tuple[str, ...]:
    section = name.partition(".")[0]
    written = f"`{json.dumps(default)}`"
    return f"`{name}`", _RULES[section], written, _bounds(name, default), _MEANINGS[name]


def _bounds(name: str, default: str | int) -> str:
    section, _, key = name.partition(".")
    told = "nothing"
    try:
        policy.from_document({section: {key: _WRONG[type(default)]}})
    except PolicyError as error:
        told = str(error)
    found = _MUST.fullmatch(told)
    assert found is not None, f"{name}: {told}"
    bounds = found["bounds"].replace('"', "`").replace("between", "a duration between")
    return f"{bounds}, or empty" if default == "" else bounds
