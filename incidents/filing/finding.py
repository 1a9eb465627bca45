"""The finding: what a check says of a filed detail, by a code, with the source of its rule.

Its sentence is in the catalogue `filing`, under the code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from incidents.locale.language import Language, language

if TYPE_CHECKING:
    from incidents.contract.documents.filings import FindingVerdict
    from incidents.values.json_object import JSONObject

VERDICTS: tuple[FindingVerdict, ...] = ("ok", "suspect", "wrong", "unknown")
"""It is as it should be; it may be made up; it cannot be so; nobody can tell from what is here."""

OK, SUSPECT, WRONG, UNKNOWN = VERDICTS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is said of the detail under the key `field`.

    `code` names the sentence, and `facts` stand in it: nothing of a person is among them, no phone
    number, mail address, number of an identity card or day of birth. `source` says to people where
    the rule comes from. `false` is whether it says that a filed detail is false, which an operator
    then confirms or not (R4).
    """

    verdict: FindingVerdict
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


ENGLISH = language("en", "filing")


def finding_sentence(finding: Finding, spoken: Language = ENGLISH, **facts: str) -> str:
    """What a finding says; `facts` stand in place of its own."""
    told: JSONObject = {"field": finding.field, **finding.facts, **facts}
    said = spoken.say(finding.code, **told)
    # A key is written as it is.
    return said if said.startswith(finding.field) else said[:1].upper() + said[1:]
