"""The pasted: the web addresses in a mail or a list that somebody has put into one box.

People write addresses so that nobody follows them by mistake (`hxxp://shop[.]example`), and leave
away what a browser adds (`shop.example/login`); they are found too, in their normal form.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from incidents import inputs, web_address
from incidents.errors import BadUrlError, RefusedError
from incidents.inputs import MAX_URLS

MAX_CHARACTERS = 100_000

MAX_BARE = 1_000
"""So many hosts that stand alone are looked up."""

_REST = r"[^\s<>\"'“”‘’«»「」『』，。；、！？（）【】《》]"
_DOT = r"(?:\.|\[\.\]|\(\.\)|\[dot\])"
# Neither a part of a mail address nor of another name, on either side.
_BARE = (
    r"(?<![a-z0-9@._/:%+=&?#\-\])])"
    rf"(?:[a-z0-9-]{{1,63}}{_DOT}){{1,10}}(?:xn--[a-z0-9-]{{1,59}}|[a-z]{{2,63}})"
    rf"(?!{_DOT}?[a-z0-9@_-])(?::[0-9]{{1,5}})?(?P<path>/{_REST}*)?"
)
_ADDRESS = re.compile(rf"h(?:tt|xx)ps?(?:\[:\]|:)//{_REST}+|(?P<bare>{_BARE})", re.IGNORECASE)
# Others than these may be a part of the address: `?a=1&copy=2`.
_ESCAPED = re.compile(r"&(?:amp|lt|gt|quot|nbsp|#38|#39|#x26|#x27);", re.IGNORECASE)
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


def find(
    text: str, on_record: Callable[[Collection[str]], Collection[str]] = lambda _: ()
) -> Found:
    """What stands in the text, of which only `MAX_CHARACTERS` are looked at.

    What has no scheme is an address if it has a path or begins with `www.`, or is a site
    `on_record`, which says of hosts which are; else it may be a file or a person (`Mr.Wang`).
    """
    plain = _ESCAPED.sub(lambda found: html.unescape(found[0].lower()), text[:MAX_CHARACTERS])
    urls: dict[str, bool] = {}
    written: dict[str, str] = {}
    unfit: dict[str, None] = {}
    for match in _ADDRESS.finditer(plain):
        armed = _armed(match[0])
        # A browser asks by http first too, and is led on to where the site really is.
        given = f"http://{armed}" if match["bare"] else armed
        try:
            url = web_address.read(given)
        except BadUrlError:
            if not match["bare"]:
                unfit[given] = None
            continue
        written.setdefault(url, given)
        urls[url] = urls.get(url, False) or _is_certain(match, url)
    found = [written[url] for url in _certain(urls, on_record)]
    return _found(found, tuple(unfit))


def _is_certain(match: re.Match[str], url: str) -> bool:
    """Whether it is an address whatever its host is."""
    return (
        not match["bare"] or match["path"] is not None or web_address.host(url).startswith("www.")
    )


def _certain(
    urls: dict[str, bool], on_record: Callable[[Collection[str]], Collection[str]]
) -> list[str]:
    alone = dict.fromkeys(web_address.host(url) for url, certain in urls.items() if not certain)
    known = on_record(list(alone)[:MAX_BARE]) if alone else ()
    return [url for url, certain in urls.items() if certain or web_address.host(url) in known]


def _found(urls: list[str], unfit: tuple[str, ...]) -> Found:
    kept = tuple(urls[:MAX_URLS])
    hosts = [web_address.host(web_address.read(url)) for url in kept]
    ranked = sorted(dict.fromkeys(hosts), key=lambda host: -hosts.count(host))
    return Found(kept, unfit[:MAX_URLS], len(urls) > MAX_URLS, tuple(ranked))


def at_site(urls: Iterable[str], site: str) -> set[str]:
    """Those of the addresses, as written, whose host is the site or lies below it."""
    try:
        name = inputs.site(site)
    except RefusedError:
        return set()
    return {url for url in urls if web_address.is_of(web_address.read(url), name)}


def _armed(written: str) -> str:
    """The address as a browser takes it, without what only ends the sentence."""
    for disarmed, plain in _DISARMED:
        written = written.replace(disarmed, plain)
    if written[:4].lower() == "hxxp":
        written = "http" + written[4:]
    end = written.rstrip(_ENDS)
    # A parenthesis that the address itself has opened belongs to it.
    return end + ")" if end.count("(") > end.count(")") and written[len(end) :][:1] == ")" else end
