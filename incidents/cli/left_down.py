"""What people are told, after the record has lost its end, of what was left down or taken down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents.words import counted

if TYPE_CHECKING:
    from incidents.words import Document, When


def left_down(history: Document, when: When) -> str:
    """Which sites are down though nothing on record keeps them down, and what to do about it."""
    found = history["left_down"]
    unknown, them = found["unknown"], "it" if found["count"] == 1 else "them"
    asked = f" ({unknown:,} of them cannot be asked)" if unknown else ""
    return (
        f"{counted(found['count'], 'SITE').upper()} LEFT DOWN{asked}: {_named(found)}. Nothing on"
        f" record keeps {them} down; the reason may have been lost with the end of the record,"
        f" {when.ago(found['since'])}. Put a hold on those that must stay down (incidents site"
        " hold); then incidents recover --reason R opens the others"
    )


def taken_down(history: Document) -> str:
    """Which ones a daemon has taken down again; empty where it has not."""
    # A server of before does not say it.
    found = history.get("taken_down")
    return "" if found is None else f" Taken down again: {_named(found)}."


def _named(found: Document) -> str:
    more = found["count"] - len(found["sites"])
    return ", ".join(found["sites"]) + (f" and {more:,} more" if more else "")
