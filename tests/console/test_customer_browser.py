"""The customer's page in a real browser: it can be read and used, on a telephone and at night."""

from datetime import timedelta

from incidents.machine import commands as c
from tests.browser import Chromium, Look, looks
from tests.console.customers import Customers, path

HOSTILE = "</textarea><script>document.title='taken'</script><b onclick=alert(1)>已删除</b>"
LONG = "https://shop.example/" + "aaaaaaaaaa" * 30


@looks(each_day="zh-CN-360-light")
def test_it_keeps_nobody_out_and_fits_its_window(
    browser: Chromium, served: Customers, look: Look
) -> None:
    incident = served.logged(urls=(LONG,), category="gambling")
    with browser.page(**look.as_options) as seen:
        seen.goto(served.url + path(incident))
        assert look.misfits(seen) == []
        seen.get_by_role("button").click()
        assert seen.get_by_role("status").is_visible()
        assert look.misfits(seen) == []


def test_a_customer_writes_what_was_done_and_the_desk_reads_it(
    browser: Chromium, served: Customers
) -> None:
    incident = served.logged(urls=("https://shop.example/a",))
    with browser.page() as seen:
        seen.goto(served.url + path(incident))
        seen.get_by_label("Remark").fill("已删除，共三页")
        seen.get_by_role("button").click()
        assert "已收到您的说明" in seen.get_by_role("status").inner_text()

    said = [item for item in served.items(incident).values() if item["kind"] == "recheck"]
    assert [item["remark"] for item in said] == ["已删除，共三页"]
    assert served.incident(incident)["state"] == "open"


def test_the_form_is_used_without_a_mouse(browser: Chromium, served: Customers) -> None:
    incident = served.logged()
    with browser.page() as seen:
        seen.goto(served.url + path(incident))
        for _ in range(20):
            seen.keyboard.press("Tab")
            if seen.evaluate("document.activeElement.type") == "submit":
                break
        seen.keyboard.press("Enter")
        seen.get_by_role("status").wait_for()


def test_of_a_closed_site_it_says_so_and_asks_for_nothing(
    browser: Chromium, served: Customers
) -> None:
    incident = served.logged(ago=timedelta(minutes=5))
    served.do(
        incident[0],
        c.StateFalse(by="operator-1", field="phone", evidence="the number does not exist"),
    )
    look = Look("zh-CN", 360, "light", is_judged=True)
    with browser.page(**look.as_options) as seen:
        seen.goto(served.url + path(incident))
        assert look.misfits(seen) == []
        assert "关闭" in seen.inner_text("main")
