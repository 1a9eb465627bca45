"""The record link: an address that leads to a record, and those that only look so."""

import pytest

from incidents.filing.footer import record_link

CODE = "11010502000001"
NEW = f"https://beian.mps.gov.cn/#/query/webSearch?code={CODE}"
OLD = f"https://beian.gov.cn/portal/registerSystemInfo?recordcode={CODE}"


@pytest.mark.parametrize(
    ("href", "form", "code", "secure"),
    [
        (NEW, "new", CODE, True),
        (f" \n{NEW}\t", "new", CODE, True),
        (NEW.replace("https", "http"), "new", CODE, False),
        (NEW.replace("https:", ""), "new", CODE, True),
        (NEW.upper().replace("CODE", "code"), "new", CODE, True),
        (NEW.replace(CODE, "%31%31010502000001"), "new", CODE, True),
        (NEW.replace("code=", "a=b&code="), "new", CODE, True),
        (NEW.replace(CODE, "京公网安备11010502000001号"), "new", CODE, True),
        (NEW.replace("gov.cn", "gov.cn."), "new", CODE, True),
        (NEW.replace("gov.cn", "gov.cn:443"), "new", CODE, True),
        (NEW.replace("beian.mps.gov.cn", "beian。mps.gov.cn"), "new", CODE, True),
        (NEW.replace("//beian", "\\\\%62eian"), "new", CODE, True),
        (NEW.replace("beian", "someone@beian"), "new", CODE, True),
        (NEW.replace("#", "?x=1#"), "new", CODE, True),
        (NEW.replace("#", "%23"), "encoded", None, True),
        (NEW.replace(CODE, ""), "new", None, True),
        (NEW.replace(CODE, "123"), "new", None, True),
        (NEW.replace("#/query/webSearch", ""), "new", None, True),
        ("https://beian.mps.gov.cn", "new", None, True),
        (OLD, "old", CODE, True),
        (OLD.replace("https://", "http://www."), "old", CODE, False),
        (OLD.replace("recordcode", "recordCode"), "old", CODE, True),
        (OLD.replace("registerSystemInfo", "index"), "old", None, True),
        (OLD.replace("?", "#"), "old", None, True),
        (OLD.replace("gov.cn", "gov.cn.example.com"), "look_alike", None, True),
        (OLD.replace("gov.cn/", "gov.cn@evil.example/"), "look_alike", None, True),
        (OLD.replace("gov.cn/", "gov.cn%40evil.example/"), "look_alike", None, True),
        (OLD.replace("gov.cn", "gov.cn:8443"), "look_alike", None, True),
        (OLD.replace("beian.gov", "beian-gov"), "look_alike", None, True),
        ("https://beian.miit.gov.cn/#/Integrated/index", "icp", None, True),
        ("http://beian.miit.gov.cn", "icp", None, False),
        ("http://www.miitbeian.gov.cn/", "icp_gone", None, False),
        ("https://beian.miit.gov.cn.example.com/", "icp_look_alike", None, True),
        ("https://shop.example/beian.gov.cn/", "elsewhere", None, True),
        ("/portal/registerSystemInfo?recordcode=" + CODE, "elsewhere", None, True),
        ("javascript:;", "elsewhere", None, True),
        ("#", "elsewhere", None, True),
        ("", "elsewhere", None, True),
        ("https://[", "elsewhere", None, True),
        (
            f"ftp://beian.gov.cn/portal/registerSystemInfo?recordcode={CODE}",
            "elsewhere",
            None,
            True,
        ),
    ],
)
def test_a_link_is_read_as_a_browser_reads_it(
    href: str, form: str, code: str | None, secure: bool
) -> None:
    found = record_link.read(href)
    assert (found.form, found.code, found.secure) == (form, code, secure)
