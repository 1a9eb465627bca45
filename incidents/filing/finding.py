"""The finding: the result of checking a filed detail, as a code, with the source of the rule.

The sentence of a finding is in the catalogue `filing`, under the finding's code.
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
"""The verdicts: the detail is right, perhaps invented, impossible, or cannot be checked."""

OK, SUSPECT, WRONG, UNKNOWN = VERDICTS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding on the detail with the key `field`.

    `code`: the code of the finding's sentence. `facts`: the facts in the sentence, without personal
    data: no phone number, email address, identity number or date of birth. `source`: the source of
    the rule, a standard or a clause such as `specification F.40`. `false`: the detail seems false,
    which an operator must confirm or reject (R4).
    """

    verdict: FindingVerdict
    field: str
    code: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    source: str
    false: bool = False


def ok(about: str, code: str, source: str, /, **facts: str) -> Finding:
    """A finding that a detail is right."""
    return Finding(verdict=OK, field=about, code=code, source=source, facts=facts)


def unknown(about: str, code: str, source: str, /, **facts: str) -> Finding:
    """A finding that a detail cannot be checked: a warning."""
    return Finding(verdict=UNKNOWN, field=about, code=code, source=source, facts=facts)


def suspect(about: str, code: str, source: str, /, *, false: bool = False, **facts: str) -> Finding:
    """A finding that a detail is possible, but often invented or in the wrong field."""
    return Finding(verdict=SUSPECT, field=about, code=code, source=source, false=false, facts=facts)


def wrong(about: str, code: str, source: str, /, *, false: bool = False, **facts: str) -> Finding:
    """A finding that a detail is impossible."""
    return Finding(verdict=WRONG, field=about, code=code, source=source, false=false, facts=facts)


ENGLISH = language("en", "filing")


_CLAUSE = "specification "


def source_text(source: str, language: Language = ENGLISH) -> str:
    """The source of a rule for display: a clause of the specification, or a standard."""
    if source.startswith(_CLAUSE):
        return language.say("source.specification", clause=source.removeprefix(_CLAUSE))
    # Standards have the same name in all languages.
    return language.word("source", source)


def finding_sentence(finding: Finding, language: Language = ENGLISH, **facts: str) -> str:
    """The sentence of a finding; `facts` replace the finding's own facts."""
    values: JSONObject = {"field": finding.field, **finding.facts, **facts}
    sentence = language.say(finding.code, **values)
    # Keys keep their case.
    return sentence if sentence.startswith(finding.field) else sentence[:1].upper() + sentence[1:]
