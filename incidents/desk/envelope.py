"""The envelope: a command on its way to a site, with its sender; and the desk's answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import TypedDict

from incidents.clock import read_rfc3339, rfc3339
from incidents.machine.commands import Command
from incidents.machine.events import Event
from incidents.machine.refusal import Refusal, Remark

if TYPE_CHECKING:
    from incidents.contract.documents import actions
    from incidents.contract.documents.actions import Outcome
    from incidents.contract.documents.sites import Incident, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A command with its site and its sender.

    `site`: the name of the site in its stored form, or its ID. Text that people wrote is not yet
    sealed in the command. `login`: the login name of the process, shown beside the person. `key`:
    the idempotency key, under which the command is performed only once; after `key_for`, the key
    can be used again. `given_key`: the key as the sender gave it, if `key` has more in it, such as
    the owner. `seen`: the number of the last entry of the site that the person has seen. If there
    is a later entry, or if the site's ID is not `seen_of`, the command is refused as
    `changed_meanwhile`. `signed_in`: the person is authenticated as an account of this database.
    `unless_closing`: if the command would close the site, refuse it as `would_close`, so that the
    person can be asked first.
    """

    site: str | int
    command: Command
    login: str | None = None
    key: str | None = None
    given_key: str | None = None
    key_for: timedelta | None = None
    seen: int | None = None
    seen_of: int | None = None
    signed_in: bool = False
    unless_closing: bool = False


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of a command: a document of the site after it, or a refusal.

    In either case, everything that was due before is decided first, and comes first in the
    document's `events`. `events`: the events as the machine made them; the first one is entry
    number `first_seq` of the site. `repeated`: the command of this key had already been performed,
    and this is the original answer; such an answer has no `events`. `texts`: the text that people
    wrote in this command, by the references to it in the document.
    """

    site: str
    site_id: int | None
    refusal: Refusal | None
    make_document: Callable[[], Outcome] = field(compare=False, repr=False)
    events: tuple[Event, ...] = ()
    first_seq: int = 0
    repeated: bool = False
    remarks: tuple[Remark, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def document(self) -> Outcome:
        """The state after the command: the site, the incidents that changed, and the events.

        The document is created when it is first needed, because nobody reads the documents of ten
        thousand elapsed deadlines.
        """
        return self.make_document()

    @property
    def site_document(self) -> Site:
        """The site after the command; only for a command that reached a site."""
        site = self.document["site"]
        assert site is not None
        return site

    @property
    def incident_document(self) -> Incident:
        """The incident after the command; only for a command about one incident."""
        incident = self.document["incident"]
        assert incident is not None
        return incident


def join_answers(answer: Answer, after: Answer) -> Answer:
    """Join the answers of an action and of its consequence in the same transaction."""
    if not after.events:
        return answer

    def make_document() -> Outcome:
        events = [*answer.document["events"], *after.document["events"]]
        return {**after.document, "events": events, "remarks": answer.document["remarks"]}

    return replace(answer, make_document=make_document, events=(*answer.events, *after.events))


def with_remark(answer: Answer, remark: Remark) -> Answer:
    """The answer with one more remark, which comes last."""

    def make_document() -> Outcome:
        found = answer.document
        return {**found, "remarks": [*found["remarks"], *remark_documents([remark])]}

    return replace(answer, make_document=make_document, remarks=(*answer.remarks, remark))


class AnswerOfKey(TypedDict):
    """An answer as it is stored for its key, in JSON.

    A refusal and a remark are stored as `[name, facts]`.
    """

    site: str
    site_id: int | None
    refusal: list[Any] | None
    remarks: list[list[Any]]
    document: Outcome


def refused_answer(site: str, refusal: Refusal, site_id: int | None = None) -> Answer:
    """The answer to a command that was refused before it reached a site."""
    return Answer(site=site, site_id=site_id, refusal=refusal, make_document=_nothing)


def _nothing() -> Outcome:
    return {"site": None, "incident": None, "incidents": [], "events": [], "remarks": []}


def to_json(answer: Answer) -> AnswerOfKey:
    """The answer in the form in which it is stored for its key."""
    refusal = answer.refusal
    return {
        "site": answer.site,
        "site_id": answer.site_id,
        "refusal": None if refusal is None else [refusal.name, _kept(refusal.facts)],
        "remarks": [[remark.name, _kept(remark.facts)] for remark in answer.remarks],
        "document": answer.document,
    }


def from_json(kept: Mapping[str, Any]) -> Answer:
    """The repeated answer from its stored form."""
    found = cast("AnswerOfKey", kept)
    refusal = found["refusal"]
    return Answer(
        site=found["site"],
        site_id=found["site_id"],
        refusal=None if refusal is None else Refusal(refusal[0], _facts(refusal[1])),
        remarks=tuple(Remark(name, _facts(facts)) for name, facts in found["remarks"]),
        make_document=lambda: found["document"],
        repeated=True,
    )


def remark_documents(remarks: Iterable[Remark]) -> list[actions.Remark]:
    """The documents of remarks."""
    return [
        {
            "name": remark.name,
            "facts": {name: _shown(value) for name, value in remark.facts.items()},
        }
        for remark in remarks
    ]


def _shown(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value


def _kept(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"time": rfc3339(value)} if isinstance(value, datetime) else value
        for name, value in facts.items()
    }


def _facts(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _fact(value) for name, value in kept.items()}


def _fact(value: Any) -> Any:
    if isinstance(value, dict):
        return read_rfc3339(value["time"])
    return tuple(value) if isinstance(value, list) else value
