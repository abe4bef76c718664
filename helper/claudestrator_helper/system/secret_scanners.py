"""Secrets in files that are about to be committed: private keys, and the findings of an installed scanner.

The scanners are gitleaks (https://github.com/gitleaks/gitleaks) and detect-secrets
(https://github.com/Yelp/detect-secrets).
"""

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable

from ..errors import ClaudestratorError
from . import git_safety
from .git_process import Done, run

#: Bytes of each file that are searched; keys and passwords are kept in small files.
MOST = 2_000_000
#: Seconds for one run of a scanner.
TIMEOUT = 120.0
KEY = "it holds a private key"
#: Programs and documents mention the header alone; a key follows it on the next line, or after JSON's escaped newline.
_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,5}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\r|\\n)+"
    rb"(?:[A-Za-z-]{1,40}: [^\n]{0,200}\n\s*){0,20}[A-Za-z0-9+/=]{8}"
    # A string literal for each line, or no line break at all: then it has to begin as keys do.
    rb"|PRIVATE KEY-----(?:\\[rn]|[\s\"'+,])*(?:M[A-Z][A-Za-z0-9+/]{14}|b3BlbnNzaC1rZXktdjE)"
    # The same in base 64, as Kubernetes keeps it, and what WireGuard calls a key.
    rb"|LS0tLS1CRUdJTi[A-Za-z0-9+/]{2}(?:[A-Za-z0-9+/]{4}){0,8}(?:UFJJVkFURSBLRVk|UklWQVRFIEtFW|SVZBVEUgS0VZ)"
    rb"|\bPrivateKey ?= ?[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
    rb"|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\s|PuTTY-User-Key-File-\d: |AGE-SECRET-KEY-1[A-Z0-9]{20}"
)
#: These guess from words and randomness, and report test data and checksums.
_GUESSING = ("KeywordDetector", "Base64HighEntropyString", "HexHighEntropyString")


def findings(root: str, paths: Iterable[str]) -> dict[str, str]:
    """The files that hold a secret, by path with the reason; *paths* are relative to *root*. Raises ClaudestratorError
    if an installed scanner fails."""
    found = {}
    tool = _installed(root)
    with tempfile.TemporaryDirectory(prefix="claudestrator-") as folder:
        for path in paths:
            content = _content(os.path.join(root, path))
            # In UTF-16, which PowerShell writes, each other byte is 0.
            if _KEY.search(content.replace(b"\0", b"")):
                found[path] = KEY
            elif tool and os.path.basename(path) not in (".gitleaks.toml", ".gitleaksignore"):
                _put(os.path.join(folder, "tree", path), content)
        if not (tool and os.path.isdir(os.path.join(folder, "tree"))):
            return found
        name = os.path.basename(tool)
        told = (_gitleaks if name == "gitleaks" else _detect_secrets)(tool, folder)
    return {**found, **{os.path.relpath(path, "tree"): f"{name} finds a secret in it: {what}" for path, what in told}}


def _installed(root: str) -> str:
    """The path of the scanner to use, never one inside the project; "" if none is installed."""
    inside = os.path.join(os.path.realpath(root), "")
    folders = [at for at in os.environ.get("PATH", "").split(os.pathsep) if os.path.isabs(at)]
    for name in ("gitleaks", "detect-secrets"):
        for at in filter(None, (shutil.which(name, path=folder) for folder in folders)):
            if not any(
                os.path.realpath(each).startswith(inside) for each in (at, os.path.join(os.path.dirname(at), "x"))
            ):
                return at
    return ""


def _content(path: str) -> bytes:
    """The first MOST bytes of a plain file; empty for anything else. Git commits only the target's path of a link."""
    try:
        with open(path, "rb", opener=lambda at, flags: os.open(at, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
            return file.read(MOST) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except OSError:
        return b""


def _put(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def _gitleaks(tool: str, folder: str) -> list[tuple[str, str]]:
    report = os.path.join(folder, "report.json")
    words = ["--no-git", "--no-banner", "--redact", "--exit-code", "0", "--report-format", "json"]
    done = _run(tool, ["detect", "--source", "tree", "--report-path", report, *words], folder)
    try:
        with open(report, encoding="utf-8", errors="surrogateescape") as file:
            return [(each["File"], str(each["RuleID"])) for each in json.load(file) or []]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unable(tool, done.why or "its report can't be read") from error


def _detect_secrets(tool: str, folder: str) -> list[tuple[str, str]]:
    plugins = [word for name in _GUESSING for word in ("--disable-plugin", name)]
    done = _run(tool, ["scan", "--all-files", *plugins, "tree"], folder)
    try:
        results = json.loads(done.text)["results"]
        return [(path, str(each["type"])) for path, those in results.items() for each in those]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unable(tool, done.why or "its report can't be read") from error


def _run(tool: str, words: list[str], folder: str) -> Done:
    # The scanned folder may look like a repository, and these scanners call git.
    environment = {**git_safety.environment(), "GIT_CEILING_DIRECTORIES": folder}
    done = run(os.path.basename(tool), [tool, *words], folder, environment, "", TIMEOUT)
    if done.code:
        raise _unable(tool, done.why)
    return done


def _unable(tool: str, why: str) -> ClaudestratorError:
    name = os.path.basename(tool)
    return ClaudestratorError(f"{name} could not check it ({why}): repair {name}, or take it off PATH")
