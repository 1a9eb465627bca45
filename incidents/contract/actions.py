"""The actions: one row for each action of a person or a program, for all surfaces.

The valid values of a field are declared on the command (`action.fields_of`). A row has the action's
target, its roles, and its fields on the surfaces. If a surface needs more, such as a file or a
question, the surface handles that itself, under the action's name.
"""

from __future__ import annotations

from incidents.contract.action import DESK_OR_PROGRAM, SUPERVISOR, Action, Ask, Body
from incidents.contract.target import CONTACT, INCIDENT, ITEM, ORDER, SITE
from incidents.machine import commands as c
from incidents.machine.command import BY_HAND

CONTACT_FIELDS = {
    "phone": Ask("Responsible person's phone number.", "P"),
    "email": Ask("Responsible person's email address.", "E"),
    "person": Ask("Responsible person's name.", "N"),
}
_BECAUSE = Body("Because", "The reason, which is recorded.")
_PERHAPS_BECAUSE = Body("PerhapsBecause", "The reason, if any.")
_DETAILS = Body("Details", "Contact details; omitted fields stay unchanged.")
_CALLED = Body("Called", "The outcome of a contact. Only `reached` stops the clock (R2).")
"""Bodies that several actions share."""

_CALL = "Record a call or message and its outcome. Only `reached` stops a clock (R2)."
_IN_PERSON = (
    "Over a server, and where there are accounts, the command asks for your password, or takes"
    " --password-file."
)


def _closes(rule: str) -> str:
    return (
        f"\n\nThis closes the site immediately ({rule}), with no after-sales service and no refund."
        " The command asks you to type the site's name, or takes --confirm NAME. Where the policy"
        " requires two people, another person must confirm first (approve). Over a server, or in a"
        " database with accounts where two people are required, the command asks for your password,"
        " or takes --password-file."
    )


ACTIONS = (
    Action(
        c.Log, "log", SITE, path="incidents", batch="log", roles=DESK_OR_PROGRAM, creates=True,
        body=Body("Finding", "A violation; `again` marks a separate violation at the same URL."),
        short="Log a violation on a site.",
        summary="Log a violation. The desk then has an hour to reach the responsible person (R2).",
    ),
    Action(
        c.Attach, "attach", INCIDENT, roles=DESK_OR_PROGRAM,
        short="Attach a file to an incident as evidence.",
    ),
    Action(
        c.AddNote, "note", INCIDENT, path="notes", creates=True,
        body=Body(
            "Written",
            "A note for the desk, or for the customer, who sees it on the incident's customer"
            " page.",
        ),
        short="Add a note to an incident, or for the customer.",
        summary="Add a note to an incident, for the desk or for the customer.",
    ),
    Action(
        c.Recur, "recur", INCIDENT, path="recur", creates=True,
        body=Body(
            "Recurring",
            "A recurrence; `again` logs another even if nobody was reached about the previous one.",
        ),
        after="refused", short="Log content that is still there.",
        help=(
            "Log that the content of INCIDENT is still there, as a new incident linked to it."
            "\n\n"
            "The recurrence counts as a violation: the third violation within 24 hours closes"
            " the site (R1), after the same confirmation as for log."
        ),
        ask={
            "at": Ask("it was found again"),
            "again": Ask("Log a separate recurrence."),
        },
    ),
    Action(
        c.RecordContact, "contact", SITE, path="contacts", batch="contact", creates=True,
        body=_CALLED, after="log",
        short="Record a call and its outcome.",
        summary=f"{_CALL} One call about all open incidents on the site.",
        help=(
            "Record a call or message about INCIDENT, or about all open incidents on SITE."
            "\n\n"
            "Only the outcome reached stops the clock (R2): you spoke to the responsible person."
            " If you made the call in time but record it after the deadline, give its time with"
            " --at."
        ),
        ask={"at": Ask("the call was made")},
    ),
    Action(
        c.RecordContact, "contact", INCIDENT, path="contacts", batch="contact", creates=True,
        body=_CALLED,
        summary=_CALL,
    ),
    Action(
        c.VoidContact, "undo", CONTACT, path="void", body=_BECAUSE,
        was="void-contact",
        short="Void a wrong contact record.",
        summary="Void a contact that was recorded by mistake.",
        help=(
            "Void CONTACT, such as 12-3-1, which was recorded by mistake.\n\n"
            "If the contact had stopped a clock, the incident is open again with a new clock."
        ),
    ),
    Action(
        c.StateRemoved, "removed", INCIDENT, path="removed",
        body=Body("Happened", "The time of an event, with a note."),
        after="contact", short="Record that the content is removed.",
        help="Record that the content of INCIDENT, or of SITE's only open incident, is removed.",
        ask={"at": Ask("the removal was found")},
    ),
    Action(
        c.StateRefused, "refused", INCIDENT, path="refused", closes=True, in_person=True,
        body=Body(
            "Refusing",
            "A customer's refusal to delete; `confirm` is the name of the site that this closes.",
        ),
        after="removed", short="Record that the customer refuses to delete.",
        summary="Record that the customer was told and refuses deletion, which closes the site"
        " (R5).",
        help=(
            "Record that the customer was told about INCIDENT and refuses to delete the content."
            + _closes("R5")
        ),
        ask={"at": Ask("the customer refused")},
    ),
    Action(
        c.TakeBack, "undo", INCIDENT, path="take-back", body=_BECAUSE,
        was="take-back",
        short="Withdraw the last removal or refusal.",
        summary="Withdraw the last recorded removal or refusal of the incident.",
        help="Withdraw the last removal or refusal of INCIDENT, which was recorded by mistake.",
    ),
    Action(
        c.VoidIncident, "void", INCIDENT, path="void", body=_BECAUSE,
        after="undo", short="Void an incident logged in error.",
        summary="Void an incident that was logged in error or is not a violation.",
        help=(
            "Void INCIDENT, which was logged in error or is not a violation.\n\n"
            "Everything based on the incident is recalculated: a suspension might be lifted, or"
            " a closure might become disputed."
        ),
    ),
    Action(
        c.StateReported, "police done", INCIDENT, path="reported", renamed={"note": "ref"},
        was="reported",
        body=Body("Reported", "A report to the police; `ref` is the receipt number."),
        short="Record that an incident was reported to the police.",
        summary="Record that an incident was reported to the police.",
        help=(
            "Record that INCIDENT was reported to the police.\n\n"
            "This ends the reminders and changes no state. To list incidents not reported yet:"
            " incidents police list."
        ),
        ask={
            "note": Ask("Receipt number, or the recipient of the report.", "R"),
            "at": Ask("it was reported"),
        },
    ),
    Action(
        c.ClaimItem, "claim", ITEM, path="claim",
        after="queue", short="Claim an item of the queue.",
        summary="Claim an item, so that nobody else works on it.",
        help="Claim TASK, so that two people do not call the same customer.",
    ),
    Action(
        c.ReleaseItem, "claim --release", ITEM, path="release",
        was="release",
        short="Return an item to the queue.",
        summary="Return an item to the queue.",
        help="Return TASK to the queue.",
    ),
    Action(
        c.HandOver, "hand-over", ITEM,
        short="Hand your claimed items to another person.",
    ),
    Action(
        c.CompleteTask, "done", ITEM, path="done", body=Body("Done", "The outcome of a task."),
        after="hand-over", short="Complete a task with its outcome.",
        summary="Complete a task, such as 12-t2, with its outcome.",
        help="Complete TASK, such as 12-t2, with its outcome.",
        ask={"outcome": Ask("Outcome, in a word or two. Default: done.", "O")},
    ),
    Action(
        c.RevokeLinks, "revoke-links", INCIDENT, path="revoke-links",
        after="link", short="Revoke the links to a customer page.",
        summary="Revoke all links to the customer page of an incident.",
        help=(
            "Revoke all links to the customer page of INCIDENT.\n\n"
            "Links sent in notices or given out by hand stop working. Print a new one with"
            " link."
        ),
    ),
    Action(
        c.AddSite, "site add", SITE, roles=DESK_OR_PROGRAM, creates=True, body=_DETAILS,
        batch="add",
        short="Add a site to the register.",
        summary="Add a site and its contact to the register.",
        help="Add NAME and its contact to the register.",
        ask=CONTACT_FIELDS,
    ),
    Action(
        c.EditSite, "site edit", SITE, roles=DESK_OR_PROGRAM, body=_DETAILS, batch="edit",
        after="site add", short="Change a site's contact.",
        summary="Change a site's contact; omitted details stay the same.",
        help="Change the contact of NAME; omitted details stay the same.",
        ask=CONTACT_FIELDS,
    ),
    Action(
        c.ChangeFiling, "filing set", SITE, roles=DESK_OR_PROGRAM, batch="filing",
        short="Change filing details.",
    ),
    Action(
        c.StateFalse, "site false-info", SITE, path="false-info", closes=True, in_person=True,
        body=Body(
            "FalseDetail",
            "A false filed detail and its evidence; `confirm` is the name of the site that this"
            " closes.",
        ),
        after="site why", short="Record that a filed detail is false (R4).",
        summary="Record that a filed detail is false, which closes the site (R4).",
        help="Record that a filed detail of NAME is false." + _closes("R4"),
        ask={
            "field": Ask("False detail: phone, email, person …", "F"),
            "evidence": Ask("How you established that it is false.", "E"),
        },
    ),
    Action(
        c.ConfirmClosure, "approve", SITE, path="confirm-closure", closes=True,
        was="site confirm-closure",
        in_person=True,
        body=Body("Meant", "A confirmation; `confirm` is the name of the site that this closes."),
        short="Close a site at another person's request.",
        summary="Close a site at another person's request (R4, R5), if the policy requires two"
        " people.",
        help=(
            "Close NAME, as another person requested with false-info or refused (R4, R5).\n\n"
            "There is no after-sales service and no refund. The command asks you to type the"
            " site's name, or takes --confirm NAME. Where there are accounts, it also asks for"
            " your password, or takes --password-file."
        ),
    ),
    Action(
        c.DeclineClosure, "decline", SITE, path="decline-closure",
        was="site decline-closure",
        body=_PERHAPS_BECAUSE, short="Decline a request to close a site.",
        summary="Decline a request to close a site, or withdraw your own.",
        help="Decline a request to close NAME, or withdraw your own.",
    ),
    Action(
        c.SetHold, "site hold", SITE, path="hold", roles=SUPERVISOR, body=_BECAUSE,
        after="site false-info", short="Hold a site down by official order.",
        summary="Hold a site down by order of the police or the regulator.",
        help="Hold NAME down by order of the police or the regulator, until the hold is lifted.",
    ),
    Action(
        c.LiftHold, "site hold --lift", SITE, path="unhold", roles=SUPERVISOR, body=_BECAUSE,
        was="site unhold",
        short="End a hold.",
        help="End the hold on NAME: the site opens, unless it is suspended or closed.",
    ),
    Action(
        c.AskReinstatement, "site reinstate", SITE, path="reinstate", roles=SUPERVISOR,
        in_person=True, body=_BECAUSE, after="site hold",
        short="Request to reopen a closed site.",
        summary="Request to reopen a closed site; another person decides.",
        help=(
            "Request to reopen NAME, which is closed; another person approves or declines."
            f"\n\n{_IN_PERSON}"
        ),
    ),
    Action(
        c.Approve, "approve", SITE, path="approve", roles=SUPERVISOR, in_person=True,
        was="site approve",
        short="Approve a request to reopen a site.",
        summary="Approve another person's request to reopen a site.",
        help=f"Approve another person's request to reopen NAME.\n\n{_IN_PERSON}",
    ),
    Action(
        c.Decline, "decline", SITE, path="decline", roles=SUPERVISOR,
        was="site decline",
        body=_PERHAPS_BECAUSE, short="Decline a request to reopen a site.",
        summary="Decline a request to reopen a site.",
        help="Decline the request to reopen NAME; it stays closed.",
    ),
    Action(
        c.Uphold, "site uphold", SITE, path="uphold", roles=SUPERVISOR, body=_BECAUSE,
        after="site reinstate", short="Uphold a disputed closure.",
        help="Uphold the disputed closure of NAME.",
    ),
    Action(
        c.ImportIncident, "import", SITE, roles=("supervisor", "integrator"),
        short="Import sites and past incidents.",
    ),
    Action(
        c.RetryOrder, "orders retry", ORDER, path="retry", roles=SUPERVISOR,
        was="acts retry",
        short="Retry a dead letter.",
        summary="Retry an order: a dead letter or one that the brake holds.",
        help="Retry ORDER, a dead letter, for as long as a new order would be retried.",
    ),
    Action(
        c.RetryOrder, "orders release", ORDER, path="release", roles=SUPERVISOR,
        was="acts release",
        operation="release_order", short="Carry out an order that the brake holds.",
        summary="Carry out a braked order, with its notice to the customer (as `retry` does).",
        help=(
            "Carry out ORDER, which the brake holds because too many closures or suspensions"
            " were ordered in a short time.\n\n"
            "The notice to the customer is sent too. To drop the order instead: incidents orders"
            " cancel."
        ),
    ),
    Action(
        c.CancelOrder, "orders cancel", ORDER, path="cancel", roles=SUPERVISOR, body=_BECAUSE,
        was="acts cancel",
        fixed={"why": BY_HAND}, needs=("reason",),
        short="Cancel an order.",
        help=(
            "Cancel ORDER; the decision about the site stays the same.\n\n"
            "An order that the brake holds and its notice are cancelled together, whichever"
            " you name."
        ),
    ),
)  # fmt: skip
"""All actions that can be requested, in the order in which roles are listed."""

CLOSING = frozenset(action.command for action in ACTIONS if action.closes)
"""The commands that close a site on a person's statement (R4, R5), or request its closure."""


def of_command(kind: type[c.Command]) -> Action:
    """The first row of a command; raises KeyError if nobody can request the command."""
    return _FIRST[kind]


_FIRST = {action.command: action for action in reversed(ACTIONS)}
