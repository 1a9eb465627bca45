"""The rights: permissions other than actions on a site, with their roles and names.

The actions on a site are in `actions`. The rights of a role include both (`accounts.identity`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from incidents.contract.action import DESK, DESK_OR_PROGRAM, SUPERVISOR, Role

_ALL: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Right:
    """A right: its name, and the roles that have it.

    `command`: the command that the right permits, if any. `in_person`: only a person who has just
    confirmed their password can use the right, and no token can.
    """

    name: str
    command: str | None
    roles: tuple[Role, ...]
    in_person: bool = False


_MANAGERS: tuple[Role, ...] = ("supervisor", "administrator")
_ADMINISTRATORS: tuple[Role, ...] = ("administrator",)

READ_RIGHTS = (
    Right("look", None, _ALL),
    Right("simulate", "simulate", _ALL),
    Right("metrics", "metrics", _ALL),
    Right("reveal", None, (*DESK, "auditor")),
    Right("export", "audit export", ("supervisor", "auditor", "administrator")),
    Right("give_link", "link", DESK),
)
DESK_RIGHTS = (
    Right("receive_report", "report receive", DESK_OR_PROGRAM),
    Right("settle_report", "report log", DESK),
    Right("open_sealed", None, _MANAGERS, in_person=True),
    Right("mark_reporter", "report reporter mark", DESK),
    Right("reconcile", "orders reconcile", SUPERVISOR),
    Right("recover", "recover", SUPERVISOR),
    Right("activate_policy", "policy activate", _MANAGERS, in_person=True),
    Right("activate_rules", "report rules activate", _MANAGERS, in_person=True),
    Right("erase", "person erase", _MANAGERS, in_person=True),
    Right("try_alarms", "alarms test", _MANAGERS),
    Right("see_accounts", "account list", _ADMINISTRATORS),
    Right("keep_accounts", None, _ADMINISTRATORS, in_person=True),
    Right("see_sign_ins", "account sign-ins", ("auditor", "administrator")),
    Right("own_account", None, _ALL),
    Right("own_factors", None, _ALL, in_person=True),
    Right("set_password", "account password", _ALL, in_person=True),
    Right("make_token", "token make", _ALL, in_person=True),
)
RIGHTS = (*READ_RIGHTS, *DESK_RIGHTS)
