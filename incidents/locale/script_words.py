"""What an operator says or does next about an item of the queue, in words, by their codes.

The sentences here are the English ones; another language has the same codes (see `language`).
"""

from __future__ import annotations

SENTENCES = {
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
    "show_number": "The record number is to stand at the foot of the pages of {site} by {day}, that"
    " day included. {phone} Remind them; when it does, put the day on record. Nothing is suspended"
    " for it.",
    "suspicion": "A check takes {field:detail} of {site} for false ({finding}). Find out, with more"
    " than a machine's word. False: false-info closes the site (R4). Not false: done.",
    "footer": "The foot of the page of {site} is not as it must be ({problems}). {phone} Tell them;"
    " it is looked at again by itself.",
    "the_person": "the responsible person",
    "phone": "Phone {whom}, {phone}.",
    "phone.email": "No phone is on file for {whom}: write to {email} and look for a number.",
    "phone.nothing": "Nothing is on file to reach {whom} by: look for a number (incidents site edit"
    " {site} --phone P).",
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

PHRASES = {f"say.{code}": said for code, said in SENTENCES.items()}
"""All of them by the codes that each language has a phrase for."""
