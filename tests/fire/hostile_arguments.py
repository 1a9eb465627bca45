"""The argument lists: drawn from click's own tree, so that a new command is covered by itself."""

import random
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from incidents.cli.root import root
from tests.fire import hostile_files, hostile_words

MOST_REPEATED = 20_000
LONGEST_ARGUMENT_BYTES = 128 * 1024
"""The longest argument of a process on Linux."""

_VALID: dict[str, Sequence[str]] = {
    "SITE": ("a.example", "b.example", "closed.example", "held.example"),
    "INCIDENT": ("1-1", "1-2", "2-1", "3-1", "3-3"),
    "CONTACT": ("1-1-1", "2-1-1"),
    "TASK": ("1-1", "3-t1", "2-t1", "3-disputed"),
    "PERSON": ("operator-2",),
    "T": ("2026-03-01T02:50:00Z", "00:00", "2026-03-01 02:50"),
    "U": ("http://a.example/x", "https://b.example:8443/?q=%00"),
    "ZONE": ("America/Chicago", "Australia/Lord_Howe", "UTC"),
    "D": ("60m", "1h30m"),
    "P": ("0.5", "documented", "active", "policy.toml"),
    "URL": ("sqlite:///new.db",),
}
_SAME = {"NAME": "SITE", "S": "SITE", "INCIDENT|SITE": "INCIDENT"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One command that can be typed: its words, and what click knows of its parameters."""

    words: tuple[str, ...]
    params: tuple[click.Parameter, ...]


def leaves(command: click.Command = root, words: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """All commands of the tree, the groups themselves included."""
    yield Leaf(words, tuple(command.params))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, name
            yield from leaves(below, (*words, name))


def draw(chance: random.Random, tree: Sequence[Leaf]) -> list[str]:
    """An argument list that is meant to harm: mostly in its values, sometimes in its shape."""
    leaf = chance.choice(tree)
    words = list(leaf.words)
    # With few hostile words the others are believed, and the command is really done.
    hostility = chance.choice((0.05, 0.15, 0.3, 0.9))
    for param in _order(chance, leaf.params):
        words += _given(chance, leaf, param, hostility)
    if chance.random() < 0.25:
        words = _bent(chance, words)
    if leaf.words == ("daemon",) and chance.random() < 0.9:
        words.append("--once")
    return words


def _order(chance: random.Random, params: Sequence[click.Parameter]) -> list[click.Parameter]:
    """Put options among the arguments in any order; the arguments keep their own."""
    options: list[click.Parameter] = [p for p in params if not isinstance(p, click.Argument)]
    chance.shuffle(options)
    arguments = [p for p in params if isinstance(p, click.Argument)]
    for argument in reversed(arguments):
        options.insert(0, argument)
    return options


def _given(
    chance: random.Random, leaf: Leaf, param: click.Parameter, hostility: float
) -> list[str]:
    if isinstance(param, click.Argument):
        times = 1 if chance.random() > hostility / 3 else chance.choice((0, 2, 5))
        return [_value(chance, leaf, param, hostility) for _ in range(times)]
    assert isinstance(param, click.Option)
    wanted = 0.95 if param.required else 0.12
    if param.name == "confirm":
        wanted = 0.6
    if chance.random() > wanted:
        return []
    name = chance.choice(param.opts)
    if param.is_flag:
        return [name]
    times = chance.choice((1, 1, 3, 51)) if param.multiple else 1
    return [word for _ in range(times) for word in (name, _value(chance, leaf, param, hostility))]


def _value(chance: random.Random, leaf: Leaf, param: click.Parameter, hostility: float) -> str:
    if _is_written(leaf, param):
        return chance.choice(hostile_words.PLACES)
    if chance.random() < hostility:
        return hostile_words.word(chance)
    if isinstance(param.type, click.Choice):
        return str(chance.choice(list(param.type.choices)))
    metavar = param.metavar or ""
    if metavar.startswith("FILE"):
        return chance.choice((*hostile_files.FILES, *hostile_words.PATHS))
    if metavar == "P" and param.name in ("phone", "policy", "reach"):
        return {"phone": hostile_words.soft(chance), "reach": "0.5"}.get(param.name, "policy.toml")
    if metavar == "NAME" and param.name == "person":
        return chance.choice(("operator-1", "operator-2"))
    valid = _VALID.get(_SAME.get(metavar, metavar))
    if param.type is click.INT:
        return str(chance.choice((0, 1, 5, -1, 10**9)))
    return chance.choice(valid) if valid else hostile_words.soft(chance)


def _is_written(leaf: Leaf, param: click.Parameter) -> bool:
    """Whether the command writes to the file that the parameter names."""
    return "-o" in param.opts or (leaf.words == ("db", "backup") and param.name == "file")


def names_a_place(words: Sequence[str]) -> bool:
    """Whether the list asks for a file to be written outside the database's folder."""
    return "backup" in words or any(
        (word == "-" + word[1:2] * (len(word) - 1) and "o" in word)
        or word.startswith(("-o", "--o", "-qo", "--db", "--d"))
        for word in words
        if len(word) < 1_000
    )  # fmt: skip


def _bent(chance: random.Random, words: list[str]) -> list[str]:
    """The list in another shape: torn, joined, doubled, out of order, far too long."""
    at = chance.randrange(len(words) + 1)
    match chance.randrange(8):
        case 0:
            return [*words[:at], "--", *words[at:]]
        case 1:
            return [*words[:at], hostile_words.word(chance), *words[at:]]
        case 2:
            return words[:at] + words[at + 1 :]
        case 3:
            return _joined(words)
        case 4:
            return [*words, *words[at:]]
        case 5:
            again = chance.choice(("--json", "-q", "--", "--again", "a.example", "--url", "-h"))
            return [*words, *[again] * chance.choice((2, 100, MOST_REPEATED))]
        case 6:
            option = chance.choice(("--format", "--zone", "--as", "--key", "--db", "--at"))
            return [*words, option]
        case _:
            return chance.sample(words, len(words)) if not names_a_place(words) else words


def _joined(words: list[str]) -> list[str]:
    """`--option value` as `--option=value`."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1].startswith("--") and "=" not in joined[-1] and word[:1] != "-":
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def can_be_typed(words: Sequence[str]) -> bool:
    """Whether a real process can be given these words."""
    try:
        encoded = [word.encode("utf-8", "surrogateescape") for word in words]
    except UnicodeEncodeError:
        return False
    return (
        all(b"\0" not in word and len(word) < LONGEST_ARGUMENT_BYTES for word in encoded)
        and sum(map(len, encoded)) + 9 * len(encoded) < 1_000_000
    )


def replayed(words: Sequence[str]) -> str:
    """The command that replays the list: for a shell where it can be, else for Python."""
    text = ", ".join(map(_short, words))[:5_000]
    if not can_be_typed(words) or not all(word.isprintable() for word in words):
        return f"incidents.cli.main([{text}])"
    return "incidents " + " ".join(map(shlex.quote, words))[:5_000]


def _short(word: str) -> str:
    """The word as Python writes it; of a very long one, how often its unit is repeated."""
    for length in range(1, 20):
        tail = word[-length:]
        times = len(word) // length if length else 0
        for begun in range(20):
            if len(word) > 200 and word[begun:] == tail * ((len(word) - begun) // length):
                return f"{word[:begun]!r} + {tail!r} * {times - begun // length}"
    return repr(word)
