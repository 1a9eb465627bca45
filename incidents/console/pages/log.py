"""The page that logs a violation, or first finds the addresses in pasted text.

If a mail names several sites, each site has a form of its own. After one form is logged, the page
shows the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from incidents.console import messages, submission
from incidents.console.flash import Flash
from incidents.console.kept_form import KEPT, KEPT_FORMS, KeptForm, keep_form
from incidents.console.pages import pasted
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.submission import Submission, Submitted
from incidents.errors import InputError, RefusedError
from incidents.locale import words
from incidents.machine import commands as c
from incidents.store.cases import sites
from incidents.values import inputs, site_name, web_address
from incidents.views import register
from incidents.views.next_violation import next_violations

router = APIRouter()

CATEGORIES = ("gambling", "pornography", "fraud", "phishing", "malware", "spam", "illegal_content")
_MOST_DONE = 3 * pasted.MAX_SITES


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form that logs a violation: its content, and its share of the addresses found.

    `key`: the registered site of the addresses, or empty. `closes`: the site that the violation
    would close, which the person must confirm. `unknown`: a site that is not in the register.
    """

    key: str = ""
    site: str = ""
    urls: tuple[str, ...] = ()
    ticked: Collection[str] = ()
    more: bool = False
    typed: Mapping[str, str] = field(default_factory=dict)
    closes: str | None = None
    unknown: str | None = None


@router.get("/log")
def form(
    here: Viewer,
    site: Annotated[str, Query(max_length=300)] = "",
    done: Annotated[list[str] | None, Query(max_length=_MOST_DONE)] = None,
) -> Response:
    """Show the form that logs a violation.

    After addresses were found in pasted text, or after a refusal, the form is filled in, except for
    sites already done.
    """
    here.needs("log")
    sent = here.kept
    if sent.typed.get("step") == "log":
        return _again(here, sent)
    rest = here.request.query_params.get(KEPT)
    return _page(here, sent if sent.fields else KeptForm((("site", site),)), rest, done=done or ())


@router.post("/log", dependencies=needs("log"))
def log(desk: Submitted) -> Response:
    """Find addresses in the text, or log the addresses in the form."""
    sent = KeptForm(tuple(desk.form.fields))
    if sent.typed.get("step") != "log":
        return _found(desk, sent)
    urls = sent.texts("url") + [url for url in sent.typed.get("urls", "").split() if url]
    try:
        name = inputs.site(desk.form.text("site") or "")
        kept = inputs.urls(urls, bare=True)
        category = submission.optional_text(desk.form, "category", limit=100)
        command = c.Log(
            by=desk.by, at=submission.time_field(desk.form, "at", desk.reader),
            urls=kept.urls, written=kept.written,
            category=category and words.category_code(category),
            note=submission.optional_text(desk.form, "note"),
            again=desk.form.text("again") is not None,
        )  # fmt: skip
        meant = site_name.matches_name(name, desk.form.text("confirm"))
        answer = desk.submit(name, command, seen=False, unless_closing=not meant)
    except (InputError, RefusedError) as error:
        return _again(desk, sent, flash=messages.of_error(desk.reader, error))
    flash = messages.of_answer(desk, answer)
    if answer.refusal is not None:
        why = answer.refusal.name
        return _again(
            desk, sent, flash=flash, unknown=name if why == "unknown_site" else None,
            closes=name if why == "would_close" else None,
        )  # fmt: skip
    incident = f"/incidents/{answer.incident_document['id']}"
    return desk.back(_to_the_others(desk, sent, name) or incident, flash)


def _found(desk: Submission, sent: KeptForm) -> Response:
    text = sent.typed.get("paste", "")
    if len(text) > pasted.MAX_CHARACTERS:
        told = desk.reader.say(
            "log.paste.long", length=f"{len(text):,}", limit=f"{pasted.MAX_CHARACTERS:,}"
        )
        return _written(desk, sent.typed, [Form(site=sent.typed.get("site", ""))],
                        flash=Flash("refused", told))  # fmt: skip
    rest = keep_form(desk.by, sent.fields, None)
    return _page(desk, sent, rest, here_is=f"/log?{KEPT}={rest}")


def _page(
    here: RequestContext,
    sent: KeptForm,
    rest: str | None,
    *,
    done: Collection[str] = (),
    **facts: Any,
) -> Response:
    """Show the findings in the pasted text, except for sites already `done`."""
    found = _search(here, sent)
    forms = _forms(found, sent.typed.get("site", ""), done) if found else []
    if found is None or not forms:
        forms = [Form(site=sent.typed.get("site", ""), typed=sent.typed)]
    return _written(here, sent.typed, forms, found=found, rest=rest, done=done, **facts)


def _again(
    here: RequestContext,
    sent: KeptForm,
    *,
    flash: Flash | None = None,
    closes: str | None = None,
    unknown: str | None = None,
) -> Response:
    """Show the form again with its input, and the other forms beside it."""
    rest, key = sent.typed.get("rest"), sent.typed.get("group", "")
    text, found = _text_of_mail(here, rest)
    done = sent.texts("done")
    ticked = sent.texts("url")
    own = Form(
        key=key, site=sent.typed.get("site", ""), urls=tuple(ticked), ticked=set(ticked),
        typed=sent.typed, closes=closes, unknown=unknown,
    )  # fmt: skip
    forms = []
    if text is not None and found is not None:
        forms = _forms(found, text.typed.get("site", ""), done)
    shown = [
        replace(own, urls=tuple(dict.fromkeys((*each.urls, *own.urls))), more=each.more)
        if each.key == key
        else each
        for each in forms
    ]
    if not any(each.key == key for each in forms):
        shown.insert(0, own)
    typed = {} if text is None else text.typed
    return _written(here, typed, shown, found=found, rest=rest, done=done, flash=flash)


def _text_of_mail(
    here: RequestContext, id_: str | None
) -> tuple[KeptForm | None, pasted.Found | None]:
    """Return the form with the pasted text, while it is kept, and the findings in the text."""
    text = KEPT_FORMS.get(here.by, id_ or "")
    return text, None if text is None else _search(here, text)


def _search(here: RequestContext, sent: KeptForm) -> pasted.Found | None:
    """Find addresses in the pasted text; None if there is no text."""
    text = sent.typed.get("paste")
    if not text:
        return None
    with here.reading() as connection:
        return pasted.find(text, partial(sites.ids_by_name, connection))


def _forms(found: pasted.Found, chosen: str, done: Collection[str]) -> list[Form]:
    """Make a form for each site with addresses, and one for the addresses of no known site.

    If there is only one site, its form gets these addresses too, because they may belong to the
    site although they are on another host.
    """
    named = [group for group in found.groups if group.site]
    left = next((group for group in found.groups if not group.site), None)
    if len(named) == 1 and chosen in ("", named[0].site):
        [group] = named
        urls = group.urls if left is None else (*group.urls, *left.urls)[: inputs.MAX_URLS]
        more = group.more or (left is not None and left.more)
        left, named = None, [pasted.Group(group.site, urls, more)]
    if left is None and chosen and chosen not in {group.site for group in named}:
        left = pasted.Group("", (), more=False)
    forms = [_form(group, group.site, found) for group in named if group.site not in done]
    if left is not None:
        of_none = {web_address.host(web_address.read(url, bare=True)) for url in left.urls}
        likely = next((host for host in found.hosts if host in of_none), "")
        forms.append(_form(left, chosen or likely, found))
    return forms


def _form(group: pasted.Group, site: str, found: pasted.Found) -> Form:
    return Form(
        key=group.site, site=site, urls=group.urls, more=group.more,
        ticked=pasted.at_site(group.urls, site) - found.cut,
    )  # fmt: skip


def _to_the_others(desk: Submission, sent: KeptForm, name: str) -> str | None:
    """Return the path of the page with the mail's other sites; None if no site is left."""
    rest = sent.typed.get("rest")
    _, found = _text_of_mail(desk, rest)
    if found is None:
        return None
    done = dict.fromkeys([*sent.texts("done"), sent.typed.get("group", ""), name])
    if all(group.site in done for group in found.groups if group.site):
        return None
    asked = [(KEPT, rest), *(("done", each) for each in done if each)]
    return f"/log?{urlencode(asked)}"


def _written(
    here: RequestContext,
    typed: Mapping[str, str],
    forms: list[Form],
    *,
    found: pasted.Found | None = None,
    rest: str | None = None,
    done: Collection[str] = (),
    flash: Flash | None = None,
    here_is: str | None = None,
) -> Response:
    hosts = [] if found is None else found.hosts
    with here.reading() as connection:
        known = sites.ids_by_name(connection, hosts) if hosts else {}
        policy = register.policy_in_force(connection)
        standing = next_violations(
            connection, {form.site for form in forms}, here.reader.now, policy
        )
    return here.page(
        "log", status=409 if flash else 200, flash=flash, typed=typed, forms=forms, found=found,
        known=known, policy=policy, standing=standing, rest=rest if found else None, done=done,
        categories=CATEGORIES, path="/log", opened="log",
        **({} if here_is is None else {"here": here_is}),
    )  # fmt: skip
