"""Accounts, policies, histories, notices, erasure, the database and filings, told in Chinese."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from string import Formatter

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.filing.lists import table_row
from incidents.locale.language import language
from tests.cli.conftest import Cli

ROOT = Path(__file__).parents[2]
ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,})+")
CHINESE = re.compile("[\u4e00-\u9fff]{2}")
TYPED = re.compile(
    r"incidents(?: [a-z-]+)+|--[a-z-]+(?: [\w.-]+)?|\[\w+\]|sha256:\w+|[\w.-]+\.example"
    r"|domain\.md|RFC \w+|GB/T|\w+_\w+|Asia/Shanghai|, line \d+|/\S+|Web"
)
"""What is typed or copied, and what a standard is called."""

POLICY = """
[unreachable]
min_attempts = 2
[unreachable_run]
run = "total"
[refusal]
removal_within = "48h"
[closure]
two_people = true
"""
SCENARIOS = """
[[scenario]]
name = "三次"
steps = [{ at = "+0h", do = "log" }]
expect = { state = "closed" }
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a policy, a customer list, a saved page and scenarios."""
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "scenarios.toml").write_text(SCENARIOS)
    (tmp_path / "list.csv").write_text(
        "site,level,nature,x\nshop.example,9,,1\nnew.test,3,commercial,\nblog.example,2,,\n"
    )
    (tmp_path / "page.html").write_text("<html><body><p>你好</p></body></html>")
    return tmp_path


def lines(cli: Cli, *args: str, status: int = 0) -> list[str]:
    """What people read of it, in Chinese: nothing of it is an English sentence."""
    done = cli(*args, "--lang", "zh")
    assert done.status == status, done
    said = done.out + done.err
    assert CHINESE.search(said), said
    left = {words: line for line in said.splitlines() for words in ENGLISH.findall(bare(line))}
    assert left == {}, said
    return said.splitlines()


def bare(line: str) -> str:
    return TYPED.sub("", line)


def test_accounts_and_tokens_are_told(cli: Cli) -> None:
    assert lines(cli, "account", "list") == [
        "值班台还没有账号：请用 incidents account add 创建第一个"
    ]
    assert lines(cli, "account", "add", "wu", "--role", "supervisor") == [
        "已创建账号 wu，角色：主管", "下一步：incidents account password wu"
    ]  # fmt: skip
    assert lines(cli, "account", "list") == ["wu\t主管\t2026-03-02 12:00\t\t未设置"]
    assert lines(cli, "account", "role", "wu", "supervisor") == ["wu：主管", "没有变化：已是如此"]
    assert lines(cli, "account", "role", "wu", "viewer") == ["wu 的角色已改为：查看员"]
    assert lines(cli, "account", "role", "wu", "supervisor") == ["wu 的角色已改为：主管"]
    secret, told = lines(cli, "token", "make", "wu", "--days", "30")
    id_ = cli("token", "list", "-q").out.strip()
    assert secret.startswith("inc_")
    assert told == (
        f"这是 wu 的令牌 {id_}，有效期至 2026-04-01 12:00：仅显示这一次"
        f"（如需吊销：incidents token revoke {id_}）"
    )
    assert lines(cli, "token", "list") == [f"{id_}\twu\t角色允许的全部操作\t2026-04-01 12:00\t"]
    assert lines(cli, "token", "revoke", id_) == [f"{id_}：已吊销"]
    assert lines(cli, "account", "disable", "wu") == ["wu：主管，自 2026-03-02 12:00 起停用"]
    assert lines(cli, "account", "sessions", "--of", "wu") == ["wu 没有进行中的会话"]
    assert lines(cli, "account", "sign-ins", "--failed") == ["没有失败的登录"]
    assert lines(cli, "account", "refusals") == ["没有被拒绝的操作"]
    assert lines(cli, "token", "list", "--of", "wu")


def test_a_sign_in_and_who_was_not_let_are_told(cli: Cli, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("a long enough pass phrase\n")
    for handle, role in (("li", "administrator"), ("wu", "viewer")):
        cli("account", "add", handle, "--role", role, "--own-password-file", str(password))
        done = cli(
            "account", "password", handle, "--password-file", str(password),
            "--own-password-file", str(password),
        )  # fmt: skip
        assert done.status == 0, done
    [first, *_] = lines(cli, "account", "sign-ins")
    assert first.split("\t")[1:6] == ["登录", "成功", "终端", "li", "root 的终端"]
    no = ("account", "role", "li", "viewer", "--as", "wu", "--own-password-file", str(password))
    assert lines(cli, *no, status=3) == [
        "incidents：wu 在此是查看员，只能管理本人账号：管理其他账号须由管理员办理"
    ]
    assert cli(*no).err.endswith(
        "wu has the role viewer and can manage only their own account: ask an administrator\n"
    )
    assert "角色无权" in lines(cli, "account", "refusals")[0]
    assert "方可作第二人" in "".join(lines(cli, "account", "list"))


def test_a_policy_is_told_in_sentences(cli: Cli, files: Path) -> None:
    told = lines(cli, "policy", "show")
    assert told[:5] == [
        "R1 重复违规：24 小时内违规达 3 次的，关闭网站。",
        "R2 无法联系：1 小时内未联系到负责人的，暂停 12 小时。",
        "R3 连续无法联系：连续 3 次的，关闭网站。",
        "R4 信息虚假：登记信息虚假的，一人认定即立即关闭。",
        "R5 拒不删除：客户获知后拒不删除的，一人认定即立即关闭。没有删除时限。",
    ]
    assert told[-1] == "默认策略，自始生效"
    lines(cli, "policy", "history")
    activate = ("policy", "activate", str(files / "policy.toml"), "--reason", "试行")
    assert lines(cli, *activate, "--dry-run")[-1] == (
        "已设定的时限不变；未执行任何操作（--dry-run）"
    )
    assert lines(cli, *activate)[-1].startswith("现行策略为 sha256:")
    told = lines(cli, "policy", "show")
    assert told[1:5] == [
        (
            "R2 无法联系：1 小时内至少尝试 2 次仍未联系到负责人的，暂停 12 小时；"
            "尝试次数不足的，只告警，不暂停。"
        ),
        "R3 累计无法联系：累计 3 次的，关闭网站。",
        "R4 信息虚假：登记信息虚假的，一人认定、另一人批准后，立即关闭。",
        (
            "R5 拒不删除：客户获知后拒不删除的，一人登记、另一人批准后，立即关闭；登记告知后"
            " 48 小时内仍未删除的，视为拒绝，无须批准即关闭。"
        ),
    ]
    assert told[-1].startswith("自 2026-03-02 12:00 Asia/Shanghai 起生效；启用人：li")
    lines(cli, "policy", "history")
    assert cli("policy", "show", "--json", "--lang", "zh").json["words"][0].startswith("R1 repeat:")


def test_a_history_is_told(cli: Cli, files: Path) -> None:
    feed, policy = str(ROOT / "tests/data/feed.csv"), str(files / "policy.toml")
    told = lines(cli, "simulate", feed, "--policy", policy, "--reach", "0.5", "--group-within=60m")
    assert told[-2].startswith("联系结果：0 条来自历史；154 条随机抽取（--reach 0.5 --seed 0）")
    told = lines(cli, "simulate", str(ROOT / "tests/data/history.jsonl"))
    assert told[1].startswith("5 个网站的 14 条举报，2026-03-01 10:50 至 ")
    assert lines(cli, "policy", "test", str(files / "scenarios.toml"), status=1) == [
        "未通过  三次",
        "        结束时，state：应为 closed，实为 active",
        f"1 个场景，1 个未通过，策略 {cli('policy', 'show', '-q').out.strip()}",
    ]
    history = files / "history.csv"
    history.write_text(
        "occurred_at,site,x\n2026-03-01T02:50:00Z,shop.example,1\n2026-03-01,shop.example,\n"
        "2026-03-01T02:50:00Z,old.example,\n2026-03-01T02:50:00Z,a..b,\n"
    )
    told = lines(cli, "import", str(history), "--dry-run", status=1)
    assert "网站：将新增 2 个，已登记 0 个" in told
    assert lines(cli, "import", str(history), status=1) == [
        (
            f"incidents：{history} 第 3 行：occurred_at 为 '2026-03-01'，不是时间；请写"
            " 2026-03-01T02:50:00Z 或 2026-03-01 02:50，另有 1 行同样有误；请改正，或以 --skip-bad"
            " 略去这样的行"
        )
    ]
    told = lines(cli, "import", str(history), "--skip-bad")
    assert told[:3] == [
        "网站：新增 2 个，已登记 0 个",
        "违规：导入 2 项，已有记录 0 项",
        "已忽略历史文件不使用的列：x",
    ]


def test_notices_are_listed(cli: Cli) -> None:
    told = lines(cli, "notices", "list")
    assert "suspended\t客户\t网站暂停时，写明期满时间（R2）\t" in told
    assert told[-1] == "未设置发送给值班台的渠道（设置项 [alarms] channels）：相关通知暂不发送"
    made = ("notices", "preview", "suspended", "--language", "zh_CN", "--incident", "1-1")
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    assert "记录中没有，其中的时间和理由为虚构：suspended" in lines(cli, *made)
    assert lines(cli, *made)[0] == "suspended（zh_CN）"


def test_erasure_is_told(desk: Cli, clock: FrozenDateTimeFactory) -> None:
    assert lines(desk, "retention", "show") == [
        "保存 184 天：将删去 0 段文字，均记录于 2025-08-30 12:00 之前",
        ('尚未设定按期删去：如需按期删去，请在设置的 [retention] 下写 keep = "184d"，或更长的时间'),
    ]
    desk("site", "edit", "shop.example", "--phone", "+86 10 5555 0100")
    desk("note", "1-1", "很多")
    desk("void", "1-1", "--reason", "误记")
    clock.tick(timedelta(days=185))
    erase = ("person", "erase", "shop.example", "--reason", "本人要求")
    told = lines(desk, *erase, "--dry-run")
    assert re.fullmatch(r"shop\.example：将删去 \d 段文字", told[0])
    assert lines(desk, *erase, status=4) == [
        (
            "incidents：永久删去有关 shop.example 的个人言论未经确认，没有执行："
            "请加上 --confirm shop.example"
        )
    ]
    told = lines(desk, *erase, "--confirm", "shop.example")
    assert re.fullmatch(r"shop\.example：已删去 \d 段文字", told[0])
    assert lines(desk, *erase) == ["shop.example：没有可删去的内容"]
    account = ("person", "erase", "--account", "wu", "--reason", "本人要求")
    desk("account", "add", "wu", "--role", "viewer")
    assert lines(desk, *account, "--dry-run") == [
        "wu：将删去登录日志 0 行，视图与两步验证方式的名称 0 个"
    ]


def test_the_database_is_told(cli: Cli, tmp_path: Path) -> None:
    assert lines(cli, "db", "check")[0].endswith(" 已是最新")
    copy = tmp_path / "copy.db"
    assert lines(cli, "db", "backup", str(copy))[0].startswith(f"{copy} 是 ")


FILED = (
    "level=3", "nature=commercial", "service_type=blog", "opened_on=2026-02-20",
    "filed_on=2026-02-01", "hosting=managed", "ip=192.0.2.1", "resolved_ip=192.0.2.1",
)  # fmt: skip


def test_a_filing_is_told(desk: Cli) -> None:
    told = lines(desk, "filing", "show", "shop.example")
    assert told[0] == "完整度 0%"
    assert "  缺少：服务器（备案须写明服务器所在地）" in told
    assert lines(desk, "filing", "check", "shop.example") == [
        "尚无可检查的资料：请用 incidents filing set 登记"
    ]
    told = lines(desk, "filing", "set", "shop.example", *FILED)
    assert "错误：提交备案日期：提交备案日期 2026-02-01 早于网站开通日期 2026-02-20。" in told
    lines(desk, "filing", "server", "shop.example", "main", "--ip", "192.0.2.1", "--city", "深圳")
    told = lines(desk, "filing", "set", "shop.example", "ip=192.0.2.9", "resolved_ip=192.0.2.9")
    assert "shop.example 是经营性网站，其 IP 地址已变更。须办理：" in told
    told = lines(desk, "filing", "show", "shop.example")
    assert "主机类型：managed（弹性 Web 托管）" in told
    assert "服务器 main：IP地址 192.0.2.1、城市 深圳" in told
    told = lines(desk, "filing", "check", "shop.example", status=5)
    assert (
        "错误\t网站级别\t登记为 3 级，而博客应为 2 级：请更正，或登记级别说明。\t规范 F.40"
    ) in told
    desk("filing", "set", "shop.example", "filed_on=")
    assert lines(desk, "filing", "terms") == ["shop.example\t应办理备案\t2026-03-22\t剩 20 天\t"]
    assert "应办理备案，最后一日为 2026-03-22（含当日）" in lines(
        desk, "filing", "show", "shop.example"
    )
    lines(desk, "filing", "presets")
    assert desk("filing", "fields", "--lang", "zh").err == (
        "服务器和文件写作 server.简称 和 document.简称（见 incidents filing server --help）\n"
    )


def test_every_cause_of_a_row_that_cannot_be_taken_is_told() -> None:
    chinese = language("zh_CN", "cli").phrases
    told = {code: chinese.get(f"cause.list_{code}", "") for code in table_row.CAUSES}
    assert [code for code, phrase in told.items() if not phrase] == []
    named = {code: facts(phrase) - facts(table_row.CAUSES[code]) for code, phrase in told.items()}
    assert {code: more for code, more in named.items() if more} == {}


def facts(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}


def test_a_list_and_a_page_are_told(desk: Cli, files: Path) -> None:
    desk("site", "add", "blog.example")
    take = ("filing", "import", str(files / "list.csv"), "--ignore-columns")
    [first, *rest] = lines(desk, *take, "--dry-run", status=1)
    assert first.startswith("第 2 行：shop.example：level：'9'：不在表单的可选项之内")
    assert "第 3 行：new.test：尚未登记（--add-sites 可一并登记）" in rest
    assert "第 4 行：blog.example：将更改（level）" in rest
    assert rest[-3:] == [
        "已忽略不属于备案资料的列：x", "3 行：更改 1、被拒绝 1、无法读取 1",
        "未执行任何操作（--dry-run）",
    ]  # fmt: skip
    [first, *rest] = lines(desk, *take, status=1)
    assert first == f"incidents：{files / 'list.csv'} 有 1 行无法导入："
    assert rest[-1].endswith("未执行任何操作")
    told = lines(desk, "filing", "check-footer", str(files / "page.html"), status=5)
    assert "错误\t公安备案图标\t没有显示公安备案图标。" in told
