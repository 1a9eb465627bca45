"""The addresses set aside: those in a text that are not of the violation, but of other people.

They are those of signatures, of what was copied or imitated, and of who was attacked. A text that
names no others may be about these.
"""

from __future__ import annotations

import re

from incidents.values import written_address

CITED = frozenset({
    "virustotal.com", "urlscan.io", "phishtank.com", "phishtank.org", "openphish.com", "any.run",
    "hybrid-analysis.com", "abuseipdb.com", "abuse.ch", "spamhaus.org", "shadowserver.org",
    "xarf.org", "x-arf.org", "archive.org", "icann.org", "nist.gov", "mitre.org", "cve.org",
    "first.org", "12377.cn", "12321.cn", "cert.org.cn",
})  # fmt: skip
"""The domains of services that reports cite for what they found, or where to read more."""
_SIGNATURE = r"^-- ?\n(?:[^\n>][^\n]*(?:\n|\Z)){1,10}"
"""Below a mail (RFC 3676), as far as it has no empty line."""
_OF_PROGRAMS = (
    r"^-----BEGIN PGP SIGNATURE-----\n(?:[^\n-][^\n]*\n){0,5}"
    r"|^(?:Get Outlook|Sent from (?:my|Outlook|Mail)\b|Virus-free|获取 ?Outlook|发自我的)[^\n]*"
    r"|^This e-?mail has been (?:checked|scanned)[^\n]*(?:\n[^\n]*)?"
)
_LINE = r"[ \t>*•\-\d.)]{0,9}h(?:tt|xx)ps?:[^\n]*"
_ORIGINALS = (
    r"^[ \t>*•-]{0,9}(?:original (?:copyrighted )?(?:works?|content|material)"
    r"|(?:legitimate|authentic|genuine|official) (?:web ?sites?|sites?|pages?|urls?)"
    r"|正版|官网|官方网站|原作品?)"
    r"(?: ?(?:urls?|links?|address(?:es)?|网址|网站|链接|地址))? ?[:：]"
    rf"(?:[^\S\n]*(?=\n)|[^\n]*h(?:tt|xx)ps?:[^\n]*)(?:\n{_LINE})*"
)
"""What was copied or imitated: on the line of that name, or on the lines below it."""
_ASIDE = re.compile(f"{_SIGNATURE}|{_OF_PROGRAMS}|{_ORIGINALS}", re.IGNORECASE | re.MULTILINE)
# Each such part has one of these, and to look for them is quick.
_SIGNS = (
    "-- \n", "--\n", "PGP SIG", "Outlook", "Sent from", "has been", "Virus-free", "发自我的",
    "riginal", "egitimate", "uthentic", "enuine", "fficial", "正版", "官", "原作",
)  # fmt: skip
_OF_VICTIM = re.compile(
    r"(?:\b(?:dest(?:ination)?|dst|daddr|target(?:ed)?|victim(?:'?s)?|attacked"
    r"|our(?= (?:ip|host|server|system|network|machine|address|range)))"
    r"(?:[ _-]?(?:ip|host|server|system|network|machine|address|range|s))*(?: [\w.-]+)?"
    r"|目[的标]\w{0,6}|受害\w{0,6}|被攻击\w{0,6})\s?(?:[:：=(（]|\bis\b|为|是)\s?\[?$"
    # The flow of a log: from one address to another.
    r"|\d\.\d{1,3}(?::\d{1,5})?\]?\s?(?:-+>|→)\s?\[?$",
    re.IGNORECASE,
)
_ENDS = frozenset(":：=(（sS为是>→")
_MOST = 200_000
"""The maximum characters of a text that are searched for what to set aside."""
_PARAMETER = re.compile(r"[?&/]\S*=$|\bv(?:er(?:sion)?)?=$", re.IGNORECASE)


def urls_in(plain: str) -> set[str]:
    """The web addresses to set aside in a text, in their normal form."""
    if not any(each in plain for each in _SIGNS):
        return set()
    parts = "\n".join(match[0] for match in _ASIDE.finditer(plain[:_MOST]))
    return {found.url for found in written_address.find(parts) if found.url is not None}


def is_of_victim(before: str) -> bool:
    """Whether an IP address is that of who was attacked; `before`: what its line has before it."""
    end = before.rstrip(" [")[-1:]
    return end in _ENDS and _OF_VICTIM.search(before) is not None


def is_parameter(before: str) -> bool:
    """Whether an IP address belongs to a web address, or is a version, by what is before it."""
    return before.endswith("=") and _PARAMETER.search(before) is not None
