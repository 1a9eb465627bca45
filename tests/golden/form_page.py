"""The forms of a page of HTML: where each goes, its fields, and what a person reads at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

LIMITS = ("maxlength", "minlength", "min", "max", "step", "pattern", "accept")
FLAGS = ("required", "disabled", "readonly", "multiple", "checked")
SHOWN = ("placeholder", "aria-label", "title")
"""The attributes that a person reads."""
SECRET = ("csrf", "rest")
"""Hidden fields whose value is another one in each session."""


@dataclass
class Field:
    """A field or a button, and what a person reads at it."""

    tag: str
    attributes: dict[str, str | None]
    words: list[str] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)
    """The value and the text of each choice of a list."""

    def structure(self) -> str:
        """The field's name, kind and limits."""
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
        """The text that a person reads at it; empty for a hidden field."""
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
        """Its address and method."""
        told = self.attributes
        more = [told[name] or "" for name in ("enctype",) if name in told]
        return " ".join([(told.get("method") or "get").upper(), told.get("action") or "-", *more])

    @property
    def is_open(self) -> bool:
        """Whether it can be sent."""
        buttons = [each for each in self.fields if each.tag == "button"]
        return not buttons or any("disabled" not in each.attributes for each in buttons)


class Page(HTMLParser):
    """Find the forms of a page; a field stands in one, or names one by its id."""

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
