"""A real site behind a real nginx: suspended at its deadline, open again, and closed."""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from tests.acceptance.daemons import (
    Timeline,
    daemon,
    engine_of,
    incidents,
    site,
)
from tests.enforcement.nginx_rig import nginx
from tests.patience import until

SHOP = "shop.example"
SECOND = timedelta(seconds=1)
OWN = {"INCIDENTS_CLOCK": "own"}


def test_a_site_is_down_from_its_deadline_for_twelve_hours_and_gone_when_it_is_closed(
    sqlite_url: str, tmp_path: Path
) -> None:
    timeline = Timeline(tmp_path)
    with nginx(tmp_path / "web") as web, engine_of(sqlite_url) as engine:
        settings = tmp_path / "config.toml"
        settings.write_text('[acts]\nadapter = "web"\n' + web.toml("acts.web"))
        env = timeline.environment | OWN | {"INCIDENTS_CONFIG": str(settings)}
        incidents(sqlite_url, "site", "add", SHOP, env=env)
        incidents(sqlite_url, "log", SHOP, env=env)
        assert (web.get(SHOP).status, web.get(SHOP).body) == (200, f"the page of {SHOP}\n")

        with daemon(sqlite_url, tmp_path, env=env):
            timeline.move_to(site(engine, SHOP)["next_due"] + SECOND)
            until(lambda: site(engine, SHOP)["in_force"] == "suspended", "it is down")
            down = web.get(SHOP)
            opens_at = site(engine, SHOP)["suspended_until"]
            assert down.status == 503
            retry_after = parsedate_to_datetime(down.headers["retry-after"])
            assert timedelta(0) <= retry_after - opens_at < SECOND
            assert "暂停" in down.body
            assert "suspended" in down.body
            assert web.get("blog.example").status == 200

            timeline.move_to(opens_at + SECOND)
            until(lambda: site(engine, SHOP)["in_force"] == "active", "it is up again")
            assert web.get(SHOP).body == f"the page of {SHOP}\n"

            incidents(
                sqlite_url, "site", "false-info", SHOP, "--field", "phone",
                "--evidence", "rings elsewhere", "--confirm", SHOP, env=env,
            )  # fmt: skip
            until(lambda: site(engine, SHOP)["in_force"] == "closed", "it is gone")
            gone = web.get(SHOP)
            assert gone.status == 410
            assert "关闭" in gone.body
            assert "retry-after" not in gone.headers

        compared = incidents(sqlite_url, "acts", "reconcile", "--all", "--json", env=env)
        assert '"verdict": "agrees"' in compared.stdout
        incidents(sqlite_url, "audit", "replay", env=env)
        assert web.errors() == []


def test_a_suspension_that_nginx_would_not_take_is_made_when_it_does(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Its configuration is broken by somebody else's file: nothing changes until that is mended."""
    timeline = Timeline(tmp_path)
    broken = tmp_path / "web" / "broken.conf"
    with nginx(tmp_path / "web", more=f"include {tmp_path}/web/brok*.conf;") as web:
        settings = tmp_path / "config.toml"
        settings.write_text('[acts]\nadapter = "web"\n' + web.toml("acts.web"))
        env = timeline.environment | OWN | {"INCIDENTS_CONFIG": str(settings)}
        incidents(sqlite_url, "site", "add", SHOP, env=env)
        incidents(sqlite_url, "site", "hold", SHOP, "--reason", "ordered", env=env)
        broken.write_text("no such directive;\n")
        told = incidents(sqlite_url, "daemon", "--once", env=env).stderr
        assert "1 order not carried out. See: incidents orders list" in told
        assert web.get(SHOP).status == 200
        broken.unlink()
        timeline.move(timedelta(seconds=5))
        incidents(sqlite_url, "daemon", "--once", env=env)
        assert web.get(SHOP).status == 503
