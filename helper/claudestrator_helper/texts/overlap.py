"""Which tasks may touch the same file, and so don't run at the same time."""

import posixpath
import re
from collections.abc import Iterable, Iterator

#: Characters of a path that are looked at; no disk has longer ones.
_LONGEST = 4096

#: A path has a dot or a slash, or is one of the files without: any other word may be about any file.
_PATH = re.compile(r"(?=.*[./\\*]|[A-Z][a-z]+file\Z|[A-Z]{4,}\Z)(?!.*(?:://|\.\.\.|…))(?!etc\b|e\.g|n\.a)[^\s,;<>|\"]+")
_VERB = (
    r"(?:(?:create|modify|edit|update|change|add|delete|remove|test|tests|new|touch|read|write|rewrite|rename"
    r"|move|extend|refactor|fix|and|or|also|in|file|files"
    r"|see|plus)\b(?![./\\])[ \t]*:?|[A-Z][A-Za-z ]{0,30}:(?=\s)"
    r"|\[(?:new|add(?:ed)?|mod(?:ified|ify)?|del(?:eted?)?)\]|[AMD]\s(?=\s*\S+[./]))\s*"
)
_CLEANED = (
    (r"<!--.*?(?:-->|\Z)|~~.*?~~", " "),
    # Of a link, the target: its text may be anything.
    (r"!?\[[^\[\]\n]*\]\(([^()\s]+)[^()\n]*\)", r" \1 "),
    (r"(?<!\S)_(?=[^\s_]\S*_(?!\S))|(?<=[^\s_])_(?!\S)|(?<!\w)'|'(?!\w)", ""),
    ("[、，；]", ", "),
    (r"[`\"]|\*\*(?=[^/*\s])|(?<=[^/*\s])\*\*|(?m:^[ \t>]*[•·][ \t]*)", " "),
)
#: An absolute path may be one of the project's; others that begin with a slash begin at its root.
_ELSEWHERE = r"[A-Za-z]:[/\\]|/(?:home|Users|root|mnt|media|private|tmp|var|opt|srv|workspaces?)/"
#: What one pattern in braces is spelled out to, at most.
_MOST = 64


def collide(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two tasks that name these files may touch the same one; a task that names none may touch any."""
    return meet(places(one), places(other))


def places(files: Iterable[str]) -> frozenset[str]:
    """The files and folders that a task names, as they compare."""
    return frozenset(map(_place, files))


def meet(ones: frozenset[str], others: frozenset[str]) -> bool:
    """Whether what two tasks name may be the same file, or may be one in the other's folder."""
    everything = not (ones and others) or not {"", "."}.isdisjoint(ones | others)
    return everything or _is_within(ones, others) or _is_within(others, ones)


def _is_within(ones: frozenset[str], others: frozenset[str]) -> bool:
    """Whether one of *ones*, or a folder that it is in, is among *others*."""
    # Each with each would take the square of what two tasks name.
    return any(folder in others for path in ones for folder in _upwards(path))


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def paths(text: str) -> list[str]:
    """The paths in a Files field; text that is no path is kept as it is, and then the task may touch any file."""
    from . import dependency_items, fields

    for pattern, instead in _CLEANED:
        text = re.sub(pattern, instead, text, flags=re.DOTALL)
    text = re.sub(r"(?:^|(?<=\s))\(([^()]*)\)?", lambda match: _remark(match[1]), text)
    text = text.strip().removeprefix("[").removesuffix("]") if re.match(r"\s*\[.*\]\s*\Z", text, re.DOTALL) else text
    found = []
    text = re.sub(r"\{[^{}\n]*\}", lambda match: re.sub(r"\s", "", match[0]), text)
    for part in (part for item in fields.items(text) for part in re.findall(r"(?:\{[^{}]*\}|[^,;])+", item)):
        head, *remarks = re.split(r"\s[—–-]+\s", f" {part} ")
        for named in [*re.split(r"\s(?:and|or|&|\+|plus)\s", head), *_remark(" ".join(remarks)).split(",")]:
            more = named.strip() in ("...", "…", "..")
            found += [] if dependency_items.is_nothing(named) and not more else _of(named.strip())
    return list(dict.fromkeys(found))


def _remark(text: str) -> str:
    """Of a remark beside a path, the paths that it names, each after a comma: "a.py (and b.py)"."""
    named = (
        word for word in re.split(r"[\s,;]+", text) if _PATH.fullmatch(word) and re.search(r"\w/|/\w|\w\.[a-z]", word)
    )
    return "".join(f", {word}" for word in named) + " "


def _of(text: str) -> list[str]:
    """The paths in one part of a field, or the part itself where it is more than paths."""
    # "src/cart.py: the model"
    path, *remark = re.split(r"\s?:\s", text, maxsplit=1)
    found = _only(text)
    if not found and remark and _only(path):
        found = [*_only(path), *_remark(remark[0]).replace(",", " ").split()]
    return found or [text]


def _only(text: str) -> list[str]:
    """The paths in *text* if there is nothing else in it."""
    words = re.sub(r"\slines?\s[\d–-]+\Z", "", re.sub(rf"\A(?:{_VERB})+", "", text, flags=re.IGNORECASE)).split()
    words = [word[:-1] if re.search(r"\w\.\Z|[\w/]:\Z", word) else word for word in words]
    words = [path for word in words for path in _spelled(word)]
    return words if all(map(_PATH.fullmatch, words)) else []


def _spelled(path: str) -> list[str]:
    """*path* with its braces spelled out: ``src/{a,b}.py`` is two."""
    found = [path]
    while len(found) <= _MOST:
        braces = [re.search(r"\{([^{}]*,[^{}]*)\}", each) for each in found]
        if not any(braces):
            return found
        found = [
            f"{each[: match.start()]}{inner.strip()}{each[match.end() :]}" if match else each
            for each, match in zip(found, braces)  # noqa: B905 (as many as paths)
            for inner in (match[1].split(",") if match else [""])
        ]
    return [path]


def _place(path: str) -> str:
    """A path as it compares; of a pattern, the folder that it is about; "" for what is no path or
    begins somewhere else, and so may be any."""
    if not _PATH.fullmatch(path[:_LONGEST]):
        return ""
    text = re.sub(r"(?:(?<=\w):.*|#.*|\([^()]*\))\Z", "", path[:_LONGEST].replace("\\", "/")).lstrip("/@")
    if re.match(_ELSEWHERE, path[:_LONGEST]):
        return ""
    wild = re.search(r"[*?{]", text)
    # Some disks take README.md and readme.md for one file.
    place = posixpath.normpath(text[: wild.start()].rpartition("/")[0] if wild else text).casefold()
    return "" if place.startswith(("..", "~", "$")) else place
