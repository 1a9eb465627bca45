"""The palette: a screenshot as a PNG of few colours, a third of its size."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 256
_RGB, _INDEXED = 2, 3

Colour = bytes


def reduced(png: bytes, apart: int = 0) -> bytes:
    """The same picture in its most frequent colours; each of the others is the nearest of these.

    `apart`: how far the kept colours are from each other at least, as a sum of squares.
    It takes what Chromium makes: eight bits, RGB without alpha, not interlaced. ValueError: of
    anything else.
    """
    chunks = list(_chunks(png))
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[0][1])
    if kind != [8, _RGB, 0, 0, 0]:
        raise ValueError(f"a PNG of another kind: {kind}")
    lines = list(_lines(b"".join(data for name, data in chunks if name == b"IDAT"), width, height))
    counted = Counter(colour for line in lines for colour in line)
    palette: list[Colour] = []
    for colour, _ in counted.most_common():
        if len(palette) == _MOST:
            break
        if not apart or all(_distance(colour, each) > apart for each in palette):
            palette.append(colour)
    place = {colour: n for n, colour in enumerate(palette)}
    for colour in counted.keys() - place.keys():
        place[colour] = _nearest(colour, palette)
    body = b"".join(b"\0" + bytes(place[colour] for colour in line) for line in lines)
    header = struct.pack(">IIBBBBB", width, height, 8, _INDEXED, 0, 0, 0)
    return _SIGNATURE + b"".join(
        _chunk(name, data)
        for name, data in (
            (b"IHDR", header), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(body, 9)),
            (b"IEND", b""),
        )
    )  # fmt: skip


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not png.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    at = len(_SIGNATURE)
    while at < len(png):
        [length] = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _lines(packed: bytes, width: int, height: int) -> Iterator[list[Colour]]:
    """The colours of each line (PNG, section 9: each line has a filter of its own)."""
    data, stride = zlib.decompress(packed), 3 * width
    above = bytearray(stride)
    for row in range(height):
        start = row * (stride + 1)
        line = bytearray(data[start + 1 : start + 1 + stride])
        _unfilter(data[start], line, above)
        yield [bytes(line[at : at + 3]) for at in range(0, stride, 3)]
        above = line


def _unfilter(kind: int, line: bytearray, above: bytearray) -> None:
    if kind == 0:
        return
    if kind == 2:
        line[:] = bytes((a + b) & 255 for a, b in zip(line, above, strict=True))
        return
    for at, value in enumerate(line):
        left = line[at - 3] if at >= 3 else 0
        corner = above[at - 3] if at >= 3 else 0
        match kind:
            case 1:
                guess = left
            case 3:
                guess = (left + above[at]) // 2
            case _:
                guess = _paeth(left, above[at], corner)
        line[at] = (value + guess) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda each: abs(guess - each))


def _nearest(colour: Colour, palette: list[Colour]) -> int:
    return min(range(len(palette)), key=lambda n: _distance(colour, palette[n]))


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
