"""The wording of an item of the queue: the parts that the scripts of several kinds share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from incidents.contract.documents.queue import QueueItem
from incidents.locale.language import Language
from incidents.locale.words import TimeFormat
from incidents.values import site_name

_HOST = re.compile(r"(?<=://)[^/:?#]+")
_REMARK = 300
"""The maximum length of a customer's remark in a script; the item has the whole remark."""


@dataclass(frozen=True, slots=True)
class ItemWording:
    """An item with the language and the day of its script; see `script` for the other fields."""

    of: QueueItem
    when: TimeFormat
    recurred: Mapping[str, str]
    next_closes: bool
    opens_first: bool

    @property
    def language(self) -> Language:
        """The language of the script."""
        return self.when.language

    @property
    def today(self) -> str:
        """The day of the script, in its zone."""
        return self.when.now.astimezone(self.when.zone).date().isoformat()

    def say(self, code: str, /, **facts: Any) -> str:
        """Return the phrase `say.CODE` with its facts."""
        return self.language.say(f"say.{code}", **facts)

    def phone(self) -> str:
        """The person to call, with the way to reach them."""
        whom = self.of["person"] or self.say("the_person")
        if self.of["phone"]:
            return self.say("phone", whom=whom, phone=self.of["phone"])
        if self.of["email"]:
            return self.say("phone.email", whom=whom, email=self.of["email"])
        return self.say("phone.nothing", whom=whom, site=self.of["site"])

    def what(self) -> str:
        """The violation: its category and addresses."""
        code = "what.category" if self.of["category"] else "what"
        return self.say(code, category=self.of["category"], addresses=self.addresses())

    def addresses(self) -> str:
        """The first web address, and the number of the others."""
        more = self.of["urls_total"] - 1
        if not self.of["urls"]:
            return ""
        return self.say(
            "addresses.more" if more > 0 else "addresses",
            url=_HOST.sub(lambda host: site_name.shown(host[0]), self.of["urls"][0]),
            more=more,
        )

    def names(self) -> str:
        """The item's incidents."""
        return self.language.comma.join(self.of["about"]) or self.say("unsettled")

    def left(self) -> str:
        """The time left, or how long the item is overdue."""
        left = timedelta(seconds=self.of["left_s"] or 0)
        return self.say("left.overdue" if self.of["overdue"] else "left", span=abs(left))

    def reported_removal(self) -> str:
        """A sentence about the customer's report, which stopped no clock, if it opened the task."""
        if not self.of["said_gone"]:
            return ""
        remark = " ".join((self.of["remark"] or "").split())
        cut = f"{remark[: _REMARK - 1]}…" if len(remark) > _REMARK else remark
        return self.say("said_gone.remark", remark=cut) if cut else self.say("said_gone")
