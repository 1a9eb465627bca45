"""The documents of a batch: what came of each of its commands."""

from __future__ import annotations

from typing_extensions import TypedDict

from incidents.contract.documents.acts import Acted
from incidents.contract.documents.problems import Problem


class Result(TypedDict):
    """What came of one command of a batch: an answer, or a problem."""

    status: int
    answer: Acted | None
    problem: Problem | None


class Results(TypedDict):
    """What came of each command, in their order."""

    items: list[Result]
    done: int
    refused: int
