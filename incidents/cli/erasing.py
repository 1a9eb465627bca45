"""What the commands that erase share: how what is gone, and what stays, is told to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from incidents.desk.erasure import Erased


def counted(words: int, files: int, sign_ins: int = 0) -> str:
    """So many values and files and rows of the log of sign-ins, in words."""
    told = f"{words:,} text" if words == 1 else f"{words:,} texts"
    if files:
        told += f" and {files:,} file" + ("" if files == 1 else "s")
    if sign_ins:
        told += f" and {sign_ins:,} sign-in" + ("" if sign_ins == 1 else "s")
    return told


def gone(erased: Erased, *, dry_run: bool) -> str:
    """What is gone, or would be."""
    done = "would be erased" if dry_run else "erased"
    return f"{counted(erased.words, erased.files, erased.sign_ins)} {done}"
