"""The report of a case: the entries of one site, as one self-contained HTML page to print.

The report, including the site's state, is generated from the entries alone, so it can be generated
again from its bundle, byte for byte. People's text is shown as references, unless requested: then
each text comes with its salt.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from sqlalchemy import Connection, select

from incidents.audit.export import Numbered, Selection
from incidents.audit.proof.bundle_writer import Order, Report
from incidents.audit.proof.voucher import Voucher
from incidents.locale.words import TimeFormat
from incidents.machine import policy
from incidents.machine.policy import Policy
from incidents.store.schema.desk_tables import sealed
from incidents.system import page_template
from incidents.tlog import note
from incidents.tlog.note import parse_checkpoint
from incidents.values.site_name import in_full
from incidents.views.case import case_story, case_words

_TEMPLATE = Path(__file__).with_name("case_report.html.jinja")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class SealedText:
    """A person's text; its reference is `sha256:` and the SHA-256 of salt (in hex) and text."""

    salt: str
    text: str


def sealed_texts(connection: Connection, rows: Sequence[Numbered]) -> dict[str, SealedText]:
    """People's text in these entries, by reference; erased text is left out."""
    refs = sorted(set(case_story.references(rows)))
    found: dict[str, SealedText] = {}
    kept = sealed.c
    for first in range(0, len(refs), _AT_ONCE):
        some = kept.ref.in_(refs[first : first + _AT_ONCE])
        for row in connection.execute(select(kept.ref, kept.salt, kept.value).where(some)):
            found[row.ref] = SealedText(bytes(row.salt).hex(), row.value)
    return found


def order(wanted: Selection, *, zone: tzinfo = UTC, with_words: bool = False) -> Order:
    """The request for a bundle of the wanted entries, with a report if they are of one site."""
    drawn = None if wanted.site_id is None else drawer(zone=zone, with_words=with_words)
    return Order(wanted=wanted, report=drawn)


def drawer(*, zone: tzinfo = UTC, with_words: bool = False) -> Report:
    """The function that generates the page, with times in `zone`, and people's text if wanted."""

    def draw(
        connection: Connection,
        vouching: Voucher,
        rows: Sequence[Numbered],
        policies: Mapping[str, str],
    ) -> str:
        words = sealed_texts(connection, rows) if with_words else None
        return page(vouching, rows, policies, zone=zone, words=words)

    return draw


def page(
    vouching: Voucher,
    rows: Sequence[Numbered],
    policies: Mapping[str, str],
    *,
    zone: tzinfo = UTC,
    words: Mapping[str, SealedText] | None = None,
) -> str:
    """The page for the entries of one site and the desk's own actions, in the order of the log.

    `policies`: the texts of the policies that the entries name, by digest. `zone`: the time zone of
    all times. `words`: people's text by reference, None for a page with references alone.

    Raises:
        UnreadableEntryError: if the desk cannot have written an entry.
    """
    rules = {digest: policy.read(text) for digest, text in policies.items()}
    texts = _references(rows) if words is None else {ref: word.text for ref, word in words.items()}
    story = case_story.read(rows, rules, zone, texts)
    when = TimeFormat(zone=zone, now=vouching.signed.signed_at)
    return page_template.load(_TEMPLATE).render(
        h=case_words.HEADINGS,
        site=in_full(story.site),
        story=story,
        words=words,
        log=_log(vouching, when),
        policies=_policies(story, rules, policies),
        zone=when.zone_name,
    )


def _references(rows: Sequence[Numbered]) -> dict[str, str]:
    """Each reference mapped to itself, to show references instead of texts."""
    return {ref: ref for ref in case_story.references(rows)}


def _log(vouching: Voucher, when: TimeFormat) -> dict[str, object]:
    """The facts about the checkpoint."""
    checkpoint = parse_checkpoint(note.parse(vouching.note).text)
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": base64.b64encode(checkpoint.root).decode(),
        "root_hex": checkpoint.root.hex(),
        "signed": when(vouching.signed.signed_at),
        "vkeys": vouching.keys,
        "witnesses": vouching.witnesses,
        "note": vouching.note.decode(),
    }


def _policies(
    story: case_story.Story, rules: Mapping[str, Policy], texts: Mapping[str, str]
) -> list[dict[str, object]]:
    """The policies that the site's entries name, latest first, each with its first entry."""
    first: dict[str, int] = {}
    for line in story.lines:
        first.setdefault(line.policy, line.seq)
    return [
        {
            "digest": digest,
            "from": seq,
            "sentences": case_words.policy_sentences(rules[digest]),
            "text": texts[digest],
        }
        for digest, seq in reversed(first.items())
    ]
