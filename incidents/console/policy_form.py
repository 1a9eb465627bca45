"""The form over a policy's numbers, which fills in the text of its file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from incidents.console.forms import SentForm
from incidents.console.rendering import Reader
from incidents.console.simulation_form import InvalidSimulationError
from incidents.machine import policy
from incidents.machine.policy import Policy, PolicyError

MARK = "by_numbers"
"""The field that says that a policy is given by its numbers, and not as a text."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the policy: its section and key in the file, and its rules.

    `kind`: count, duration, choice (of `codes`), or switch.
    """

    section: str
    key: str
    rules: tuple[str, ...]
    kind: str
    codes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the field."""
        return f"{self.section}.{self.key}"

    def of(self, policy: Policy) -> str:
        """The number in the policy, as it is typed."""
        value = policy.document().get(self.section, {}).get(self.key, "")
        return "1" if value is True else str(value)


NUMBERS = (
    Number("repeat", "count", ("R1",), "count"),
    Number("repeat", "within", ("R1",), "duration"),
    Number("unreachable", "within", ("R2",), "duration"),
    Number("unreachable", "suspend_for", ("R2",), "duration"),
    Number("unreachable", "min_attempts", ("R2",), "count"),
    Number("unreachable_run", "count", ("R3",), "count"),
    Number("unreachable_run", "run", ("R3",), "choice", ("consecutive", "total")),
    Number("refusal", "removal_within", ("R5",), "duration"),
    Number("closure", "two_people", ("R4", "R5"), "switch"),
)


def numbers_of(policy: Policy) -> dict[str, str]:
    """The numbers of the policy by the name of their field."""
    return {each.name: each.of(policy) for each in NUMBERS}


class WrongNumberError(InvalidSimulationError):
    """A number that the policy cannot have; `field` is the name of its field."""

    def __init__(self, field: str, **facts: Any) -> None:
        super().__init__("policy_number.wrong", **facts)
        self.field = field


def read_numbers(form: SentForm, toml: str, reader: Reader) -> Policy:
    """Read the policy whose text `toml_of` has made of the form.

    Raises:
        WrongNumberError: naming the field by its label.
    """
    try:
        return policy.read(toml)
    except PolicyError as error:
        facts = error.args[0].facts
        wrong = next(each for each in NUMBERS if each.name == facts["name"])
        raise WrongNumberError(
            wrong.name, label=reader.say(f"policy_number.{wrong.section}_{wrong.key}"),
            expected=facts["expected"], typed=form.text(wrong.name) or "",
        ) from error  # fmt: skip


def toml_of(form: SentForm) -> str | None:
    """The text of the policy's file with the numbers of the form; None if it was given as a text.

    Whether the numbers are right is for the policy itself to say, in `read_numbers`.
    """
    if form.text(MARK) is None:
        return None
    lines: list[str] = []
    section = ""
    for each in NUMBERS:
        typed = form.text(each.name) or ""
        if each.kind == "switch" and not typed:
            continue
        if each.section != section:
            section = each.section
            lines.append(f"[{section}]")
        lines.append(f"{each.key} = {_value(each, typed)}")
    return "\n".join(lines) + "\n"


def _value(number: Number, typed: str) -> str:
    if number.kind == "switch":
        return "true"
    if number.kind == "count" and typed.isascii() and typed.isdigit() and len(typed) < 10:
        return str(int(typed))
    # TOML has no escape for half of a character, as JSON has, and takes no DEL as it is.
    return json.dumps(typed, ensure_ascii=False).replace("\x7f", "\\u007f")
