"""The English of the console, where a page differs from the command line; and the names of codes.

Only what would send somebody to a terminal stands here; all else is the English of everywhere.
"""

from __future__ import annotations

from dataclasses import replace

from incidents.filing.finding import FILED
from incidents.locale.language import ENGLISH

REFUSED: dict[str, str] = {
    "already_held": "{site} is held already, since {at} by {by}: “Lift the hold” ends that.",
    "already_requested": "{by} has asked for the reinstatement of {site} already: another person"
    " approves or declines it on the site's page.",
    "bad_day": "{given!r} is no day for {field:detail}: write it as 2026-03-01.",
    "bad_item": "What is given as {field} is no server and no document: fill it in on the page of"
    " the filing.",
    "before_incident": "{at} lies before the incident, {occurred_at}: what has to do with it cannot"
    " have happened before it. Look at “When it happened”.",
    "before_told": "{at} lies before {told_at}, when the customer was told: nobody refuses before"
    " being asked. Look at “When it happened”.",
    "closure_asked": "{by} has asked for the closure of {site} already: another person confirms or"
    " declines it on the site's page.",
    "day_in_future": "{given} is still to come: {field:detail} is a day that has begun somewhere on"
    " earth.",
    "double_entry": "Incident {incident} of {site} has {url} already and is still {state}: if this"
    " is another violation, log it with “Another violation at an address that is on record already”"
    " ticked."
    " Content that is still there after a call is “Found again” on the page of {incident}.",
    "held": "{site} is held by order and cannot be reinstated: “Lift the hold” comes first.",
    "no_closure_asked": "Nobody has asked for the closure of {site}. Where the policy wants two"
    " people, “State false information” and “The customer refuses” ask for it.",
    "no_request": "Nobody has asked for the reinstatement of {site}: “Ask for reinstatement” does.",
    "order_dead": "{order} is given up already: “Try it again” on its page.",
    "order_in_hand": "{order} is being carried out at this moment: wait until {until}, and look at"
    " its page again.",
    "order_of_hold": "{site} is held by order, and {order} takes it down. “Lift the hold” comes"
    " first.",
    "order_not_dead": "{order} is not given up: it is tried by itself, and its page says when.",
    "overtaken": "{order} is not what is ordered for {site} any more, and would undo what came"
    " after it. “Cancel it” settles it; “Compare” among the orders compares {site} with the world.",
    "recurred_already": "That the content of {incident} is still there is logged already, as"
    " {recurrence}, which is {state}: nobody has been told of that one yet. If this is another"
    " violation, log it, and tick that it is another one.",
    "site_closed": "{site} is closed ({rule}): that is not possible on a closed site. “Ask for"
    " reinstatement” on its page asks for it to be opened again.",
    "state_forbids": "Incident {incident} is {state}: this is possible only when it is {needs}.",
    "site_exists": "{site} is in the register already: “Change whom to call” on its page changes"
    " its details.",
    "unknown_contact": "Incident {incident} has no contact {contact}: its page lists them.",
    "unknown_detail": "A filing has no detail {field}: its page shows those that there are.",
    "unknown_field": "No site has a detail {field} that could be false. Choose one from the list.",
    "unknown_field.nearest": "No site has a detail {field} that could be false. Did you mean"
    " {nearest}?",
    "unknown_incident": "There is no incident {incident}: a site's page lists its own.",
    "unknown_order": "No order {order} waits to be carried out or is given up: a site's page tells"
    " what became of the others.",
    "key_reused.done": "{by} has given this same command already, at {at}: the site's page tells"
    " what came of it.",
    "would_close": "This is violation {n} of {needed} and would close {site} (R1), so it is not"
    " logged yet. To log it, type the site's name below.",
    "too_late": "The contact on {incident} was recorded after its deadline, {due}, so it stopped no"
    " clock. If the call was made in time, record it again with the time of the call in “When it"
    " happened”.",
    "closure_fell": "What {by} asked for, that {site} be closed, has fallen with this: nobody"
    " refuses any more, or nobody was told before they refused. A refusal that stands all the same"
    " is stated anew, with “The customer refuses”.",
    "second_needed": "By the policy in force two people close, and two people put another one in"
    " its place: a second one who may activate policies signs in beside {by} in this form.",
}
"""The refusals and remarks, by their names."""

NOT_THERE: dict[str, str] = {
    "unknown_incident": "No incident is called {given!r}: its id looks like 12-3.",
    "unknown_contact": "No contact is called {given!r}: its id looks like 12-3-1.",
    "unknown_order": "No order is called {given!r}: its id looks like 12-o45 or 12-o45.notice.",
    "unknown_task": "No item of the queue is called {given!r}: its id looks like 12-3 or 12-t2.",
}

_TIMED = "with the time of the call in “When it happened”"
TOLD: dict[str, str] = {
    "why.overdue": "OVERDUE: nobody has enforced what fell due at {since}, {ago} ago; a daemon that"
    " runs does it.",
    "why.not_in_force.waits": "NOT IN FORCE: {told} (see the orders of {site}).",
    "why.not_in_force.braked": "NOT IN FORCE: {told}: the brake holds it (see the order {order}).",
    "why.not_in_force.logged": "NOT IN FORCE: {told}. The order was only logged, since no adapter"
    " is set: nothing is enforced in the world. Whoever runs the daemon names one under [acts] in"
    " its settings and restarts it; then “Compare” among the orders orders it again.",
    "why.not_in_force.left_down": "NOT IN FORCE: {told}. Nothing on record keeps {site} down; the"
    " reason may have been lost with the end of the record, at {since}. Hold {site} if it must stay"
    " down; if not, “Compare” among the orders can order it up once more.",
    "why.not_in_force.unknown": "NOT KNOWN: {told}. An order to keep {site} down may have been lost"
    " with the end of the record, at {since}. Hold {site} if it must stay down; if not, “Compare”"
    " among the orders can order it up once more.",
    "why.not_in_force.believed": "NOT KNOWN: {told}. {site} was added after a loss, and nobody can"
    " ask how it is; by now it counts as up. If it is down, “Compare” among the orders can order it"
    " up once more.",
    "why.not_in_force.left_closed": "NOT IN FORCE: {told}. What closed {site} may have been lost,"
    " so it stays closed, whatever a clock or the lift of a hold does. Record again what closed it,"
    " or, once it is not suspended, order it up once more with “Compare” among the orders.",
    "why.suspended.left_down": "A loss may have left {site} down before, and what was lost may be"
    " an order: at the end of the suspension it stays down until a person decides. Hold {site} if"
    " it must stay down.",
    "event_part.left_closed": "; {site} is closed in the world, and what closed it may be lost, so"
    " it stays closed. Record again what closed it, or, once it is not suspended, order it up once"
    " more with “Compare” among the orders",
    "event_part.left_down": "; a loss may have left {site} down, so it stays down until a person"
    " decides",
    "why.not_in_force.lost": "NOT IN FORCE: {told} (“Compare” among the orders can order {site}"
    " down or up once more).",
    "why.rests_on_all": "the suspension rests on {names}, and is struck only when none of them"
    f" stands any more: each voided, or with a contact in time recorded {_TIMED}",
    "why.strikes.contact": "a contact on {incident} that happened by {due} and is recorded"
    f" {_TIMED} would strike this suspension{{after}}",
    "why.disputes.contact": f"recording, {_TIMED}, a contact in time on {{names}} leaves the rule"
    " unmet: the closure would be disputed, a machine does not undo it",
    "why.disputes.contact.any": f"recording, {_TIMED}, a contact in time on any of {{names}} leaves"
    " the rule unmet: the closure would be disputed, a machine does not undo it",
    "say.suspicion": "A check takes {field:detail} of {site} for false ({finding}). Find out, with"
    " more than a machine's word. False: “State false information” closes the site (R4). Not false:"
    " say so here.",
    "say.cost.overdue": f"only a call that was made by the deadline still counts, {_TIMED}",
    "say.keep_calling": "{down} nobody has been told. {phone} Say: “Your site {site} shows {what}."
    " Please delete it and tell us when it is gone.” If somebody was reached before the deadline"
    f" after all, record it {_TIMED}.",
    "say.phone.nothing": "Nothing is on file to reach {whom} by: look for a number, and enter it on"
    " the page of {site}.",
}
"""What the record is told by, by its code."""

CONSOLE_ENGLISH = replace(
    ENGLISH,
    phrases={
        **ENGLISH.phrases,
        **{f"refused.{name}": sentence for name, sentence in REFUSED.items()},
        **{f"not_there.{name}": sentence for name, sentence in NOT_THERE.items()},
        **TOLD,
        **{f"{group}.{key}": name for key, name in FILED.items() for group in ("detail", "field")},
        "detail.server": "the server",
        "detail.document": "the document",
    },
)


NAMES: dict[str, str] = {
    "role.viewer": "viewer",
    "role.operator": "operator",
    "role.supervisor": "supervisor",
    "role.auditor": "auditor",
    "role.integrator": "integrator",
    "role.administrator": "administrator",
    "by.clock": "the clock",
    "by.courier": "the courier",
    "by.customer": "the customer",
    "state.active": "active",
    "state.disputed": "disputed",
    "state.overdue": "overdue",
    "state.suspended": "suspended",
    "state.closed": "closed",
    "state.held": "held",
    "state.unknown": "unknown",
    "state.open": "open",
    "state.notified": "notified",
    "state.unreached": "unreached",
    "state.removed": "removed",
    "state.refused": "refused",
    "state.voided": "voided",
    "state.moot": "moot",
    "kind.call": "call",
    "kind.keep_calling": "keep calling",
    "kind.tell": "tell: closed",
    "kind.check_removal": "check if gone",
    "kind.recheck": "recheck",
    "kind.disputed": "disputed closure",
    "kind.reinstatement": "reinstatement",
    "kind.closure": "to be closed: second yes",
    "kind.review": "review",
    "kind.file": "filing due",
    "kind.show_number": "show the number",
    "kind.suspicion": "false detail?",
    "kind.footer": "footer not right",
    "outcome.reached": "Reached",
    "outcome.no-answer": "No answer",
    "outcome.left-message": "Left a message",
    "outcome.wrong-number": "Wrong number",
    "outcome.bounced": "Mail bounced",
    "rule.repeat": "R1, repeat",
    "rule.unreachable": "R2, unreachable",
    "rule.unreachable_run": "R3, unreachable run",
    "rule.false_info": "R4, false information",
    "rule.refusal": "R5, refusal",
    "order.suspend": "suspend",
    "order.reopen": "reopen",
    "order.close": "close",
    "case.ended": "ended",
    "case.running": "runs",
    "case.closed": "closed the site",
    "case.struck": "struck: it no longer counts",
    "audience.desk": "Internal note",
    "audience.customer": "To the customer",
    "event.site_added": "Site added",
    "event.site_edited": "Details changed",
    "event.incident_logged": "Violation logged",
    "event.incident_imported": "Brought in from elsewhere",
    "event.evidence_attached": "Evidence attached",
    "event.note_added": "Note",
    "event.filing_changed": "Filing changed",
    "event.filing_reminded": "Reminder of a filing",
    "event.suspicion_raised": "False detail?",
    "event.footer_seen": "Foot of the page",
    "event.contact_recorded": "Contact recorded",
    "event.contact_voided": "Contact voided",
    "event.incident_removed": "Content gone",
    "event.incident_refused": "Refused",
    "event.incident_voided": "Incident voided",
    "event.statement_taken_back": "Statement taken back",
    "event.clock_lapsed": "Clock lapsed",
    "event.alarm_raised": "Alarm",
    "event.site_suspended": "Site suspended",
    "event.suspension_ended": "Suspension ended",
    "event.suspension_struck": "Suspension struck",
    "event.suspension_restored": "Suspension stands again",
    "event.site_closed": "Site closed",
    "event.closure_disputed": "Closure disputed",
    "event.dispute_settled": "Dispute settled",
    "event.closure_upheld": "Closure upheld",
    "event.hold_set": "Hold set",
    "event.hold_lifted": "Hold lifted",
    "event.closure_asked": "Closure asked for",
    "event.closure_declined": "Closure declined",
    "event.reinstatement_asked": "Reinstatement asked for",
    "event.reinstatement_declined": "Reinstatement declined",
    "event.site_reinstated": "Site reinstated",
    "event.task_opened": "Task opened",
    "event.task_completed": "Task done",
    "event.item_claimed": "Item claimed",
    "event.item_released": "Item released",
    "event.incident_reported": "Reported to the police",
    "event.removal_said": "Customer says it is gone",
    "event.links_revoked": "Links revoked",
    "event.order_delivered": "Order carried out",
    "event.order_failed": "Order given up",
    "event.order_cancelled": "Order cancelled",
    "event.order_retried": "Order to be carried out",
    "event.state_seen": "State seen",
    "event.order_repeated": "Order repeated",
    "act.reveal": "show in full",
    "act.log": "log",
    "act.form": "send this form",
    "act.look": "look",
    "act.simulate": "simulate",
    "act.metrics": "read the metrics",
    "act.export": "export the record",
    "act.attach": "attach a file",
    "act.add_note": "add a note",
    "act.recur": "record that it was found again",
    "act.record_contact": "record a contact",
    "act.void_contact": "void a contact",
    "act.state_removed": "state that the content is gone",
    "act.state_refused": "state that the customer refuses, which closes the site (R5)",
    "act.take_back": "take a statement back",
    "act.void_incident": "void an incident",
    "act.state_reported": "state that the police have been told",
    "act.claim_item": "take an item",
    "act.release_item": "give an item back",
    "act.complete_task": "complete a task",
    "act.give_link": "show a customer's link",
    "act.revoke_links": "revoke a customer's links",
    "act.add_site": "add a site",
    "act.edit_site": "change a site's contact",
    "act.change_filing": "change a site's filing",
    "act.state_false": "state that filed details are false, which closes the site (R4)",
    "act.confirm_closure": "confirm the closure of the site",
    "act.decline_closure": "decline a closure",
    "act.set_hold": "set a hold",
    "act.lift_hold": "lift a hold",
    "act.ask_reinstatement": "ask for the reinstatement of the site",
    "act.approve": "approve the reinstatement, which opens the site",
    "act.decline": "decline a reinstatement",
    "act.uphold": "uphold a closure",
    "act.import_incident": "bring an incident in",
    "act.activate_policy": "activate a policy",
    "act.erase": "erase somebody's data",
    "act.try_alarms": "try the alarms",
    "act.see_accounts": "see all accounts and tokens",
    "act.keep_accounts": "keep the accounts",
    "act.see_sign_ins": "see who signed in",
    "act.own_account": "see the own account",
    "act.set_password": "set a password",
    "act.make_token": "make a token",
}
