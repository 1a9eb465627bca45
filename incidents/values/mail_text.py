"""The mail's text: the readable text of a mail whose source, or a part of it, was pasted.

In the source, an address may be cut in half (quoted-printable, RFC 2045, section 6.7) or unreadable
(base64); half an address is not evidence. Text that is not a mail is left unchanged.
"""

from __future__ import annotations

import binascii
import email
import quopri
import re
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message

MAX_FIELDS = 100
"""The maximum number of MIME lines; a text with more may be too deeply nested to parse."""

_FIELD = re.compile(r"(?:[!-9;-~]+:|[ \t])")
_MIME = re.compile(
    r"^(?:mime-version|content-type|content-transfer-encoding)[ \t]*:", re.IGNORECASE | re.MULTILINE
)
_BOUNDARY = re.compile(r"--(?P<name>[\w'()+,./:=?-]{1,70})[ \t]*\n")
_ENCODED = re.compile(r"=[0-9A-Fa-f]{2}|=[ \t]*\n")
_SURE = re.compile(r"=(?:3D|[89A-F][0-9A-F])")
_SOFT_BREAK = re.compile(r"^(?P<line>.*)=[ \t]*\n", re.MULTILINE)
_LONG = re.compile(r"[^\n]{79}")
"""A line that is longer than any line from an encoder."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffd]")
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_FULL = range(68, 77)
"""The possible lengths, `=` included, of a line that an encoder broke because it was full."""

_CHARSETS = ("utf-8", "gb18030")
"""The charsets to try in turn if a text does not name one."""


def readable(text: str) -> str:
    """Return a mail's subject and text parts, decoded; return other text unchanged.

    A body without its headers is decoded if it can only be quoted-printable.
    """
    # A surrogate for an invalid byte would be taken for that byte.
    plain = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    source = _source(plain.lstrip("\n"))
    if source is None:
        return _body(plain)
    mail = email.message_from_string(source)
    found = [_subject(mail), *(_part_text(part) for part in mail.walk())]
    return "\n".join(part for part in found if part.strip()) or plain


def _source(plain: str) -> str | None:
    """The text for the parser: a mail with headers, or from a boundary on; None without a mail."""
    if len(_MIME.findall(plain)) > MAX_FIELDS:
        return None
    start = _BOUNDARY.match(plain)
    if start is not None:
        name = start["name"].replace("\\", "")
        head = plain[start.end() :].partition("\n\n")[0]
        plain = f'Content-Type: multipart/mixed; boundary="{name}"\n\n{plain}'
    else:
        head = plain.partition("\n\n")[0]
    lines = head.splitlines()
    if head.startswith("From "):
        # The separator of a mailbox file.
        lines = lines[1:]
    is_head = bool(lines) and all(_FIELD.match(line) for line in lines)
    return plain if is_head and _MIME.search(head) else None


def _subject(mail: Message) -> str:
    given = mail.get("Subject", "")
    try:
        return str(make_header(decode_header(given)))
    except (MessageError, LookupError, ValueError):
        return str(given)


def _part_text(part: Message) -> str:
    """The text of the part itself; for a multipart, the text around its parts."""
    if part.is_multipart():
        return f"{part.preamble or ''}\n{part.epilogue or ''}"
    content = part.get_payload()
    if part.get_content_maintype() != "text" or not isinstance(content, str):
        return ""
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding == "quoted-printable":
        return _decoded(quopri.decodestring(content.encode()), part.get_content_charset())
    if encoding == "base64":
        return _decoded(_of_base64(content), part.get_content_charset())
    return content


def _of_base64(content: str) -> bytes:
    """The decoded bytes of a base64 text, even a truncated one."""
    digits = _NO_BASE64.sub("", content)
    whole = digits[:-1] if len(digits) % 4 == 1 else digits
    return binascii.a2b_base64(whole + "=" * (-len(whole) % 4))


def _decoded(raw: bytes, charset: str | None) -> str:
    """The bytes as text, in the named charset, or in the first one that fits."""
    for name in (*([charset] if charset else []), *_CHARSETS):
        try:
            return raw.decode(name)
        except (LookupError, ValueError):
            continue
    return raw.decode("utf-8", "replace")


def _body(plain: str) -> str:
    """Decode a body without headers if its line breaks can only be quoted-printable."""
    breaks = [match["line"] for match in _SOFT_BREAK.finditer(plain)]
    is_encoded = bool(breaks) and plain.count("=") == len(_ENCODED.findall(plain))
    is_full = any(len(line) + 1 in _FULL for line in breaks)
    if not is_encoded or not (is_full or _SURE.search(plain)) or _LONG.search(plain):
        return plain
    decoded = _decoded(quopri.decodestring(plain.encode()), None)
    return plain if _CONTROL.search(decoded) else decoded
