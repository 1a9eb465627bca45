"""The confirmation of an act: typed, or given by an option; it names the sites that would open."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from incidents.cli.run import Run, is_terminal
from incidents.errors import Cause, NotConfirmedError
from incidents.values import site_name

if TYPE_CHECKING:
    from incidents.enforcement.reconciliation import Comparison


def answered(run: Run, lines: Sequence[str], confirm: str | None) -> str | None:
    """What `confirm` says, or what is typed at the end of those lines; None without a terminal."""
    if confirm is not None or not is_terminal(sys.stdin):
        return confirm
    # A question, on standard error.
    print(*lines, sep="\n", end="", file=sys.stderr, flush=True)  # noqa: T201
    try:
        return sys.stdin.readline()
    except KeyboardInterrupt:
        print(f"\n{run.text('confirm.broken_off')}", file=sys.stderr)  # noqa: T201
        raise


MOST_NAMED = 20
"""So many sites are named, where very many may be opened."""


class OpeningNotConfirmedError(NotConfirmedError):
    """nothing was done: opening {what} was not confirmed; {way_out}"""

    name = "not_confirmed"


def sites_to_open(compared: Iterable[Comparison]) -> list[Comparison]:
    """Those of the sites that are ordered to be up once more."""
    from incidents.enforcement.reconciliation import REPAIRED, UP

    return [each for each in compared if each.verdict == REPAIRED and each.ordered == UP]


def closed_sites(opened: Sequence[Comparison]) -> list[str]:
    """Those of them that the world has as closed."""
    return [each.site for each in opened if each.really == "closed"]


def words_of_openings(run: Run, opened: Sequence[Comparison]) -> list[str]:
    """What people are told of them before; nothing of none."""
    from incidents.enforcement.reconciliation import WAITS

    waiting = [each.site for each in opened if each.verdict == WAITS]
    ordered = [each for each in opened if each.verdict != WAITS]
    down = [each for each in ordered if each.really in ("suspended", "closed")]
    others = [each.site for each in ordered if each not in down]
    language = run.language
    parts = (
        ("down", [language.say("openings.seen", site=e.site, state=e.really) for e in down]),
        ("unseen", others),
        ("waiting", waiting),
    )
    lines = [
        run.text(_by_number(f"openings.{code}", names), n=len(names), names=named(run, names))
        for code, names in parts
        if names
    ]
    if shut := closed_sites(opened):
        lines.append(run.text("openings.closed", n=len(shut)))
    return lines


def _by_number(code: str, found: Sequence[str]) -> str:
    return f"{code}.one" if len(found) == 1 else f"{code}.many"


def named(run: Run, names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - MOST_NAMED
    first = run.language.comma.join(map(site_name.shown, names[:MOST_NAMED]))
    return run.text("openings.more", names=first, more=more) if more > 0 else first


def is_opening_asked(confirm: str | None) -> bool:
    """Whether somebody is asked, or has answered in advance: a pipe means what it says."""
    return confirm is not None or (is_terminal(sys.stdin) and is_terminal(sys.stderr))


def confirm_openings(run: Run, opened: Sequence[Comparison], said: str | None) -> None:
    """Name them, and have that confirmed by a site's name, or by their number; raises
    OpeningNotConfirmedError."""
    if not opened:
        return
    n, alone = len(opened), opened[0].site if len(opened) == 1 else None
    right = str(n) if alone is None else alone
    code = "confirm.ask_name" if alone else "confirm.ask_number"
    ask = run.text(code, right=site_name.in_full(right))
    typed = answered(run, [*words_of_openings(run, opened), ask], said)
    given = (typed or "").strip().replace(",", "")
    if given == right if alone is None else site_name.matches_name(alone, given):
        return
    if said is not None:
        way_out = says_otherwise(said, right)
    else:
        way_out = Cause.of("typed_is_not", "you did not type {right}", right=right)
    raise OpeningNotConfirmedError(what=alone or Cause.of("sites", "{n:,} sites", n=n),
                                   way_out=way_out)  # fmt: skip


def says_otherwise(confirm: str, right: str) -> Cause:
    """That --confirm says another thing than what is right, as a way out."""
    return Cause.of(
        "confirm_says", "--confirm says {given!r}; write --confirm {right}",
        given=confirm, right=right,
    )  # fmt: skip
