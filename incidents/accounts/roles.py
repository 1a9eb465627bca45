"""The roles: one table says which act needs which role, and all that asks, asks it."""

from __future__ import annotations

from typing import get_args

from incidents.contract.action import Role
from incidents.contract.actions import ACTIONS

ROLES: tuple[Role, ...] = get_args(Role)

WHAT: dict[Role, str] = {
    "viewer": "sees queue, sites and incidents, and no number or address of a person in full",
    "operator": "works at the desk: logs, calls, states what came of it",
    "supervisor": "an operator who also reinstates and holds sites, and steers orders",
    "auditor": "reads the record, exports and proves it; changes nothing",
    "integrator": "another program: keeps the register and logs reports",
    "administrator": "makes accounts and tokens, activates policies; does no work at the desk",
}

_V, _O, _S, _A, _I, _X = ROLES
_ALL = (_V, _O, _S, _A, _I, _X)

_TABLE: dict[str, tuple[Role, ...]] = {
    # Looking.
    "look": _ALL,
    "simulate": _ALL,
    "metrics": _ALL,
    "reveal": (_O, _S, _A),
    "export": (_S, _A, _X),
    "give_link": (_O, _S),
    # What is done at the desk.
    **{action.name: action.roles for action in ACTIONS},
    "reconcile": (_S,),
    "recover": (_S,),
    # Of the house.
    "activate_policy": (_S, _X),
    "erase": (_S, _X),
    "try_alarms": (_S, _X),
    "see_accounts": (_X,),
    "keep_accounts": (_X,),
    "see_sign_ins": (_A, _X),
    "own_account": _ALL,
    "set_password": _ALL,
    "make_token": _ALL,
}
MAY: dict[str, frozenset[Role]] = {act: frozenset(roles) for act, roles in _TABLE.items()}
"""Which roles may do each act. A command's act is its class's name: `StateRefused` is
`state_refused` (`contract.actions`)."""

ACTS: tuple[str, ...] = tuple(_TABLE)

IN_PERSON = frozenset(
    {
        *(action.name for action in ACTIONS if action.in_person),
        "activate_policy", "keep_accounts", "set_password", "make_token", "erase",
    }
)  # fmt: skip
"""What closes a site on somebody's word (R4, R5), opens a closed one, says by which numbers and how
many people that is done, gives somebody a way in, or erases for good: a person does it who has just
proved who they are, and no token does it for them. To change another's account, password or tokens
`keep_accounts` is needed as well; to see them `see_accounts`, which a token may have."""


def may(role: str, act: str) -> bool:
    """Whether that role may do that act; raises KeyError for an act that is none."""
    return role in MAY[act]
