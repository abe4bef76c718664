"""The real Claude Code, pinned: where its binary is, and how to fetch it.

usage: python claude_code.py --fetch [VERSION]    prints the binary's path, fetching it first when it has to

VERSION is the pinned one by default; `no-mods` is one without mods, `oldest` the oldest that is supported.
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

#: The release under test, one that has skills in the background and no mods, and the oldest that is supported.
VERSION, NO_MODS, OLDEST = "2.1.332", "2.1.280", "2.1.145"
#: The packages' hashes as the npm registry has them: `npm view PACKAGE@VERSION dist.integrity`.
INTEGRITY = {
    "2.1.332": {
        "@anthropic-ai/claude-code-linux-x64": "sha512-f4JWhzwYutJIHScC7/dYOPX6s28tt7ZADhsOi8zwOHq5fFPEuUeChh2NMfinSg0GrUckYxaeebC4h0DqiKzLcw==",
        "@anthropic-ai/claude-code-linux-arm64": "sha512-BlHNEtK38KBPWU31F4lUSS9sHclCyfWbThT1CErvxxH8+XcljYLZlQwdyXBkTD62rw1TgfE1u1a+quMWS0NSJg==",
        "@anthropic-ai/claude-code-darwin-x64": "sha512-i0GV2ejBOeHMXs+XPCd1IaJj1GV3VdZl8hiQD6hLMR/N7f4Nt8q4Edj1GYJCKXPLJa/zsE9Uv6r9rZ/ldVFQPQ==",
        "@anthropic-ai/claude-code-darwin-arm64": "sha512-L/F5mypyB7SK59cesiAqGv1bVNd+8xTn0LF5kV6EGL6UMhofVJMFlokhDRoxNzANNC5i/5JdzfJyDOKUbZObiA==",
    },
    "2.1.280": {
        "@anthropic-ai/claude-code-linux-x64": "sha512-dJHWFrDSIZ26hdLucnK3ehLmzdzYl3MsPC1RzUctAUaYnZlH5kfAZxnK8qYRAQ89GX3OPrLsnFdt/QnP+0Ck6Q==",
        "@anthropic-ai/claude-code-linux-arm64": "sha512-zB4oqrFwimkV/FmBOkVxvv8iYgsuDSp7/MY8uYTns4SCE4DwdHz58X1cO1sgqLnCR96A0oU7Yirov1Uk3iGKAA==",
        "@anthropic-ai/claude-code-darwin-x64": "sha512-991qNyZVC/ra6THRMLDJ1mB1a+/C/bpKEA1w5ttNJA0mTvVm012kAbS3Pf7zrvRBFe7fU1KeHkGlTTq49519qA==",
        "@anthropic-ai/claude-code-darwin-arm64": "sha512-ctkNgja8Yi2kngVFPO2667k6zbtJwjQ+dOTeEp1XmzHcoDFdaee4h4WVgZllsewm/Io+pPPPSFQVdGHOtdE/1A==",
    },
    "2.1.145": {
        "@anthropic-ai/claude-code-linux-x64": "sha512-bLuRixDBBFHofpfPvf11yp+VxQ4iDTohrCS3EkEsEiQ4YRmCwxeEIZDtdzhiPTVsRsHvsdByKOfBrQC677p9zQ==",
        "@anthropic-ai/claude-code-linux-arm64": "sha512-tgJZ5jCCCqS87E3a1ElnkvKCEzC71WPwKzdmwUeokqP2mj6M+JEz66stuyN3ru2MCe83svcxKSU+oNaALV+uRQ==",
        "@anthropic-ai/claude-code-darwin-x64": "sha512-fQxZMafJ8wEixJLQMFn/1c6usMT/KMnpZukOW/j5hfFNLq4gwNL1sZFBgvJ6+RCMB3r3Yz1HBzP/JBERxeS28Q==",
        "@anthropic-ai/claude-code-darwin-arm64": "sha512-nY4mqeGqqHOdRDM8XIKfakaKFu/t9EbwYGE8Tx+f/MxuzblSH1iD54TfQuq2cbTqUSaqEqiHkGM2jxoZxPcTEQ==",
    },
}


class BinaryMissingError(Exception):
    """There is no Claude Code to run; the message is one line that says what to do."""


def binary(version: str = VERSION, *, fetch: bool = True) -> Path:
    """The binary of that release, fetched from npm when it is not in the cache; for VERSION the one that CLAUDE_BIN
    names, if it names one.

    Raises BinaryMissingError.
    """
    named = os.environ.get("CLAUDE_BIN") if version == VERSION else None
    if named:
        return _runnable(Path(named))
    cached = cache_folder(version) / "node_modules" / package() / "claude"
    if not cached.exists() and fetch:
        _fetch(version)
    return _runnable_cached(cached, version)


def cache_folder(version: str = VERSION) -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(caches) / "claudestrator" / f"claude-code-{version}"


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


def _runnable_cached(path: Path, version: str) -> Path:
    if not os.access(path, os.X_OK):
        raise BinaryMissingError(
            f"Claude Code is not at {path}: run `python tests/rig/claude_code.py --fetch {version}`"
        )
    return path.resolve()


def _fetch(version: str) -> None:
    """Fetches beside the folder and renames, so that a download cut short is never taken for the binary."""
    folder = cache_folder(version)
    npm = shutil.which("npm")
    if not npm:
        raise BinaryMissingError("npm is missing: install Node.js, or set CLAUDE_BIN to a Claude Code binary")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        ready = Path(aside) / "ready"
        ready.mkdir()
        _lock(ready, package(), version)
        command = [npm, "ci" if version in INTEGRITY else "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=ready, check=False, capture_output=True, text=True)
        if done.returncode:
            raise BinaryMissingError(
                f"npm could not fetch Claude Code {version} ({_npms_error(done.stderr)}): try again, or set CLAUDE_BIN"
            )
        if not folder.exists():
            ready.rename(folder)


def _lock(folder: Path, name: str, version: str) -> None:
    """The files by which `npm ci` checks what it fetches; they name no registry, so that it takes the person's. A release
    without a hash here is fetched on the registry's word."""
    wanted = {"dependencies": {name: version}}
    (folder / "package.json").write_text(json.dumps(wanted), encoding="utf-8")
    if version not in INTEGRITY:
        return
    pinned = {"version": version, "integrity": INTEGRITY[version][name]}
    packages = {"": wanted, f"node_modules/{name}": pinned}
    locked = {"lockfileVersion": 3, "requires": True, "packages": packages}
    (folder / "package-lock.json").write_text(json.dumps(locked), encoding="utf-8")


def _npms_error(said: str) -> str:
    """What npm said, on one line, without its stack and where its log is."""
    lines = [re.sub(r"^npm (error|ERR!) ?", "", line).strip() for line in said.splitlines()]
    told = [line for line in lines if line and not re.search(r"^at |complete log|-debug-\d+\.log$", line)]
    return "; ".join(dict.fromkeys(told))[:400] or "no message"


def main(arguments: list[str]) -> int:
    if arguments[:1] != ["--fetch"] or arguments[2:]:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(binary(*({"no-mods": NO_MODS, "oldest": OLDEST}.get(each, each) for each in arguments[1:])))
    except BinaryMissingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
