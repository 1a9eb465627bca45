"""The report of a case: the entries of one site, as one self-contained HTML page to print.

It says what the entries say, and nothing that they do not: the site's state too is derived from
them. So the page can be made again from the bundle that it comes with, to the byte. People's own
words stand as references unless they are asked for; then each comes with its salt.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from sqlalchemy import Connection, select

from incidents.audit.export import Numbered, Selection
from incidents.audit.proof.bundle_notes import Voucher
from incidents.audit.proof.bundle_writer import Order, Report
from incidents.contract.hints import look, typed
from incidents.locale.words import When
from incidents.machine import policy
from incidents.machine.policy import Policy
from incidents.store.schema.desk_tables import sealed
from incidents.system import page_template
from incidents.tlog import note
from incidents.tlog.note import parse_checkpoint
from incidents.views import case_story, report_words

_TEMPLATE = Path(__file__).with_name("case_report.html.jinja")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody wrote, and the salt (hexadecimal) under which its reference was made:
    `sha256:` and SHA-256 of salt and text."""

    salt: str
    text: str


def words_of(connection: Connection, rows: Sequence[Numbered]) -> dict[str, Word]:
    """People's own words in these entries by their references; erased ones are left out."""
    refs = sorted(set(case_story.references(rows)))
    found: dict[str, Word] = {}
    kept = sealed.c
    for first in range(0, len(refs), _AT_ONCE):
        some = kept.ref.in_(refs[first : first + _AT_ONCE])
        for row in connection.execute(select(kept.ref, kept.salt, kept.value).where(some)):
            found[row.ref] = Word(bytes(row.salt).hex(), row.value)
    return found


def order(wanted: Selection, *, zone: tzinfo = UTC, with_words: bool = False) -> Order:
    """The order of a bundle of the wanted entries; with those of one site goes their report."""
    drawn = None if wanted.site_id is None else drawer(zone=zone, with_words=with_words)
    return Order(wanted=wanted, report=drawn)


def drawer(*, zone: tzinfo = UTC, with_words: bool = False) -> Report:
    """What draws the page, with times in `zone`, and with people's own words if they are wanted."""

    def draw(
        connection: Connection,
        vouching: Voucher,
        rows: Sequence[Numbered],
        policies: Mapping[str, str],
    ) -> str:
        words = words_of(connection, rows) if with_words else None
        return page(vouching, rows, policies, zone=zone, words=words)

    return draw


def page(
    vouching: Voucher,
    rows: Sequence[Numbered],
    policies: Mapping[str, str],
    *,
    zone: tzinfo = UTC,
    words: Mapping[str, Word] | None = None,
) -> str:
    """The page, of the entries of one site and the desk's own acts, in the order of the log.

    `policies` are the texts of those that the entries name, by digest; times are told in `zone`;
    `words` are people's own, None if the page is to hold references alone.

    Raises:
        UnreadableEntryError: of an entry that the desk has not written.
    """
    rules = {digest: policy.read(text) for digest, text in policies.items()}
    said = _references(rows) if words is None else {ref: word.text for ref, word in words.items()}
    story = case_story.read(rows, rules, zone, said)
    when = When(zone=zone, now=vouching.signed.signed_at)
    return page_template.load(_TEMPLATE).render(
        h=report_words.HEADINGS,
        story=story,
        words=words,
        log=_log(vouching, when),
        policies=_policies(story, rules, policies),
        zone=when.zone_name,
        whole=typed(look("export_site", story.site)),
    )


def _references(rows: Sequence[Numbered]) -> dict[str, str]:
    """Each reference for itself."""
    return {ref: ref for ref in case_story.references(rows)}


def _log(vouching: Voucher, when: When) -> dict[str, object]:
    """What is said of the checkpoint."""
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
    """Those that the site's entries were made under, the latest first, with their first entry."""
    first: dict[str, int] = {}
    for line in story.lines:
        first.setdefault(line.policy, line.seq)
    return [
        {
            "digest": digest,
            "from": seq,
            "sentences": report_words.policy_sentences(rules[digest]),
            "text": texts[digest],
        }
        for digest, seq in reversed(first.items())
    ]
