"""The verdict on a site: its ordered, recorded and reported state, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from incidents.enforcement.routing import DEFAULT
from incidents.machine.command import LEFT_DOWN

if TYPE_CHECKING:
    from incidents.contract.documents import orders as documents
    from incidents.contract.documents.orders import ComparisonVerdict

AGREES: Final = "agrees"
DIFFERS: Final = "differs"
UNKNOWN: Final = "cannot_be_asked"
WAITS: Final = "waits"
REPAIRED: Final = "ordered_again"
MOVED: Final = "changed_meanwhile"
CANCELLED: Final = "cancelled"
FAILED: Final = "failed"
"""The verdict on a site that could not be compared because its adapter had a fault."""
VERDICTS: tuple[ComparisonVerdict, ...] = (
    AGREES, DIFFERS, UNKNOWN, WAITS, REPAIRED, MOVED, CANCELLED, LEFT_DOWN,
)  # fmt: skip

UP = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The comparison of one site: the ordered, recorded and reported state, and the verdict.

    `problem`: the reason if the site could not be compared.
    """

    site: str
    ordered: str
    on_record: str
    really: str | None
    adapter: str
    verdict: ComparisonVerdict | Literal["failed"]
    problem: str | None = None

    @property
    def differs(self) -> bool:
        """Whether a person must investigate the site, or its order must be repeated."""
        return self.is_unenforced or self.verdict in (DIFFERS, MOVED, CANCELLED, LEFT_DOWN)

    @property
    def is_unenforced(self) -> bool:
        """Whether the site's order was repeated although no adapter carries it out."""
        return self.verdict == REPAIRED and self.adapter == DEFAULT

    def document(self) -> documents.Comparison:
        """The comparison as JSON."""
        assert self.verdict != FAILED, "a failed comparison has only its problem"
        return {
            "site": self.site, "ordered": self.ordered, "on_record": self.on_record,
            "really": self.really, "adapter": self.adapter,
            "verdict": self.verdict,
        }  # fmt: skip
