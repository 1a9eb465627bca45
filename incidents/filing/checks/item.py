"""The items of a filing: its servers and its documents, each a JSON object of texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from incidents.filing.checks.area import named
from incidents.machine.filing import DOCUMENT, SERVER, Details


@dataclass(frozen=True, slots=True)
class Item:
    """A server or a document: its key, and what is said of it; None if that cannot be read."""

    key: str
    facts: Mapping[str, str] | None

    def get(self, name: str) -> str:
        """What is said under that name; empty if nothing is."""
        return "" if self.facts is None else self.facts.get(name, "")

    @property
    def province(self) -> str:
        """The name of the province that a server stands in, 广东; empty if nobody says it."""
        province = named(self.get("province"))
        return province.name if province is not None else self.get("province").strip()

    @property
    def city(self) -> str:
        """The city that a server stands in, without 市; empty if nobody says it."""
        return self.get("city").strip().removesuffix("市")


def servers(details: Details) -> list[Item]:
    """The servers on record, in the order of their labels."""
    return _items(details, SERVER)


def documents(details: Details) -> list[Item]:
    """The documents on record, in the order of their labels."""
    return _items(details, DOCUMENT)


def _items(details: Details, kind: str) -> list[Item]:
    return [Item(key, _read(details[key])) for key in sorted(details) if key.startswith(kind)]


def _read(text: str) -> dict[str, str] | None:
    try:
        found = json.loads(text)
    # Brackets within brackets without end.
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        return None
    return found
