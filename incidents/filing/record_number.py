"""The record numbers of ICP filings, commercial licences and public-security filings.

Each number is a value with one written form (specification N.1 to N.3). Readers accept full-width
characters, spaces and any dash. The checks cover the form, and the area of a public-security
number.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Literal

from incidents.filing import area
from incidents.filing.finding import Finding, ok, wrong
from incidents.filing.typed_details import read_day
from incidents.machine.filing import Details

MAX_CHARACTERS = 200
"""The maximum length of a number, because normalizing takes quadratic time."""

_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
_PROVINCE = f"(?P<province>[{area.CHARACTERS}])"
_ICP = re.compile(
    rf"{_PROVINCE}ICP备(?:案)?(?P<digits>[0-9]{{8,10}})号?(?:-0*(?P<suffix>[1-9][0-9]{{0,4}}))?"
)
_LICENCE = re.compile(rf"{_PROVINCE}ICP证(?P<digits>[0-9]{{6,8}})号?")
# A licence for several provinces, by the ministry, has no province's character.
_TELECOM = re.compile(
    rf"(?:{_PROVINCE}|合字)?(?P<kinds>[AB][12](?:[.、,][AB][12])*)-(?P<digits>[0-9]{{8}})号?"
)
_PUBLIC_SECURITY = re.compile(rf"(?:{_PROVINCE}公网安备(?:案)?)?(?P<code>[0-9]{{11,14}})号?")


@dataclass(frozen=True, slots=True)
class Icp:
    """The number of an ICP filing; `province`: the province's character; `digits`: 8 to 10 digits.

    `suffix`: the number of one of the subject's sites; the subject's own number has none.
    """

    province: str
    digits: str
    suffix: str | None = None

    @property
    def subject(self) -> str:
        """The number of the subject without a site's suffix: `京ICP备12345678号`."""
        return f"{self.province}ICP备{self.digits}号"

    def __str__(self) -> str:
        return self.subject if self.suffix is None else f"{self.subject}-{self.suffix}"


@dataclass(frozen=True, slots=True)
class Licence:
    """The number of a commercial licence.

    The licence is for web services only (`京ICP证150476号`, `kinds` empty), or for telecom services
    (`粤B2-20090059`). `province`: the province's character, empty for a licence of the ministry
    (`B2-20090059`).
    """

    province: str
    kinds: str
    digits: str

    def __str__(self) -> str:
        if self.kinds:
            return f"{self.province}{self.kinds}-{self.digits}"
        return f"{self.province}ICP证{self.digits}号"


@dataclass(frozen=True, slots=True)
class PublicSecurity:
    """The number of a public-security filing; `code`: the 11 to 14 digits.

    `province`: the character before the code, None if only the digits are written. The number is
    then shown with the character of its area, if the area is known.
    """

    province: str | None
    code: str

    @property
    def area(self) -> str:
        """The area code of the issuing office: six digits (GB/T 2260)."""
        return self.code[:6]

    def __str__(self) -> str:
        here = area.of_area(self.code)
        character = self.province or (here.characters[0] if here is not None else None)
        return self.code if character is None else f"{character}公网安备 {self.code}号"


IcpForm = Literal["province", "site", "subject"]
ICP_FORMS: tuple[IcpForm, ...] = ("province", "site", "subject")
"""The forms of the ICP number in the footer.

By province (the subject's number in Guangdong, otherwise the site's); the site's number, with its
suffix; or the subject's number.
"""


def for_footer(number: Icp, form: IcpForm) -> str:
    """The number in the form for the footer."""
    return number.subject if wants_subject_number(number, form) else str(number)


def wants_subject_number(number: Icp, form: IcpForm) -> bool:
    """Whether the footer must show the subject's number, without a suffix."""
    return form == "subject" or (form == "province" and number.province == "粤")


def read_icp(text: str) -> Icp | None:
    """Read an ICP number; None if the text is not exactly one such number."""
    found = _ICP.fullmatch(normalized(text))
    return found and Icp(found["province"], found["digits"], found["suffix"])


def read_licence(text: str) -> Licence | None:
    """Read the number of a commercial licence; None if the text is not such a number."""
    written = normalized(text)
    web = _LICENCE.fullmatch(written)
    if web is not None:
        return Licence(web["province"], "", web["digits"])
    found = _TELECOM.fullmatch(written)
    if found is None:
        return None
    kinds = ".".join(re.findall("[AB][12]", found["kinds"]))
    return Licence(found["province"] or "", kinds, found["digits"])


def read_public_security(text: str) -> PublicSecurity | None:
    """Read a public-security number, or only its code as in links; None for any other text."""
    found = _PUBLIC_SECURITY.fullmatch(normalized(text))
    return found and PublicSecurity(found["province"], found["code"])


def normalized(text: str) -> str:
    """The text normalized for numbers: half-width, capital letters, no spaces, one kind of dash."""
    text = "".join(text.split())
    if len(text) > MAX_CHARACTERS:
        return text
    half = unicodedata.normalize("NFKC", text.translate(_DASHES)).upper()
    return "".join(half.translate(_NOT_SEEN).split())


_NOT_SEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\ufeff"))


ICP_SOURCE, LICENCE_SOURCE = "specification N.1", "specification N.2"
PUBLIC_SECURITY_SOURCE = "specification N.3"


def check_record_numbers(details: Details, *, today: date) -> list[Finding]:
    """The findings on the three numbers; area codes are checked for the year of approval."""
    found = []
    if "icp_number" in details:
        icp = read_icp(details["icp_number"])
        found.append(
            wrong("icp_number", "icp_number_unreadable", ICP_SOURCE)
            if icp is None
            else ok("icp_number", "icp_number_ok", ICP_SOURCE, number=str(icp))
        )
    if "icp_licence" in details:
        licence = read_licence(details["icp_licence"])
        found.append(
            wrong("icp_licence", "icp_licence_unreadable", LICENCE_SOURCE)
            if licence is None
            else ok("icp_licence", "icp_licence_ok", LICENCE_SOURCE, number=str(licence))
        )
    if "public_security_number" in details:
        approved = read_day(details.get("approved_on", "")) or today
        found += _of_public_security(details["public_security_number"], approved.year)
    return found


def _of_public_security(text: str, year: int) -> list[Finding]:
    field = "public_security_number"
    number = read_public_security(text)
    if number is None:
        return [wrong(field, "public_security_unreadable", PUBLIC_SECURITY_SOURCE)]
    if number.province and area.of_character(number.province) != area.of_area(number.area):
        return [
            wrong(
                field,
                "public_security_other_province",
                "specification N.4",
                number=str(number),
                area=number.area,
            )
        ]
    return [
        ok(field, "public_security_ok", PUBLIC_SECURITY_SOURCE, number=str(number)),
        *area.warnings(field, number.area, year),
    ]
