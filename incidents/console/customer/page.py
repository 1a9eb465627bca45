"""The customer's page: a sight of an incident as a page of HTML, in all languages at once.

It has no script, fetches nothing, and no address of the violating content is a link.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from incidents.console.customer import view
from incidents.console.customer import words as customer_words
from incidents.console.customer.view import Message, Sight
from incidents.console.customer.words import Plain
from incidents.notices import samples, templating
from incidents.notices.address import Block, blocks
from incidents.notices.facts import Facts, told
from incidents.notices.letter import LANGUAGES, Office
from incidents.notices.wording import Wording

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parents[1] / "templates"
_PAGE = "customer_page.html.jinja"
_CSS = (_FOLDER / "customer_page.css").read_text(encoding="utf-8")

# Of the notices' own folder, where the operator may have put others in their place.
_FOUND, _NEXT, _SAID, _RULES = "_customer_found", "_customer_next", "_customer_said", "_rules"

STYLE = "sha256-" + base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
"""What the page's one style sheet is known by (CSP, `style-src`)."""


@dataclass(frozen=True, slots=True)
class Words:
    """A heading, and what stands below it."""

    heading: str
    blocks: list[Block]


class CustomerPage:
    """Makes the pages of one desk, as bytes of UTF-8. One instance serves several threads.

    The words are the notices' own, with the templates that the operator has put in their place.
    """

    def __init__(self, wording: Wording, office: Office) -> None:
        self._wording = wording
        self._office = office

    def of(self, sight: Sight) -> bytes:
        """The page of an incident; raises TemplateError, naming the file and the line."""
        return self._written(sight, trouble=None, typed="")

    def too_long(self, sight: Sight, typed: str) -> bytes:
        """The same with a remark that is too long, for who has written it to shorten it."""
        return self._written(sight, trouble=customer_words.FORM["too_long"], typed=typed)

    def plain(self, name: Plain) -> bytes:
        """A page that says one thing, whoever asks."""
        said = customer_words.PLAIN[name]
        return self._rendered({"title": _all(said[0]), "plain": said, "parts": []})

    def check(self) -> None:
        """Try the templates with all that an incident can be.

        Raises:
            TemplateError: of the first one that is wrong.
        """
        for sight in _samples():
            self.of(sight)

    def _written(self, sight: Sight, *, trouble: dict[str, str] | None, typed: str) -> bytes:
        parts = [self._part(sight, language) for language in LANGUAGES]
        can_say = not sight.is_settled and sight.said_at is None
        return self._rendered({
            "title": _all({part["language"]: part["found"].heading for part in parts}),
            "parts": parts,
            "settled": sight.is_settled,
            "answered": sight.answer is not None,
            "form": customer_words.FORM if can_say else None,
            "trouble": trouble,
            "field": view.FIELD,
            "remark": typed,
        })  # fmt: skip

    def _part(self, sight: Sight, language: str) -> dict[str, Any]:
        def words(name: str) -> Words:
            heading, text = self._wording.words(name, sight, language)
            return Words(heading.rstrip("：:"), blocks(text))

        said = sight.said_at is not None and not sight.is_settled
        ruled = not sight.is_settled and sight.site_state != "closed"
        return {
            "language": language,
            "tag": customer_words.TAGS[language],
            "found": words(_FOUND),
            "next": words(_NEXT),
            "said": words(_SAID) if said else None,
            "rules": words(_RULES) if ruled else None,
            "messages": [
                (self._wording.time(each.at, language), each.text) for each in sight.messages
            ],
        }

    def _rendered(self, shown: Mapping[str, Any]) -> bytes:
        from markupsafe import Markup

        phone = self._office.phone or ""
        page = templating.render(_environment(), _PAGE, {
            "plain": None, "form": None, **shown,
            "office": self._office,
            "dialled": "".join(c for c in phone if c.isascii() and (c.isdigit() or c == "+")),
            "reach": customer_words.OFFICE,
            "messages_heading": customer_words.MESSAGES,
            "languages": LANGUAGES,
            "names": customer_words.NAMES,
            "tags": customer_words.TAGS,
            # The program's own file: what is escaped in it would be no style sheet.
            "css": Markup(_CSS),  # noqa: S704
        })  # fmt: skip
        return page.strip().encode()


@cache
def _environment() -> Environment:
    return templating.environment([_FOLDER], {})


def _all(words: Mapping[str, str]) -> str:
    return " / ".join(words.values())


def _samples() -> Iterator[Sight]:
    """Made-up sights, one for each way in which an incident and its site can stand."""
    sample = samples.of("violation_found")
    assert isinstance(sample, Facts), "a violation is no alarm"
    known = {**told(sample), "person": None, "link": None}
    said_at = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)
    said = Sight(**known, said_at=said_at, messages=(Message(said_at, "…"),))
    for state in ("open", "notified", "unreached", "removed", "refused", "voided", "moot"):
        for site_state in ("active", "suspended", "closed"):
            sight = replace(said, state=state, site_state=site_state)
            yield sight
            yield replace(sight, said_at=None, contact_due=None, removal_due=sample.contact_due)
            yield replace(sight, answer="again", miss_closes=True, until=sample.contact_due)
