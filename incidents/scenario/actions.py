"""The actions in a scenario's steps, read from TOML tables.

The actions have the names of the command line, and become commands of the machine. Each field is
read once, checked, and named in errors.
"""

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
"""The word for "none" in a file, because TOML has no null."""

_TIME = Cause.of(
    "must_be_time", "a time (write +1h30m from the start, or 2026-03-01T10:00:00Z)"
)  # fmt: skip
_TEXTS = Cause.of("must_text_or_texts", "a text or a list of texts")
_TABLE = Cause.of("must_inline_table", "a table, {{ … }}")
_TABLES = Cause.of("must_inline_tables", "a list of tables, [ {{ … }}, {{ … }} ]")


class ScenarioError(ValueError):
    """An unusable scenario file; the message names the scenario, step, value and remedy."""


class Fields:
    """One table, called `where` in errors; `+1h` counts from `start` (UTC)."""

    def __init__(self, where: str, table: dict[str, Any], start: datetime) -> None:
        self.where = where
        self.start = start
        self._table = table
        self._asked: list[str] = []

    def wrong(self, what: str) -> ScenarioError:
        """Return the error `what` about this table."""
        return ScenarioError(
            Cause.of("scenario_at", "{where}: {what}", where=self.where, what=what)
        )

    def value(self, key: str) -> Any:
        """Return any value, None if the key is missing."""
        self._asked.append(key)
        return self._table.get(key)

    def has(self, key: str) -> bool:
        """Whether the table has the key."""
        return self.value(key) is not None

    def word(self, key: str, default: str | None = None) -> str | None:
        """Return a non-empty text."""
        value = self.value(key)
        if value is None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise self._must(key, Cause.of("must_text", "a text"), value)
        return value

    def choice(self, key: str, choices: Collection[str]) -> str | None:
        """Return one of the words in `choices`."""
        value = self.value(key)
        if value is not None and (not isinstance(value, str) or value not in choices):
            known = ", ".join(choices)
            raise self._must(key, Cause.of("must_one_of", "one of {known}", known=known), value)
        return value

    def required(self, key: str, value: Any) -> Any:
        """Return `value`, which must not be missing."""
        if value is None:
            raise self.wrong(Cause.of("scenario_missing", "{key} is missing", key=key))
        return value

    def flag(self, key: str) -> bool | None:
        """Return true or false."""
        value = self.value(key)
        if value is not None and not isinstance(value, bool):
            raise self._must(key, Cause.of("must_flag", "true or false"), value)
        return value

    def number(self, key: str, *, least: int = 1) -> int | None:
        """Return a whole number."""
        value = self.value(key)
        if value is not None and (type(value) is not int or value < least):
            expected = Cause.of("must_number_from", "a whole number from {least}", least=least)
            raise self._must(key, expected, value)
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """Return one text, or a list of them."""
        value = self.value(key)
        listed = [value] if isinstance(value, str) else ([] if value is None else value)
        if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
            raise self._must(key, _TEXTS, value)
        return tuple(listed)

    def table(self, key: str) -> dict[str, Any] | None:
        """Return a table inside this table."""
        value = self.value(key)
        if value is not None and not isinstance(value, dict):
            raise self._must(key, _TABLE, value)
        return value

    def tables(self, key: str) -> list[dict[str, Any]]:
        """Return a list of tables inside this table, empty if the key is missing."""
        value = self.value(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._must(key, _TABLES, value)
        return value

    def time(self, key: str) -> datetime | None:
        """Return a time in UTC: `+1h30m` or `-5m` from the start, or absolute (no zone: UTC)."""
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
        """Return a time as `time` does, or None for the word `none`."""
        return None if self.value(key) == NONE else self.time(key)

    def finish(self, what: str) -> None:
        """Reject unknown keys. The error names the keys that `what` accepts."""
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
        # A time without a day is invalid here.
        return clock.parse(text if text[:4].isdecimal() else "", UTC, self.start)

    def _must(self, key: str, expected: Cause, value: object) -> ScenarioError:
        return self.wrong(wrong_value(key, expected, shown(value)))


def shown(value: object) -> str:
    """Return a value as written in a file, shortened if long."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def seconds(moment: datetime) -> datetime:
    """Return a time without its fraction of a second."""
    return moment.replace(microsecond=0)


def offset(start: datetime, moment: datetime) -> timedelta:
    """Return the time from the start, in whole seconds."""
    return seconds(moment) - seconds(start)


PERSON = "operator"
_PLACEHOLDER = "-"

Step = c.Command | Policy
"""The content of a step: a command, or a policy to activate."""


def read_step(fields: Fields, do: str) -> Step:
    """Read the action of a step called `do`.

    Raises:
        ScenarioError: for an unknown action, or a wrong or missing field.
    """
    if do not in READERS:
        raise fields.wrong(
            Cause.of(
                "scenario_action", "unknown action {do!r}: there are {known}",
                do=do, known=", ".join(READERS),
            )
        )  # fmt: skip
    return READERS[do](fields)


def read_policy(fields: Fields, key: str) -> Policy | None:
    """Read a policy written in the file itself; missing keys have the documented values."""
    table = fields.table(key)
    if table is None:
        return None
    try:
        return policy.from_document(table)
    except PolicyError as error:
        told = Cause.of("scenario_at", "{where}: {what}", where=key, what=error.args[0])
        raise fields.wrong(told) from error


def step_of(action: Action) -> Callable[[Fields], Step]:
    """Return a reader for the fields of the action's command, under their names in requests."""

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
    """The number of the step's incident or contact; a call without an incident is for the site."""
    number = fields.number(field.name)
    return number if field.optional else fields.required(field.name, number)


def _value(fields: Fields, field: Field, name: str) -> dict[str, Any]:
    if field.is_time_of_fact:
        return {field.name: fields.time("occurred_at")}
    if field.is_time:
        moment = fields.time(name)
        return {field.name: fields.required(name, moment) if field.required else moment}
    if field.name == "urls":
        return _urls(fields)
    if field.type is bool:
        return {field.name: bool(fields.flag(name))}
    if isinstance(field.fact, Choice):
        return {field.name: fields.required(name, fields.choice(name, field.fact.codes))}
    if field.name == "field":
        return {"field": _false_detail(fields)}
    # No policy depends on people's text, so a scenario may leave it out.
    words = fields.word(name, _PLACEHOLDER if field.required else None)
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
"""The targets of a step; the queue and orders are not part of a scenario."""

READERS: dict[str, Callable[[Fields], Step]] = {
    **{
        action.word.removeprefix("site "): step_of(action)
        for action in ACTIONS
        if action.of in _OF_CASES and action.path is not None
    },
    "activate": lambda fields: fields.required("policy", read_policy(fields, "policy")),
    "daemon": lambda _: c.Elapse(),
}
"""The reader of each action by its name; `daemon` is `incidents daemon --once`."""
