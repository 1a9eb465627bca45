"""The forms of the acts: each page has those of the contract, and takes what they send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import pytest

from incidents.accounts import identity
from incidents.console import action_forms
from incidents.console.action_forms import of_page
from incidents.console.languages import LANGUAGES, Chosen, spoken
from incidents.contract.action import Action
from incidents.contract.actions import ACTIONS
from incidents.contract.target import CONTACT, INCIDENT, ITEM, ORDER, SITE
from incidents.machine import commands as c
from incidents.machine import decide
from incidents.machine.actions import sites
from incidents.machine.command import Choice, Own, Short
from incidents.machine.decider import Decider
from incidents.machine.refusal import RefusedError
from incidents.views import possible_actions
from tests.golden.form_page import Form, Page
from tests.served_desk import ConsoleDesk, Visitor

FOLDERS = ("sites", "incidents", "orders")
UNTIL = datetime(2030, 3, 2, 5, tzinfo=UTC)

IN_PLACES_OF_THEIR_OWN = {"log", "attach", "hand-over", "site add", "filing set", "import"}
"""The acts that ask for URLs, files, many details or a new site: a page of its own has each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze(c.Command):
    """An act that nobody has thought of yet, with a field of each kind."""

    scope: Annotated[str, Choice(("pages", "mail"))]
    until: datetime
    number: Short | None = None
    reason: Own
    quietly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezePart(Freeze):
    """The same of an incident."""

    incident: int


ROWS = (Action(Freeze, "site freeze", SITE, path="freeze", roles=("supervisor",)),
        Action(FreezePart, "freeze", INCIDENT, path="freeze", roles=("supervisor",)))  # fmt: skip
WORDS = {
    "do.freeze": "Freeze", "do.freeze.what": "It stays frozen.", "field.scope": "Scope",
    "field.until": "Frozen until", "field.number": "Number", "field.quietly": "Quietly",
    "act.freeze": "freeze a site", "act.freeze_part": "freeze an incident",
}  # fmt: skip


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Freeze]]:
    """The commands of the made-up actions that the machine has been given."""
    found: list[Freeze] = []

    def freeze(decider: Decider, command: Freeze) -> None:
        found.append(command)
        if command.number == "wrong":
            raise RefusedError("not_held", site=decider.case.site)
        sites.set_hold(decider, c.SetHold(by=command.by, reason=command.reason))

    for module in (action_forms, possible_actions):
        monkeypatch.setattr(module, "ACTIONS", (*ACTIONS, *ROWS))
    for row in ROWS:
        monkeypatch.setitem(identity.ROLES_OF_ACTION, row.name, frozenset(row.roles))
        monkeypatch.setitem(decide.DECISIONS, row.command, freeze)
    for key, words in WORDS.items():
        monkeypatch.setitem(spoken("en").phrases, key, words)
    of_page.cache_clear()
    yield found
    of_page.cache_clear()


def forms(visitor: Visitor, path: str) -> dict[str, Form]:
    return {form.name: form for form in Page(visitor.get(path).text).forms}


@pytest.mark.parametrize("path", ["/sites/shop.example", "/incidents/1-1"])
def test_an_act_that_only_the_contract_knows_has_its_form_and_is_done(
    desk: ConsoleDesk, given: list[Freeze], path: str
) -> None:
    desk.violation("shop.example")
    wang = Visitor(desk, "wang")
    form = forms(wang, path)[f"POST {path}/freeze"]
    assert [each.structure() for each in form.fields] == [
        "csrf hidden value=…",
        "seen hidden value=2",
        "scope select required of '' 'pages' 'mail'",
        "until text required",
        "number text",
        "reason textarea required",
        "quietly checkbox",
        "- button",
    ]
    assert [each.wording() for each in form.fields[2:]] == [
        "Scope | '': Choose | 'pages': pages | 'mail': mail", "Frozen until",
        "Number | (optional)", "Reason", "Quietly", "Freeze",
    ]  # fmt: skip
    sent = {"scope": "mail", "until": "2030-03-02 13:00", "reason": "letter 17", "quietly": "on"}
    refused = wang.post(f"{path}/freeze", {**sent, "seen": "2", "number": "wrong"})
    assert refused.status_code == 409
    assert ">letter 17</textarea>" in refused.text
    assert wang.post(f"{path}/freeze", {**sent, "seen": "2"}).headers["location"] == path
    done = given[-1]
    assert (done.scope, done.until, done.number, done.quietly) == ("mail", UNTIL, None, True)
    assert getattr(done, "incident", None) == (None if "site" in path else 1)
    assert desk.site("shop.example")["hold"]["reason"] == "letter 17"


@pytest.mark.parametrize("path", ["/sites/shop.example", "/incidents/1-1"])
def test_who_may_not_do_it_has_no_form_and_is_refused(
    desk: ConsoleDesk, given: list[Freeze], path: str
) -> None:
    desk.violation("shop.example")
    li = Visitor(desk, "li")
    assert f"POST {path}/freeze" not in forms(li, path)
    sent = {"scope": "mail", "until": "2030-03-02 13:00", "reason": "letter 17", "seen": "2"}
    assert li.post(f"{path}/freeze", sent).status_code == 403
    assert not desk.site("shop.example")["held"]


@pytest.mark.parametrize("path", ["/sites/shop.example", "/incidents/1-1", "/orders/1-o2"])
def test_what_is_no_act_of_the_page_is_not_found(desk: ConsoleDesk, path: str) -> None:
    desk.violation("shop.example")
    wang = Visitor(desk, "wang")
    for name in ("freeze", "claim", "import", "log"):
        assert wang.post(f"{path}/{name}").status_code == 404
        assert wang.get(f"{path}/{name}").status_code == 404


def test_every_act_of_the_contract_has_a_form_or_a_place_of_its_own() -> None:
    drawn = {
        (form.action.of, form.action.word) for page in FOLDERS for form in of_page(page).values()
    }
    rest = {(row.of, row.word) for row in ACTIONS if row.of != ITEM} - drawn
    assert {word for _, word in rest} == IN_PLACES_OF_THEIR_OWN - {"hand-over"}
    assert {CONTACT, INCIDENT, ORDER, SITE} == {of for of, _ in drawn}


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_form_has_its_words(folder: str, language: Chosen) -> None:
    phrases = spoken(language).phrases
    for form in of_page(folder).values():
        if form.name == "note":
            # Drawn by hand.
            continue
        assert phrases[f"do.{form.key}"]
        for each in form.fields:
            assert f"do.{form.key}.{each.name}" in phrases or f"field.{each.name}" in phrases
