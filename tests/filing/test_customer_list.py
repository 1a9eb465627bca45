"""A row of a customer list is what it changes in one filing, and nothing of it is lost."""

import json
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.errors import BadSiteNameError
from incidents.filing import form
from incidents.filing.lists import customer_list, customer_value, table_file
from incidents.filing.lists.customer_list import Customer, CustomerList
from incidents.filing.lists.table_row import TableError
from incidents.machine.filing import FIELDS
from incidents.values import site_name


def customers(text: str) -> list[Customer]:
    with table_file.read(BytesIO(text.encode()), "list") as table:
        return list(CustomerList(table).customers())


@pytest.mark.parametrize(
    "text",
    [
        "备注,site,level,server.main.colour\n=\x01,shop.example,3,red\n",
        '{"site":"shop.example","details":{"备注":[1],"level":"3","server.main.colour":"r"}}',
    ],
)
def test_a_column_that_is_no_field_is_left_out_by_name_where_that_is_asked_for(text: str) -> None:
    with table_file.read(BytesIO(text.encode()), "list") as table:
        found = CustomerList(table, ignore=True)
        [customer] = found.customers()
    assert (customer.changes, customer.problems) == ({"level": "3"}, ())
    assert [*found.ignored] == ["备注", "server.main.colour"]


def changes(column: str, cell: str) -> dict[str, str]:
    found = customers(f'site\t{column}\nshop.example\t"{cell.replace(chr(34), chr(34) * 2)}"\n')[0]
    assert [str(problem) for problem in found.problems] == []
    return found.changes


def problem(column: str, cell: str) -> str:
    found = customers(f'site\t{column}\nshop.example\t"{cell.replace(chr(34), chr(34) * 2)}"\n')[0]
    assert len(found.problems) == 1
    return str(found.problems[0])


def refused(text: str) -> str:
    with pytest.raises(TableError) as caught:
        customers(text)
    return caught.value.message


def test_the_nearest_field_is_looked_for_once_a_column_and_of_a_hundred_columns_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def nearest(label: str, *_: object, **__: object) -> tuple[str, ...]:
        asked.append(label)
        return ()

    monkeypatch.setattr(form, "similar_keys", nearest)
    details = ",".join(f'"field{n}":"1"' for n in range(150))
    line = f'{{"site":"{{}}.example","details":{{{details}}}}}\n'
    [one, two] = customers(line.replace("{}", "a", 1) + line.replace("{}", "b", 1))
    assert len(one.problems) == len(two.problems) == 150
    assert len(asked) == len(set(asked)) == 100


def test_of_more_items_than_a_filing_has_none_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    monkeypatch.setattr(customer_value, "read_item", lambda *given: read.append(given))
    told = problem("documents", json.dumps({f"d{n}": {} for n in range(101)}))
    assert ("there are 101; the limit for one filing is 100" in told, read) == (True, [])


@pytest.mark.parametrize("key", FIELDS)
def test_a_column_may_bear_the_key_or_a_label_in_either_language(key: str) -> None:
    field = form.FIELD_OF[key]
    text = field.choices[0].code if field.choices else "2026-01-02"
    for name in (key, field.zh, field.en, field.en.upper(), key.replace("_", " "), f" {field.zh} "):
        assert changes(name, text) == {key: text}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Kind of subject", "subject_kind"), ("Number shown on", "shown_on"),
        ("E-mail of the responsible person", "responsible_email"), ("Opened on", "opened_on"),
    ],
)  # fmt: skip
def test_a_column_may_bear_the_label_that_the_form_had_before(name: str, key: str) -> None:
    assert form.key_of_label(name) == key


@pytest.mark.parametrize("name", form.SITE_NAMES)
def test_the_column_of_the_site_has_several_names(name: str) -> None:
    found = customers(f"{name},ip\nShop.Example.,192.0.2.1\n")
    assert found == [Customer(2, "shop.example", {"ip": "192.0.2.1"})]


@pytest.mark.parametrize("field", [f for f in form.FIELD_OF.values() if f.choices])
def test_each_word_of_a_choice_becomes_its_code(field: form.Field) -> None:
    for choice in field.choices:
        for word in (choice.code, choice.zh, choice.en, choice.en.upper(), *choice.also):
            assert changes(field.key, word) == {field.key: choice.code}


@pytest.mark.parametrize(
    "text", ["2026-01-02", "2026-1-2", "2026/1/2", "2026/01/02", "2026年1月2日"]
)
def test_a_day_is_read_as_people_write_it(text: str) -> None:
    assert changes("opened_on", text) == {"opened_on": "2026-01-02"}


@pytest.mark.parametrize(
    "text", ["2026/13/1", "2026-02-30", "1/2/2026", "20260102", "today", "46024"]
)
def test_what_is_no_day_is_a_problem_with_the_way_out(text: str) -> None:
    told = problem("opened_on", text)
    assert told == (
        f"opened_on: '{text}': it is not a date: write it like 2026-01-02, 2026/1/2 or 2026年1月2日"
    )
    assert "before 1990-01-01" in problem("opened_on", "1989-12-31")


def test_several_addresses_stand_with_spaces_between_them() -> None:
    assert changes("ip", "192.0.2.1、192.0.2.2;  2001:db8::1") == {
        "ip": "192.0.2.1 192.0.2.2 2001:db8::1"
    }


def test_what_is_too_long_or_on_two_lines_for_its_field_is_a_problem() -> None:
    assert "it has 201 characters; the limit is 200" in problem("icp_number", "x" * 201)
    assert "it has 4,001 characters; the limit is 4,000" in problem("subject_name", "x" * 4_001)
    assert "write it on one line" in problem("icp_number", "a\nb")
    assert changes("subject_name", "a\nb") == {"subject_name": "a\nb"}


def test_a_word_that_is_no_choice_names_those_that_are() -> None:
    told = problem("nature", "maybe")
    assert told.endswith("write one of 经营性 (commercial), 非经营性 (non_commercial)")


def test_an_empty_cell_changes_nothing() -> None:
    assert customers("site,ip,nature\nshop.example, ,\n") == [Customer(2, "shop.example", {})]


def test_a_server_is_written_as_json_or_in_columns_of_its_own() -> None:
    whole = {"server.web-1": '{"city":"深圳","count":"2","ip":"192.0.2.1","province":"广东"}'}
    told = '{"ip": "192.0.2.1", "province": "广东省", "city": "深圳市", "count": 2}'
    assert changes("server.web-1", told) == whole
    assert changes("servers", f'{{"web-1": {told}}}') == whole
    found = customers(
        "site,Server.Web-1.ip,server.web-1.province,server.web-1.city,server.web-1.count\n"
        "shop.example,192.0.2.1,广东,深圳,2\n"
    )
    assert found[0].changes == whole


def test_a_document_is_kept_with_its_kind_as_a_code() -> None:
    digest = "AB" * 32
    told = f'{{"kind":"接入合同","digest":"{digest}","size":5,"expires_on":"2027/1/2"}}'
    assert changes("document.contract", told) == {
        "document.contract": f'{{"digest":"{digest.lower()}","expires_on":"2027-01-02",'
        '"kind":"access_contract","size":"5"}'
    }


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("server.web", "[]", "it is not a JSON object of texts"),
        ("server.web", '{"ip":', "it is not a JSON object of texts"),
        ("server.web", '{"ip":["192.0.2.1"]}', "it is not a JSON object of texts"),
        ("server.web", '{"ip":"192.0.2.1","ip":"192.0.2.2"}', "it is not a JSON object of texts"),
        ("server.web", "[" * 10_000, "it is not a JSON object of texts"),
        ("server.web", '{"town":"x"}', "unknown part 'town': use ip, province, city"),
        ("server.web", '{"place":"\\u0007"}', "it contains the character U+0007"),
        ("server.web", '{"count":"two"}', "it is not a number"),
        ("servers", '{"A B":{}}', "'A B' is not a label"),
        ("document.x", '{"digest":"abc"}', "it is not a SHA-256"),
        ("document.x.kind", "letter", "it is not one of the form's choices"),
    ],
)
def test_what_is_wrong_with_an_item_is_told(column: str, cell: str, told: str) -> None:
    assert told in problem(column, cell)


def test_an_item_that_is_said_twice_is_a_problem() -> None:
    found = customers(
        'site\tserver.web\tserver.web.ip\nshop.example\t{"ip":"192.0.2.1"}\t192.0.2.2\n'
    )[0]
    assert [str(each) for each in found.problems] == [
        "server.web: another column has it too: keep one of them"
    ]


def test_more_items_than_a_filing_has_are_a_problem() -> None:
    all_of_them = ",".join(f'"s{n}":{{"city":"深圳"}}' for n in range(101))
    assert "there are 101; the limit for one filing is 100" in problem(
        "servers", f"{{{all_of_them}}}"
    )


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (
            "site,responsble phone",
            "list: 'responsble phone' is not a field of a filing (did you mean responsible_phone",
        ),
        (
            "site,ICP备案",
            "list: 'ICP备案' is not a field of a filing (did you mean icp_number, ICP备案号?)",
        ),
        (
            "site,colour of the door",
            "list: 'colour of the door' is not a field of a filing: rename it",
        ),
        (
            "subject_name,ip",
            "list: no column has the site's name: call one column site, 域名 or 网站",
        ),
        (
            "site,域名",
            "list: the columns 'site' and '域名' are the same field, site: keep one of them",
        ),
        ("site,server.a b_c", "list: 'ab_c' is not a label"),
        ("site,server.web.town", "list: unknown part 'town': use ip, province"),
    ],
)
def test_a_column_that_is_none_refuses_the_list_and_names_the_nearest(
    header: str, told: str
) -> None:
    assert refused(f"{header}\nshop.example,x\n").startswith(told)


def test_a_site_that_cannot_be_read_or_is_missing_is_a_problem_of_its_row() -> None:
    url, none, good = customers("site,ip\nhttps://shop.example/,1\n,192.0.2.1\na.example,1\n")
    assert (url.site, none.site, good.site) == (None, None, "a.example")
    assert "it is a URL" in str(url.problems[0])
    assert "the site's name is missing" in str(none.problems[0])


def test_a_site_that_stands_there_twice_is_a_problem_of_the_second_row() -> None:
    first, second = customers("site,ip\nshop.example,1\nSHOP.example,2\n")
    assert first.problems == ()
    assert "row 2 has the same site" in str(second.problems[0])


def test_a_key_of_json_that_is_none_is_a_problem_of_its_filing_alone() -> None:
    bad, good = customers('{"site":"a.example","details":{"colour":"x"}}\n{"site":"b.example"}\n')
    assert "'colour' is not a field of a filing" in str(bad.problems[0])
    assert good.problems == ()


@given(st.from_regex(customer_list._PLAIN, fullmatch=True))
def test_a_name_that_is_kept_as_it_stands_is_one_that_would_be(name: str) -> None:
    try:
        assert site_name.read(name) == name
    except BadSiteNameError:
        assert len(name) > customer_list._MAX_PLAIN
