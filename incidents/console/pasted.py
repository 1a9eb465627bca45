"""The pasted: the web addresses in a mail or a list that somebody has put into one box.

People write addresses so that nobody follows them by mistake (`hxxp://shop[.]example`); they are
found too, in their normal form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from incidents import inputs, web_address
from incidents.errors import BadUrlError, RefusedError
from incidents.inputs import MAX_URLS

MAX_CHARACTERS = 100_000

_ADDRESS = re.compile(
    r"h(?:tt|xx)ps?(?:\[:\]|:)//[^\s<>\"'“”‘’«»「」『』，。；、！？（）【】《》]+", re.IGNORECASE
)
_ENDS = ".,;:!?)]}>*_"
_DISARMED = (("[.]", "."), ("(.)", "."), ("[:]", ":"), ("[dot]", "."))


@dataclass(frozen=True, slots=True)
class Found:
    """The addresses, each once and in the order of the text; those that cannot be kept, as they
    were written; whether there were more than an incident may have; and the hosts, the most
    frequent first.
    """

    urls: tuple[str, ...]
    unfit: tuple[str, ...]
    more: bool
    hosts: tuple[str, ...]


def find(text: str) -> Found:
    """What stands in the text, of which only `MAX_CHARACTERS` are looked at."""
    urls: dict[str, None] = {}
    unfit: dict[str, None] = {}
    for match in _ADDRESS.finditer(text[:MAX_CHARACTERS]):
        given = _armed(match[0])
        try:
            urls[web_address.read(given)] = None
        except BadUrlError:
            unfit[given] = None
    kept = tuple(urls)[:MAX_URLS]
    hosts = [urlsplit(url).hostname or "" for url in kept]
    ranked = sorted(dict.fromkeys(hosts), key=lambda host: -hosts.count(host))
    return Found(kept, tuple(unfit)[:MAX_URLS], len(urls) > MAX_URLS, tuple(ranked))


def at_site(urls: Iterable[str], site: str) -> set[str]:
    """Those of the addresses whose host is the site, or lies below it."""
    try:
        name = inputs.site(site)
    except RefusedError:
        return set()
    return {url for url in urls if f".{urlsplit(url).hostname or ''}".endswith(f".{name}")}


def _armed(written: str) -> str:
    """The address as a browser takes it, without what only ends the sentence."""
    for disarmed, plain in _DISARMED:
        written = written.replace(disarmed, plain)
    if written[:4].lower() == "hxxp":
        written = "http" + written[4:]
    end = written.rstrip(_ENDS)
    # A parenthesis that the address itself has opened belongs to it.
    return end + ")" if end.count("(") > end.count(")") and written[len(end) :][:1] == ")" else end
