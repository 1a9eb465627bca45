"""The forms of the actions: one for each row of the contract that has a form in the console.

The phrases of a form are `do.KEY` (the button), `do.KEY.what` and `do.KEY.hint` (above and below
the fields), and for each field `do.KEY.FIELD`, or `field.FIELD`, which several actions share.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from incidents.contract.action import Action, Field
from incidents.contract.actions import ACTIONS
from incidents.contract.target import CONTACT, FOLDERS, INCIDENT
from incidents.machine.command import Choice, Words
from incidents.machine.commands import EditSite


@dataclass(frozen=True, slots=True)
class ActionForm:
    """The form of one action; `name` is the part of its path after the page's path."""

    name: str
    action: Action
    fields: tuple[Field, ...]

    @property
    def key(self) -> str:
        """The name of the form in the keys of its phrases."""
        return self.name.replace("-", "_")


@cache
def of_page(folder: str) -> dict[str, ActionForm]:
    """Return the forms, by name, for pages of the folder: `sites`, `incidents` or `orders`."""
    rows = (row for row in ACTIONS if _folder(row) == folder and _is_on_page(row))
    forms = (ActionForm(_name(row), row, tuple(sorted(row.asked, key=_rank))) for row in rows)
    return {form.name: form for form in forms}


def in_order(
    folder: str, order: Collection[str], may: Callable[[str], bool], elsewhere: Collection[str] = ()
) -> list[ActionForm]:
    """List the forms that the reader `may` use: those in `order`, then those of further actions.

    `elsewhere`: the forms that are in another place on the page, or not on the page now.
    """
    forms = of_page(folder)
    further = forms.keys() - {*order, *elsewhere}
    return [
        *(forms[name] for name in order if may(forms[name].action.name)),
        *(form for name, form in forms.items() if name in further and may(form.action.name)),
    ]


class ActionRoute(APIRoute):
    """A route whose path ends in `{action}`, the name of a form of its folder."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match only if the action is the name of one of these forms."""
        match, found = super().matches(scope)
        if match is not Match.NONE:
            _, folder, *_ = self.path.split("/")
            if found["path_params"]["action"] not in of_page(folder):
                return Match.NONE, {}
        return match, found


def _folder(row: Action) -> str:
    # A contact is on the page of its incident.
    return FOLDERS[INCIDENT if row.of == CONTACT else row.of]


def _is_on_page(row: Action) -> bool:
    """Whether the action has a path, and needs no page of its own, as a form for URLs does."""
    has_path = row.path is not None or row.command is EditSite
    return has_path and all(
        field.is_time or field.type is bool or isinstance(field.fact, Words | Choice)
        for field in row.asked
    )


def _name(row: Action) -> str:
    return row.word.rpartition(" ")[2]


def _rank(field: Field) -> tuple[bool, ...]:
    """The sort rank of a field: the event, its time, texts, a person's name, and then flags."""
    return (
        field.type is bool, isinstance(field.fact, Words), field.is_time, field.name != "person",
    )  # fmt: skip
