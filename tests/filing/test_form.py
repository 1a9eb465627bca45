"""The form asks for everything that a filing holds, once, and no two labels are one."""

from collections import Counter

import pytest

from incidents.filing import form
from incidents.machine.filing import DAYS, FIELDS


def test_every_key_of_a_filing_stands_in_the_form_exactly_once() -> None:
    keys = Counter(field.key for section in form.SECTIONS for field in section.fields)
    assert keys == Counter(FIELDS)


def test_the_sections_stand_in_the_order_of_the_official_form() -> None:
    assert [section.zh for section in form.SECTIONS] == [
        "主体", "负责人", "网站", "接入", "服务器", "经营性", "文件", "日期",
    ]  # fmt: skip


def test_no_two_fields_share_a_label_in_either_language() -> None:
    fields = [(field.key, field.zh, field.en) for field in form.FIELD_OF.values()]
    # A label may be the key itself, as that of the level is.
    names = [name for each in (*fields, form.SITE_NAMES) for name in {*map(form.normalize, each)}]
    assert [name for name, times in Counter(names).items() if times > 1] == []


@pytest.mark.parametrize(
    "field", [*form.FIELD_OF.values(), *form.SERVER_FIELDS, *form.DOCUMENT_FIELDS]
)
def test_a_word_of_a_choice_means_one_code_alone(field: form.Field) -> None:
    words = [word for choice in field.choices for word in {*map(form.normalize, choice.words)}]
    assert len(words) == len(set(words))
    assert len(form.codes(field)) == len(words)


def test_days_come_in_the_order_in_which_they_happen() -> None:
    assert form.KEYS[-4:] == DAYS
