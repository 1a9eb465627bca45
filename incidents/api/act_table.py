"""The table of acts: what each is called over HTTP, what it is done to, with which words.

From it come the endpoints, one for each act, and what a batch takes. Nothing is decided here: an
act is read into the desk's command.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from incidents import inputs
from incidents.accounts import roles
from incidents.api import filing_change, forms
from incidents.api.caller import CLOSING
from incidents.errors import UnknownTaskError
from incidents.machine import commands as c
from incidents.machine.order_acts import BY_HAND

SITE, INCIDENT, CONTACT, ITEM, ORDER = "site", "incident", "contact", "item", "order"
TARGETS = (CONTACT, INCIDENT, ITEM, ORDER, SITE)
"""What an act can be done to, those that are known by their looks first."""

Of = Any
"""What follows the site in what an act is done to: nothing, a number, or several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act: what it is called in a path and in a batch, what it is done to, its words.

    `command` makes the desk's command of who acts, what follows the site, and the words.
    `operation` is what the description calls it, where another act makes the same command.
    """

    name: str
    of: str
    form: type[forms.Form]
    makes: type[c.Command]
    command: Callable[[str, Of, Any], c.Command]
    told: str
    status: int = 200
    operation: str | None = None

    @property
    def act(self) -> str:
        """Its name in the table of roles."""
        return roles.act_of(self.makes)

    @property
    def closes(self) -> bool:
        """Whether it closes the site on somebody's word."""
        return self.act in CLOSING

    def read(self, by: str, to: str, words: forms.Form) -> tuple[str | int, c.Command]:
        """The site, and the command for it; raises RefusedError or InputError of what is none."""
        site, of = read_target(self.of, to)
        return site, self.command(by, of, words)


def read_target(what: str, to: str) -> tuple[str | int, Of]:
    """The site, and what follows it in an id; raises RefusedError of what is none."""
    if what == SITE:
        return inputs.site(to), None
    site, *rest = getattr(inputs, what)(to)
    return site, rest[0] if len(rest) == 1 else rest


def _log(by: str, _: Of, w: forms.Finding) -> c.Command:
    kept = inputs.urls(w.urls)
    return c.Log(
        by=by, at=forms.at(w.at), urls=kept.urls, written=kept.written,
        category=forms.words("category", w.category, 100), note=forms.words("note", w.note),
        again=w.again,
    )  # fmt: skip


def _details(w: forms.Details) -> dict[str, str | None]:
    return {
        "phone": forms.words("phone number", w.phone, 64),
        "email": forms.words("e-mail address", w.email, 254),
        "person": forms.words("person's name", w.person, 200),
    }


def _called(by: str, incident: Of, w: forms.Called) -> c.Command:
    return c.RecordContact(
        by=by, incident=incident, outcome=w.outcome, at=forms.at(w.at),
        note=forms.words("note", w.note),
    )  # fmt: skip


def _happened(makes: Any) -> Callable[[str, Of, Any], c.Command]:
    def command(by: str, incident: Of, w: forms.Happened) -> c.Command:
        made: c.Command = makes(
            by=by, incident=incident, at=forms.at(w.at), note=forms.words("note", w.note)
        )
        return made

    return command


def _written(by: str, incident: Of, w: forms.Written) -> c.Command:
    text = forms.needed("note", w.text)
    return c.AddNote(by=by, incident=incident, audience=w.audience, text=text)


def _recurred(by: str, incident: Of, w: forms.Recurring) -> c.Command:
    return c.Recur(
        by=by, incident=incident, at=forms.at(w.at), note=forms.words("note", w.note),
        again=w.again,
    )  # fmt: skip


def _because(makes: Any, named: str | None = None) -> Callable[[str, Of, Any], c.Command]:
    def command(by: str, of: Of, w: forms.Because) -> c.Command:
        own = {} if named is None else {named: of}
        made: c.Command = makes(by=by, reason=forms.needed("reason", w.reason), **own)
        return made

    return command


def _reported(by: str, incident: Of, w: forms.Reported) -> c.Command:
    note = forms.words("reference", w.ref)
    return c.StateReported(by=by, incident=incident, at=forms.at(w.at), note=note)


def _false(by: str, _: Of, w: forms.FalseDetail) -> c.Command:
    return c.StateFalse(
        by=by, field=forms.needed("field's name", w.field, 100),
        evidence=forms.needed("evidence", w.evidence),
    )  # fmt: skip


def _void_contact(by: str, of: Of, w: forms.Because) -> c.Command:
    reason = forms.needed("reason", w.reason)
    return c.VoidContact(by=by, incident=of[0], contact=of[1], reason=reason)


def _complete(by: str, item: Of, w: forms.Done) -> c.Command:
    if not item.startswith("t"):
        raise UnknownTaskError(given=item)
    outcome, note = forms.words("outcome", w.outcome, 100), forms.words("note", w.note)
    return c.CompleteTask(by=by, task=int(item[1:]), outcome=outcome, note=note)


def _try_again(by: str, of: Of, _: forms.Nothing) -> c.Command:
    return c.RetryOrder(by=by, order=of[0], lane=of[1])


def _cancel(by: str, of: Of, w: forms.Because) -> c.Command:
    reason = forms.needed("reason", w.reason)
    return c.CancelOrder(by=by, order=of[0], lane=of[1], why=BY_HAND, reason=reason)


ADD = Act(
    name="add", of=SITE, form=forms.Details, makes=c.AddSite, status=201,
    command=lambda by, _, w: c.AddSite(by=by, **_details(w)),
    told="Take a site into the register, with whom to call.",
)  # fmt: skip
EDIT = Act(
    name="edit", of=SITE, form=forms.Details, makes=c.EditSite,
    command=lambda by, _, w: c.EditSite(by=by, **_details(w)),
    told="Change whom to call; what is not given stays as it is.",
)  # fmt: skip
FILING = Act(
    name="filing", of=SITE, form=forms.Filed, makes=c.ChangeFiling, command=filing_change.command,
    told="Change details of a site's filing; what is not given stays as it is.",
)  # fmt: skip
_CALL = "Record a call or message, and what came of it. Only `reached` stops a clock (R2)."
ACTS = (
    Act(
        name="incidents", of=SITE, form=forms.Finding, makes=c.Log, command=_log, status=201,
        told="Log a violation. The desk then has an hour to reach the responsible person (R2).",
    ),
    Act(
        name="contacts", of=SITE, form=forms.Called, makes=c.RecordContact, command=_called,
        status=201, told=f"{_CALL} One call about all that is open on the site.",
    ),
    Act(
        name="contacts", of=INCIDENT, form=forms.Called, makes=c.RecordContact, command=_called,
        status=201, told=_CALL,
    ),
    Act(
        name="notes", of=INCIDENT, form=forms.Written, makes=c.AddNote, command=_written,
        status=201, told="Add a note to an incident, for the desk or for the customer.",
    ),
    Act(
        name="void", of=CONTACT, form=forms.Because, makes=c.VoidContact, command=_void_contact,
        told="Void a wrong record of a contact.",
    ),
    Act(
        name="removed", of=INCIDENT, form=forms.Happened, makes=c.StateRemoved,
        command=_happened(c.StateRemoved), told="State that the content is gone.",
    ),
    Act(
        name="refused", of=INCIDENT, form=forms.Refusing, makes=c.StateRefused,
        command=_happened(c.StateRefused),
        told="State that the customer was told and does not delete: closes the site (R5).",
    ),
    Act(
        name="recur", of=INCIDENT, form=forms.Recurring, makes=c.Recur, status=201,
        command=_recurred, told="Log that the content is still there.",
    ),
    Act(
        name="void", of=INCIDENT, form=forms.Because, makes=c.VoidIncident,
        command=_because(c.VoidIncident, "incident"),
        told="Void an incident: logged in error, or not a violation on review.",
    ),
    Act(
        name="take-back", of=INCIDENT, form=forms.Because, makes=c.TakeBack,
        command=_because(c.TakeBack, "incident"),
        told="Take back the incident's last `removed` or `refused`.",
    ),
    Act(
        name="reported", of=INCIDENT, form=forms.Reported, makes=c.StateReported,
        command=_reported, told="State that an incident was reported to the police.",
    ),
    Act(
        name="revoke-links", of=INCIDENT, form=forms.Nothing, makes=c.RevokeLinks,
        command=lambda by, incident, _: c.RevokeLinks(by=by, incident=incident),
        told="Revoke all links to the customer's page of an incident that were given out.",
    ),
    Act(
        name="false-info", of=SITE, form=forms.FalseDetail, makes=c.StateFalse, command=_false,
        told="State that a filed detail is false: closes the site (R4).",
    ),
    Act(
        name="confirm-closure", of=SITE, form=forms.Meant, makes=c.ConfirmClosure,
        command=lambda by, _, __: c.ConfirmClosure(by=by),
        told="Close a site as another person has asked (R4, R5), where the policy wants two.",
    ),
    Act(
        name="decline-closure", of=SITE, form=forms.PerhapsBecause, makes=c.DeclineClosure,
        command=lambda by, _, w: c.DeclineClosure(by=by, reason=forms.words("reason", w.reason)),
        told="Do not close a site as somebody has asked; who asked may take it back so.",
    ),
    Act(
        name="hold", of=SITE, form=forms.Because, makes=c.SetHold, command=_because(c.SetHold),
        told="Keep a site down by order of the police or the regulator.",
    ),
    Act(
        name="unhold", of=SITE, form=forms.Because, makes=c.LiftHold, command=_because(c.LiftHold),
        told="End the hold.",
    ),
    Act(
        name="reinstate", of=SITE, form=forms.Because, makes=c.AskReinstatement,
        command=_because(c.AskReinstatement),
        told="Ask that a closed site be opened; another person decides.",
    ),
    Act(
        name="approve", of=SITE, form=forms.Nothing, makes=c.Approve,
        command=lambda by, _, __: c.Approve(by=by),
        told="Approve that a site be opened, as another person has asked.",
    ),
    Act(
        name="decline", of=SITE, form=forms.PerhapsBecause, makes=c.Decline,
        command=lambda by, _, w: c.Decline(by=by, reason=forms.words("reason", w.reason)),
        told="Decline that a site be opened.",
    ),
    Act(
        name="uphold", of=SITE, form=forms.Because, makes=c.Uphold, command=_because(c.Uphold),
        told="Let a disputed closure stand.",
    ),
    Act(
        name="claim", of=ITEM, form=forms.Nothing, makes=c.ClaimItem,
        command=lambda by, item, _: c.ClaimItem(by=by, item=item),
        told="Take an item, so that nobody else works on it.",
    ),
    Act(
        name="release", of=ITEM, form=forms.Nothing, makes=c.ReleaseItem,
        command=lambda by, item, _: c.ReleaseItem(by=by, item=item), told="Give an item back.",
    ),
    Act(
        name="done", of=ITEM, form=forms.Done, makes=c.CompleteTask, command=_complete,
        told="Complete a task, such as 12-t2, with its outcome.",
    ),
    Act(
        name="release", of=ORDER, form=forms.Nothing, makes=c.RetryOrder, command=_try_again,
        told="Carry out what the brake holds, with its notice to the customer (as `retry` does).",
        operation="release_order",
    ),
    Act(
        name="retry", of=ORDER, form=forms.Nothing, makes=c.RetryOrder, command=_try_again,
        told="Try an order again, a dead letter or one that the brake holds.",
    ),
    Act(
        name="cancel", of=ORDER, form=forms.Because, makes=c.CancelOrder, command=_cancel,
        told="Do not carry an order out any more.",
    ),
)  # fmt: skip
