"""The console's pictures in the documentation, and their files.

`scripts/screenshots` takes them; a test holds the documentation against the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its page, language, colours and window size."""

    name: str
    path: str
    language: Literal["en-GB", "zh-CN"]
    scheme: Literal["light", "dark"] = "light"
    width: int = 1280
    height: int = 900

    @property
    def file(self) -> Path:
        """The file of the picture."""
        return FOLDER / f"{self.name}.png"


PICTURES = (
    Picture("queue", "/", "en-GB", height=820),
    Picture("site-zh", "/sites/xn--1jqq80b.example", "zh-CN", height=1160),
    Picture("overview-dark", "/overview", "en-GB", scheme="dark", height=730),
    Picture("queue-phone", "/", "en-GB", width=390, height=844),
)
