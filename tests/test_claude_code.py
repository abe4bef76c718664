"""How the pinned Claude Code is fetched, with the real npm and a registry on this machine."""

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from claudestrator_helper import host
from rig import claude_code

Publish = Callable[[str], str]


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publish]:
    """Publishes a package of Claude Code's name whose binary prints a text; its hash. npm is configured for it alone."""
    pages: dict[str, bytes] = {}

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path.lower())
            self.send_response(200 if page else 404)
            self.end_headers()
            self.wfile.write(page or b"{}")

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", url)
    monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "npm"))
    monkeypatch.setenv("NPM_CONFIG_FETCH_RETRIES", "0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CLAUDE_BIN", raising=False)

    def published(text: str) -> str:
        name, version = claude_code.package(), claude_code.VERSION
        about = {"name": name, "version": version, "scripts": {"install": f"touch {tmp_path / 'ran'}"}}
        archive = packed({"package.json": json.dumps(about), "claude": f"#!/bin/sh\necho {text}\n"})
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
        dist = {"tarball": f"{url}/claude.tgz", "integrity": integrity}
        document = {"name": name, "dist-tags": {"latest": version}, "versions": {version: {**about, "dist": dist}}}
        pages.update({f"/{name.replace('/', '%2f')}": json.dumps(document).encode(), "/claude.tgz": archive})
        return integrity

    yield published
    server.shutdown()
    server.server_close()


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size, entry.mode = len(text), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_the_package_with_the_recorded_hash_is_fetched_and_its_scripts_do_not_run(
    publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(claude_code.INTEGRITY[claude_code.VERSION], claude_code.package(), publish("good"))
    assert claude_code.binary().read_text() == "#!/bin/sh\necho good\n"
    assert not (tmp_path / "ran").exists()


def test_another_package_is_refused_whatever_its_registry_says(
    publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(claude_code.INTEGRITY[claude_code.VERSION], claude_code.package(), publish("good"))
    publish("altered")
    with pytest.raises(claude_code.BinaryMissingError, match="EINTEGRITY"):
        claude_code.binary()
    assert not list((tmp_path / "cache" / "claudestrator").iterdir())


@pytest.mark.usefixtures("publish")
def test_npms_own_error_is_shown_on_one_line() -> None:
    with pytest.raises(claude_code.BinaryMissingError) as refused:
        claude_code.binary()
    said = str(refused.value)
    assert "code E404" in said
    assert "Not Found" in said
    assert "\n" not in said
    assert ".log" not in said


def test_every_platforms_package_has_a_hash() -> None:
    systems = [f"{system}-{machine}" for system in ("linux", "darwin") for machine in ("x64", "arm64")]
    assert set(claude_code.INTEGRITY) == {claude_code.VERSION, claude_code.NO_MODS, claude_code.OLDEST}
    for hashes in claude_code.INTEGRITY.values():
        assert set(hashes) == {f"@anthropic-ai/claude-code-{system}" for system in systems}
        assert all(len(base64.b64decode(each.removeprefix("sha512-"))) == 64 for each in hashes.values())


def test_the_oldest_release_that_is_run_is_the_oldest_that_is_supported() -> None:
    assert ".".join(map(str, host.OLDEST)) == claude_code.OLDEST


def test_a_release_without_a_recorded_hash_is_fetched_too(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    publish("another")
    monkeypatch.setattr(claude_code, "INTEGRITY", {})
    assert claude_code.binary(claude_code.VERSION).read_text() == "#!/bin/sh\necho another\n"


@pytest.mark.parametrize(
    ("words", "asked"),
    [([], ()), (["2.1.300"], ("2.1.300",)), (["oldest"], (claude_code.OLDEST,)), (["no-mods"], (claude_code.NO_MODS,))],
)
def test_any_release_can_be_fetched_by_its_number_and_the_oldest_by_its_name(
    words: list[str], asked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(claude_code, "binary", lambda *version: f"binary of {version}")
    assert claude_code.main(["--fetch", *words]) == 0
    assert capsys.readouterr().out == f"binary of {asked}\n"
    assert claude_code.main(["--fetch", "a", "b"]) == 2
