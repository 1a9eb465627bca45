"""The forms of the console and of the customer's page, in the state after the history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser

from anyio.from_thread import start_blocking_portal

from incidents import settings
from incidents.bootstrap import open_house
from tests.served_desk import ConsoleDesk, Visitor

PAGES = (
    "/", "/hand-over", "/sites", "/log", "/log?site=calm.example", "/sites/calm.example",
    "/sites/disputed.example", "/sites/waiting.example", "/sites/false.example",
    "/sites/held.example", "/sites/erased.example", "/sites/calm.example/filing",
    "/sites/filed.example/filing", "/terms", "/incidents/2-1", "/incidents/2-3", "/incidents/2-4",
    "/incidents/5-1", "/incidents/15-1", "/orders", "/orders/11-o9", "/orders/10-o19",
    "/search?q=calm", "/unreported", "/overview", "/simulate", "/audit", "/policy", "/sessions",
)  # fmt: skip
SOME = (
    "/", "/hand-over", "/sites", "/log", "/sites/calm.example", "/sites/filed.example/filing",
    "/incidents/2-3", "/orders/11-o9", "/simulate", "/audit", "/policy", "/sessions",
)  # fmt: skip
"""One page of each kind, for what is looked at a second time."""
INCIDENT = "2-3"
"""Whose customer's page is looked at."""
SEES = "supervisor"
"""Whose forms are shown in full; each has an account of that role, `supervisor-1` say."""
OTHERS = ("operator", "viewer")
LIMITS = ("maxlength", "minlength", "min", "max", "step", "pattern", "accept")
FLAGS = ("required", "disabled", "readonly", "multiple", "checked")
SHOWN = ("placeholder", "aria-label", "title")
"""The attributes that a person reads."""
SECRET = ("csrf",)
"""Hidden fields that a session makes, with another value in each."""


Seen = dict[str, list["Form"]]


@dataclass
class Field:
    """A field or a button, and what a person reads at it."""

    tag: str
    attributes: dict[str, str | None]
    words: list[str] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)
    """The value and the text of each choice of a list."""

    def structure(self) -> str:
        """Its name, its kind and its limits."""
        told, kind = self.attributes, self.tag
        if self.tag == "input":
            kind = told.get("type") or "text"
        parts = [told.get("name") or "-", kind]
        parts += [f"{name}={told[name]}" for name in LIMITS if name in told]
        parts += [name for name in FLAGS if name in told]
        if kind in ("hidden", "radio", "checkbox", "button") and told.get("value") is not None:
            parts.append(f"value={'…' if told.get('name') in SECRET else told['value']}")
        if self.options:
            parts.append(f"of {' '.join(repr(value) for value, _ in self.options)}")
        return " ".join(parts)

    def wording(self) -> str:
        """What a person reads at it; nothing for what is not seen."""
        said = [" ".join(word.split()) for word in self.words]
        said += [f"{name}: {self.attributes[name]}" for name in SHOWN if name in self.attributes]
        said += [f"{value!r}: {' '.join(text.split())}" for value, text in self.options]
        return " | ".join(filter(None, said))


@dataclass
class Form:
    """A form of a page."""

    attributes: dict[str, str | None]
    fields: list[Field] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Where it goes, and how."""
        told = self.attributes
        more = [told[name] or "" for name in ("enctype",) if name in told]
        return " ".join([(told.get("method") or "get").upper(), told.get("action") or "-", *more])

    @property
    def is_open(self) -> bool:
        """Whether it can be sent."""
        buttons = [each for each in self.fields if each.tag == "button"]
        return not buttons or any("disabled" not in each.attributes for each in buttons)


class Page(HTMLParser):
    """Finds the forms of a page; a field stands in one, or names one by its id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._label: list[str] = []
        self._in_label = False
        self._labels: dict[str, list[str]] = {}
        self._inside: Form | None = None
        self._open: Field | None = None
        self._choice: str | None = None
        self.feed(text)
        self._spread_labels()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a form, a field, a choice or a label."""
        told = dict(attrs)
        if tag == "form":
            self._inside = Form(told)
            self.forms.append(self._inside)
        elif tag == "label":
            self._label, self._in_label = [], True
            self._labels[told.get("for") or f"#{len(self._labels)}"] = self._label
        elif tag in ("input", "select", "textarea", "button"):
            self._begin(Field(tag, told))
        elif tag == "option" and self._open is not None:
            self._choice = told.get("value")
            self._open.options.append((self._choice or "", ""))

    def handle_endtag(self, tag: str) -> None:
        """End what has begun."""
        if tag == "form":
            self._inside = None
        elif tag == "label":
            self._in_label = False
        elif tag in ("select", "textarea", "button"):
            self._open = None
        elif tag == "option":
            self._choice = None

    def handle_data(self, data: str) -> None:
        """Keep the text of a choice, a button or a label."""
        if self._open is not None and self._open.options and self._open.tag == "select":
            value, text = self._open.options[-1]
            self._open.options[-1] = (value, text + data)
        elif self._open is not None and self._open.tag == "button":
            self._open.words.append(data)
        elif self._in_label and self._open is None:
            self._label.append(data)

    def _begin(self, begun: Field) -> None:
        of = begun.attributes.get("form")
        named = [form for form in self.forms if form.attributes.get("id") == of]
        form = named[0] if of is not None and named else self._inside
        if form is not None:
            form.fields.append(begun)
        if self._in_label and "id" not in begun.attributes:
            begun.words = self._label
        if begun.tag != "input":
            self._open = begun

    def _spread_labels(self) -> None:
        for form in self.forms:
            for each in form.fields:
                if (id_ := each.attributes.get("id")) in self._labels and each.tag != "button":
                    each.words = self._labels[id_ or ""]


def files(incident_link: str) -> dict[str, str]:
    """The golden files of the forms, on the desk that the settings name."""
    with _console() as desk:
        seen = {"nobody": {"/sign-in": _forms(desk.visitor().get("/sign-in").text)}}
        customer = incident_link.removeprefix("https://desk.host.example")
        seen["customer"] = {f"/c/{INCIDENT}": _forms(desk.visitor().get(customer).text)}
        seen[SEES] = _of(Visitor(desk, SEES), PAGES)
        seen |= {who: _of(Visitor(desk, who), SOME) for who in OTHERS}
        chinese = _of(Visitor(desk, SEES, "zh"), SOME)
    shown = ("nobody", "customer", SEES)
    structure = [line for who in shown for line in _structure(who, seen[who])]
    structure += [line for who in OTHERS for line in _sent(who, seen[who])]
    wording = [line for who in shown for line in _wording(who, seen[who])]
    wording += _wording(f"{SEES}, in Chinese", chinese)
    return {"forms.txt": _text(structure), "forms.words.txt": _text(wording)}


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@contextmanager
def _console() -> Iterator[ConsoleDesk]:
    house = open_house(settings.load())
    try:
        with start_blocking_portal() as portal:
            yield ConsoleDesk(house, portal)
    finally:
        house.close()


def _of(visitor: Visitor, pages: Iterable[str]) -> Seen:
    """The forms of each page; a page that they may not see is told by its status, too."""
    found = {}
    for page in pages:
        answer = visitor.get(page)
        name = page if answer.status_code == 200 else f"{page} {answer.status_code}"
        found[name] = _forms(answer.text)
    return found


def _forms(text: str) -> list[Form]:
    return Page(text).forms


def _structure(who: str, seen: Seen) -> Iterator[str]:
    return _told(who, seen, lambda form: [each.structure() for each in form.fields])


def _wording(who: str, seen: Seen) -> Iterator[str]:
    return _told(
        who, seen,
        lambda form: [
            f"{each.attributes.get('name') or '-'} {words}"
            for each in form.fields
            if (words := each.wording())
        ],
    )  # fmt: skip


def _told(who: str, seen: Seen, lines: Callable[[Form], list[str]]) -> Iterator[str]:
    """The forms of each page; one that stands on many pages is told once."""
    before: list[tuple[str, list[str]]] = []
    for page, forms in seen.items():
        yield f"{who} {page}"
        for form in forms:
            told = form.name, lines(form)
            if told in before:
                yield f"    {form.name} as above"
                continue
            before.append(told)
            yield f"    {form.name}"
            yield from (f"        {line}" for line in told[1])


def _sent(who: str, seen: Seen) -> Iterator[str]:
    """Which forms another one has, and which of them can be sent."""
    for page, forms in seen.items():
        yield f"{who} {page}"
        yield from (f"    {form.name}{'' if form.is_open else ' disabled'}" for form in forms)
