"""The message: a letter as a mail (RFC 5322, MIME), whose headers nobody's text can add to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import headerregistry, policy
from email.message import EmailMessage

from incidents.notices.address import Address
from incidents.notices.letter import Letter

_POLICY = policy.SMTP.clone(cte_type="7bit")
"""Whatever a server knows, it can take seven bits."""

_TAGS = {"zh_CN": "zh-CN", "en": "en"}
# RFC 5322, section 3.2.3, dot-atom-text.
_NO_ATOM = re.compile(r"[^A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What stands above all mails of a channel alike."""

    sender: Address
    reply_to: Address | None = None
    list_id: str | None = None


def compose(letter: Letter, to: Sequence[Address], heading: Heading, now: datetime) -> EmailMessage:
    """The letter as a mail of `now` (UTC): the text, and the page as another form of it.

    Its Message-ID is the same for the same letter, so that a mailbox that has got it twice shows
    it once. Auto-Submitted (RFC 3834) keeps absence notes from answering it.
    """
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _shown(heading.sender)
    mail["To"] = [_shown(address) for address in to]
    mail["Subject"] = literal(letter.subject)
    mail["Date"] = now
    mail["Message-ID"] = message_id(letter.id, heading.sender)
    mail["Auto-Submitted"] = "auto-generated"
    if heading.reply_to is not None:
        mail["Reply-To"] = _shown(heading.reply_to)
    if heading.list_id is not None:
        mail["List-Id"] = f"<{heading.list_id}>"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    # Set before, it would become that of the first part alone.
    mail["Content-Language"] = ", ".join(_TAGS[language] for language in letter.languages)
    return mail


def message_id(id_: str, sender: Address) -> str:
    """`<12-o45.notice@host.example>`: of the letter and the sender alone."""
    return f"<{_NO_ATOM.sub('-', id_).strip('.-')}@{sender.domain}>"


def literal(text: str) -> str:
    """A text for a header, without the beginning of an encoded word (RFC 2047).

    `email` would decode one in what it is given, and a line end hidden in it would be a line end.
    """
    return text.replace("=?", "= ?")


def _shown(address: Address) -> headerregistry.Address:
    return headerregistry.Address(literal(address.name), address.local, address.domain)
