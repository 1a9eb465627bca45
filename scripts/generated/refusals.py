"""The reference of the refusals: each name with its sentence, from the tables that say them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from incidents import errors
from incidents.contract import refusal_hints
from incidents.contract.documents import Hint
from incidents.contract.hints import TYPED
from incidents.locale.language import ENGLISH
from incidents.locale.refusals import NAMES
from scripts.generated.markdown import code, page, paragraph, table

_EXAMPLE = """{
  "refused": {
    "name": "same_person",
    "message": "operator-1 made this request; another person must decide on it",
    "facts": {"by": "operator-1"}
  }
}"""


CLAUSES = {
    "already_held": "H.7",
    "asked_by_anybody": "A.10",
    "before_incident": "R2.9",
    "before_told": "R5.9",
    "claimed": "Q.12",
    "clock_ahead": "T.10",
    "clock_behind": "T.10",
    "closure_asked": "A.12",
    "day_in_future": "F.17",
    "double_entry": "V.9",
    "for_a_supervisor": "Q.15",
    "future": "T.6",
    "held": "H.6",
    "key_reused": "V.11",
    "no_closure_asked": "A.13",
    "no_request": "X.13",
    "no_supervisor": "A.4",
    "nobody_to_tell": "R2.16",
    "not_disputed": "C.25",
    "not_held": "H.7",
    "nothing_to_take_back": "C.3",
    "order_of_hold": "H.5",
    "own_second": "A.17",
    "password_given": "A.8",
    "personal_code": "V.8",
    "recurred_already": "V.12",
    "same_person": "A.6",
    "second_needed": "A.17",
    "second_not_in": "A.8",
    "sign_in_needed": "A.8",
    "site_closed": "X.8",
    "site_not_closed": "X.13",
    "unknown_field": "R4.3",
    "unknown_outcome": "R2.8",
    "unknown_site": "V.1",
}
"""The clauses of the specification that refuse, by the name of the refusal."""


def text() -> str:
    """The page."""
    return page(
        "# Refusals",
        "Every reason to refuse a command, with its sentence. A refused command exits with 3 and"
        " changes nothing, except that what was due before it is done first. With `--json`,"
        " standard error has the name, the sentence and its facts, and where an action leads on,"
        " that action as `hints` and as `commands`; over HTTP the problem has the `hints`:",
        code(_EXAMPLE, "json"),
        "The names are stable. Facts are in braces. The clause is that of the"
        " [specification](specification.md).",
        "## By the rules and by the desk",
        "The state of the case, or an order, does not allow the action.",
        _table({name: ENGLISH.phrases[f"refused.{name}"] for name in NAMES}),
        "`unknown_site` has similar names as `nearest`. A batch looks for them once: for another"
        " unknown name `nearest` is empty, and `searched` is false.",
        "## By the command line",
        "The command line is invalid, or names something that does not exist.",
        _table(_of_the_command_line()),
        "## By other parts",
        "Refusals by accounts, policies, filings, the log, orders and servers. Messages about a"
        " form of the console are not listed.",
        _table(_of_other_parts()),
        "## Ways out",
        "What to do instead, as hints name it; items of the queue and `site why` have the same"
        " hints. A hint has its name as `act`, its target as `of`, and the rest as `facts`.",
        _hints(),
        "## Remarks",
        "The action took effect; a remark adds something to the answer.",
        _remarks(),
        "## Other errors",
        "They exit with the status shown, under `error` instead of `refused`.",
        _others(),
    )


def _table(sentences: Mapping[str, str]) -> str:
    rows = sorted(sentences.items())
    return table(
        ("name", "sentence", "way out", "clause"),
        (
            (f"`{name}`", _shown(said), _hints_of(name), CLAUSES.get(name, ""))
            for name, said in rows
        ),
    )


def _remarks() -> str:
    rows = sorted(
        (id_.removeprefix("remark.").partition(".")[0], said)
        for id_, said in ENGLISH.phrases.items()
        if id_.startswith("remark.") and "@" not in id_
    )
    return table(("name", "sentence"), ((f"`{name}`", _shown(said)) for name, said in rows))


class _Facts(dict[str, str]):
    """Any fact that a way out asks for."""

    def __missing__(self, name: str) -> str:
        return name

    def __contains__(self, _: object) -> bool:
        return True


def _hints_of(name: str) -> str:
    found: list[Hint] = []
    if name in refusal_hints.OF_REFUSALS:
        found = refusal_hints.OF_REFUSALS[name](_Facts())
    elif name == "state_forbids":
        found = [each for ways in refusal_hints.BY_STATE.values() for each in ways("12-3")]
    return ", ".join(dict.fromkeys(f"`{each['act']}`" for each in found))


def _hints() -> str:
    rows = sorted((f"`{name}`", f"`incidents {typed}`") for name, typed in TYPED.items())
    return table(("name", "typed"), rows)


def _shown(sentence: str) -> str:
    """The sentence with facts as names, without their formats."""
    sentence = re.sub(r"(?<=\S)\{way_out\}", "", sentence)
    sentence = re.sub(r"\{(\w+)(?:!r|:[^{}]*)\}", r"{\1}", sentence)
    sentence = re.sub(r"(?<=\bthe )\{what\}", "text", sentence)
    return sentence.replace("{{", "{").replace("}}", "}")


def _of_the_command_line() -> dict[str, str]:
    found: dict[str, str] = {}
    for error in _errors(errors.RefusedError):
        if error.name not in ("refused", "act_refused"):
            # Unknown things are refused under the same name, in the words of the rules.
            found.setdefault(error.name, paragraph(type(error).__doc__))
    return found


def _of_other_parts() -> dict[str, str]:
    """The refusals under their own names, unless they stand above already.

    What has a constructor of its own carries another's name and words.
    """
    known = {*NAMES, *_of_the_command_line()}
    own = errors.IncidentsError.__init__
    kinds = {kind for kind in _refused_elsewhere() if kind.__init__ is own}
    made = [kind("") for kind in sorted(kinds, key=lambda kind: kind.__qualname__)]
    return {each.name: paragraph(type(each).__doc__) for each in made if each.name not in known}


def _refused_elsewhere() -> Iterator[type[errors.RefusedError]]:
    """The kinds of refusals that parts of the program define themselves."""
    root = Path(errors.__file__).parent
    for file in sorted(root.rglob("*.py")):
        room, *_ = file.relative_to(root).parts
        if room not in _NOT_PARTS and _REFUSES.search(file.read_text(encoding="utf-8")):
            parts = file.relative_to(root.parent).with_suffix("").parts
            module = import_module(".".join(parts))
            yield from (
                kind
                for kind in vars(module).values()
                if isinstance(kind, type)
                and issubclass(kind, errors.RefusedError)
                and kind.__module__ == module.__name__
            )


_REFUSES = re.compile(r"^class \w+\(\w*RefusedError\b", re.MULTILINE)
_NOT_PARTS = ("errors.py", "machine", "console")


def _others() -> str:
    rows = [
        (f"`{error.name}`", f"`{error.exit_status}`", _shown(paragraph(type(error).__doc__)))
        for error in _errors(errors.IncidentsError)
        if error.exit_status != errors.REFUSED and error.name not in ("incidents", "away")
    ]
    return table(("name", "status", "sentence"), rows)


def _errors(under: type[errors.IncidentsError]) -> list[errors.IncidentsError]:
    """The errors of each kind, in the order of the file."""
    return [
        kind("")
        if kind is not errors.ActionRefusedError
        else errors.ActionRefusedError("", name="act_refused", facts={})
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, under)
    ]
