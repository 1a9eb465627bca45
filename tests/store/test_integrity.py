"""What a server says of what it has stored; damaged files are in tests/cli/test_db_damage.py."""

import pytest
from sqlalchemy import Engine

from incidents.errors import DatabaseError
from incidents.locale.language import language
from incidents.store.database import integrity
from incidents.store.database.damage import Damage
from tests.store.conftest import Opener

AMCHECK = """
CREATE SCHEMA "am check";
CREATE FUNCTION "am check".bt_index_check(
    index regclass, heapallindexed boolean, checkunique boolean
) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    IF index::text = 'pk_sites' AND heapallindexed AND checkunique THEN
        RAISE 'item order invariant violated for index "pk_sites"' USING ERRCODE = 'XX002';
    END IF;
END $$;
CREATE FUNCTION "am check".verify_heapam(relation regclass, check_toast boolean)
RETURNS TABLE (blkno bigint, offnum integer, attnum integer, msg text) LANGUAGE sql AS $$
    SELECT * FROM (VALUES (7, 3, NULL::integer, 'xmin 4 precedes oldest valid'),
                          (8, NULL, NULL, 'it cannot be read'))
    WHERE relation::text = 'entries' AND check_toast
$$;
SET LOCAL allow_system_table_mods = on;
INSERT INTO pg_extension SELECT 77777, 'amcheck', 10, oid, false, '1.4', NULL, NULL
FROM pg_namespace WHERE nspname = 'am check';
"""
"""In the place of the extension, which the tests' server does not have; it finds something."""


@pytest.fixture
def engine(opened: Opener, postgresql_url: str) -> Engine:
    return opened(postgresql_url)


def _run(engine: Engine, statements: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(statements)


def test_without_the_extension_it_is_said_that_tables_and_indexes_are_not_checked(
    engine: Engine,
) -> None:
    found = integrity.check(engine)

    assert found.damage == []
    [said] = [each for each in found.not_checked if each.startswith("tables and indexes: ")]
    assert "the extension amcheck, which PostgreSQL's contrib brings" in said


def test_what_the_extension_finds_is_named_by_table_and_index(engine: Engine) -> None:
    _run(engine, AMCHECK)

    found = integrity.check(engine)

    assert found.damage == [
        Damage(
            where="index pk_sites",
            problem='item order invariant violated for index "pk_sites"',
        ),
        Damage(where="table entries", problem="block 7, row 3: xmin 4 precedes oldest valid"),
        Damage(where="table entries", problem="block 8: it cannot be read"),
    ]
    assert not any(each.startswith("tables") for each in found.not_checked)


@pytest.mark.parametrize(
    ("change", "said", "chinese"),
    [
        (
            "UPDATE pg_extension SET extversion = '1.2' WHERE extname = 'amcheck'",
            "amcheck 1.2 is too old: a superuser has to ALTER EXTENSION amcheck UPDATE",
            "表和索引：amcheck 1.2 版本过旧：须由超级用户运行 ALTER EXTENSION amcheck UPDATE",
        ),
        (
            """
            REVOKE ALL ON FUNCTION "am check".verify_heapam FROM PUBLIC;
            GRANT SELECT ON alembic_version TO pg_monitor;
            SET ROLE pg_monitor;
            """,
            (
                "this role may not run the functions bt_index_check and verify_heapam of the"
                " extension amcheck: check as a superuser, or have one GRANT EXECUTE on them to"
                " this role"
            ),
            (
                "表和索引：此数据库角色无权运行扩展 amcheck 的函数 bt_index_check 和"
                " verify_heapam：请以超级用户身份检查，或请其将这些函数的 EXECUTE 权限授予此角色"
            ),
        ),
    ],
)
def test_an_extension_that_cannot_be_asked_is_said_to_be(
    engine: Engine, change: str, said: str, chinese: str
) -> None:
    _run(engine, AMCHECK)
    # The one connection of the pool, which stays as it is.
    _run(engine, change)

    found = integrity.check(engine)

    assert found.damage == []
    assert f"tables and indexes: {said}" in found.not_checked
    assert chinese in [language("zh_CN").cause(each) for each in found.not_checked]


def test_a_database_of_another_program_is_not_read(opened: Opener, empty_db_url: str) -> None:
    engine = opened(empty_db_url, make=True)
    _run(engine, "CREATE TABLE customers (id INTEGER)")
    with pytest.raises(DatabaseError, match="another program's tables"):
        integrity.check(engine)
