"""The foot: what a page shows of record numbers, links and icons, however the page is made."""

import os
import subprocess
import sys

import pytest

from incidents.filing.footer import content
from incidents.filing.footer.content import ALT, MAX_BYTES, TEXT, Footer
from incidents.filing.footer.markup import COMMENT, HIDDEN, SCRIPT, TITLE

NUMBER = "京公网安备 11010502000001号"
ICP = "京ICP备12345678号-1"
PARAGRAPH = "<p>一段关于本公司的文字，写在网页的上方。</p>"


def numbers(found: Footer, place: str = TEXT) -> list[str]:
    """The public-security numbers in that place."""
    return [str(each.number) for each in found.public_security if each.place == place]


@pytest.mark.parametrize(
    "written",
    [
        NUMBER,
        "京公网安备11010502000001号",
        "京公网安备&nbsp;11010502000001&nbsp;号",
        "京公网安备：11010502000001号",
        "京公网安备<span>11010502000001</span>号",
        "京公网安备</td><td>11010502000001号",
        "京公网安备１１０１０５０２０００００１号",
        "京公網安備 11010502000001號",
        "公网安备 11010502000001",
        "公安备案号：11010502000001",
        "公安机关备案号11010502000001",
        "<B>京公网安备<BR>11010502000001号</B>",
    ],
)
def test_a_number_is_found_however_it_is_written(written: str) -> None:
    assert numbers(content.read(f"<body>{PARAGRAPH}{written}")) == [NUMBER]


@pytest.mark.parametrize(
    "written",
    [
        ICP,
        "京icp备12345678号-1",
        "京 ICP 备 12345678 号 - 1",
        "京ICP備12345678號－1",
        "京ICP备１２３４５６７８号—1",
        "京<b>ICP备</b>12345678号-1",
        "ICP备案号：京ICP备12345678号-1",
    ],
)
def test_an_icp_number_is_found_however_it_is_written(written: str) -> None:
    (found,) = content.read(f"<body>{written}").icp
    assert str(found.number) == ICP


def test_a_year_behind_a_dash_is_no_suffix() -> None:
    (found,) = content.read("京ICP备12345678号 - 2024 版权所有").icp
    assert str(found.number) == "京ICP备12345678号"


@pytest.mark.parametrize(
    ("written", "place"),
    [
        (f"<!-- {NUMBER} -->", COMMENT),
        (f"<script>write('{NUMBER}')</script>", SCRIPT),
        (f"<title>{NUMBER}</title>", TITLE),
        (f"<div hidden>{NUMBER}</div>", HIDDEN),
        (f"<div style='color:red; DISPLAY : none !important'><p>{NUMBER}</p></div>", HIDDEN),
        (f"<div style='visibility:hidden'>{NUMBER}</div>", HIDDEN),
        (f"<p style='font-size:0'>{NUMBER}</p>", HIDDEN),
        (f"<template>{NUMBER}</template>", HIDDEN),
        (f"<noscript>{NUMBER}</noscript>", HIDDEN),
        (f"<![if !IE]><!--[if IE]>{NUMBER}<![endif]--><![endif]>", COMMENT),
        (f"<img src=a.png alt='{NUMBER}'>", ALT),
        ("<img src='/files/11010502000001.png'>", ALT),
        (f"<img data-original='/{NUMBER}.png'>", ALT),
    ],
)
def test_what_is_not_shown_as_a_text_is_told_by_where_it_stands(written: str, place: str) -> None:
    found = content.read(f"<body>{PARAGRAPH}{written}{PARAGRAPH}")
    assert numbers(found) == []
    assert numbers(found, place) == [NUMBER]


@pytest.mark.parametrize(
    "written",
    [
        f"<table><tr><td style='display:none'>x<td>{NUMBER}</table>",
        f"<ul><li hidden>x<li>{NUMBER}</ul>",
        f"<p hidden>x<div>{NUMBER}</div>",
        f"<b><div hidden>x</b></div>{NUMBER}",
        f"<div hidden>x</div>{NUMBER}",
        f"<div style='display:none;display:block'>{NUMBER}</div>",
        f"<style>p::before {{ content: '<p hidden>' }}</style>{NUMBER}",
        f"<svg hidden/>{NUMBER}",
        f"<input hidden><br hidden>{NUMBER}",
        f"<p aria-hidden=true>{NUMBER}",
        f"{NUMBER} &copy",
        f"{NUMBER} <a href='",
    ],
)
def test_what_is_shown_beside_something_hidden_is_shown(written: str) -> None:
    assert numbers(content.read(written)) == [NUMBER]


def test_a_slash_does_not_end_an_element_that_is_none_of_a_drawing() -> None:
    assert numbers(content.read(f"<div hidden/>{NUMBER}</div>"), HIDDEN) == [NUMBER]
    assert numbers(content.read(f"<script/>{NUMBER}</script>"), SCRIPT) == [NUMBER]


@pytest.mark.parametrize(
    ("page", "in_footer"),
    [
        (f"<p>{NUMBER}</p>{PARAGRAPH * 60}", False),
        (f"{PARAGRAPH * 60}<p>{NUMBER}</p>", True),
        (f"<footer><p>{NUMBER}</p></footer>{PARAGRAPH * 60}", True),
        (f"<div class='site-footer'>{NUMBER}</div>{PARAGRAPH * 60}", True),
        (f"<div id=pageFooter>{NUMBER}</div>{PARAGRAPH * 60}", True),
        (f"<div role=contentinfo>{NUMBER}</div>{PARAGRAPH * 60}", True),
        (f"<div class=football>{NUMBER}</div>{PARAGRAPH * 60}", False),
        (f"<body class=has-footer>{NUMBER}{PARAGRAPH * 60}", False),
        (f"<footer>x</footer>{NUMBER}{PARAGRAPH * 60}", False),
    ],
)
def test_the_foot_is_what_the_page_calls_so_or_its_end(page: str, in_footer: bool) -> None:
    (found,) = content.read(page).public_security
    assert found.in_footer is in_footer


@pytest.mark.parametrize(
    ("body", "said", "encoding"),
    [
        (NUMBER.encode(), None, "utf-8"),
        (b"\xef\xbb\xbf" + NUMBER.encode(), "gbk", "utf-8"),
        (b"\xff\xfe" + NUMBER.encode("utf-16-le"), None, "utf-16-le"),
        (NUMBER.encode("gb18030"), None, "gb18030"),
        (NUMBER.encode("gb18030"), "GB2312", "gb18030"),
        (b'<meta charset="gbk">' + NUMBER.encode("gb18030"), None, "gb18030"),
        (
            b'<META http-equiv=Content-Type content="text/html; charset=gb2312">'
            + NUMBER.encode("gb18030"),
            None,
            "gb18030",
        ),
        (b"<meta charset=utf-16>" + NUMBER.encode(), None, "utf-8"),
        (b"<meta charset=rot13>" + NUMBER.encode(), None, "utf-8"),
        (b"<meta charset=big5>" + "京公網安備 11010502000001號".encode("big5"), None, "big5"),
        (NUMBER.encode() + "号".encode()[:2], None, "utf-8"),
    ],
)
def test_a_page_is_read_in_its_own_encoding(body: bytes, said: str | None, encoding: str) -> None:
    found = content.read(body, server_charset=said)
    assert (numbers(found), found.encoding) == ([NUMBER], encoding)


def test_what_is_written_in_place_of_a_number_is_none() -> None:
    (found,) = content.read("京公网安备XXXXXXXXXXXXXX号").public_security
    assert (found.number, found.written) == (None, "京公网安备XXXXXXXXXXXXXX号")


def test_prose_about_filings_holds_no_number() -> None:
    found = content.read(
        "如何办理公网安备案？京ICP备案的流程，公安备案 30 日内完成。电话 010-00000000"
    )
    assert (found.public_security, found.icp) == ((), ())


def test_links_are_told_with_the_numbers_in_them() -> None:
    found = content.read(
        f"<a href=/about>About</a><a href='https://beian.miit.gov.cn/'>{ICP}"
        f"<A HREF='//beian.mps.gov.cn/#/query/webSearch?code=11010502000001'>"
        f"<img src=x>{NUMBER}</A>"
    )
    icp, security = found.links
    assert (icp.target.form, icp.icps, icp.codes, icp.has_image) == (
        "icp", ("京ICP备12345678号",), (), False,
    )  # fmt: skip
    assert (security.target.form, security.target.code) == ("new", "11010502000001")
    assert (security.codes, security.icps, security.has_image) == (("11010502000001",), (), True)


@pytest.mark.parametrize(
    ("written", "icons"),
    [
        (f"<img src=/a.png>{NUMBER}", ("/a.png",)),
        (f"<img src=/a.png> <span>{NUMBER}</span>", ("/a.png",)),
        ("<a href='https://beian.mps.gov.cn/'><img src=/b.png></a>", ("/b.png",)),
        (f"{NUMBER} <img src=https://cdn.example/img/beian.png>", ("https://cdn.example/img/beian.png",)),
        (f"{NUMBER} <img src=/c.png alt=公安备案图标>", ("/c.png",)),
        (f"<i style='background:url(/img/gongan.png)'></i> | {NUMBER}", ("/img/gongan.png",)),
        (f"<img src=/logo.png> 某公司 {NUMBER}", ()),
        (f"<img src=/beian.png hidden>{NUMBER}", ()),
        (f"<a href='https://beian.miit.gov.cn/'><img src=/beian.png>{ICP}</a>{NUMBER}", ()),
        (f"<img src=/beian-guide.png>{PARAGRAPH * 60}{NUMBER}", ()),
    ],
)  # fmt: skip
def test_the_icon_is_known_by_its_place_or_by_its_name(
    written: str, icons: tuple[str, ...]
) -> None:
    assert content.read(written).icons == icons


def test_a_page_of_scripts_that_shows_nothing_is_bare() -> None:
    assert content.read("<div id=app></div><script src=/app.js></script>").is_empty
    assert content.read("<frameset><frame src=/main.html></frameset>").is_empty
    assert content.read("<meta http-equiv=refresh content='0;url=/cn/'>").is_empty
    assert not content.read("").is_empty
    assert not content.read(f"<script src=/app.js></script>{PARAGRAPH * 5}").is_empty


def test_a_page_is_read_up_to_its_limit_and_told_to_be_cut() -> None:
    page = b"x" * MAX_BYTES
    assert not content.read(page).cut
    found = content.read(page + NUMBER.encode())
    assert (found.cut, found.public_security) == (True, ())
    assert content.read(b"x", cut=True).cut


def test_ten_thousand_nested_elements_are_read() -> None:
    found = content.read("<div>" * 10_000 + NUMBER + "</div>" * 10_000)
    assert (numbers(found), found.cut) == ([NUMBER], False)


def test_an_image_that_is_written_out_in_the_page_is_no_trouble() -> None:
    found = content.read(f"<img src='data:image/png;base64,{'A' * 1_000_000}'>{NUMBER}")
    assert (numbers(found), found.cut, len(found.icons)) == ([NUMBER], False, 1)


HOSTILE = (
    "<p>", "<!--", "<a href=//beian.gov.cn><table>", "<table><p><div>", "<i><div><b></i>",
    "京公网安备11010502000001号 ", "<", "<a ", "</", "公        ", "<td>",
    f"<div class={'a-' * 990}>", f"<a href=//{'beian' * 400}>", "<p style='background:url(",
    "data:",
)  # fmt: skip

_BOMBS = """
import resource, sys
from incidents.filing.footer import content
resource.setrlimit(resource.RLIMIT_AS, (256 * 1024 * 1024, 256 * 1024 * 1024))
size = content.MAX_BYTES // int(sys.argv[1])
for unit in sys.argv[2:]:
    page = (unit * (size // len(unit)))[:size]
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    content.read(page)
    spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - begun
    print(f"{spent:.2f}")
"""


@pytest.mark.parametrize("part", [16, pytest.param(1, marks=pytest.mark.long)])
def test_a_hostile_page_takes_seconds_and_less_than_256_mib(part: int) -> None:
    # With what measures coverage in it, its memory would be more.
    alone = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", _BOMBS, str(part), *HOSTILE],
        capture_output=True, text=True, check=False, env=alone,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    slow = {
        unit: spent
        for unit, spent in zip(HOSTILE, done.stdout.split(), strict=True)
        # Four times what a quick core takes: what grows with the square takes far more.
        if float(spent) > 40 / part
    }
    assert slow == {}
