"""YAML frontmatter of our own files.

What the helper itself writes is read without YAML, because importing it takes longer than most verbs may; anything
else, such as a line that a person changed, goes to python-frontmatter. A test holds both readings equal.
"""

import json
import re

from .errors import ClaudestratorError

_DOCUMENT = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)(.*)\Z", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"([a-z][a-z_]*):[ ](.*)")
#: Words that YAML takes for a text and for nothing else.
_WORDS = re.compile(r"[A-Za-z][A-Za-z,.;()' /-]*[A-Za-z.)]")
_NOT_WORDS = re.compile(r"(?:y|n|yes|no|on|off|true|false|null|nan|inf)\Z", re.IGNORECASE)
_SPECIAL = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def split(text: str, name: str) -> tuple[dict[str, object], str]:
    """The metadata and the body of a document; *name* is for the message.

    Raises ClaudestratorError for frontmatter that isn't a YAML mapping.

    """
    match = _DOCUMENT.match(text)
    if match is None:
        return {}, text
    quick = _quick(match[1])
    return (quick if quick is not None else _thorough(text, name)), match[2].lstrip("\r\n")


def join(metadata: dict[str, object], body: str) -> str:
    """A document with one ``key: value`` a line, the values in JSON, which YAML reads alike."""
    lines = [f"{key}: {_dumps(value)}\n" for key, value in metadata.items()]
    return f"---\n{''.join(lines)}---\n\n{body}"


def _dumps(value: object) -> str:
    return _SPECIAL.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def _quick(block: str) -> dict[str, object] | None:
    metadata: dict[str, object] = {}
    for line in block.split("\n")[:-1]:
        match = _KEY.fullmatch(line.rstrip("\r"))
        if match is None:
            return None
        key, value = match.groups()
        if _WORDS.fullmatch(value) and not _NOT_WORDS.fullmatch(value):
            metadata[key] = value
            continue
        try:
            metadata[key] = json.loads(value, parse_float=_refuse, parse_constant=_refuse)
        except ValueError:
            return None
    return metadata


def _refuse(number: str) -> object:
    # JSON and YAML differ on some of these, and the helper writes none.
    raise ValueError(number)


def _thorough(text: str, name: str) -> dict[str, object]:
    import frontmatter
    import yaml

    try:
        metadata = frontmatter.loads(text).metadata
    except (yaml.YAMLError, ValueError) as error:
        at = getattr(error, "problem_mark", None)
        line = f", line {at.line + 2}" if at else ""
        raise ClaudestratorError(f"{name}{line}: the frontmatter is not YAML; mend or delete it") from error
    if not isinstance(metadata, dict):
        raise ClaudestratorError(f"{name}: the frontmatter is not a list of `key: value` lines; mend or delete it")
    return metadata
