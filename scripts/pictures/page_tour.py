"""The tour: every page of the console, by its address or by the form that leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from incidents.demo.sample import ADMINISTRATOR
from scripts.pictures import tour_steps
from scripts.pictures.tour_steps import Step, sent, unfold

OPERATOR, SUPERVISOR = "operator-1", "supervisor-1"
_BOOKS = "/sites/xn--1jqq80b.example"


@dataclass(frozen=True, slots=True)
class Stop:
    """One page: the file's name, its route in the console, and how its visitor gets there.

    `path` may name facts of the data in braces (`tour_data`); `then` is what the visitor does
    there. Without `who` nobody is signed in. The answer to a form, or an error, has no route.
    """

    name: str
    route: str | None
    path: str
    who: str | None = SUPERVISOR
    then: Step | None = None


_nobody = partial(Stop, who=None)
_operator = partial(Stop, who=OPERATOR)
_administrator = partial(Stop, who=ADMINISTRATOR)

PAGES = (
    _nobody("sign-in", "/sign-in", "/sign-in"),
    _nobody("sign-in-refused", None, "/sign-in", then=tour_steps.mistype_password),
    _nobody("sign-in-factor", "/sign-in/factor", "/sign-in", then=tour_steps.sign_in_with_app),
    _nobody("join", "/join/{secret}", "/join/{invitation}"),
    _nobody("join-over", "/join/{secret}", "/join/none"),
    Stop("queue", "/", "/"),
    Stop("queue-mine", "/", "/?mine=1", who="operator-2"),
    Stop("queue-filters", "/", "/?kind=call&category=gambling", then=unfold),
    Stop("queue-nothing", "/", "/?site=nowhere.example"),
    _operator("queue-item-call", "/queue/{item}", "/queue/{call}"),
    Stop("queue-item-task", "/queue/{item}", "/queue/{task}"),
    Stop("queue-menu", "/", "/", then=tour_steps.open_menu),
    Stop("queue-palette", "/", "/", then=tour_steps.open_palette),
    Stop("queue-keys", "/", "/", then=tour_steps.open_keys),
    _operator("queue-chosen", None, "/", then=tour_steps.choose_rows),
    _operator("queue-bulk", None, "/", then=sent(
        "/bulk/claim", ("back", "/"), ("row", "{call}"), ("row", "{task}"))),
    _operator("queue-claimed", None, "/", then=sent(
        "/queue/{held}/contact", ("outcome", "reached"))),
    _operator("log", "/log", "/log"),
    _operator("log-site", "/log", "/log?site=mail.example"),
    _operator("log-closes", None, "/log", then=sent(
        "/log", ("site", "书店.example"), ("category", "gambling"))),
    Stop("incidents", "/incidents", "/incidents"),
    Stop("incidents-filters", "/incidents", "/incidents?state=open&category=gambling", then=unfold),
    Stop("incidents-nothing", "/incidents", "/incidents?site=nowhere.example"),
    Stop("incident", "/incidents/{incident}", "/incidents/{incident}"),
    Stop("incident-unfolded", "/incidents/{incident}", "/incidents/{incident}", then=unfold),
    Stop("sites", "/sites", "/sites"),
    Stop("site", "/sites/{name}", _BOOKS),
    Stop("site-unfolded", "/sites/{name}", _BOOKS, then=unfold),
    Stop("site-closed", "/sites/{name}", "/sites/shop.example"),
    Stop("site-long-name", "/sites/{name}", "/sites/{long}"),
    Stop("filing", "/sites/{name}/filing", _BOOKS + "/filing"),
    Stop("filing-unfolded", "/sites/{name}/filing", _BOOKS + "/filing", then=unfold),
    Stop("filing-empty", "/sites/{name}/filing", "/sites/shop.example/filing"),
    Stop("terms", "/terms", "/terms"),
    Stop("unreported", "/unreported", "/unreported"),
    Stop("orders", "/orders", "/orders"),
    Stop("order", "/orders/{order}", "/orders", then=tour_steps.open_first_order),
    Stop("search", "/search", "/search?q=wiki"),
    Stop("search-nothing", "/search", "/search?q=nowhere.example"),
    Stop("overview", "/overview", "/overview"),
    _operator("hand-over", "/hand-over", "/hand-over"),
    Stop("simulate", "/simulate", "/simulate"),
    Stop("simulated", "/simulate/{id_}", "/simulate", then=tour_steps.simulate),
    Stop("audit", "/audit", "/audit"),
    Stop("audit-verified", "/audit/verdict", "/audit", then=tour_steps.verify),
    Stop("policy", "/policy", "/policy"),
    Stop("policy-refused", None, "/policy", then=tour_steps.try_policy("none")),
    Stop("policy-trial", "/policy/trial/{id_}", "/policy", then=tour_steps.try_policy("2")),
    _operator("account", "/account", "/account"),
    _operator("account-unfolded", "/account", "/account", then=unfold),
    Stop("factor-app", "/account/factors/app", "/account/factors/app"),
    Stop("factor-key", "/account/factors/key", "/account/factors/key"),
    _administrator("admin-accounts", "/admin/accounts", "/admin/accounts"),
    _administrator("admin-account", "/admin/accounts/{handle}", "/admin/accounts/operator-2",
                   then=unfold),
    _administrator("admin-tokens", "/admin/tokens", "/admin/tokens"),
    _administrator("admin-sign-ins", "/admin/sign-ins", "/admin/sign-ins"),
    _administrator("admin-settings", "/admin/settings", "/admin/settings"),
    _administrator("admin-notices", "/admin/notices", "/admin/notices"),
    _administrator("admin-notice", "/admin/notices/{notice}", "/admin/notices/closed"),
    _administrator("admin-invited", None, "/admin/accounts", then=sent(
        "/admin/accounts/invite", ("handle", "operator-9"), ("role", "operator"))),
    _operator("token-made", None, "/account", then=sent("/account/tokens/make", ("days", "30"))),
    Stop("site-refused", None, "/", then=tour_steps.leave_unconfirmed),
    Stop("error-not-found", None, "/incidents/999-9"),
    _nobody("error-no-page", None, "/no-such-page"),
    _operator("error-not-allowed", None, "/admin/accounts"),
    _nobody("customer", None, "{customer}"),
    _nobody("customer-unknown", None, "/c/none"),
)  # fmt: skip

NOT_SEEN = {
    "/changes": "a stream",
    "/queue/list": "a part of the queue, for the page that is open",
    "/sessions": "leads to the account",
    "/incidents.csv": "a file",
    "/terms.ics": "a file",
    "/audit/export.{form}": "a file",
    "/audit/checkpoint": "a file",
}
"""The routes that show no page, with what they are."""
