"""Punycode (RFC 3492): the ASCII form of a label with other letters.

Python's own codec takes time quadratic in a label's length: 0.4 ms for 60 letters, and a request
can have a million. The tests compare this module's results with that codec.
"""

from bisect import bisect, insort

_DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789"
_BASE, _LEAST, _MOST, _SKEW, _DAMP = 36, 1, 26, 38, 700


def encode(label: str) -> str:
    """Encode a label that is not ASCII, in the form after `xn--` (section 6.3)."""
    placed = [n for n, letter in enumerate(label) if letter.isascii()]
    others = sorted((ord(letter), n) for n, letter in enumerate(label) if not letter.isascii())
    found = [label[n] for n in placed]
    if found:
        found.append("-")
    code, bias, damp, before, delta = 0x80, 72, _DAMP, 0, 0
    same: list[int] = []
    for next_code, place in others:
        if next_code != code:
            # To the end of this round, and through rounds of code points that do not occur.
            delta = (
                len(placed) - before + 1 + (next_code - code - 1) * (len(placed) + len(same) + 1)
            )
            for n in same:
                insort(placed, n)
            same, code, before = [], next_code, 0
        # The letters before it that are already written.
        rank = bisect(placed, place)
        delta += rank - before
        before = rank
        same.append(place)
        _write_delta(delta, bias, found)
        bias = _adapted_bias(delta // damp, len(placed) + len(same))
        damp, delta = 2, 0
    return "".join(found)


def _write_delta(delta: int, bias: int, found: list[str]) -> None:
    """Write a number in digits whose base varies from position to position (section 3.3)."""
    least = _LEAST if bias >= _BASE else min(_BASE - bias, _MOST)
    while delta >= least:
        delta, rest = divmod(delta - least, _BASE - least)
        found.append(_DIGITS[least + rest])
        bias -= _BASE
        least = _LEAST if bias >= _BASE else min(_BASE - bias, _MOST)
    found.append(_DIGITS[delta])


def _adapted_bias(delta: int, written: int) -> int:
    """The bias after that many letters (section 6.1)."""
    delta += delta // written
    bias = 0
    while delta > (_BASE - _LEAST) * _MOST // 2:
        delta //= _BASE - _LEAST
        bias += _BASE
    return bias + (_BASE - _LEAST + 1) * delta // (delta + _SKEW)
