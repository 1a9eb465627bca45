"""A million random steps: the machine against the naive model, and real desks against both.

A history that fails is made as short as it goes, and told as commands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, redirect_stderr
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from tests.databases import Databases, postgresql_server, sqlite_folder
from tests.fire.step_history import TownHistory, TownStep, drawn
from tests.fire.step_play import Play
from tests.fire.step_script import script
from tests.fire.step_worlds import DeskWorld, desk_world

MACHINE_STEPS = 60_000
DESK_STEPS = 600
"""The steps of a chunk through the machine alone, and through a desk on each database."""

_TRIES = 400

Worlds = Callable[[TownHistory], AbstractContextManager[Sequence[DeskWorld]]]
"""Makes the desks, on empty databases, that a history is played on."""


def chunk(seed: int, folder: Path) -> Counter[str]:
    """Play histories that the seed draws; return how many steps went through what."""
    random = Random(seed)
    figures: Counter[str] = Counter()
    while figures["machine steps"] < MACHINE_STEPS:
        figures += _named("machine", run(drawn(random, 60, sites=random.choice((1, 3)))))
    log = folder / f"desk-{seed}.log"
    with log.open("w") as told, redirect_stderr(told):
        figures += _desk_steps(random)
    log.unlink()
    return figures


def _desk_steps(random: Random) -> Counter[str]:
    figures: Counter[str] = Counter()
    with sqlite_folder() as files, postgresql_server() as server:
        for name, databases in (("sqlite", files), ("postgresql", server)):
            while figures[f"{name} steps"] < DESK_STEPS:
                history = drawn(random, 150, sites=4)
                figures += _named(name, run(history, desks_on(databases)))
    return figures


def desks_on(*databases: Databases) -> Worlds:
    """Make worlds with one desk on an empty database of each of those kinds."""

    def made(history: TownHistory) -> AbstractContextManager[Sequence[DeskWorld]]:
        stack = ExitStack()
        urls = [stack.enter_context(kind.at_head()) for kind in databases]
        desks = [stack.enter_context(desk_world(url, history.policy)) for url in urls]
        return _Closing(stack, desks)

    return made


def no_desk(_history: TownHistory) -> AbstractContextManager[Sequence[DeskWorld]]:
    """No world but the machine's and the model's."""
    return nullcontext(())


def run(history: TownHistory, worlds: Worlds = no_desk) -> Counter[str]:
    """Play a history; AssertionError shows a short one that fails, and the commands for it."""
    try:
        with worlds(history) as desks:
            return Play(history, desks).run()
    except AssertionError:
        pass
    short = shortened(history, lambda tried: failure(tried, worlds)[0] is not None)
    broken, play = failure(short, worlds)
    assert play is not None
    told = script(short.policy, play.asked) if play.asked else "(it fails at its beginning)"
    raise AssertionError(f"{broken}\n\nThe commands that come to it:\n\n{told}\n")


def failure(history: TownHistory, worlds: Worlds) -> tuple[str | None, Play | None]:
    """The failure when the history is played, if any, and the play up to it."""
    with worlds(history) as desks:
        play = Play(history, desks)
        try:
            play.run()
        except AssertionError as broken:
            return str(broken), play
    return None, play


def shortened(history: TownHistory, fails: Callable[[TownHistory], bool]) -> TownHistory:
    """A shorter, plainer history that fails as well: whatever can be left out is left out."""
    tries = 0
    progress = True
    while progress and tries < _TRIES:
        progress = False
        for candidate in _simpler(history):
            tries += 1
            if tries > _TRIES:
                break
            if fails(candidate):
                history, progress = candidate, True
                break
    return history


def _simpler(history: TownHistory) -> Iterator[TownHistory]:
    """The history without a half of its steps, a quarter, … one; then with plainer steps."""
    steps = history.steps
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield replace(history, steps=steps[:start] + steps[start + size :])
        size //= 2
    if history.policy:
        yield replace(history, policy={})
    for n, step in enumerate(steps):
        for plain in _plainer(step):
            yield replace(history, steps=(*steps[:n], plain, *steps[n + 1 :]))


def _plainer(step: TownStep) -> Iterator[TownStep]:
    plain = TownStep(wait=step.wait, act=step.act, contact=step.contact, policy=step.policy)
    for name in ("together", "key", "by_id", "site", "urls", "again", "by", "back", "ago"):
        if getattr(step, name) != getattr(plain, name):
            yield replace(step, **{name: getattr(plain, name)})
    if step.wait:
        yield replace(step, wait=timedelta(0))


def _named(world: str, figures: Counter[str]) -> Counter[str]:
    return Counter({f"{world} {name}": count for name, count in figures.items()})


class _Closing(AbstractContextManager[Sequence[DeskWorld]]):
    """Desks that go with their databases."""

    def __init__(self, stack: ExitStack, desks: Sequence[DeskWorld]) -> None:
        self._stack = stack
        self._desks = desks

    def __enter__(self) -> Sequence[DeskWorld]:
        return self._desks

    def __exit__(self, *_error: object) -> None:
        self._stack.close()
