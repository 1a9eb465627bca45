"""The confirmation of an act: typed, or given by an option; it names the sites that would open."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from incidents import errors
from incidents.cli.run import is_terminal
from incidents.locale.words import counted
from incidents.values import site_name

if TYPE_CHECKING:
    from incidents.enforcement.reconciliation import Comparison


def answered(lines: Sequence[str], confirm: str | None) -> str | None:
    """What `confirm` says, or what is typed at the end of those lines; None without a terminal."""
    if confirm is not None or not is_terminal(sys.stdin):
        return confirm
    # A question, on standard error.
    print(*lines, sep="\n", end="", file=sys.stderr, flush=True)  # noqa: T201
    try:
        return sys.stdin.readline()
    except KeyboardInterrupt:
        print("\nThat was not confirmed, so nothing is done.", file=sys.stderr)  # noqa: T201
        raise


MOST_NAMED = 20
"""So many sites are named, where very many may be opened."""


class OpeningNotConfirmedError(errors.NotConfirmedError):
    """{what} would be opened, and that was not confirmed, so nothing is done: {way_out}"""

    name = "not_confirmed"


def sites_to_open(compared: Iterable[Comparison]) -> list[Comparison]:
    """Those of the sites that are ordered to be up once more."""
    from incidents.enforcement.reconciliation import REPAIRED, UP

    return [each for each in compared if each.verdict == REPAIRED and each.ordered == UP]


def closed_sites(opened: Sequence[Comparison]) -> list[str]:
    """Those of them that the world has as closed."""
    return [each.site for each in opened if each.really == "closed"]


def words_of_openings(opened: Sequence[Comparison]) -> list[str]:
    """What people are told of them before; nothing of none."""
    from incidents.enforcement.reconciliation import WAITS

    waiting = [each.site for each in opened if each.verdict == WAITS]
    ordered = [each for each in opened if each.verdict != WAITS]
    down = [each for each in ordered if each.really in ("suspended", "closed")]
    others = [each.site for each in ordered if each not in down]
    lines = []
    if down:
        are = "is" if len(down) == 1 else "are"
        names = named([f"{each.site} ({each.really})" for each in down])
        lines.append(f"This opens {counted(len(down), 'site')} that {are} down: {names}")
    if others:
        lines.append(
            f"This orders {counted(len(others), 'site')} to be open that nobody can ask about:"
            f" {named(others)}"
        )
    if waiting:
        orders, wait = ("An order", "waits") if len(waiting) == 1 else ("Orders", "wait")
        lines.append(
            f"{orders} to open {counted(len(waiting), 'site')} {wait}:"
            f" {named(waiting)}. A daemon carries that out, or cancels it if a loss may have hidden"
            " why the site is down"
        )
    if shut := closed_sites(opened):
        lines.append(
            f"{len(shut):,} closed in the world: a rule may have closed them, and that is lost."
            " Record again what closed them (incidents log, refused, site false-info) in place of"
            " opening them"
        )
    return lines


def named(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def is_opening_asked(confirm: str | None) -> bool:
    """Whether somebody is asked, or has answered in advance: a pipe means what it says."""
    return confirm is not None or (is_terminal(sys.stdin) and is_terminal(sys.stderr))


def confirm_openings(opened: Sequence[Comparison], said: str | None) -> None:
    """Name them, and have that confirmed by a site's name, or by their number; raises
    OpeningNotConfirmedError."""
    if not opened:
        return
    alone = opened[0].site if len(opened) == 1 else None
    right = str(len(opened)) if alone is None else alone
    ask = f"Type their number, {right}, to confirm: " if alone is None else "Type its name: "
    typed = answered([*words_of_openings(opened), ask], said)
    given = (typed or "").strip().replace(",", "")
    if given == right if alone is None else site_name.is_called(alone, given):
        return
    what = counted(len(opened), "site") if alone is None else alone
    if said is not None:
        way_out = f"--confirm says {said!r}; write --confirm {right}"
    else:
        way_out = f"what you typed is not {right}"
    raise OpeningNotConfirmedError(what=what, way_out=way_out)
