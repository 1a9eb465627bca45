"""The bodies: what requests hold, by their names in the API's description; acts may share one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Body:
    """One body; its fields are those of the act's command."""

    name: str
    summary: str


NOTHING = Body("Nothing", "An act that needs no more words.")
HAPPENED = Body("Happened", "What happened at a time, and what is to be said of it.")
BECAUSE = Body("Because", "Why it is done; it goes on record.")
PERHAPS_BECAUSE = Body("PerhapsBecause", "Why it is done, if there is more to say.")
DETAILS = Body("Details", "Whom to call; what is not given stays as it is.")
CALLED = Body("Called", "What came of a call. Only `reached` stops the clock (R2).")
FINDING = Body("Finding", "A violation that was found; `again`: another one at the same address.")
WRITTEN = Body(
    "Written",
    "A note, for the desk or for the customer, who sees it behind the link to the incident.",
)
RECURRING = Body(
    "Recurring",
    "That it is still there; `again`: it is another one than the recurrence told to nobody yet.",
)
REFUSING = Body(
    "Refusing",
    "That the customer does not delete; `confirm` is the name of the site that this closes.",
)
REPORTED = Body("Reported", "That the police were told; `ref` is the receipt's number.")
DONE = Body("Done", "How a task ended.")
FALSE_DETAIL = Body(
    "FalseDetail",
    "Which filed detail is false, and how that was established; `confirm` is the site's name.",
)
MEANT = Body("Meant", "That it is meant: `confirm` is the name of the site that this closes.")
