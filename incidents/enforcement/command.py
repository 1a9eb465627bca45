"""The command: the words that start a program, as the settings give them. No shell reads them."""

from __future__ import annotations

from incidents.settings.options import Options


def words(options: Options, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The words of a command, or of the default when it is not there.

    Raises:
        SettingError: also for the one character that no program can be given.
    """
    found = options.words(key)
    if any("\0" in word for word in found):
        raise options.wrong(key, "a list of texts without the character U+0000")
    return found or default


def needed(options: Options, key: str) -> tuple[str, ...]:
    """The words of a command that must be there; raises as `words` does."""
    found = words(options, key)
    if not found:
        raise options.wrong(key, "there: the words of a command, as a list of texts")
    return found
