"""The actions: one row for each act that a person or a program may do, for all surfaces.

What a field may hold is declared on the command (`action.fields_of`). A row says what the act is
done to, who may do it, and how the surfaces ask for it. A surface that asks for more, a file or a
question say, does so by itself, under the act's name.
"""

from __future__ import annotations

from incidents.contract.action import (
    BECAUSE,
    CALLED,
    DESK_OR_PROGRAM,
    DETAILS,
    DONE,
    FALSE_DETAIL,
    FINDING,
    HAPPENED,
    MEANT,
    PERHAPS_BECAUSE,
    RECURRING,
    REFUSING,
    REPORTED,
    SUPERVISOR,
    WRITTEN,
    Action,
    Ask,
)
from incidents.contract.target import CONTACT, INCIDENT, ITEM, ORDER, SITE
from incidents.machine import commands as c
from incidents.machine.command import BY_HAND

WHOM = {
    "phone": Ask("The responsible person's phone.", "P"),
    "email": Ask("The responsible person's e-mail.", "E"),
    "person": Ask("The responsible person's name.", "N"),
}
_CALL = "Record a call or message, and what came of it. Only `reached` stops a clock (R2)."
_IN_PERSON = (
    "Where there are accounts, and over a server, it asks for the password of who acts, or takes "
    "--password-file."
)


def _closes(rule: str) -> str:
    return (
        f"\n\nThe site is closed at once ({rule}), with no after-sales service and no refund: it "
        "asks for the site's name, or takes --confirm NAME. Where the policy wants two people, "
        "another person has to confirm first (approve). It asks for the password of "
        "who acts, or takes --password-file, over a server, and in a database with accounts where "
        "two people are wanted."
    )


ACTIONS = (
    Action(
        c.Log, "log", SITE, path="incidents", batch="log", roles=DESK_OR_PROGRAM, creates=True,
        body=FINDING, short="Log a violation on a site.",
        summary="Log a violation. The desk then has an hour to reach the responsible person (R2).",
    ),
    Action(
        c.Attach, "attach", INCIDENT, roles=DESK_OR_PROGRAM,
        short="Attach a file to an incident as evidence.",
    ),
    Action(
        c.AddNote, "note", INCIDENT, path="notes", creates=True,
        body=WRITTEN, short="Add a note to an incident, or to the customer.",
        summary="Add a note to an incident, for the desk or for the customer.",
    ),
    Action(
        c.Recur, "recur", INCIDENT, path="recur", creates=True,
        body=RECURRING, short="Log that the content is still there.",
        help=(
            "Log that the content of INCIDENT is still there, as a new incident linked to it.\n\n"
            "It is a violation too: the third within 24 hours closes the site (R1), and asks "
            "first as log does."
        ),
        ask={
            "at": Ask("it was found again"),
            "again": Ask("It is another one than the recurrence that nobody has been told of."),
        },
    ),
    Action(
        c.RecordContact, "contact", SITE, path="contacts", batch="contact", creates=True,
        body=CALLED, short="Record a call, and what came of it.",
        summary=f"{_CALL} One call about all that is open on the site.",
        help=(
            "Record a call or message about INCIDENT, or one call about all that is open on"
            " SITE.\n\n"
            "Only reached, which is speaking to the responsible person, stops the clock (R2). "
            "A call made in time and typed late needs its time, --at."
        ),
        ask={"at": Ask("the call was made")},
    ),
    Action(
        c.RecordContact, "contact", INCIDENT, path="contacts", batch="contact", creates=True,
        body=CALLED,
        summary=_CALL,
    ),
    Action(
        c.VoidContact, "undo", CONTACT, path="void", body=BECAUSE,
        was="void-contact",
        short="Void a wrong contact record.",
        summary="Void a wrong record of a contact.",
        help=(
            "Void CONTACT, a wrong record such as 12-3-1.\n\n"
            "If it had stopped a clock, the incident is open again and a new hour starts."
        ),
    ),
    Action(
        c.StateRemoved, "removed", INCIDENT, path="removed", body=HAPPENED,
        short="State that the content is gone.",
        help="State that the content of INCIDENT is gone, or of the only open incident of SITE.",
        ask={"at": Ask("it was found gone")},
    ),
    Action(
        c.StateRefused, "refused", INCIDENT, path="refused", closes=True, in_person=True,
        body=REFUSING, short="State that the customer does not delete.",
        summary="State that the customer was told and does not delete: closes the site (R5).",
        help="State that the customer was told of INCIDENT and does not delete." + _closes("R5"),
        ask={"at": Ask("the customer refused")},
    ),
    Action(
        c.TakeBack, "undo", INCIDENT, path="take-back", body=BECAUSE,
        was="take-back",
        short="Take back the last removed or refused.",
        summary="Take back the incident's last `removed` or `refused`.",
        help="Take back the last removed or refused of INCIDENT, said of the wrong one.",
    ),
    Action(
        c.VoidIncident, "void", INCIDENT, path="void", body=BECAUSE,
        short="Void an incident that was none.",
        summary="Void an incident: logged in error, or not a violation on review.",
        help=(
            "Void INCIDENT: logged in error, or not a violation on review.\n\n"
            "What rested on it is derived anew: a suspension may be lifted, a closure "
            "disputed."
        ),
    ),
    Action(
        c.StateReported, "police done", INCIDENT, path="reported", renamed={"note": "ref"},
        was="reported",
        body=REPORTED, short="State that the police were told of it.",
        summary="State that an incident was reported to the police.",
        help=(
            "State that INCIDENT was reported to the police.\n\n"
            "It ends the reminders of it, and moves nothing. What is still to be reported: "
            "incidents police list."
        ),
        ask={
            "note": Ask("The number of the receipt, or whom you have told.", "R"),
            "at": Ask("it was reported"),
        },
    ),
    Action(
        c.ClaimItem, "claim", ITEM, path="claim",
        short="Take an item of the queue for yourself.",
        summary="Take an item, so that nobody else works on it.",
        help="Take TASK, so that two people do not call the same customer.",
    ),
    Action(
        c.ReleaseItem, "claim --release", ITEM, path="release",
        was="release",
        short="Give an item back to the queue.",
        summary="Give an item back.",
        help="Give TASK back to the queue.",
    ),
    Action(
        c.HandOver, "hand-over", ITEM,
        short="Give all that you hold to another person.",
    ),
    Action(
        c.CompleteTask, "done", ITEM, path="done", body=DONE,
        short="Complete a task with its outcome.",
        summary="Complete a task, such as 12-t2, with its outcome.",
        help="Complete TASK, such as 12-t2, with its outcome.",
        ask={"outcome": Ask("How it ended, in a word or two. Default: done.", "O")},
    ),
    Action(
        c.RevokeLinks, "revoke-links", INCIDENT, path="revoke-links",
        short="End the links that were given out.",
        summary="Revoke all links to the customer's page of an incident that were given out.",
        help=(
            "Revoke all links to the customer's page of INCIDENT.\n\n"
            "None holds that was given out until now, by a notice or by hand. link prints a "
            "new one."
        ),
    ),
    Action(
        c.AddSite, "site add", SITE, roles=DESK_OR_PROGRAM, creates=True, body=DETAILS,
        batch="add",
        short="Take a site into the register.",
        summary="Take a site into the register, with whom to call.",
        help="Take NAME into the register, with whom to call when something is found.",
        ask=WHOM,
    ),
    Action(
        c.EditSite, "site edit", SITE, roles=DESK_OR_PROGRAM, body=DETAILS, batch="edit",
        short="Change whom to call.",
        summary="Change whom to call; what is not given stays as it is.",
        help="Change whom to call for NAME; what is not given stays as it is.",
        ask=WHOM,
    ),
    Action(
        c.ChangeFiling, "filing set", SITE, roles=DESK_OR_PROGRAM, batch="filing",
        short="Change details of a filing.",
    ),
    Action(
        c.StateFalse, "site false-info", SITE, path="false-info", closes=True, in_person=True,
        body=FALSE_DETAIL, short="State that a filed detail is false (R4).",
        summary="State that a filed detail is false: closes the site (R4).",
        help="State that a filed detail of NAME is false." + _closes("R4"),
        ask={
            "field": Ask("Which filed detail is false: phone, email, person …", "F"),
            "evidence": Ask("How that was established, in your own words.", "E"),
        },
    ),
    Action(
        c.ConfirmClosure, "approve", SITE, path="confirm-closure", closes=True,
        was="site confirm-closure",
        in_person=True, body=MEANT, short="Close a site as another person asked.",
        summary="Close a site as another person has asked (R4, R5), where the policy wants two.",
        help=(
            "Close NAME, as another person has asked with false-info or refused (R4, R5).\n\n"
            "With no after-sales service and no refund: it asks for the site's name, or takes "
            "--confirm NAME. Where there are accounts it asks for the password of who acts, "
            "or takes --password-file."
        ),
    ),
    Action(
        c.DeclineClosure, "decline", SITE, path="decline-closure",
        was="site decline-closure",
        body=PERHAPS_BECAUSE, short="Leave a site open that was to be closed.",
        summary="Do not close a site as somebody has asked; who asked may take it back so.",
        help="Do not close NAME, as somebody has asked; who asked may take it back so.",
    ),
    Action(
        c.SetHold, "site hold", SITE, path="hold", roles=SUPERVISOR, body=BECAUSE,
        short="Keep a site down by order.",
        summary="Keep a site down by order of the police or the regulator.",
        help="Keep NAME down by order of the police or the regulator, until the hold is lifted.",
    ),
    Action(
        c.LiftHold, "site hold --lift", SITE, path="unhold", roles=SUPERVISOR, body=BECAUSE,
        was="site unhold",
        short="End the hold.",
        help="End the hold on NAME: it opens, unless a suspension still runs or it is closed.",
    ),
    Action(
        c.AskReinstatement, "site reinstate", SITE, path="reinstate", roles=SUPERVISOR,
        in_person=True, body=BECAUSE, short="Ask that a closed site be opened.",
        summary="Ask that a closed site be opened; another person decides.",
        help=(
            "Ask that NAME, which is closed, be opened again; another person approves or "
            f"declines.\n\n{_IN_PERSON}"
        ),
    ),
    Action(
        c.Approve, "approve", SITE, path="approve", roles=SUPERVISOR, in_person=True,
        was="site approve",
        short="Approve what another person asked.",
        summary="Approve that a site be opened, as another person has asked.",
        help=f"Approve that NAME be opened again, as another person has asked.\n\n{_IN_PERSON}",
    ),
    Action(
        c.Decline, "decline", SITE, path="decline", roles=SUPERVISOR,
        was="site decline",
        body=PERHAPS_BECAUSE, short="Decline what another person asked.",
        summary="Decline that a site be opened.",
        help="Decline that NAME be opened again; it stays closed.",
    ),
    Action(
        c.Uphold, "site uphold", SITE, path="uphold", roles=SUPERVISOR, body=BECAUSE,
        short="Let a disputed closure stand.",
        help="Let the disputed closure of NAME stand.",
    ),
    Action(
        c.ImportIncident, "import", SITE, roles=("supervisor", "integrator"),
        short="Bring sites and past incidents in.",
    ),
    Action(
        c.RetryOrder, "orders retry", ORDER, path="retry", roles=SUPERVISOR,
        was="acts retry",
        short="Try a dead letter again.",
        summary="Try an order again, a dead letter or one that the brake holds.",
        help="Try ORDER again, a dead letter, from now on for as long as any other.",
    ),
    Action(
        c.RetryOrder, "orders release", ORDER, path="release", roles=SUPERVISOR,
        was="acts release",
        operation="release_order", short="Carry out what the brake holds.",
        summary="Carry out what the brake holds, with its notice to the customer (as `retry`"
        " does).",
        help=(
            "Carry out ORDER, which the brake holds since too many sites were taken down at"
            " once.\n\n"
            "The notice to the customer goes with it. To drop it: incidents orders cancel."
        ),
    ),
    Action(
        c.CancelOrder, "orders cancel", ORDER, path="cancel", roles=SUPERVISOR, body=BECAUSE,
        was="acts cancel",
        fixed={"why": BY_HAND}, needs=("reason",),
        short="Do not carry an order out any more.",
        help=(
            "Do not carry ORDER out any more; what is decided of the site stays as it is.\n\n"
            "Of what the brake holds, an order and its notice go together, whichever of the "
            "two is named."
        ),
    ),
)  # fmt: skip
"""All acts that may be asked for, in the order in which roles are told."""

CLOSING = frozenset(action.command for action in ACTIONS if action.closes)
"""What closes a site on somebody's word (R4, R5), or would, if two people were not needed."""


def of_command(kind: type[c.Command]) -> Action:
    """The first row of that command; raises KeyError of what no person or program asks for."""
    return _FIRST[kind]


_FIRST = {action.command: action for action in reversed(ACTIONS)}
