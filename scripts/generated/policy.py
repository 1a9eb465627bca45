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
    "repeat.count": "this many violations on one site close it",
    "repeat.within": "the longest time, both ends included, that holds them",
    "unreachable.within": "how long the contact clock of an incident runs, from its recording",
    "unreachable.suspend_for": "how long a suspension lasts, from the moment it is made",
    "unreachable.min_attempts": "how many attempts a suspension needs by the deadline; with fewer,"
    " the desk gets an alarm and the site stays up",
    "unreachable_run.count": "which standing case closes the site instead of suspending it",
    "unreachable_run.run": "which cases count: those in a row, or all since the last reinstatement",
    "refusal.removal_within": "the time from the recording of the contact after which a"
    " notified incident counts as a refusal; empty for no deadline",
    "closure.two_people": "whether a closure on one person's word needs a second person",
}
# A value that no key accepts: its error says what the key must be.
_WRONG: dict[type, object] = {int: -1, str: "0s", bool: 0}
_MUST = re.compile(r"\S+ must be (?P<bounds>.*), got .*")


def text() -> str:
    """The page."""
    return page(
        "# The policy file",
        "The keys of a policy file, in TOML. To use one, see [Change the"
        " policy](../how-to/change-the-policy.md). A key that is left out has the default value;"
        " an unknown key or section is an error. `[closure]` is written only if it requires two"
        " people, so that older policies keep their digests.",
        table(
            ("key", "rule", "default", "must be", "meaning"),
            (_row(f"{section}.{key}", default) for section, key, default in _keys()),
        ),
        "## Durations",
        "A duration is written in days, hours, minutes and seconds, in that order: `90m`, `1h30m`,"
        " `24h`, `30d`. `60m` and `1h` are the same.",
        "## The default policy",
        "It is active from the start. As a file:",
        code(DOCUMENTED.toml(), "toml"),
        "## The digest",
        "A policy's version is its digest, the SHA-256 of its canonical JSON. Two files with the"
        " same content have the same digest. Each decision records the digest of its policy. The"
        " digest of the default policy is",
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
