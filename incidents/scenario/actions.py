"""The acts in a scenario's steps, read from TOML tables.

The acts are named as on the command line, and become commands of the machine. A field is read once,
checked, and named when it is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from incidents import clock
from incidents.cause import Cause, wrong_value
from incidents.contract.action import Action, Field, fields_of
from incidents.contract.actions import ACTIONS
from incidents.contract.target import CONTACT, INCIDENT, SITE
from incidents.errors import InputError, RefusedError
from incidents.machine import commands as c
from incidents.machine import filing, policy
from incidents.machine.command import Choice
from incidents.machine.policy import Policy, PolicyError, read_duration
from incidents.values import inputs

NONE = "none"
"""How a file says that there is none: TOML has no word for it."""

_TIME = Cause.of(
    "must_be_time", "a time (write +1h30m from the start, or 2026-03-01T10:00:00Z)"
)  # fmt: skip
_TEXTS = Cause.of("must_text_or_texts", "a text or a list of texts")
_TABLE = Cause.of("must_inline_table", "a table, {{ … }}")
_TABLES = Cause.of("must_inline_tables", "a list of tables, [ {{ … }}, {{ … }} ]")


class ScenarioError(ValueError):
    """A scenario file that cannot be used; says which scenario, step and value, and the way out."""


class Fields:
    """One table, called `where` in errors; `start` is what `+1h` is counted from (UTC)."""

    def __init__(self, where: str, table: dict[str, Any], start: datetime) -> None:
        self.where = where
        self.start = start
        self._table = table
        self._asked: list[str] = []

    def wrong(self, what: str) -> ScenarioError:
        """The error that says `what` of this table."""
        return ScenarioError(
            Cause.of("scenario_at", "{where}: {what}", where=self.where, what=what)
        )

    def value(self, key: str) -> Any:
        """Whatever stands there, None when nothing does."""
        self._asked.append(key)
        return self._table.get(key)

    def has(self, key: str) -> bool:
        """Whether the table has the key."""
        return self.value(key) is not None

    def word(self, key: str, default: str | None = None) -> str | None:
        """A text that is not empty."""
        value = self.value(key)
        if value is None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise self._must(key, Cause.of("must_text", "a text"), value)
        return value

    def choice(self, key: str, choices: Collection[str]) -> str | None:
        """One of some words."""
        value = self.value(key)
        if value is not None and (not isinstance(value, str) or value not in choices):
            known = ", ".join(choices)
            raise self._must(key, Cause.of("must_one_of", "one of {known}", known=known), value)
        return value

    def needed(self, key: str, value: Any) -> Any:
        """`value`, which must be there."""
        if value is None:
            raise self.wrong(Cause.of("scenario_missing", "{key} is missing", key=key))
        return value

    def flag(self, key: str) -> bool | None:
        """True or false."""
        value = self.value(key)
        if value is not None and not isinstance(value, bool):
            raise self._must(key, Cause.of("must_flag", "true or false"), value)
        return value

    def number(self, key: str, *, least: int = 1) -> int | None:
        """A whole number."""
        value = self.value(key)
        if value is not None and (type(value) is not int or value < least):
            expected = Cause.of("must_number_from", "a whole number from {least}", least=least)
            raise self._must(key, expected, value)
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """One text, or a list of them."""
        value = self.value(key)
        listed = [value] if isinstance(value, str) else ([] if value is None else value)
        if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
            raise self._must(key, _TEXTS, value)
        return tuple(listed)

    def table(self, key: str) -> dict[str, Any] | None:
        """A table within."""
        value = self.value(key)
        if value is not None and not isinstance(value, dict):
            raise self._must(key, _TABLE, value)
        return value

    def tables(self, key: str) -> list[dict[str, Any]]:
        """A list of tables within; none is an empty list."""
        value = self.value(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._must(key, _TABLES, value)
        return value

    def time(self, key: str) -> datetime | None:
        """A time in UTC: `+1h30m` or `-5m` from the start, or absolute (without a zone: UTC)."""
        value = self.value(key)
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._must(key, _TIME, value)
        try:
            return self._moment(value)
        except (InputError, ValueError, OverflowError):
            raise self._must(key, _TIME, value) from None

    def time_or_none(self, key: str) -> datetime | None:
        """A time as above; the word `none` is None."""
        return None if self.value(key) == NONE else self.time(key)

    def finish(self, what: str) -> None:
        """No key may be left that nobody has asked for: `what` takes those that were."""
        for key in self._table:
            if key not in self._asked:
                known = ", ".join(dict.fromkeys(self._asked))
                raise self.wrong(
                    Cause.of(
                        "scenario_key", "unknown key {key!r}: {what} takes {known}",
                        key=key, what=what, known=known,
                    )
                )  # fmt: skip

    def _moment(self, text: str) -> datetime:
        if text.startswith("+"):
            return self.start + read_duration(text[1:])
        if text.startswith("-"):
            return self.start - read_duration(text[1:])
        # A bare 02:50 would need a day.
        return clock.parse(text if text[:4].isdecimal() else "", UTC, self.start)

    def _must(self, key: str, expected: Cause, value: object) -> ScenarioError:
        return self.wrong(wrong_value(key, expected, shown(value)))


def shown(value: object) -> str:
    """A value as it stands in a file, cut where it is long."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def seconds(moment: datetime) -> datetime:
    """A time without its fraction of a second."""
    return moment.replace(microsecond=0)


def offset(start: datetime, moment: datetime) -> timedelta:
    """How long after the start, in whole seconds."""
    return seconds(moment) - seconds(start)


PERSON = "operator"
_OWN_WORDS = "-"

Step = c.Command | Policy
"""What a step does: a command, or a policy that becomes the active one."""


def read_step(fields: Fields, do: str) -> Step:
    """What the step called `do` comes to.

    Raises:
        ScenarioError: of an act that does not exist, or a field that is wrong or missing.
    """
    if do not in ACTS:
        raise fields.wrong(
            Cause.of(
                "scenario_action", "unknown action {do!r}: there are {known}",
                do=do, known=", ".join(ACTS),
            )
        )  # fmt: skip
    return ACTS[do](fields)


def read_policy(fields: Fields, key: str) -> Policy | None:
    """A policy that stands in the file itself: what it leaves out has the documented value."""
    table = fields.table(key)
    if table is None:
        return None
    try:
        return policy.from_document(table)
    except PolicyError as error:
        told = Cause.of("scenario_at", "{where}: {what}", where=key, what=error.args[0])
        raise fields.wrong(told) from error


def step_of(action: Action) -> Callable[[Fields], Step]:
    """Return a reader of the fields of the act's command, under their names in requests."""

    def step(fields: Fields) -> Step:
        given: dict[str, Any] = {"by": fields.word("by") or PERSON}
        for each in fields_of(action.command):
            if each.name in ("incident", "contact"):
                given[each.name] = _number(fields, each)
            elif each in action.asked:
                given |= _value(fields, each, action.called(each))
        return action.command(**given)

    return step


def _number(fields: Fields, field: Field) -> int | None:
    """Which one it is about; a call without an incident is one for the whole site."""
    number = fields.number(field.name)
    return number if field.optional else fields.needed(field.name, number)


def _value(fields: Fields, field: Field, name: str) -> dict[str, Any]:
    if field.is_time_of_fact:
        return {field.name: fields.time("occurred_at")}
    if field.is_time:
        moment = fields.time(name)
        return {field.name: fields.needed(name, moment) if field.required else moment}
    if field.name == "urls":
        return _urls(fields)
    if field.type is bool:
        return {field.name: bool(fields.flag(name))}
    if isinstance(field.fact, Choice):
        return {field.name: fields.needed(name, fields.choice(name, field.fact.codes))}
    if field.name == "field":
        return {"field": _false_detail(fields)}
    # The policy looks at no words of people: a scenario may leave them out.
    words = fields.word(name, _OWN_WORDS if field.required else None)
    return {} if words is None else {field.name: words}


def _urls(fields: Fields) -> dict[str, Any]:
    try:
        kept = inputs.urls(fields.words("url"))
    except RefusedError as error:
        raise fields.wrong(error.message) from error
    return {"urls": kept.urls, "written": kept.written}


def _false_detail(fields: Fields) -> str:
    field = fields.word("field", "phone") or ""
    if not filing.can_be_false(field):
        expected = Cause.of(
            "must_be_detail", "{known} or a detail of a filing",
            known=", ".join(filing.CONTACT_FIELDS),
        )  # fmt: skip
        raise fields.wrong(wrong_value("field", expected, shown(field)))
    return field


_OF_CASES = (SITE, INCIDENT, CONTACT)
"""What a step is done to: queue and orders are no part of a scenario."""

ACTS: dict[str, Callable[[Fields], Step]] = {
    **{
        action.word.removeprefix("site "): step_of(action)
        for action in ACTIONS
        if action.of in _OF_CASES and action.path is not None
    },
    "activate": lambda fields: fields.needed("policy", read_policy(fields, "policy")),
    "daemon": lambda _: c.Elapse(),
}
"""Each act by its name; `daemon` is `incidents daemon --once`."""
