"""Half-width text: what people type with a Chinese input method, in the form of ASCII."""

from __future__ import annotations

from unicodedata import normalize

_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
# Normalisation takes quadratic time, and no number, time or id is longer.
_MAX_CHARACTERS = 300


def half_width(text: str) -> str:
    """Return the text with full-width digits, letters, colons and spaces, and dashes, as ASCII.

    Use it for numbers, times, durations and ids, never for free text.
    """
    if text.isascii() or len(text) > _MAX_CHARACTERS:
        return text
    return normalize("NFKC", text).translate(_DASHES)
