"""What a site's why and an item's script say to people, by their codes; here, in English.

The why: its grounds, and what would change them. The script: what an operator says or does next.
Another language has the same codes (see `language`)."""

from __future__ import annotations

GROUNDS = {
    "overdue": "OVERDUE: nobody has enforced what fell due at {since}, {ago} ago; a daemon that"
    " runs does it.",
    "in_force": "{state:state} is ordered, and {seen:state} is in force",
    "unknown_in_force": "{state:state} is ordered, and nobody knows what is in force",
    "not_in_force.waits": "NOT IN FORCE: {told} (see the orders of {site}).",
    "not_in_force.braked": "NOT IN FORCE: {told}: the brake holds it (see the order {order}).",
    "not_in_force.lost": "NOT IN FORCE: {told}. Comparing {site} with the world can order it"
    " again.",
    "not_in_force.logged": "NOT IN FORCE: {told}. The order was only logged, since no adapter is"
    " set: nothing is enforced in the world. Name one under [acts] in the daemon's settings"
    " and restart the daemon; then comparing {site} with the world can order it again.",
    "not_in_force.left_down": "NOT IN FORCE: {told}. Nothing on record keeps {site} down; the"
    " reason may have been lost with the end of the record, at {since}. Hold {site} if it"
    " must stay down. If not, comparing it with the world can order it up once more; a recovery"
    " does so for all that this record has as open.",
    "not_in_force.left_closed": "NOT IN FORCE: {told}. What closed {site} may have been lost, so it"
    " stays closed, whatever a clock or the lift of a hold does. Record again what closed it,"
    " or, once it is not suspended, compare it with the world and order it up once more.",
    "not_in_force.unknown": "NOT KNOWN: {told}. An order to keep {site} down may have been lost"
    " with the end of the record, at {since}. Hold {site} if it must stay down; if not,"
    " comparing it with the world can order it, and no other, up once more.",
    "not_in_force.believed": "NOT KNOWN: {told}. {site} was added after a loss, and nobody can ask"
    " how it is; by now it counts as up. If it is down, comparing it with the world can order it"
    " up once more.",
    "closed": "{site} was closed at {at} by {rule:rule}: {rule:rule_says}.",
    "stated_false": "{by} stated that the filed {field:field} is false; established by:"
    " {evidence}.",
    "confirmed": "{asked_by} asked for it, and {by} confirmed it.",
    "decided": "Decided at {at}, recorded by {by}, under the policy {policy}.",
    "terms": "Its terms: no after-sales service, no refund.",
    "window": "{counted} violations were counted, and {needed} within {within:duration} close a"
    " site:",
    "window_compared": "Compared: from {since} to {until} is {apart:duration}, at most"
    " {within:duration}, both ends included. {completing} completed the window.",
    "run": "This was case {counted} of {needed}:",
    "run.beyond": "This was case {counted} in a row, where {needed} close:",
    "run_case.joined": "it rests on {names} too, whose clocks lapsed while it ran",
    "run_broken": "Since then {incident} is known to have been reached in time, by {due}: the run"
    " begins anew there.",
    "refused_since": "They refused at {since}.",
    "run_case": "case {place}: {incident}; {told}",
    "run_case.acted": "nobody was reached by {due}; acted on at {made_at}",
    "run_case.struck_since": "nobody was reached by {due}; struck since",
    "run_case.struck": "its case was struck",
    "not_deleted": "Not deleted by the deadline, {deadline}.",
    "refusal_recorded": "That they do not delete was recorded by {by}.",
    "refusal_confirmed": "That they do not delete was confirmed by {by}.",
    "suspended": "{site} is suspended by {rule:rule}: the responsible person was not reached in"
    " time. Suspended at {made_at}, until {until:until}.",
    "suspended.left_down": "A loss may have left {site} down before, and what was lost may be an"
    " order: at the end of the suspension it stays down until a person decides. Hold {site} if"
    " it must stay down.",
    "rests_on": "It rests on:",
    "decided_under": "Decided under the policy {policy}.",
    "held": "{site} is held by order since {at}, recorded by {by}: {reason}. No timer, no late"
    " truth"
    " and no reinstatement opens it.",
    "to_be_closed.false": "NOT CLOSED YET: {by} asked at {at} that it be closed by {rule:rule}: the"
    " filed {field:field} is false. In their words: {text}.",
    "to_be_closed.refusal": "NOT CLOSED YET: {by} asked at {at} that it be closed by {rule:rule}:"
    " told, and not deleted. {incident}. In their words: {text}.",
    "to_be_closed.by_two": "Another person than {by} has to confirm it, as the policy says.",
    "to_be_closed.by_one": "Another person than {by} confirms it. The policy in force by now asks"
    " for one person only: whoever states it once more closes the site too.",
    "disputed": "The closure is disputed: {met} of the {needed} that the rule needs still hold. No"
    " machine undoes a closure: a person upholds it or asks to reinstate.",
    "gone.told": "No call that stands told them of {incident} before they refused.",
    "gone.voided": "{incident} was voided: nobody was to be told of it, and nothing to be refused.",
    "gone.refused": "That they refused stands no more: {incident} is {state:state}.",
    "upheld": "{met} of the {needed} that the rule needs still hold; {by} upheld the closure all"
    " the"
    " same.",
    "asked": "{by} asked at {at} that it be opened again: {reason}. Another person than {by} has to"
    " answer, a supervisor where there are accounts.",
    "active": "{site} is active: no rule holds it down.",
    "reinstated": "It was reinstated by {by}; all counts started afresh then.",
    "recent": "Violations in the last {within:duration} that count: {names}; {count} close the site"
    " (R1).",
    "place_in_run": "Run of {run}: {count} {how} without reaching anybody close it (R3).",
    "place_in_run.last": "Run of {run}: {count} {how} without reaching anybody close it (R3). The"
    " next miss closes the site.",
    "place_in_run.last.tried": "Run of {run}: {count} {how} without reaching anybody close it (R3)."
    " The next miss, after {attempts} attempts by the deadline, closes the site.",
    "place_in_run.met": "Run of {run}, where {count} {how} without reaching anybody close it (R3)."
    " A recount closes nothing: the next miss, while the site is open, does.",
    "place_in_run.met.tried": "Run of {run}, where {count} {how} without reaching anybody close it"
    " (R3). A recount closes nothing: the next miss, after {attempts} attempts by the deadline"
    " while the site is open, does.",
    "place_in_run.consecutive": "in a row",
    "place_in_run.total": "in all",
    "waiting": "{incident} is open: reach the responsible person by {due:until}.",
    "waiting_removal": "{incident} is notified: the content must be gone by {due:until} (R5).",
    "moot": "Moot, since found on the closed site: {names}. They count for nothing.",
    "moot.more": "Moot, since found on the closed site: {names} and more. They count for nothing.",
}
"""How a site stands, and why."""

FACTS = {
    "incident": "{name}: happened {occurred_at}, recorded {recorded_at} by {by}, now {state:state}",
    "incident.at": "{name}: happened {occurred_at}, recorded {recorded_at} by {by}, now"
    " {state:state}, {url}",
    "contact": "contact {name}: {outcome:outcome} at {at}, recorded by {by}",
    "contact.voided": "contact {name}: {outcome:outcome} at {at}, recorded by {by}, voided since",
    "deadline": "Compared: the deadline {due:exact} against {decided:exact}, when it was decided:"
    " {late} past.",
    "microseconds": "{n} µs",
    "quoted": "“{text}”",
    "erased": "(erased)",
    "no_reason": "no reason given",
    "clock": "the clock",
    "login": "{person} (login {login})",
}
"""The facts that it rests on, and who wrote them down."""

PROSPECTS = {
    "next.nothing": "Next: nothing falls due by itself.",
    "next.braked": "Next: nothing falls due by itself, and {order} waits for a supervisor.",
    "next.overdue": "Next: overdue, and done as soon as anybody enforces it: {what}.",
    "next": "Next: at {due:until}: {what}.",
    "next.comma": "; ",
    "would_change": "What would change it:",
    "confirms": "another person than {by} who confirms the closure that was asked for closes it",
    "declines": "whoever declines it leaves the site as it is; so does what leaves nobody refusing:"
    " removed, void, or the call taken back",
    "declines.false": "whoever declines it leaves the site as it is",
    "closes.two": "a false detail (R4), or a refusal of somebody who was told (R5), that one person"
    " states and another confirms, closes it",
    "closes": "a confirmed false detail (R4), or a refusal of somebody who was told (R5), closes"
    " it",
    "rests_on_all": "the suspension rests on {names}, and is struck only when none of them stands"
    " any more: each voided, or with a contact in time recorded with --at",
    "strikes.contact": "a contact on {incident} that happened by {due} and is recorded with --at"
    " would strike this suspension{after}",
    "strikes.void": "voiding {incident} would strike this suspension{after}",
    "strikes.opens": ", and the site would open at once",
    "strikes.left_down": "; a loss may have left the site down, so it would stay down until a"
    " person decides",
    "strikes.held": "; the site would stay down, held",
    "strikes.stays": "; the site would stay {state:state}",
    "false_info_stays": "no correction of the record undoes a statement of false information (R4)",
    "disputes.void": "voiding {names} leaves the rule unmet: the closure would be disputed, a"
    " machine does not undo it",
    "disputes.void.any": "voiding any of {names} leaves the rule unmet: the closure would be"
    " disputed, a machine does not undo it",
    "disputes.contact": "recording, with --at, a contact in time on {names} leaves the rule unmet:"
    " the closure would be disputed, a machine does not undo it",
    "disputes.contact.any": "recording, with --at, a contact in time on any of {names} leaves the"
    " rule unmet: the closure would be disputed, a machine does not undo it",
    "disputes.take_back": "taking back the refusal of {names} leaves the rule unmet: the closure"
    " would be disputed, a machine does not undo it",
    "disputes.take_back.any": "taking back the refusal of any of {names} leaves the rule unmet: the"
    " closure would be disputed, a machine does not undo it",
    "disputes.void_contact": "voiding the contact {names} leaves the rule unmet: the closure would"
    " be disputed, a machine does not undo it",
    "disputes.void_contact.any": "voiding the contact any of {names} leaves the rule unmet: the"
    " closure would be disputed, a machine does not undo it",
    "uphold": "a supervisor who upholds the closure lets it stand and settles the dispute",
    "stays_met": "voiding one of {names} changes nothing: the rule stays met",
    "reinstate.held": "it cannot be reinstated while it is held: the hold must be lifted first",
    "reinstate.asked": "another person's yes to the reinstatement opens it, and all counts start"
    " afresh",
    "reinstate": "a reinstatement, asked for by one person and approved by another, opens it",
    "unhold.opens": "lifting the hold opens the site at once",
    "unhold.left_closed": "lifting the hold does not open the site: it is closed in the world",
    "unhold.closed": "lifting the hold does not open the site yet: it is closed",
    "unhold.suspended": "lifting the hold does not open the site yet: a suspension still runs",
    "stops_clock": "reaching the responsible person by {due} stops the clock of {incident}",
    "one_more": "one more violation now closes the site: too many within {within:duration} (R1)",
    "next_miss": "run of {run}: the next miss closes the site (R3)",
    "next_miss.tried": "run of {run}: the next miss, after {attempts} attempts by the deadline,"
    " closes the site (R3)",
    "ends_run": "reaching the responsible person in time on the next violation ends the run",
}
"""What falls due next, and what would change how a site stands."""

RULE_SAYS = {
    "repeat": "too many violations within its span of time",
    "unreachable_run": "the responsible person was not reached time after time",
    "false_info": "the filed details are false",
    "refusal": "the customer was told and did not delete",
}
"""What the rule that has closed a site says."""

WHY_PHRASES = {
    **{f"why.{code}": said for code, said in (GROUNDS | FACTS | PROSPECTS).items()},
    **{f"rule_says.{code}": said for code, said in RULE_SAYS.items()},
}
"""All of them by the codes that each language has a phrase for."""


SCRIPTS = {
    "call": "{phone} Say: “Your site {site} shows {what}. Please delete it at once and tell us when"
    " it is gone.”",
    "call.no_clock": " No clock runs for this one.",
    "call.costs": " {left}: {cost}. Only speaking to the responsible person stops the clock; record"
    " every other attempt too.",
    "cost.overdue": "only a call that was made by the deadline still counts, with --at and its"
    " time",
    "cost.down": "the site is down already, so a miss adds no second suspension",
    "cost.closes": "if nobody is reached, the site is closed: no after-sales service, no refund",
    "cost.attempts": "the policy asks for {least} attempts before the site is suspended",
    "cost.suspends": "if nobody is reached, the site is suspended for {suspend_for:duration}",
    "keep_calling": "{down} nobody has been told. {phone} Say: “Your site {site} shows {what}."
    " Please delete it and tell us when it is gone.” If somebody was reached before the deadline"
    " after all, say when with --at.",
    "down": "The site is down and",
    "down.not_in_force": "The site is to be down ({in_force:state} is in force) and",
    "down.not": "The deadline is past and",
    "check_removal": "Look whether the content{addresses} is gone. Gone: removed.",
    "check_removal.due": "{left} for the customer to delete. ",
    "check_removal.asks": " Still there, and the customer does not delete: refused, which asks that"
    " the site be closed (R5); another person confirms.",
    "check_removal.closes": " Still there, and the customer does not delete: refused, which closes"
    " the site (R5).",
    "tell": "{phone} Say: “Your site {site} is closed ({rule:rule}): no after-sales service, no"
    " refund. If you object to the closure, tell us why, now or later: we write it down.” It rests"
    " on {names}. An objection is a note on an incident; by it a supervisor may ask that the site"
    " be opened again.",
    "tell.withheld": "Do not phone yet: {site} is to be closed, and is not ({in_force:state} is in"
    " force). The brake holds the order, or somebody has cancelled it.",
    "recheck": "Look again at {names}{addresses}. Gone: removed.",
    "recheck.looked": "Look again at {names}{addresses}.",
    "recheck.log": " Still there: log it, a new violation with a clock of its own.",
    "recheck.said_gone": " Still there: done, with what you saw; {names} itself stays in the"
    " queue.",
    "recheck.recur": " Still there: recur, a new violation with a clock of its own.",
    "recheck.call": " {names}: nobody was told of it yet; still there: call, and then recur.",
    "recheck.anew": " {names}: still there: log it, a new violation with a clock of its own.",
    "recheck.done": " All looked at: done.",
    "review": "A supervisor looks at {names}: its record has been corrected more than once, and"
    " each correction can start a new hour.",
    "disputed": "A supervisor decides: what closed {site} ({rule:rule}) no longer holds by the"
    " record. Uphold lets the closure stand; reinstate asks that the site be opened again.",
    "disputed.held": "A supervisor decides: what closed {site} ({rule:rule}) no longer holds by the"
    " record. Uphold lets the closure stand; reinstate asks that the site be opened again, once the"
    " hold is lifted.",
    "reinstatement": "{by} asks that {site} be opened again{why}. Another person than {by}"
    " decides, a supervisor where there are accounts.",
    "reinstatement.why": " (“{note}”)",
    "reinstatement.held": " They can say yes once the hold is lifted.",
    "closure.false": "{by} asks that {site} be closed ({rule:rule}, false: {field:field}){why}. It"
    " is to be closed at once: another person than {by} confirms it or declines it now.",
    "closure.refusal": "{by} asks that {site} be closed ({rule:rule}, {incident}){why}. It is to be"
    " closed at once: another person than {by} confirms it or declines it now.",
    "file": "The public-security filing of {site} is to be made by {day}, that day included."
    " {phone} Remind them; when it is filed, put the day on record. Nothing is suspended for it.",
    "file.over": "The public-security filing of {site} was due on {day}, and is not on record as"
    " made. {phone} Remind them; when it is filed, put the day on record. Nothing is suspended for"
    " it.",
    "show_number": "The record number is to stand at the foot of the pages of {site} by {day}, that"
    " day included. {phone} Remind them; when it does, put the day on record. Nothing is suspended"
    " for it.",
    "show_number.over": "The record number was due at the foot of the pages of {site} on {day}, and"
    " is not on record as shown. {phone} Remind them; when it is, put the day on record. Nothing is"
    " suspended for it.",
    "suspicion": "A check takes {field:detail} of {site} for false ({finding}). Find out, with more"
    " than a machine's word. False: false-info closes the site (R4). Not false: done.",
    "footer": "The foot of the page of {site} is not as it must be ({problems}). {phone} Tell them;"
    " it is looked at again by itself.",
    "the_person": "the responsible person",
    "phone": "Phone {whom}, {phone}.",
    "phone.email": "No phone is on file for {whom}: write to {email} and look for a number.",
    "phone.nothing": "Nothing is on file to reach {whom} by: look for a number, and add it to"
    " {site}.",
    "what": "violating content{addresses}",
    "what.category": "violating content ({category}){addresses}",
    "addresses": " at {url}",
    "addresses.more": " at {url} and {more} more",
    "unsettled": "what is not settled",
    "left": "{span} left",
    "left.overdue": "OVERDUE by {span}, and nothing has enforced it yet",
    "said_gone": "The customer says that it is gone. ",
    "said_gone.remark": "The customer says that it is gone: “{remark}”. ",
    "warning.closes": "the next miss closes {site}",
    "warning.spared": "ALARM: the clock of {incident} lapsed with too few attempts, and {site} is"
    " not suspended: somebody must decide",
}

SCRIPT_PHRASES = {f"say.{code}": said for code, said in SCRIPTS.items()}
"""All of them by the codes that each language has a phrase for."""
