"""The pages of the console: a visit to each, on the sample data of `incidents demo`.

The list is for those who look at all pages: a test judges each, and pictures are taken of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from incidents.demo.sample import ADMINISTRATOR
from incidents.demo.scenario import LONG
from scripts.pictures.visit_steps import (
    Step,
    app_added,
    choose,
    chosen,
    click,
    file,
    fill,
    follow,
    pane,
    press,
    sent,
    shown,
    signed_out,
    unfolded,
)  # fmt: skip

OPERATOR, SUPERVISOR = "operator-1", "supervisor-1"
PASSWORD = "a horse and a battery"  # noqa: S105 - of made-up people


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A visit to a page; `name` is unique, and may name a file.

    Attributes:
        route: The path of its route, or of the route whose answer the steps lead to.
        path: The address of the page.
        who: The person who looks at it, None for nobody.
        steps: What is opened there, each a function of the page.
        answer: The status of the answer to the address.
        is_late: Whether some minutes have passed since they proved who they are.
    """

    name: str
    route: str
    path: str
    who: str | None = SUPERVISOR
    steps: Sequence[Step] = field(default=())
    answer: int = 200
    is_late: bool = False


NO_PAGES = {
    "/changes": "a stream", "/queue/list": "a part of the queue's page",
    "/queue/{item}": "a part of the queue's page", "/incidents.csv": "a file",
    "/terms.ics": "a file", "/audit/export.{form}": "a file", "/audit/checkpoint": "a file",
    "/audit/verdict": "a part of the page of the audit", "/sessions": "leads to /account",
    "/static/{rest:path}": "a file", "/reports/{report}/source": "a file",
    "/reports/{report}/attachments/{n}": "a file",
    "/reports/{report}/attachments/{n}/picture": "a picture",
    "/reports/{report}/snapshots/{n}/picture": "a picture",
    "/reports/{report}/snapshots/{n}/screenshot": "a file",
}  # fmt: skip
"""What the route table answers to GET with something else than a page."""

_BULK, _READY = "#bulk button", "#live.live"
_MAIL = "phishing at hxxps://wiki[.]example/login and https://nobody.example/pay"
_HISTORY = "occurred_at,site\n" + "".join(f"2026-03-01 1{n}:00,a.example\n" for n in range(3))
_STRICTER = "[repeat]\ncount = 2\n"
_RULES = (
    f'[[rule]]\nname = "feed"\nowner = "{SUPERVISOR}"\nreporter = "@feed.example"\nact = "join"\n\n'
    f'[[rule]]\nname = "rest"\nowner = "{SUPERVISOR}"\nact = "dismiss"\nreason = "settled"\n'
)

EVERY_PAGE: tuple[Visit, ...] = (
    # Without a session.
    Visit(name="sign-in", route="/sign-in", path="/sign-in", who=None),
    Visit(
        name="sign-in-wrong", route="/sign-in", path="/sign-in", who=None,
        steps=(
            fill("#handle", "nobody"), fill("#password", "wrong"), press("Enter"),
            shown("#wrong"),
        ),
    ),
    Visit(name="join-over", route="/join/{secret}", path="/join/x", who=None, answer=404),
    Visit(name="not-found-signed-out", route="", path="/no", who=None, answer=404),
    # The queue.
    Visit(name="queue", route="/", path="/", steps=(shown("#item"),)),
    Visit(name="queue-call", route="/", path="/?item=20-1", who=OPERATOR, steps=(pane("20-1"),)),
    Visit(
        name="queue-removal", route="/", path="/?item=18-1", who=OPERATOR, steps=(pane("18-1"),)
    ),
    Visit(name="queue-disputed", route="/", path="/?item=17-disputed"),
    Visit(name="queue-recheck", route="/", path="/?item=15-t1", who=OPERATOR),
    Visit(name="queue-gone", route="/", path="/?item=9999-1"),
    Visit(name="queue-mine", route="/", path="/?mine=1"),
    Visit(name="queue-filtered", route="/", path="/?kind=call&due=24h", steps=(unfolded,)),
    Visit(name="queue-nothing", route="/", path="/?site=nowhere.example"),
    Visit(name="queue-wrong-filter", route="/", path="/?kind=none", answer=422),
    Visit(
        name="queue-number", route="/queue/{item}/reveal", path="/?item=20-1", who=OPERATOR,
        steps=(pane("20-1"), press("n"), shown("#item [data-revealed]")),
    ),
    Visit(
        name="queue-held", route="/", path="/?item=20-1", who=OPERATOR,
        steps=(
            pane("20-1"), shown(_READY), click("#item button[value=no-answer]"),
            shown("#sent li"),
        ),
    ),
    Visit(
        name="queue-claimed", route="/queue/{item}/claim", path="/?item=20-1", who=OPERATOR,
        steps=(pane("20-1"), press("c"), shown("#item [data-key=u]"), shown("#said .said")),
    ),
    Visit(
        name="queue-somebody-elses", route="/queue/{item}/contact", path="/?item=19-1",
        who=OPERATOR,
        steps=(pane("19-1"), click("#item button[value=no-answer]"), shown("dialog #ask")),
    ),
    Visit(
        name="palette", route="/search", path="/", who=OPERATOR,
        steps=(
            shown("#item"), press("Control+k", "w", "i"), shown("#palette .group"),
            # Of the sites and incidents, which come later.
            shown("#palette [role=option]:has-text('wiki.example')"),
        ),
    ),
    Visit(
        name="keys", route="/", path="/", who=OPERATOR, steps=(press("?"), shown("dialog[open]"))
    ),
    Visit(name="menu", route="/", path="/", who=OPERATOR, steps=(click(".menu > summary"),)),
    Visit(name="rows-chosen", route="/", path="/", steps=(shown("#item"), chosen)),
    Visit(
        name="bulk-preview", route="/bulk/{name}", path="/",
        steps=(shown("#item"), chosen, click(_BULK), shown("main form[action$='/do']")),
    ),
    Visit(
        name="bulk-done", route="/bulk/{name}/do", path="/",
        steps=(
            shown("#item"), chosen, click("#bulk button[formaction$=release]"),
            click("main form[action$='/do'] button.main"), shown("tr th"),
        ),
    ),
    Visit(
        name="bulk-hand-over", route="/bulk/{name}", path="/",
        steps=(
            shown("#item"), chosen, click("#bulk button[formaction$=hand-over]"), shown("#to"),
        ),
    ),
    Visit(
        name="bulk-cancel", route="/bulk/{name}", path="/orders",
        steps=(chosen, click("#bulk button[formaction$=cancel]"), shown("[name=reason]")),
    ),
    # The lists.
    Visit(name="incidents", route="/incidents", path="/incidents", steps=(unfolded,)),
    Visit(
        name="incidents-filtered", route="/incidents", path="/incidents?state=open&by=operator-1",
        steps=(unfolded,),
    ),
    Visit(name="incidents-none", route="/incidents", path="/incidents?category=none-such"),
    Visit(name="incidents-wrong", route="/incidents", path="/incidents?state=none", answer=422),
    Visit(name="sites", route="/sites", path="/sites", steps=(unfolded,)),
    Visit(name="sites-unknown", route="/sites", path="/sites?q=nobody.example"),
    Visit(name="terms", route="/terms", path="/terms", steps=(unfolded,)),
    Visit(name="unreported", route="/unreported", path="/unreported", steps=(unfolded,)),
    Visit(name="orders", route="/orders", path="/orders", steps=(unfolded,)),
    Visit(name="reports", route="/reports", path="/reports", steps=(unfolded,)),
    Visit(name="reports-none", route="/reports", path="/reports?state=logged"),
    Visit(name="reporters", route="/reporters", path="/reporters"),
    Visit(name="intake-rules", route="/reports/rules", path="/reports/rules", steps=(unfolded,)),
    Visit(
        name="intake-rules-history", route="/reports/rules/history", path="/reports/rules/history",
        steps=(unfolded,),
    ),
    Visit(
        name="intake-rules-wrong", route="/reports/rules", path="/reports/rules",
        steps=(
            fill("#toml", _RULES.replace("join", "jion")), click("main .card button.main"),
            shown(".said.refused"),
        ),
    ),
    Visit(
        name="intake-rules-trial", route="/reports/rules/trial/{id_}", path="/reports/rules",
        steps=(
            fill("#toml", _RULES), click("main .card button.main"), shown("#reason"), unfolded,
        ),
    ),
    Visit(name="report", route="/reports/{report}", path="/reports/r2", steps=(unfolded,)),
    Visit(name="report-unreadable", route="/reports/{report}", path="/reports/r5"),
    Visit(name="report-guessed", route="/reports/{report}", path="/reports/r1"),
    Visit(
        name="report-file", route="/reports/{report}/attachments/{n}/view",
        path="/reports/r1/attachments/1/view", answer=404,
    ),
    Visit(name="report-unknown", route="/reports/{report}", path="/reports/r99", answer=404),
    Visit(
        name="bulk-join", route="/bulk/report-{act}", path="/reports",
        steps=(chosen, click("#bulk button[formaction$=report-join]"), shown("[name=incident]")),
    ),
    Visit(name="search", route="/search", path="/search?q=example"),
    Visit(name="search-nothing", route="/search", path="/search?q=no-such-thing"),
    # A site, an incident, an order.
    Visit(
        name="site", route="/sites/{name}", path="/sites/xn--1jqq80b.example", steps=(unfolded,)
    ),
    Visit(name="site-closed", route="/sites/{name}", path="/sites/wiki.example"),
    Visit(name="site-reinstatement", route="/sites/{name}", path="/sites/lotto.example"),
    Visit(name="site-viewed", route="/sites/{name}", path="/sites/mail.example", who=ADMINISTRATOR),
    Visit(name="site-long-name", route="/sites/{name}", path=f"/sites/{LONG}"),
    Visit(name="site-unknown", route="/sites/{name}", path="/sites/wikki.example", answer=404),
    Visit(
        name="site-not-confirmed", route="/sites/{name}/{action}", path="/sites/mail.example",
        steps=(
            sent("false-info", field="phone", evidence="no such number", confirm="other.example"),
            shown("#said .refused"),
        ),
    ),
    Visit(
        name="filing", route="/sites/{name}/filing", path="/sites/wiki.example/filing",
        steps=(unfolded,),
    ),
    Visit(name="filing-none", route="/sites/{name}/filing", path="/sites/mail.example/filing"),
    Visit(
        name="incident", route="/incidents/{incident}", path="/incidents/15-2", steps=(unfolded,)
    ),
    Visit(
        name="incident-unknown", route="/incidents/{incident}", path="/incidents/9-999", answer=404
    ),
    Visit(
        name="incident-refused", route="/incidents/{incident}/{action}", path="/incidents/15-2",
        steps=(
            sent("contact", outcome="reached", at="2031-01-01 10:00"), shown("#said .refused"),
        ),
    ),
    Visit(
        name="order", route="/orders/{order}", path="/orders",
        steps=(click("#items .what a"), shown(".states"), unfolded),
    ),
    Visit(name="order-unknown", route="/orders/{order}", path="/orders/9-o9", answer=404),
    # Its customer's page.
    Visit(
        name="incident-link", route="/incidents/{incident}/link", path="/incidents/15-2",
        steps=(click("section[aria-labelledby=h-link] button"), shown("#link code")),
    ),
    Visit(
        name="customer", route="", path="/incidents/15-2",
        steps=(
            click("section[aria-labelledby=h-link] button"), shown("#link code"),
            follow("#link code"), shown("main form"),
        ),
    ),
    Visit(name="customer-unknown", route="", path="/c/none", who=None, answer=404),
    # Logging, the shift.
    Visit(name="log", route="/log", path="/log"),
    Visit(name="log-site", route="/log", path="/log?site=mail.example", who=OPERATOR),
    Visit(
        name="log-pasted", route="/log", path="/log",
        steps=(
            fill("#paste", _MAIL), click("section[aria-labelledby=h-paste] button.main"),
            shown("fieldset code"),
        ),
    ),
    Visit(
        name="log-nothing-found", route="/log", path="/log",
        steps=(
            fill("#paste", "hello"), click("section[aria-labelledby=h-paste] button.main"),
            shown(".said.refused"),
        ),
    ),
    Visit(name="hand-over", route="/hand-over", path="/hand-over", who=OPERATOR),
    # The figures.
    Visit(name="overview", route="/overview", path="/overview", steps=(unfolded,)),
    Visit(name="simulate", route="/simulate", path="/simulate", steps=(unfolded,)),
    Visit(
        name="simulate-wrong", route="/simulate", path="/simulate",
        steps=(file("#file", "h.csv", "x\n"), click("form.card button.main"), shown("#wrong")),
    ),
    Visit(
        name="simulated", route="/simulate/{id_}", path="/simulate",
        steps=(
            file("#file", "h.csv", _HISTORY), fill("#toml", _STRICTER),
            click("form.card button.main"), shown("main table"), unfolded,
        ),
    ),
    Visit(name="audit", route="/audit", path="/audit", steps=(unfolded,)),
    Visit(name="audit-kind", route="/audit", path="/audit?kind=site_closed"),
    Visit(
        name="audit-verified", route="/audit", path="/audit",
        steps=(click("#verify button.main"), shown("#verdict .said")),
    ),
    Visit(name="policy", route="/policy", path="/policy", steps=(unfolded,)),
    Visit(
        name="policy-wrong", route="/policy", path="/policy",
        steps=(
            fill("#toml", "[repeat]\ncount = 0\n"),
            click("section[aria-labelledby=try] button.main"), shown(".said.refused"),
        ),
    ),
    Visit(
        name="policy-trial", route="/policy/trial/{id_}", path="/policy",
        steps=(
            fill("#toml", _STRICTER), click("section[aria-labelledby=try] button.main"),
            shown("#reason"), unfolded,
        ),
    ),
    # One's own account.
    Visit(name="account", route="/account", path="/account", steps=(unfolded,)),
    Visit(name="factor-app", route="/account/factors/app", path="/account/factors/app"),
    Visit(
        name="factor-app-wrong", route="/account/factors/app", path="/account/factors/app",
        steps=(fill("#code", "000000"), click("main form button.main"), shown("#wrong")),
    ),
    Visit(
        name="recovery-codes", route="/account/factors/app", path="/account/factors/app",
        who="operator-2", steps=(app_added,),
    ),
    Visit(
        name="sign-in-factor", route="/sign-in/factor", path="/account/factors/app",
        who="supervisor-2",
        steps=(
            app_added, click("main .card a.button"), signed_out,
            fill("#handle", "supervisor-2"), fill("#password", PASSWORD), press("Enter"),
            shown("#code"),
        ),
    ),
    Visit(
        name="token-made", route="/account/tokens/make", path="/account", who=OPERATOR,
        steps=(
            unfolded, click("form[action='/account/tokens/make'] button.main"), shown("#secret"),
        ),
    ),
    Visit(name="factor-key", route="/account/factors/key", path="/account/factors/key"),
    # Administration.
    Visit(
        name="accounts", route="/admin/accounts", path="/admin/accounts", who=ADMINISTRATOR,
        steps=(unfolded,),
    ),
    Visit(
        name="account-invited", route="/admin/accounts/invite", path="/admin/accounts",
        who=ADMINISTRATOR,
        steps=(
            fill("#handle", "operator-7"), choose("#role", "operator"),
            click("form[action='/admin/accounts/invite'] button.main"), shown("#link"),
        ),
    ),
    Visit(
        name="account-not-invited", route="/admin/accounts/invite", path="/admin/accounts",
        who=ADMINISTRATOR,
        steps=(
            fill("#handle", "operator 7"), choose("#role", "operator"),
            click("form[action='/admin/accounts/invite'] button.main"), shown("#said .refused"),
        ),
    ),
    Visit(
        name="join", route="/join/{secret}", path="/admin/accounts", who=ADMINISTRATOR,
        steps=(
            fill("#handle", "operator-8"), choose("#role", "operator"),
            click("form[action='/admin/accounts/invite'] button.main"), shown("#link"),
            follow("#link"),
            shown("main form button.main"),
        ),
    ),
    Visit(
        name="account-of-somebody", route="/admin/accounts/{handle}",
        path="/admin/accounts/operator-1", who=ADMINISTRATOR, steps=(unfolded,),
    ),
    Visit(
        name="account-unknown", route="/admin/accounts/{handle}", path="/admin/accounts/nobody-9",
        who=ADMINISTRATOR, answer=404,
    ),
    Visit(name="tokens", route="/admin/tokens", path="/admin/tokens", who=ADMINISTRATOR),
    Visit(name="sign-ins", route="/admin/sign-ins", path="/admin/sign-ins", who=ADMINISTRATOR),
    Visit(name="settings", route="/admin/settings", path="/admin/settings", who=ADMINISTRATOR),
    Visit(name="notices", route="/admin/notices", path="/admin/notices", who=ADMINISTRATOR),
    Visit(
        name="notice", route="/admin/notices/{notice}", path="/admin/notices/closed",
        who=ADMINISTRATOR,
    ),
    Visit(
        name="notice-unknown", route="/admin/notices/{notice}", path="/admin/notices/none",
        who=ADMINISTRATOR, answer=404,
    ),
    # What is not there, not theirs, or not proved.
    Visit(name="not-found", route="", path="/no", answer=404),
    Visit(name="not-allowed", route="", path="/admin/accounts", who=OPERATOR, answer=403),
    Visit(
        name="reauthenticate", route="/sites/{name}/{action}", path="/sites/wiki.example",
        is_late=True,
        steps=(sent("reinstate", reason="one of the three was none"), shown("#password")),
    ),
)  # fmt: skip
