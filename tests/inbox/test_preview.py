"""What is shown of a report's source and its attachments, whatever their senders want."""

from __future__ import annotations

import io
import os
import random
import struct
import zipfile
import zlib
from email.message import EmailMessage
from hashlib import sha256
from typing import Any

import pytest
from PIL import Image

from incidents.inbox.children import preview, source_view
from incidents.inbox.children.preview import Preview

HTML = b"<p>Please <b>look</b></p><script>alert(1)</script><img src='https://track.example/x.png'>"


def mail(content: bytes = b"", type_: str = "image/png", name: str = "x") -> bytes:
    made = EmailMessage()
    made["From"], made["Subject"] = "a@user.example", "phishing"
    made.set_content("see the file\n")
    if content:
        main, _, sub = type_.partition("/")
        made.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return made.as_bytes()


def shown(content: bytes, type_: str = "image/png", name: str = "x") -> Preview:
    raw = mail(content, type_, name)
    return preview.preview(raw, sha256(content).hexdigest())


def picture(format_: str, size: tuple[int, int] = (40, 20), **how: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "red").save(made, format_, **how)
    return made.getvalue()


def drawn(found: Preview) -> Image.Image:
    assert found.picture is not None, found
    return Image.open(io.BytesIO(found.picture))


def declared_png(width: int, height: int) -> bytes:
    """A PNG that says to be so large, and has next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def many_frames(frames: int) -> bytes:
    """A GIF whose frames are all the first one."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\xff\0\0\0\0\0"
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\0"
    return head + frame * frames + b";"


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_a_picture_is_drawn_again_as_a_png(format_: str) -> None:
    found = drawn(shown(picture(format_), f"image/{format_.lower()}"))
    assert (found.format, found.size) == ("PNG", (40, 20))


def test_a_large_picture_is_made_smaller() -> None:
    assert drawn(shown(picture("PNG", (4_000, 2_000)))).size == (1_024, 512)
    assert drawn(shown(picture("JPEG", (6_000, 4_000)), "image/jpeg")).size[0] == 1_024


def test_a_picture_is_turned_as_its_camera_says_and_loses_what_else_it_says() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "somebody's name"
    own: dict[str, Any] = {
        "exif": exif,
        "comment": b"somebody's name",
        "icc_profile": b"somebody's screen",
    }
    found = shown(picture("JPEG", **own), "image/jpeg")
    image = drawn(found)
    assert image.size == (20, 40)
    assert (dict(image.getexif()), image.info) == ({}, {})
    assert b"somebody" not in (found.picture or b"")


def test_of_a_gif_with_ten_thousand_frames_the_first_is_shown() -> None:
    assert drawn(shown(many_frames(10_000), "image/gif")).size == (1, 1)


def test_what_is_a_picture_and_a_page_at_once_is_only_a_picture_afterwards() -> None:
    found = shown(picture("JPEG") + HTML, "image/jpeg", "x.jpg")
    assert drawn(found).size == (40, 20)
    assert b"script" not in (found.picture or b"")
    assert shown(picture("JPEG") + HTML, "text/html", "x.html") == Preview(reason="kind")


@pytest.mark.parametrize(
    ("content", "type_", "why"),
    [
        (declared_png(30_000, 30_000), "image/png", "large"),
        (declared_png(8_000, 8_000), "image/png", "large"),
        (picture("JPEG", (400, 400))[:300], "image/jpeg", "picture"),
        (HTML, "image/png", "picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>", "image/svg+xml",
         "kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png", "picture"),
        (picture("TIFF"), "image/tiff", "picture"),
        (picture("PPM"), "image/png", "picture"),
        (b"%PDF-1.7\n", "application/pdf", "kind"),
        (b"\0\1\2", "text/plain", "kind"),
    ],
    ids=[
        "huge", "too large", "truncated", "page", "svg", "svg as png", "tiff", "ppm", "pdf",
        "bytes as text",
    ],
)  # fmt: skip
def test_what_cannot_be_shown_says_why(content: bytes, type_: str, why: str) -> None:
    assert shown(content, type_) == Preview(reason=why)


def test_a_picture_that_takes_too_much_memory_says_so() -> None:
    # Within the limit of pixels: a processor as slow as they come has no time for it either.
    assert shown(picture("PNG", (7_000, 7_000))).reason in ("memory", "slow")


def test_an_archive_is_listed_and_not_shown() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "x")
    assert shown(packed.getvalue(), "application/zip", "a.zip") == Preview(reason="kind")


# ── texts ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "type_", "name", "has"),
    [
        (b"a,b\n1,2\n", "text/csv", "x.csv", "a,b\n1,2\n"),
        (b'{"XARF": 1}', "application/json", "xarf.json", '{"XARF": 1}'),
        (HTML, "text/html", "x.html", "Please look"),
        ("中文".encode("gb18030"), "application/octet-stream", "x.txt", "中文"),
        (mail(), "application/octet-stream", "x.eml", "see the file\n"),
    ],
    ids=["csv", "json", "html", "gb18030", "mail"],
)  # fmt: skip
def test_a_text_is_shown_as_text(content: bytes, type_: str, name: str, has: str) -> None:
    found = shown(content, type_, name)
    assert found.source is not None, found
    assert found.source.mails[0].text == has


def test_the_source_has_the_fields_the_text_and_the_mails_within_it() -> None:
    inner, outer = EmailMessage(), EmailMessage()
    inner["Subject"] = "=?utf-8?b?5Lit5paH?="
    inner.set_content(HTML.decode(), subtype="html")
    outer["From"] = "a@user.example"
    outer["Subject"] = "Fwd"
    outer.set_content("see below\n")
    outer.add_attachment(inner)
    found = preview.view_source(outer.as_bytes())
    first, second = found.mails
    assert (first.depth, second.depth) == (0, 1)
    assert ("From", "a@user.example") in first.fields
    assert first.text == "see below\n"
    assert ("Subject", "中文") in second.fields
    assert second.text == "Please look"
    assert found.reason is None


def test_a_page_stays_small_and_says_what_is_left_out() -> None:
    head = b"".join(b"X-%d: %b\n" % (n, b"y" * 5_000) for n in range(500))
    raw = b"From: a@user.example\n" + head + b"\n" + b"z" * (1 << 20)
    found = preview.view_source(raw)
    [only] = found.mails
    assert (len(only.fields), found.more_fields) == (source_view.MAX_FIELDS, 301)
    assert (len(only.text), found.more_text) == (source_view.MAX_TEXT, True)
    assert max(len(value) for _, value in only.fields) <= source_view.MAX_VALUE


def test_of_a_mail_of_very_many_mails_all_share_one_limit() -> None:
    raw = b"From: a@user.example\nSubject: x\n\nx"
    for _ in range(10):
        made = EmailMessage()
        made.set_content("y" * 20_000)
        made.add_attachment(raw, maintype="application", subtype="octet-stream", filename="a.eml")
        raw = made.as_bytes()
    found = preview.view_source(raw)
    assert sum(len(each.text) for each in found.mails) <= source_view.MAX_TEXT
    assert found.more_text


@pytest.mark.parametrize("name", ["a\u202egpj.exe", "a\x00b", "a\u200bb", "a\x1b[31mb"])
def test_a_name_shows_each_character_that_would_mislead(name: str) -> None:
    assert "\ufffd" in source_view.plain(name)
    assert source_view.plain("照片 1.png") == "照片 1.png"


# ── the child ────────────────────────────────────────────────────────────────────────────────────


def test_an_attachment_is_taken_out_by_its_digest_and_no_other() -> None:
    content = os.urandom(1_000)
    raw = mail(content, "application/octet-stream", "../../x")
    assert preview.extract(raw, sha256(content).hexdigest()) == content
    assert preview.extract(raw, "0" * 64) is None
    assert preview.preview(raw, "0" * 64) == Preview(reason="missing")


def test_a_source_that_takes_too_long_says_so() -> None:
    raw = b"From: a@user.example\nSubject: x\nContent-Type: text/html\n\n" + b"<div" * 1_000_000
    assert preview.view_source(raw).reason == "slow"


def test_a_source_that_is_nested_too_deeply_says_so() -> None:
    parts = (
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(1_000)
    )
    assert preview.view_source(b"From: a@user.example\n" + b"".join(parts)).reason == "crashed"


def test_random_bytes_are_never_an_error() -> None:
    lots = random.Random(26)
    for size in (0, 1, 10, 1_000):
        raw = lots.randbytes(size)
        assert preview.view_source(raw).reason in (None, "kind")
