"""The forms: what the body of an act's request holds, before it is read into a command."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from incidents import clock, inputs
from incidents.machine.incident import OUTCOMES
from incidents.machine.note import AUDIENCES, FOR_DESK

MAX_DETAILS, MAX_PARTS = 300, 20
"""So many details are changed in one act at most, and so many parts of a server or document."""

Short = Annotated[str, Field(max_length=100)]
Words = Annotated[str, Field(max_length=inputs.MAX_TEXT_CHARACTERS)]
Time = Annotated[
    str, Field(max_length=64, description="RFC 3339 with its offset: when it happened; none: now.")
]


_PART = {"anyOf": [{"type": "string", "maxLength": 4_000}, {"type": "null"}]}
_FILED: dict[str, Any] = {
    "maxProperties": MAX_DETAILS,
    "additionalProperties": {
        "anyOf": [
            *_PART["anyOf"],
            {"type": "object", "maxProperties": MAX_PARTS, "additionalProperties": _PART},
        ]
    },
}
"""The schema of what is filed; its keys are whoever's who asks, so no error may repeat them."""


class Form(BaseModel, extra="forbid"):
    """What all have in common: nothing but what is described is taken."""

    @model_validator(mode="before")
    @classmethod
    def _tell_of_one(cls, given: Any) -> Any:
        """Of keys that nobody knows one is told of: an error for each of 100,000 takes seconds."""
        if not isinstance(given, dict) or len(given) <= len(cls.model_fields):
            return given
        unknown = next((key for key in given if key not in cls.model_fields), None)
        return {
            key: each for key, each in given.items() if key in cls.model_fields or key == unknown
        }


class Nothing(Form):
    """An act that needs no more words."""


class Happened(Form):
    """What happened at a time, and what is to be said of it."""

    at: Time | None = None
    note: Words | None = None


class Finding(Happened):
    """A violation that was found; `again`: another one at the same address."""

    urls: list[Annotated[str, Field(max_length=4_096)]] = Field([], max_length=inputs.MAX_URLS)
    category: Short | None = None
    again: bool = False


class Written(Form):
    """A note, for the desk or for the customer, who sees it behind the link to the incident."""

    text: Words
    audience: Annotated[str, Field(max_length=20, json_schema_extra={"enum": list(AUDIENCES)})] = (
        FOR_DESK
    )


class Called(Happened):
    """What came of a call. Only `reached` stops the clock (R2)."""

    outcome: Annotated[str, Field(max_length=20, json_schema_extra={"enum": list(OUTCOMES)})]


class Meant(Form):
    """That it is meant: `confirm` is the name of the site that this closes."""

    confirm: Annotated[str, Field(max_length=300)] | None = None


class Refusing(Happened, Meant):
    """That the customer does not delete; `confirm` is the name of the site that this closes."""


class Recurring(Happened):
    """That it is still there; `again`: it is another one than the recurrence told to nobody yet."""

    again: bool = False


class Reported(Form):
    """That the police were told; `ref` is the receipt's number."""

    at: Time | None = None
    ref: Words | None = None


class Because(Form):
    """Why it is done; it goes on record."""

    reason: Words


class PerhapsBecause(Form):
    """Why it is done, if there is more to say."""

    reason: Words | None = None


class FalseDetail(Meant):
    """Which filed detail is false, and how that was established; `confirm` is the site's name."""

    field: Short
    evidence: Words


class Details(Form):
    """Whom to call; what is not given stays as it is."""

    phone: Annotated[str, Field(max_length=64)] | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    person: Annotated[str, Field(max_length=200)] | None = None


class NewSite(Details):
    """A site for the register."""

    site: Annotated[str, Field(max_length=300)]


class Filed(Form):
    """What changes of a filing: texts under their keys, of a server or a document the parts that
    change; null or an empty text takes away. What `presets` file comes first, `details` win."""

    details: Annotated[dict[str, Any], Field(json_schema_extra=_FILED)] = Field({})
    presets: list[Short] = Field([], max_length=10)


class Done(Form):
    """How a task ended."""

    outcome: Short | None = None
    note: Words | None = None


class Shift(Form):
    """To whom all that one holds is given."""

    to: Short


def at(given: str | None) -> datetime | None:
    """When it happened, in UTC; raises InputError of what is no time with its offset."""
    return None if given is None else clock.parse_exact(given)


def words(what: str, given: str | None, limit: int = inputs.MAX_TEXT_CHARACTERS) -> str | None:
    """What somebody wrote; raises RefusedError of what cannot be kept."""
    return None if given is None else inputs.text(what, limit=limit)(given)


def needed(what: str, given: str, limit: int = inputs.MAX_TEXT_CHARACTERS) -> str:
    """The same, of what must be there."""
    return inputs.text(what, limit=limit)(given)
