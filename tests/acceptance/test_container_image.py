"""The Containerfile, built over a base that is made here, serves from the image that comes out."""

from __future__ import annotations

import json
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from incidents import __version__, installation
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
BASE = "localhost/base"


def run(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints, if all goes well."""
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=1_800
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Buildah:
    """buildah with a store of its own in that folder."""

    store: Path

    def __call__(self, *words: str | Path) -> str:
        root, state = self.store / "root", self.store / "run"
        own = ("--root", root, "--runroot", state, "--storage-driver", "vfs")
        return run("buildah", *own, *words)

    def mounted(self, image: str) -> tuple[str, Path]:
        """A container of the image, and the folder where its files are."""
        container = self("from", "--pull-never", image)
        return container, Path(self("mount", container))


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    found = Buildah(tmp_path / "store")
    yield found
    found("umount", "--all")
    found("rm", "--all")


def make_base(buildah: Buildah) -> str:
    """A base from the archive that this machine's own packages come from; its Python's version."""
    container, folder = buildah.mounted("scratch")
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    archives = run(
        "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
        "Component: main",
    ).splitlines()  # fmt: skip
    archive = next(each for each in archives if each.startswith("http"))
    # As the slim images of Debian: no wait for the disk, and nothing to read.
    settings = folder / "etc/dpkg/dpkg.cfg.d/speed"
    settings.parent.mkdir(parents=True)
    settings.write_text("force-unsafe-io\n")
    run("debootstrap", "--variant=minbase", "--include=python3-venv", suite, folder, archive)
    run("chroot", folder, "apt-get", "clean")
    for name in ("doc", "locale", "man"):
        shutil.rmtree(folder / "usr/share" / name)
    tell = "import sys; print('%d.%d' % sys.version_info[:2])"
    python = run("chroot", folder, "python3", "-c", tell)
    buildah("commit", "--rm", container, BASE)
    return python


def ulimits() -> list[str]:
    """This process's own limits; buildah would raise them, which not every root may."""
    limits = {"nproc": resource.RLIMIT_NPROC, "nofile": resource.RLIMIT_NOFILE}
    found = {name: resource.getrlimit(limit) for name, limit in limits.items()}
    return [f"--ulimit={name}={soft}:{hard}" for name, (soft, hard) in found.items()]


def gather(folder: Path, python: str) -> None:
    """The context of the build: the pins and the wheel, as the page has one make it."""
    for name in ("requirements", "docs/examples"):
        shutil.copytree(ROOT / name, folder / name)
    wheel = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(sys.executable, "-m", *wheel, "--wheel-dir", folder / "dist", ROOT)
    # The build asks for no index: this machine's own, and its certificates, are not the image's.
    run(
        sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps",
        "--only-binary", ":all:", "--python-version", python, "-d", folder / "libraries",
        "-r", ROOT / "requirements/run.txt",
    )  # fmt: skip
    (folder / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /libraries\n")


@pytest.mark.long
def test_the_image_names_its_commit_and_serves(buildah: Buildah, tmp_path: Path) -> None:
    python = make_base(buildah)
    context = tmp_path / "context"
    gather(context, python)
    buildah(
        "build", "--isolation", "chroot", "--format", "docker", "--build-arg", f"BASE={BASE}",
        *ulimits(), "--pull-never", "--tag", "incidents",
        "--file", context / "docs/examples/Containerfile",
        "--volume", f"{context}/libraries:/libraries:ro",
        "--volume", f"{context}/pip.conf:/etc/pip.conf:ro", context,
    )  # fmt: skip

    made = json.loads(buildah("inspect", "--type", "image", "incidents"))["Docker"]["config"]
    assert (made["User"], made["Entrypoint"]) == ("incidents", ["incidents"])
    assert made["Healthcheck"]["Test"][0] == "CMD"
    _, files = buildah.mounted("incidents")
    environment = dict(each.split("=", 1) for each in made["Env"])
    inside = ["chroot", "--userspec=incidents", str(files)]

    def incidents(*args: str) -> str:
        return run(*inside, "incidents", *args, environment=environment)

    commit = installation.commit_of(ROOT)
    assert re.fullmatch(
        rf"incidents {__version__} \(commit {commit}(, changed)?\)", incidents("--version")
    )
    incidents("db", "upgrade")
    log = tmp_path / "serve.log"
    with log.open("w") as errors:
        serve = subprocess.Popen(
            [*inside, "incidents", "serve", "--port", "0"], env=environment,
            stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    with serve:
        try:
            assert serve.stdout is not None
            url = serve.stdout.readline().strip()
            assert url.startswith("http://"), log.read_text()
            assert "next: incidents account add admin-1" in log.read_text()
            # The health check of the image finds it too, at the port that it has in a container.
            _, *check = made["Healthcheck"]["Test"]
            check[-1] = check[-1].replace("http://127.0.0.1:7390", url)
            run(*inside, *check, environment=environment)
            incidents("daemon", "--once")
            serve.send_signal(signal.SIGTERM)
            assert serve.wait(PATIENCE_S) == 0
        finally:
            serve.kill()
    # All that it has written is in the volume.
    [owner] = {path.stat().st_uid for path in (files / "var/lib/incidents").rglob("*")}
    assert owner == 10_001
