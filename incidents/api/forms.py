"""The forms: what the body of an act's request holds, before it is read into a command."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from incidents import clock
from incidents.values import inputs

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


class Filed(Form):
    """What changes of a filing: texts under their keys, of a server or a document the parts that
    change; null or an empty text takes away. What `presets` file comes first, `details` win."""

    details: Annotated[dict[str, Any], Field(json_schema_extra=_FILED)] = Field({})
    presets: list[Short] = Field([], max_length=10)


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
