"""The action: one act as all surfaces offer it; the table of them is `actions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, MISSING, dataclass, field, replace
from typing import Any, Literal

from incidents.contract.bodies import NOTHING, Body
from incidents.contract.fields import Field, fields_of
from incidents.machine import commands as c
from incidents.machine.command import Replayed, Seen

Role = Literal["viewer", "operator", "supervisor", "auditor", "integrator", "administrator"]

DESK: tuple[Role, ...] = ("operator", "supervisor")
DESK_OR_PROGRAM: tuple[Role, ...] = (*DESK, "integrator")
SUPERVISOR: tuple[Role, ...] = ("supervisor",)

SITE, INCIDENT, CONTACT, ITEM, ORDER = "site", "incident", "contact", "item", "order"
TARGETS = (CONTACT, INCIDENT, ITEM, ORDER, SITE)
"""What an act can be done to, those that are known by their looks first."""


@dataclass(frozen=True, slots=True)
class Ask:
    """How the command line asks for a field: by `--option`, with a metavar and a help.

    Of a time the help is what happened then, such as `it was found gone`.
    """

    help: str
    metavar: str = ""
    option: str = ""


COMMON = {
    "note": Ask("In your own words, at most 4,000 characters.", "N"),
    "reason": Ask("Why, in your own words; it goes on record.", "R"),
}
PERHAPS = {"reason": Ask("Why, in your own words.", "R")}
"""How many acts ask for the same field; `PERHAPS` where it may be left out."""


@dataclass(frozen=True, slots=True)
class Action:
    """One act: its command, what it is done to, who may do it, and how it is asked for.

    `typed` are the words that name it on the command line. `short` says what it does in a list of
    commands, `help` in its own help, and `summary` over HTTP, if not as `short` does. `ask` is how
    its fields are asked for. `path` follows its target's over HTTP; without one it is asked for in
    a way of its own. `batch` is its name in a batch, where that is not its path.
    `renamed` has the names of fields in a request that are not the command's; `fixed` what no
    surface asks for; `needs` what people must give, though the command can do without.

    What `closes` the site on somebody's word is confirmed by its name; what is done `in_person` no
    token does. A second row of one command needs an `operation`.
    """

    command: type[c.Command]
    typed: str
    of: str
    _: KW_ONLY
    roles: tuple[Role, ...] = DESK
    path: str | None = None
    short: str = ""
    summary: str = ""
    help: str = ""
    ask: Mapping[str, Ask] = field(default_factory=dict)
    body: Body = NOTHING
    creates: bool = False
    closes: bool = False
    in_person: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    operation: str | None = None
    batch: str | None = None

    @property
    def name(self) -> str:
        """Its name in the table of roles, for tokens and in the record of refusals."""
        return name_of(self.command)

    @property
    def asked(self) -> tuple[Field, ...]:
        """The fields of its command that are asked for, beside what it is done to."""
        return tuple(
            replace(each, default=MISSING) if each.name in self.needs else each
            for each in fields_of(self.command)
            if each.name not in _TARGETS and each.name not in self.fixed
            if not isinstance(each.fact, Seen | Replayed)
        )

    @property
    def status(self) -> int:
        """The status of its answer over HTTP."""
        return 201 if self.creates else 200

    def asks(self, field: Field) -> Ask:
        """How a field is asked for on the command line."""
        common = COMMON if field.required or field.name not in PERHAPS else PERHAPS
        return self.ask.get(field.name) or common.get(field.name) or Ask("")

    def called(self, field: Field) -> str:
        """What a field is called in a request."""
        return self.renamed.get(field.name, field.name)


def name_of(command: type[c.Command]) -> str:
    """The act's name: `StateRefused` is `state_refused`; a comparison's two commands are one."""
    found = _NAMES.get(command)
    if found is None:
        spelt = (f"_{each.lower()}" if each.isupper() else each for each in command.__name__)
        found = _NAMES[command] = "".join(spelt).lstrip("_")
    return found


_NAMES: dict[type[c.Command], str] = {c.RecordState: "reconcile", c.RepeatOrder: "reconcile"}
_TARGETS = frozenset({"incident", "contact", "item", "task", "order", "lane"})
