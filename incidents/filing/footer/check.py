"""The footer check: whether the foot of a page shows what it must.

Within 30 days of approval the record number, its HTML snippet and the icon must stand at the foot
of the pages (domain.md, section 5); where their links lead is in section 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from incidents.filing.checks.finding import OK, SUSPECT, Finding, unknown
from incidents.filing.checks.record_number import (
    Icp,
    PublicSecurity,
    read_icp,
    read_public_security,
)
from incidents.filing.footer import icp_check, security_check
from incidents.filing.footer.foot import Foot
from incidents.filing.footer.icp_check import IcpForm
from incidents.machine.filing import Details

PAGE = "page"
"""The field of a finding that is about the whole page."""

_MISSING = security_check.MISSING | icp_check.MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a page is to show. `filed` says that a register, or somebody, has told what; without it
    a page is only held against itself."""

    public_security: PublicSecurity | None = None
    icp: Icp | None = None
    icp_form: IcpForm = "province"
    filed: bool = False

    @classmethod
    def of(cls, details: Details, icp_form: IcpForm = "province") -> Expected:
        """What a site's register says; a number that cannot be one is as good as none."""
        return cls(
            public_security=read_public_security(details.get(security_check.NUMBER, "")),
            icp=read_icp(details.get(icp_check.NUMBER, "")),
            icp_form=icp_form,
            filed=True,
        )


def check(foot: Foot, expected: Expected) -> list[Finding]:
    """What is right and what is not at the foot of a page: of the public-security number, its icon
    and its link, then of the ICP number and its link.

    What is missing is wrong; but of a page that was not read to its end, or that only scripts fill,
    nobody can tell.
    """
    found = _each_once(
        [
            *security_check.check(foot, expected.public_security, filed=expected.filed),
            *icp_check.check(foot, expected.icp, expected.icp_form, filed=expected.filed),
        ]
    )
    why = "page_cut" if foot.cut else "page_bare" if foot.bare else None
    if why is None:
        return found
    told = [finding for finding in found if finding.code not in _MISSING]
    return [unknown(PAGE, why, "domain.md 5"), *told]


def is_right(findings: Iterable[Finding]) -> bool:
    """Whether nothing is wrong or missing, and nothing is left that nobody could look at."""
    return all(finding.verdict in (OK, SUSPECT) for finding in findings)


def _each_once(findings: list[Finding]) -> list[Finding]:
    """A link that stands twice in a page is told of once."""
    return list({(each.code, *each.facts.values()): each for each in findings}.values())
