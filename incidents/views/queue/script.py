"""The script for an item of the queue: its phrases, the next steps, and the fitting actions.

The script is generated from an item and the day. Times are given as the time left, so a sentence
read out on the phone is true in any zone. The phrases are `say.*` in `incidents.po`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from incidents.contract import next_steps
from incidents.contract.documents import Hint
from incidents.contract.documents.queue import QueueItem, ToClose
from incidents.contract.hints import do, look
from incidents.locale.words import TimeFormat
from incidents.machine import commands as c
from incidents.machine.command import OUTCOMES, REACHED
from incidents.machine.filing import FILE, SHOW, TERMS
from incidents.machine.policy import Policy
from incidents.views.queue.item_wording import ItemWording

Script = tuple[str, list[Hint]]
"""The text to say or do, and the hints that fit, the likeliest first."""

_ONLY_ANEW = frozenset({"refused", "moot"})
"""The states after which content still online is a new violation, not a recurrence."""


def script(
    item: QueueItem,
    policy: Policy,
    when: TimeFormat,
    recurred: Mapping[str, str],
    *,
    next_closes: bool = False,
    opens_first: bool = False,
) -> Script:
    """Return the script of an item in the language of `when`, which includes its `say`, and hints.

    `recurred`: the item's incidents that are already logged again, with the new incidents.
    `next_closes`: another violation found now closes the site (R1). `opens_first`: the suspension
    of the item's site ends before the item's clock does.
    """
    wording = ItemWording(item, when, recurred, next_closes, opens_first)
    return _SCRIPTS[item["kind"]](wording, policy)


def _call(item: ItemWording, policy: Policy) -> Script:
    say = item.say("call", phone=item.phone(), site=item.of["site"], what=item.what())
    if item.of["left_s"] is None:
        return say + item.say("call.no_clock"), _contact(item)
    cost = _cost(item, policy)
    hints = _contact(item)
    if item.of["overdue"]:
        # A call of now comes too late.
        hints = [do(c.RecordContact, item.of["id"], outcome=REACHED, at=None), *hints[1:]]
    return say + item.say("call.costs", left=item.left(), cost=cost), hints


def _cost(item: ItemWording, policy: Policy) -> str:
    """The consequence if nobody is reached."""
    if item.of["overdue"]:
        return item.say("cost.overdue")
    facts = {"least": policy.min_attempts, "made": item.of["attempts"]}
    if item.of["site_down"] and not item.opens_first:
        return item.say("cost.down.tried" if policy.min_attempts else "cost.down", **facts)
    code = "closes" if item.of["warning"] else "suspends"
    cost = item.say(
        f"cost.{code}.tried" if policy.min_attempts else f"cost.{code}",
        suspend_for=policy.suspend_for, **facts,
    )  # fmt: skip
    return item.say("cost.opens") + cost if item.opens_first else cost


def _keep_calling(item: ItemWording, _policy: Policy) -> Script:
    down = item.say("down" if item.of["site_down"] else "down.not")
    if item.of["site_down"] and item.of["in_force"] != item.of["state"]:
        down = item.say("down.not_in_force", in_force=item.of["in_force"])
    say = item.say(
        "keep_calling", down=down, phone=item.phone(), site=item.of["site"], what=item.what()
    )
    return say, _contact(item)


def _check_removal(item: ItemWording, policy: Policy) -> Script:
    name = item.of["id"]
    say = item.say("check_removal", addresses=item.addresses())
    if item.of["left_s"] is not None:
        code = "check_removal.overdue" if item.of["overdue"] else "check_removal.due"
        say = item.say(code, left=item.left()) + say
    fit = [do(c.StateRemoved, name)]
    if item.of["state"] == "closed":
        return say, fit
    closing = item.of["closing"]
    if closing is not None:
        # One closure is asked for already: another statement would be refused.
        say += f" {_asks_to_close(item, closing['by'], closing)}"
        fit += next_steps.to_closure(item.of["site"])
    else:
        asks = policy.two_people_close
        say += item.say("check_removal.asks" if asks else "check_removal.closes")
        fit.append(do(c.StateRefused, name))
    if item.next_closes and name not in item.recurred:
        say += item.say("next_closes", site=item.of["site"])
    return say + _recurred(item, [name]), [*fit, *_recur(item, [name])]


def _tell(item: ItemWording, _policy: Policy) -> Script:
    if item.of["withheld"]:
        say = item.say("tell.withheld", site=item.of["site"], in_force=item.of["in_force"])
        return say, [look("orders_of_site", item.of["site"])]
    # A voided incident is no ground any more, even of an upheld closure.
    states = zip(item.of["about"], item.of["about_states"], strict=True)
    grounds = [name for name, state in states if state != "voided"] or item.of["about"]
    say = item.say(
        "tell", phone=item.phone(), site=item.of["site"], rule=item.of["rule"],
        names=item.language.comma.join(grounds),
    )  # fmt: skip
    done = next_steps.to_task(item.of["id"], item.of["kind"])
    return say, [done, look("why", item.of["site"]), *_add_number(item)]


def _recheck(item: ItemWording, _policy: Policy) -> Script:
    unsettled = item.of["unsettled"]
    code = "recheck" if unsettled else "recheck.looked"
    say = item.reported_removal() + item.say(code, names=item.names(), addresses=item.addresses())
    fit = [do(c.StateRemoved, name) for name in unsettled[:1]]
    if item.of["said_gone"]:
        # The incident's own item has the next step, such as a call: no clock stopped.
        say += item.say("recheck.said_gone", names=item.names())
        return say, [*fit, do(c.CompleteTask, item.of["id"], outcome="still-there")]
    if item.of["state"] != "closed" and unsettled:
        states = dict(zip(item.of["about"], item.of["about_states"], strict=True))
        omitted = [name for name in unsettled if states[name] == "open"]
        recurring = [name for name in unsettled if name not in omitted]
        fit += _recur(item, recurring)
        calls = [next_steps.contact(name, "reached") for name in omitted[:1]]
        fit += [call for call in calls if call not in fit]
        say += _still_there(item, states, recurring, omitted)
    elif item.of["state"] != "closed":
        # Nothing is left to settle, so a step against the customer is not the likeliest.
        site = item.of["site"]
        code = "next_closes" if item.next_closes else "recheck.log"
        say += item.say(code, site=site) + item.say("recheck.done")
        anew = look("why", site) if item.next_closes else do(c.Log, site)
        return say, [do(c.CompleteTask, item.of["id"]), anew]
    return say + item.say("recheck.done"), [*fit, do(c.CompleteTask, item.of["id"])]


def _still_there(
    item: ItemWording, states: Mapping[str, str | None], recurring: list[str], omitted: list[str]
) -> str:
    """The steps for content that is still online, by the state of its incident."""
    once = [name for name in recurring if name not in item.recurred]
    later = {item.recurred[name] for name in recurring if name in item.recurred}
    anew = [name for name, state in states.items() if state in _ONLY_ANEW]
    call = [name for name in omitted if name not in later]
    steps = {"recheck.recur": once, "recheck.call": call, "recheck.anew": anew}
    say = ""
    if item.next_closes and (once or anew):
        steps = {"recheck.call": call}
        say = item.say("next_closes", site=item.of["site"])
    for code, names in steps.items():
        say += item.say(code, names=item.language.comma.join(names)) if names else ""
    return say + _recurred(item, recurring)


def _recur(item: ItemWording, names: list[str]) -> list[Hint]:
    """The step for content still online: recur; call if logged already; or check the count."""
    once = [name for name in names if name not in item.recurred]
    if once:
        return [look("why", item.of["site"]) if item.next_closes else do(c.Recur, once[0])]
    return [next_steps.contact(item.recurred[name], "reached") for name in names[:1]]


def _recurred(item: ItemWording, names: list[str]) -> str:
    """The sentence about incidents that are already logged again."""
    again = (name for name in names if name in item.recurred)
    return "".join(item.say("recurred", name=each, later=item.recurred[each]) for each in again)


def _review(item: ItemWording, _policy: Policy) -> Script:
    say = item.say("review", names=item.names())
    looks = [look("show", name) for name in item.of["about"]]
    return say, [*looks, do(c.CompleteTask, item.of["id"])]


def _disputed(item: ItemWording, _policy: Policy) -> Script:
    site, held, asked_by = item.of["site"], item.of["held"], item.of["asked_by"]
    code = "disputed.asked" if asked_by else "disputed.held" if held else "disputed"
    say = item.say(code, site=site, rule=item.of["rule"], by=asked_by)
    if asked_by and held:
        say += item.say("reinstatement.held")
    return say, next_steps.to_dispute(site, held=held, asked_by=asked_by)


def _reinstatement(item: ItemWording, _policy: Policy) -> Script:
    site = item.of["site"]
    why = item.say("reinstatement.why", note=item.of["note"]) if item.of["note"] else ""
    say = item.say("reinstatement", by=item.of["asked_by"], site=site, why=why)
    # No action is proposed that would be refused.
    fit = [*next_steps.to_reinstatement(site, held=item.of["held"]), look("why", site)]
    return say + (item.say("reinstatement.held") if item.of["held"] else ""), fit


def _closure(item: ItemWording, _policy: Policy) -> Script:
    site, to_close = item.of["site"], item.of["to_close"]
    why = item.say("reinstatement.why", note=item.of["note"]) if item.of["note"] else ""
    assert to_close is not None
    say = item.reported_removal() + _asks_to_close(item, item.of["asked_by"], to_close, why)
    return say, [*next_steps.to_closure(site), look("why", site)]


def _asks_to_close(item: ItemWording, by: str | None, close: ToClose, why: str = "") -> str:
    code = "closure.false" if close["incident"] is None else "closure.refusal"
    return item.say(
        code, site=item.of["site"], by=by, why=why, rule=close["rule"], incident=close["incident"],
        field=close["field"],
    )  # fmt: skip


def _term(item: ItemWording, _policy: Policy) -> Script:
    site, kind = item.of["site"], item.of["kind"]
    day = item.of["filing"][0]
    code = f"{kind}.over" if day < item.today else kind
    say = item.say(code, site=site, day=day, phone=item.phone())
    ended = TERMS[kind][1]
    change = Hint(act="change_filing", of=site, facts={ended: None})
    return say, [change, look("filing", site), *_add_number(item)]


def _suspicion(item: ItemWording, policy: Policy) -> Script:
    site, closing = item.of["site"], item.of["closing"]
    field, finding = item.of["filing"]
    code = "suspicion.asks" if policy.two_people_close else "suspicion"
    fit = [do(c.StateFalse, site, field=field)]
    if closing is not None:
        # One closure is asked for already: another statement would be refused.
        code, fit = "suspicion.waits", next_steps.to_closure(site)
    say = item.say(code, site=site, field=field, finding=item.language.finding(finding))
    if closing is not None:
        say += f" {_asks_to_close(item, closing['by'], closing)}"
    done = do(c.CompleteTask, item.of["id"], outcome="not-false")
    return say, [look("check_filing", site), done, *fit]


def _footer(item: ItemWording, _policy: Policy) -> Script:
    site = item.of["site"]
    problems = item.language.comma.join(map(item.language.finding, item.of["filing"]))
    return item.say("footer", site=site, problems=problems, phone=item.phone()), [
        look("check_footer", site),
        look("snippet", site),
        do(c.CompleteTask, item.of["id"]),
        *_add_number(item),
    ]


_SCRIPTS: dict[str, Callable[[ItemWording, Policy], Script]] = {
    "call": _call,
    "keep_calling": _keep_calling,
    "check_removal": _check_removal,
    "tell": _tell,
    "recheck": _recheck,
    "review": _review,
    "disputed": _disputed,
    "reinstatement": _reinstatement,
    "closure": _closure,
    FILE: _term,
    SHOW: _term,
    "suspicion": _suspicion,
    "footer": _footer,
}


def _contact(item: ItemWording) -> list[Hint]:
    outcomes = [next_steps.contact(item.of["id"], outcome) for outcome in OUTCOMES]
    return [*outcomes, *_add_number(item)]


def _add_number(item: ItemWording) -> list[Hint]:
    """The hint to add a phone number, if the script knows no way to reach anybody."""
    is_known = item.of["phone"] or item.of["email"]
    return [] if is_known else [do(c.EditSite, item.of["site"], phone=None)]
