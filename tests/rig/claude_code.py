"""The real Claude Code, pinned: where its binary is, and how to fetch it.

usage: python claude_code.py --fetch    prints the binary's path, fetching it first when it has to
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "2.1.329"
#: The packages' hashes as the npm registry has them: `npm view PACKAGE@VERSION dist.integrity`.
INTEGRITY = {
    "@anthropic-ai/claude-code-linux-x64": "sha512-+n4lu1ubYAp02Y0X/MAUnxw9yY6SHHZ77F+IoW+V0wVoFuiI9opdH6gofjf14gXJCEYMTNpks7Gn1i8XZTKAWA==",
    "@anthropic-ai/claude-code-linux-arm64": "sha512-IiG5umFToSCVWqB1lEsxxwIxKgxPXyZ3DRU915v8J4Bz5Q3JpslM0ew1m5yaT+lFXBPvYxmsEgi0XI68XHND0A==",
    "@anthropic-ai/claude-code-darwin-x64": "sha512-6cjJiD19yxOzdnzErJ8ougFKoksK/wUvOJb6V2iCXg1rM9gGEY1I7HE8jQnvh6buAuXHtHaahfoiiISaplOxYg==",
    "@anthropic-ai/claude-code-darwin-arm64": "sha512-brgS94FOoB+ekq1gIeNpBtGAbzWxE1UEeBQWfk1KX1BStrMIxwWXriPfQLKEkFTWHpmGXv2fZxxMQJsR+5PhZw==",
}


class BinaryMissingError(Exception):
    """There is no Claude Code to run; the message is one line that says what to do."""


def binary(*, fetch: bool = True) -> Path:
    """The binary that CLAUDE_BIN names, else the pinned one, fetched from npm when it is not in the cache.

    Raises BinaryMissingError.
    """
    named = os.environ.get("CLAUDE_BIN")
    if named:
        return _runnable(Path(named))
    cached = cache_folder() / "node_modules" / package() / "claude"
    if not cached.exists() and fetch:
        _fetch(cache_folder())
    return _runnable_cached(cached)


def cache_folder() -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(caches) / "claudestrator" / f"claude-code-{VERSION}"


def package() -> str:
    """The npm package that holds the native binary for this machine. Raises BinaryMissingError."""
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system())
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())
    if not system or not machine:
        here = f"{platform.system()} on {platform.machine()}"
        raise BinaryMissingError(f"no Claude Code package for {here}: set CLAUDE_BIN to a binary that runs here")
    return f"@anthropic-ai/claude-code-{system}-{machine}"


def _runnable(path: Path) -> Path:
    if not os.access(path, os.X_OK) or path.is_dir():
        raise BinaryMissingError(f"CLAUDE_BIN names {path}, which can't be run: correct it or unset it")
    return path.resolve()


def _runnable_cached(path: Path) -> Path:
    if not os.access(path, os.X_OK):
        raise BinaryMissingError(f"Claude Code is not at {path}: run `python tests/rig/claude_code.py --fetch`")
    return path.resolve()


def _fetch(folder: Path) -> None:
    """Fetches beside the folder and renames, so that a download cut short is never taken for the binary."""
    npm = shutil.which("npm")
    if not npm:
        raise BinaryMissingError("npm is missing: install Node.js, or set CLAUDE_BIN to a Claude Code binary")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        ready = Path(aside) / "ready"
        ready.mkdir()
        _lock(ready, package())
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=ready, check=False, capture_output=True, text=True)
        if done.returncode:
            raise BinaryMissingError(
                f"npm could not fetch Claude Code {VERSION} ({_npms_error(done.stderr)}): try again, or set CLAUDE_BIN"
            )
        if not folder.exists():
            ready.rename(folder)


def _lock(folder: Path, name: str) -> None:
    """The files by which `npm ci` checks what it fetches; they name no registry, so that it takes the person's."""
    wanted = {"dependencies": {name: VERSION}}
    pinned = {"version": VERSION, "integrity": INTEGRITY[name]}
    packages = {"": wanted, f"node_modules/{name}": pinned}
    (folder / "package.json").write_text(json.dumps(wanted), encoding="utf-8")
    locked = {"lockfileVersion": 3, "requires": True, "packages": packages}
    (folder / "package-lock.json").write_text(json.dumps(locked), encoding="utf-8")


def _npms_error(said: str) -> str:
    """What npm said, on one line, without its stack and where its log is."""
    lines = [re.sub(r"^npm (error|ERR!) ?", "", line).strip() for line in said.splitlines()]
    told = [line for line in lines if line and not re.search(r"^at |complete log|-debug-\d+\.log$", line)]
    return "; ".join(dict.fromkeys(told))[:400] or "no message"


def main(arguments: list[str]) -> int:
    if arguments != ["--fetch"]:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(binary())
    except BinaryMissingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
