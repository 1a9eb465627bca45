"""Errors in the run's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents.errors import IncidentsError
from incidents.locale import error_sentence
from incidents.locale.language import language

if TYPE_CHECKING:
    from incidents.cli.run import Run


def rendered(run: Run, error: IncidentsError) -> str:
    """The error's sentence in the run's language, or in English if there is no phrase for it."""
    spoken = run.language
    when = run.when if "settings" in run.__dict__ else str
    if spoken is language("en", "cli"):
        return error_sentence.english(error, when)
    sentence = error_sentence.translated(error, spoken, when)
    # A page's sentence has a full stop; a command-line error has none.
    return (sentence or error_sentence.english(error, when)).removesuffix("。")
