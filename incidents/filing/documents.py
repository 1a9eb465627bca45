"""The documents of the checks: findings, and what is missing, as JSON-able values, as the command
line and the API show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from incidents.filing import finding_words
from incidents.filing.completeness import completeness
from incidents.filing.finding import Finding
from incidents.machine.filing import Details

Document = dict[str, Any]


def finding(
    found: Finding, sentence: Callable[[Finding], str] = finding_words.sentence
) -> Document:
    """A finding, with its English sentence: that of a page has words of its own."""
    return {
        "verdict": found.verdict,
        "field": found.field,
        "code": found.code,
        "facts": dict(found.facts),
        "source": found.source,
        "false": found.false,
        "sentence": sentence(found),
    }


def read_finding(told: Document) -> Finding:
    """The finding that such a document is of."""
    return Finding(
        verdict=told["verdict"], field=told["field"], code=told["code"], facts=told["facts"],
        source=told["source"], false=told["false"],
    )  # fmt: skip


def complete(details: Details) -> Document:
    """The `score` of those details, from 0 to 100, and the `missing` ones, each with its reason."""
    found = completeness(details)
    missing = [{"field": each.field, "why": each.why} for each in found.missing]
    return {"score": found.score, "missing": missing}
