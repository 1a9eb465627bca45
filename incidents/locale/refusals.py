"""Refusals and remarks in words: those of the machine, of the desk, and for a role.

No sentence names a command: it describes the action, and a hint names an alternative (see
`contract.refusal_hints`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from incidents.accounts import identity
from incidents.locale.language import ENGLISH, Language
from incidents.machine.refusal import CUSTOMERS

if TYPE_CHECKING:
    from incidents.contract.documents import Facts
    from incidents.machine.refusal import Refusal, Remark

NAMES = tuple(
    code.removeprefix("refused.") for code in ENGLISH.phrases
    if code.startswith("refused.") and code.count(".") == 1
)  # fmt: skip
"""The names of all refusals of the machine and the desk."""


def roles_for(action: str, language: Language = ENGLISH) -> str:
    """List the roles that can do that action, such as `an operator or a supervisor`."""
    may = [role for role in identity.ROLES if identity.may(role, action)]
    *others, last = (language.word("a_role", role) for role in may)
    if not others:
        return last
    return language.say("list.last", some=language.comma.join(others), one=last)


def sentence(
    refusal: Refusal, when: Callable[[Any], str] = str, language: Language = ENGLISH
) -> str:
    """Return the sentence for a refusal; `when` formats its times, given in UTC."""
    return sentence_for(refusal.name, refusal.facts, when, language) or refusal.name.replace(
        "_", " "
    )


def sentence_for(name: str, facts: Facts, when: Callable[[Any], str], language: Language) -> str:
    """Return the sentence for a refusal of that name; empty if the language has none."""
    code = _code(name, facts, language)
    return language.say(code, when=when, **facts, **_more(facts, language)) if code else ""


def remark(found: Remark, when: Callable[[Any], str] = str, language: Language = ENGLISH) -> str:
    """Return the sentence for a remark; `when` formats its times, given in UTC."""
    code, facts = f"remark.{found.name}", found.facts
    if "cause" in facts:
        code = f"{code}.{facts['cause']}"
    elif "attempts" in facts:
        code = f"{code}.tried"
    return language.say(code, when=when, **facts)


def _code(name: str, facts: Facts, language: Language) -> str | None:
    """The code of the phrase, which for some refusals depends on their facts."""
    codes = [f"refused.{name}"]
    if name == "state_forbids" and facts["act"] != CUSTOMERS:
        codes = [f"refused.{name}.{facts['state']}", *codes]
        if facts.get("deadline"):
            codes = [f"refused.{name}.deadline", *codes]
    if facts.get("closes"):
        codes = [f"refused.{name}.closes", *codes]
    if facts.get("nearest"):
        codes = [f"refused.{name}.nearest", *codes]
    if facts.get("asked_by"):
        codes = [f"refused.{name}.asked", *codes]
    if facts.get("spent"):
        codes = [f"refused.{name}.spent", *codes]
    if "by" in facts:
        codes = [f"refused.{name}.done", *codes]
    return next((code for code in codes if code in language.phrases), None)


def _more(facts: Facts, language: Language) -> dict[str, str | list[str]]:
    """Further facts, derived from the given facts."""
    more: dict[str, str | list[str]] = {}
    action, needs = facts.get("act"), facts.get("needs")
    if isinstance(action, str) and action in identity.ROLES_OF_ACTION:
        more["who"] = roles_for(action, language)
    if isinstance(needs, str):
        states = needs.split(" or ")
        more["states"] = [language.word("state", state) for state in states]
    return more
