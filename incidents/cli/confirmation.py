"""The confirmation of an action, typed or given by an option; names the sites to be opened."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from incidents.cli.run import Run
from incidents.errors import Cause, NotConfirmedError
from incidents.system.terminal import is_terminal
from incidents.values import site_name
from incidents.values.half_width import half_width

if TYPE_CHECKING:
    from incidents.enforcement.verdict import Comparison


def read_confirmation(run: Run, lines: Sequence[str], confirm: str | None) -> str | None:
    """Return `confirm`, or the line that the person types after reading `lines`.

    None if there is no terminal.
    """
    if confirm is not None or not is_terminal(sys.stdin):
        return confirm
    print(*lines, sep="\n", end="", file=sys.stderr, flush=True)  # noqa: T201
    try:
        return sys.stdin.readline()
    except KeyboardInterrupt:
        print(f"\n{run.question('confirm.broken_off')}", file=sys.stderr)  # noqa: T201
        raise


MOST_NAMED = 20
"""The maximum number of sites to name before an action opens them."""


class OpeningNotConfirmedError(NotConfirmedError):
    """nothing was done: opening {what} was not confirmed; {way_out}"""

    name = "not_confirmed"


def sites_to_open(compared: Iterable[Comparison]) -> list[Comparison]:
    """The sites that the action orders to be opened."""
    from incidents.enforcement.verdict import REPAIRED, UP

    return [each for each in compared if each.verdict == REPAIRED and each.ordered == UP]


def closed_sites(opened: Sequence[Comparison]) -> list[str]:
    """The names of those sites to be opened that are actually closed."""
    return [each.site for each in opened if each.really == "closed"]


def openings_text(run: Run, opened: Sequence[Comparison]) -> list[str]:
    """List the sites to be opened, for people; empty if there are none."""
    from incidents.enforcement.verdict import WAITS

    waiting = [each.site for each in opened if each.verdict == WAITS]
    ordered = [each for each in opened if each.verdict != WAITS]
    down = [each for each in ordered if each.really in ("suspended", "closed")]
    others = [each.site for each in ordered if each not in down]
    language = run.spoken
    parts = (
        ("down", [language.say("openings.seen", site=e.site, state=e.really) for e in down]),
        ("unseen", others),
        ("waiting", waiting),
    )
    lines = [
        run.question(
            _by_number(f"openings.{code}", names), n=len(names), names=first_names(run, names)
        )
        for code, names in parts
        if names
    ]
    if shut := closed_sites(opened):
        lines.append(run.question("openings.closed", n=len(shut)))
    return lines


def _by_number(code: str, found: Sequence[str]) -> str:
    return f"{code}.one" if len(found) == 1 else f"{code}.many"


def first_names(run: Run, names: Sequence[str]) -> str:
    """List the first names, and the number of further names."""
    more = len(names) - MOST_NAMED
    first = run.spoken.comma.join(map(site_name.shown, names[:MOST_NAMED]))
    return run.question("openings.more", names=first, more=more) if more > 0 else first


def is_opening_asked(confirm: str | None) -> bool:
    """Whether to ask for confirmation of the openings.

    The person must be at a terminal, or have confirmed in advance.
    """
    return confirm is not None or (is_terminal(sys.stdin) and is_terminal(sys.stderr))


def confirm_openings(run: Run, opened: Sequence[Comparison], confirm: str | None) -> None:
    """Have the person confirm the openings, by the site's name or by the number of sites.

    Raises OpeningNotConfirmedError if they do not.
    """
    if not opened:
        return
    n, alone = len(opened), opened[0].site if len(opened) == 1 else None
    right = str(n) if alone is None else alone
    code = "confirm.ask_name" if alone else "confirm.ask_number"
    ask = run.question(code, right=site_name.in_full(right))
    typed = read_confirmation(run, [*openings_text(run, opened), ask], confirm)
    given = (typed or "").strip()
    if alone is None:
        given = half_width(given).replace(",", "")
    if given == right if alone is None else site_name.matches_name(alone, given):
        return
    if confirm is not None:
        way_out = wrong_confirmation(confirm, right)
    else:
        way_out = Cause.of("typed_is_not", "you did not type {right}", right=right)
    raise OpeningNotConfirmedError(what=alone or Cause.of("sites", "{n:,} sites", n=n),
                                   way_out=way_out)  # fmt: skip


def wrong_confirmation(confirm: str, right: str) -> Cause:
    """The hint that --confirm has a value other than `right`."""
    return Cause.of(
        "confirm_says", "--confirm says {given!r}; write --confirm {right}",
        given=confirm, right=right,
    )  # fmt: skip
