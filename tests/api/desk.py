"""A desk with something of everything: what the tests of the API ask about."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.desk import Envelope
from incidents.machine import commands as c
from tests.api.rig import Rig

NOTE = "the owner 王芳 says: call +86 138 0013 8000 or wang@shop.example"
PHONE, MAIL = "+86 138 0013 8000", "wang@shop.example"


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids on the desk: an active site with an incident, a closed one, a held one."""

    site: str = "shop.example"
    incident: str = "1-1"
    contact: str = "1-1-1"
    closed: str = "closed.example"
    held: str = "held.example"


def fill(api: Rig) -> Ids:
    """Fill the desk: sites, incidents, a contact, a closure, a hold; nobody in particular acts."""
    ids, by = Ids(), "li"
    done: list[tuple[str | int, c.Command]] = [
        (ids.site, c.AddSite(by=by, phone=PHONE, email=MAIL, person="王芳")),
        (ids.site, c.Log(by=by, urls=("https://shop.example/a",), category="gambling", note=NOTE)),
        (1, c.RecordContact(by=by, incident=1, outcome="no-answer", note="nobody there")),
        (ids.closed, c.AddSite(by=by)),
        (ids.closed, c.StateFalse(by=by, field="phone", evidence="the number is a bakery's")),
        (ids.held, c.AddSite(by=by)),
        (ids.held, c.SetHold(by=by, reason="by order of the police")),
    ]
    for site, command in done:
        [answer] = api.app.desk.submit([Envelope(site=site, command=command)])
        assert answer.refusal is None
    return ids
