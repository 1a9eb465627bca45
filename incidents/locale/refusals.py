"""The refusals and remarks in words: the machine's, the desk's, and acts that a role may not do.

No sentence names a command: what can be done instead is a hint (see `contract.ways_out`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from incidents.accounts import identity
from incidents.contract.actions import ACTIONS
from incidents.locale.language import ENGLISH, Language
from incidents.machine.refusal import CUSTOMERS

if TYPE_CHECKING:
    from incidents.contract.documents import Facts
    from incidents.machine.refusal import Refusal, Remark

TYPED = {
    "look": "look",
    "simulate": "simulate",
    "metrics": "metrics",
    "reveal": "see numbers and addresses in full",
    "export": "audit export",
    "give_link": "link",
    **{action.name: action.typed for action in ACTIONS},
    "retry_order": "acts retry or acts release",
    "reconcile": "acts reconcile",
    "recover": "recover",
    "activate_policy": "policy activate",
    "erase": "person erase",
    "try_alarms": "alarms test",
    "see_accounts": "account list",
    "keep_accounts": "the keeping of accounts",
    "see_sign_ins": "account sign-ins",
    "own_account": "the keeping of one's own account",
    "set_password": "account password",
    "make_token": "token make",
}
"""The command that an act is, or each of several; or what it is where it is none."""


NAMES = tuple(
    code.removeprefix("refused.") for code in ENGLISH.phrases
    if code.startswith("refused.") and code.count(".") == 1
)  # fmt: skip
"""The names of all refusals of the machine and the desk."""


def commands(act: str) -> list[str]:
    """Each command that the act is, or what it is where it is none."""
    return TYPED[act].split(" or ")


def typed(act: str) -> str:
    """What people call that act; what is no act of the table is called as it is."""
    return TYPED.get(act, act)


def who_may(act: str, language: Language = ENGLISH) -> str:
    """Who may do that act, such as `an operator or a supervisor`."""
    may = [role for role in identity.ROLES if identity.may(role, act)]
    *others, last = (language.word("a_role", role) for role in may)
    if not others:
        return last
    return language.say("list.last", some=language.comma.join(others), one=last)


def sentence(
    refusal: Refusal, when: Callable[[Any], str] = str, language: Language = ENGLISH
) -> str:
    """The sentence for a refusal; `when` writes its times, given in UTC."""
    return said(refusal.name, refusal.facts, when, language) or refusal.name.replace("_", " ")


def said(name: str, facts: Facts, when: Callable[[Any], str], language: Language) -> str:
    """The sentence for a refusal of that name; empty where the language has none."""
    code = _code(name, facts, language)
    return language.say(code, when=when, **facts, **_more(facts, language)) if code else ""


def remark(told: Remark, when: Callable[[Any], str] = str, language: Language = ENGLISH) -> str:
    """The sentence for a remark; `when` as in `sentence`."""
    return language.say(f"remark.{told.name}", when=when, **told.facts)


def _code(name: str, facts: Facts, language: Language) -> str | None:
    """Which phrase says it: some have another one where more is known."""
    codes = [f"refused.{name}"]
    if name == "state_forbids" and facts["act"] != CUSTOMERS:
        codes = [f"refused.{name}.{facts['state']}", *codes]
    if facts.get("nearest"):
        codes = [f"refused.{name}.nearest", *codes]
    if "by" in facts:
        codes = [f"refused.{name}.done", *codes]
    return next((code for code in codes if code in language.phrases), None)


def _more(facts: Facts, language: Language) -> dict[str, str | list[str]]:
    """What is worked out of the facts."""
    more: dict[str, str | list[str]] = {}
    act, needs = facts.get("act"), facts.get("needs")
    if isinstance(act, str) and act in TYPED:
        more |= {"typed": typed(act), "who": who_may(act, language)}
    if isinstance(needs, str):
        states = needs.split(" or ")
        more["states"] = [language.word("state", state) for state in states]
    return more
