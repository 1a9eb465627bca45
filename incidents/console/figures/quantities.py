"""Lengths of time and shares, as a reader writes them."""

from __future__ import annotations

from incidents.console.rendering import Reader


def span(reader: Reader, seconds: float | None) -> str:
    """Write a length of time with two units; None becomes a dash."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return reader.say("unit.ms", n=round(seconds * 1_000))
    whole, parts = round(seconds), []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        n, whole = divmod(whole, size)
        if n:
            parts.append(reader.say(f"unit.{unit}", n=n))
    return " ".join(parts[:2])


def percent(share: float | None) -> str:
    """Write a share between 0 and 1 as a percentage; only an exact 1 becomes 100 %."""
    if share is None:
        return "–"
    return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"
