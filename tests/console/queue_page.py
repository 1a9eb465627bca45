"""The queue in a browser: an item is opened beside the list, and its outcome recorded."""

from playwright.sync_api import Locator, Page


def open_item(page: Page, item: str) -> Locator:
    """Open the item in the pane by a click on its row; the pane."""
    page.locator(f"#i-{item} .open").click()
    return shown(page, item)


def shown(page: Page, item: str) -> Locator:
    """The pane, once it shows the item."""
    pane = page.locator(f"#item[data-item='{item}']")
    pane.wait_for()
    return pane


def record(page: Page, item: str, outcome: str) -> None:
    """Open the item, record the outcome of a call, and do not wait for "Undo"."""
    open_item(page, item).locator(f"button[value={outcome}]").click()
    send_held(page)


def send_held(page: Page) -> None:
    """Send what is held, as when the page is left."""
    page.evaluate("dispatchEvent(new Event('pagehide'))")
