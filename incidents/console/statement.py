"""The statement: the customer says that the content is gone, and the desk puts it on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from incidents.customer_link import Incident
from incidents.desk import Envelope
from incidents.errors import DatabaseError
from incidents.machine.commands import SayRemoved

if TYPE_CHECKING:
    from incidents.desk import Desk

Outcome = Literal["said", "again", "settled", "unknown"]
"""On record now; it was before; there is nothing to be stated; there is no such incident."""

_REFUSED: dict[str, Outcome] = {
    "already_said": "again",
    "state_forbids": "settled",
    "unknown_incident": "unknown",
    "unknown_site": "unknown",
}


def submit(desk: Desk, incident: Incident, remark: str | None) -> Outcome:
    """Bring it to the desk; what fell due before it is done first, and nothing stops for it (R2).

    Raises:
        DatabaseError: if the desk cannot take it now, whatever was said.
    """
    site, n = incident
    [answer] = desk.submit([Envelope(site=site, command=SayRemoved(incident=n, note=remark))])
    if answer.refusal is None:
        return "said"
    if answer.refusal.name not in _REFUSED:
        raise DatabaseError(f"the desk takes no statement now: {answer.refusal.name}")
    return _REFUSED[answer.refusal.name]
