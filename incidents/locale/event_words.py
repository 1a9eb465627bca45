"""What an event says to people: one sentence for each kind, without its time and its person.

The sentences here are the English ones; another language has the same codes (see `language`).
"""

from __future__ import annotations

OUTCOMES = {
    "reached": "the responsible person was reached",
    "no-answer": "nobody answered",
    "wrong-number": "the number was wrong",
    "bounced": "the e-mail bounced",
    "left-message": "a message was left with somebody else",
}

NOTES = {"desk": "a note for the desk", "customer": "a note to the customer"}
"""A note, by its audience."""

TASKS = {
    "tell": "phone the customer and tell them that the site is closed",
    "recheck": "look whether the content is gone",
    "review": "a supervisor should look at these corrections",
    "file": "the public-security filing is to be made",
    "show_number": "the record number is to be shown",
    "suspicion": "find out whether a filed detail is false",
    "footer": "the foot of the page is not as it must be",
}

WHY_NOT = {
    "lifted": "lifted since",
    "expired": "too late for it to be news",
    "no_channel": "no channel is set up",
    "no_address": "no address is on file",
    "settled": "settled since",
    "by_hand": "somebody has decided so",
    "repeated": "it is ordered once more",
    "overtaken": "what was ordered after it is carried out",
    "superseded": "a hold keeps the site down",
    "left_down": "a loss has left the site down, and a person decides",
}
"""Why an order was cancelled."""

SENTENCES = {
    "site_added": "{site} is in the register",
    "site_edited": "the details of {site} changed: {changed_details}",
    "incident_logged": "{incident} logged on {site}{of_which}{its_place}",
    "incident_imported": "{incident} brought in from elsewhere; it starts no clock, and no window"
    " and no run counts it",
    "evidence_attached": "{incident}: evidence {digest} ({size:,} bytes)",
    "note_added": "{incident}: {audience:note}",
    "contact_recorded": "{incident}: {outcome:outcome_told}{its_effect}",
    "contact_voided": "contact {contact_id} voided{fresh_clock}",
    "incident_removed": "{incident}: the content is gone",
    "incident_refused": "{incident}: {how_refused}",
    "incident_voided": "{incident} voided: it never counts again",
    "statement_taken_back": "{incident}: the {state_from} is taken back, it is {state_to} again"
    "{fresh_clock}",
    "clock_lapsed": "{incident}: nobody was reached by {occurred_at:when}",
    "alarm_raised": "{incident}: ALARM, the clock lapsed after {attempts} of {needed} attempts;"
    " {site} is not suspended for it",
    "site_suspended": "{site} suspended until {until:when} (R2, unreachable)",
    "suspension_ended": "the suspension of {site} ended{open_or_not}",
    "suspension_struck": "case {suspension} of {site} struck: nothing that it rested on still"
    " stands{struck_open_or_not}",
    "suspension_restored": "case {suspension} of {site} stands again",
    "site_closed": "{site} closed ({rule:rule}){grounds}{by_two}: no after-sales service, no"
    " refund",
    "closure_asked": "{by} asks that {site} be closed, {closed_for}; another person decides",
    "closure_declined": "{site} is not closed, as it was asked: declined",
    "closure_disputed": "the closure of {site} is disputed: {counted} of {needed} still hold",
    "dispute_settled": "the closure of {site} is no longer in doubt: {how_met}",
    "closure_upheld": "the closure of {site} stands, upheld",
    "hold_set": "{site} held by order: it stays down",
    "hold_lifted": "the hold on {site} lifted{open_or_not}",
    "reinstatement_asked": "{by} asks that {site} be opened again; another person decides",
    "reinstatement_declined": "{site} is not opened again: declined",
    "site_reinstated": "{site} reinstated: all counts start afresh",
    "task_opened": "task {task_id}: {task_in_words}",
    "task_completed": "task {task_id} done: {outcome}",
    "item_claimed": "{item_id} is with {holder}",
    "item_released": "{item_id} is free again",
    "incident_reported": "{incident}: reported to the police",
    "removal_said": "{incident}: the customer says that the content is gone; the desk has not"
    " looked",
    "links_revoked": "{incident}: the customer's links are revoked",
    "order_delivered": "{what_is_done}",
    "order_failed": "{how_given_up}",
    "order_cancelled": "not carried out: {what_was_ordered} ({why:why_not})",
    "order_retried": "to be carried out now: {what_was_ordered}",
    "state_seen": "{adapter} says that {site} is {seen} in the world",
    "filing_changed": "the filing of {site} changed: {changed_filing}",
    "filing_reminded": "the desk is reminded that {term_of} {site} ends with {due_on}",
    "suspicion_raised": "a check takes {field:detail} of {site} for false ({finding_in_words})",
    "footer_seen": "the foot of the page of {site} {what_it_lacks}",
    "order_repeated": "ordered once more: {order_kind} {site}",
}  # fmt: skip
"""What has happened, by the event's kind."""

TO_COME = {
    "alarm_raised": "{incident}: ALARM, the clock lapses after {attempts} of {needed} attempts;"
    " {site} is not suspended for it",
    "clock_lapsed": "{incident}: nobody is reached by {occurred_at:when}",
    "incident_refused": "{incident}: {how_refused}",
    "site_closed": "{site} is closed ({rule:rule}){grounds}: no after-sales service, no refund",
    "site_suspended": "{site} is suspended until {until:when} (R2, unreachable)",
    "suspension_ended": "the suspension of {site} ends{open_or_not}",
}
"""What the clock will do, by the kind of event; others are told as if they had happened."""

PARTS = {
    "none": "none",
    "taken_away": "{field} taken away",
    "term_file": "the term to file",
    "term_show_number": "the term to show the number of",
    "given_up": "GIVEN UP: {what_was_ordered}, after {so_many_attempts} by {adapter} ({problem})",
    "braked": "HELD BY THE BRAKE: {what_was_ordered}, since too many sites were taken down at once",
    "lacks": "is not as it must be: {problems}",
    "lacks_nothing": "is as it must be",
    "said": ": “{text}”",
    "erased": " (erased)",
    "of_which": ": the content of {recurs} is still there",
    "moot": "; moot, since the site is closed",
    "stopped_clock": ", which stopped its clock",
    "had_lapsed": "; its clock had lapsed",
    "runs_on": "; this stops no clock",
    "fresh_clock": "; a new clock runs until {contact_due:when}",
    "refused_by_word": "the customer was told and does not delete",
    "refused_by_two": "the customer was told and does not delete, as {asked_by} has stated and {by}"
    " confirmed",
    "refused_by_time": "not deleted by {deadline:when}, which is a refusal",
    "refuses_by_time": "is not deleted by {deadline:when}, which is a refusal",
    "stays": "; the site stays {site_to:state}",
    "open_again": "; the site is open again",
    "left_closed": "; {site} is closed in the world, and what closed it may be lost, so it stays"
    " closed. Record again what closed it, or, once it is not suspended, compare it with the world"
    " and order it up once more",
    "left_down": "; a loss may have left {site} down, so it stays down until a person decides",
    "window": ", {counted} violations from {since:when} to {until:when} ({incidents})",
    "run": ", case {counted} of {needed} ({incidents})",
    "met_again": "its rule is met again",
    "met_as_upheld": "its rule is met as far as it was upheld",
    "run_beyond": ", case {counted} in a row, where {needed} close ({incidents})",
    "false": ", false: {field:field}",
    "refusal": ", {incidents}",
    "by_two": ", asked for by {asked_by} and confirmed by {by}",
    "for_false": "{rule:rule}, false: {field:field}",
    "for_refusal": "{rule:rule}, {incident}",
    "one_attempt": "{attempts} attempt",
    "attempts": "{attempts:,} attempts",
    "task_about": "{task_kind:task} ({incidents})",
    "task": "{task_kind:task}",
}
"""The parts of sentences that are there or not."""

ORDERS = {
    "ordered.act": "{kind}",
    "ordered.notice": "write to the customer ({kind})",
    "ordered.desk": "tell the desk ({kind})",
    "ordered_of.act": "{kind} {site}",
    "ordered_of.notice": "write to the customer ({kind})",
    "ordered_of.desk": "tell the desk ({kind})",
    "done.notice": "the customer was written to ({order_kind}), by {adapter}",
    "done.desk": "the desk was told ({order_kind}), by {adapter}",
    "done.logged": "{adapter} was told to {order_kind} {site}, and ENFORCES NOTHING",
    "done.act": "{site} is {order_kind:in_the_world} in the world, by {adapter}",
    "in_the_world.suspend": "suspended",
    "in_the_world.reopen": "open",
    "in_the_world.close": "closed",
}
"""What was ordered, by its lane, and what is done."""

PHRASES = {
    **{f"happened.{kind}": sentence for kind, sentence in SENTENCES.items()},
    **{f"to_come.{kind}": sentence for kind, sentence in TO_COME.items()},
    **{f"event_part.{code}": part for code, part in PARTS.items()},
    **{f"outcome_told.{code}": told for code, told in OUTCOMES.items()},
    **{f"note.{audience}": told for audience, told in NOTES.items()},
    **{f"task.{kind}": told for kind, told in TASKS.items()},
    **{f"why_not.{code}": told for code, told in WHY_NOT.items()},
    **ORDERS,
}
"""All of them by the codes that each language has a phrase for."""
