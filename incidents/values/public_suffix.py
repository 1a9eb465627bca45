"""The public suffix of a host, under which everybody registers a name: `com.cn`, `github.io`.

The list is that of publicsuffix.org (MPL 2.0), with both parts: those of registries, and those of
hosting companies, whose customers share a domain as the customers of a registry do.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def registrable(host: str) -> str | None:
    """Return the registrable domain of a host: its public suffix and one more label.

    `host`: in the form of a site's name (ASCII, lower case). None for an address, or if the host is
    itself a public suffix.
    """
    labels = host.split(".")
    if labels[-1].isdigit() or ":" in host:
        return None
    n = _suffix_labels(labels)
    return ".".join(labels[-n - 1 :]) if n < len(labels) else None


def is_known(label: str) -> bool:
    """Whether the label is a top-level domain on the list."""
    return label in _rules()


def _suffix_labels(labels: list[str]) -> int:
    """The number of labels of the public suffix, by the algorithm of publicsuffix.org."""
    rules = _rules()
    most = 1
    for start in range(len(labels)):
        name = ".".join(labels[start:])
        if f"!{name}" in rules:
            return len(labels) - start - 1
        wildcard = ".".join(["*", *labels[start + 1 :]])
        if name in rules or (wildcard in rules and len(labels) - start > 1):
            most = max(most, len(labels) - start)
    return most


@cache
def _rules() -> frozenset[str]:
    text = files("incidents.values").joinpath("public_suffix_list.dat").read_text("utf-8")
    lines = (line.split(None, 1)[0] for line in text.splitlines() if line[:1] not in ("", "/"))
    return frozenset(map(_ascii, lines))


def _ascii(rule: str) -> str:
    if rule.isascii():
        return rule
    return ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
        for label in rule.split(".")
    )
