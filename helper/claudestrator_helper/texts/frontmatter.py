"""YAML frontmatter of our own files.

What the helper itself writes is read without YAML, because importing it takes longer than most verbs may; anything
else, such as a line that a person changed, goes to python-frontmatter. A test holds both readings equal.
"""

from ..errors import ClaudestratorError
from . import plain_json

# Compiled when needed: the helper itself writes documents that are read without.
_DOCUMENT = r"(?sm)\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)(.*)\Z"
#: Words that YAML takes for a text and for nothing else.
_WORDS = r"[A-Za-z][A-Za-z,.;()' /-]*[A-Za-z.)]"
#: What the YAML library raises, besides its own errors, for values such as `!!int ''` and `!!timestamp x`.
_WRONG = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError)
#: How many characters that the helper did not write itself are read: YAML takes the square of a number's length,
#: and a second for this many.
_LONGEST = 50_000
_NO_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"))
_SPECIAL = "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"


def split(text: str, name: str) -> tuple[dict[str, object], str]:
    """The metadata and the body of a document; *name* is for the message.

    Raises ClaudestratorError for frontmatter that isn't a YAML mapping.

    """
    parts = _parts(text)
    if parts is None:
        return {}, text
    quick = _quick(parts[0])
    return (quick if quick is not None else _thorough(parts[0], name)), parts[1].lstrip("\r\n")


def own(text: str) -> dict[str, object] | None:
    """The metadata of a document as the helper writes it; None for anything else, however good its YAML."""
    parts = _parts(text)
    return _quick(parts[0]) if parts else None


def _parts(text: str) -> tuple[str, str] | None:
    """The frontmatter and what follows it; None without any."""
    end = text.find("\n---", 3)
    if text.startswith("---\n") and end > 0 and text[end + 4 : end + 5] == "\n":
        return text[4 : end + 1], text[end + 5 :]
    import re

    match = re.match(_DOCUMENT, text)
    return (match[1], match[2]) if match else None


def join(metadata: dict[str, object], body: str) -> str:
    """A document with one ``key: value`` a line, the values in JSON, which YAML reads alike."""
    lines = [f"{_key(key)}: {_dumps(value)}\n" for key, value in metadata.items()]
    return f"---\n{''.join(lines)}---\n\n{body}"


def _key(key: object) -> str:
    """A key that a person wrote may be any YAML at all."""
    plain = isinstance(key, str) and _is_plain(key) and key not in _NO_WORDS
    return str(key) if plain else _dumps(key)


def _is_plain(key: str) -> bool:
    """Whether it is small letters and, after the first, underscores."""
    letters = key.replace("_", "")
    return key.isascii() and letters.isalpha() and letters.islower() and key[0] != "_"


def _dumps(value: object) -> str:
    import json
    import re

    # A date or whatever else a person's YAML holds is kept as its text.
    text = json.dumps(value, ensure_ascii=False, default=str)
    return re.sub(_SPECIAL, lambda match: f"\\u{ord(match[0]):04x}", text)


def _quick(block: str) -> dict[str, object] | None:
    metadata: dict[str, object] = {}
    for line in block.split("\n")[:-1]:
        key, colon, value = line.rstrip("\r").partition(": ")
        if not colon or not _is_plain(key) or key in _NO_WORDS or "\t" in value:
            return None
        try:
            metadata[key] = plain_json.loads(value, _refuse)
        except (ValueError, RecursionError):
            import re

            if value.lower() in _NO_WORDS or not re.fullmatch(_WORDS, value):
                return None
            metadata[key] = value
    return metadata


def _refuse(number: str) -> object:
    # JSON and YAML differ on some of these, and the helper writes none.
    raise ValueError(number)


def _thorough(block: str, name: str) -> dict[str, object]:
    from . import packages

    packages.find()
    import yaml
    from frontmatter.default_handlers import YAMLHandler

    # The loader in Python, because the one in C refuses the escapes for bytes that are not UTF-8.
    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            # A few lines of aliases can expand to more than any memory holds.
            if self.check_event(yaml.AliasEvent):
                raise yaml.MarkedYAMLError(problem_mark=self.peek_event().start_mark)  # type: ignore[no-untyped-call]
            return super().compose_node(parent, index)

    if len(block) > _LONGEST:
        raise ClaudestratorError(f"{name}: the frontmatter is too long to be edited as YAML; fix or delete it")
    try:
        metadata = YAMLHandler().load(block, Loader=Loader)
        repr(metadata)  # raises ValueError for a number that is too long to be printed, and so to be refused
    except (yaml.YAMLError, *_WRONG) as error:
        line = _line_of(error, block)
        raise ClaudestratorError(f"{name}{line}: the frontmatter is not YAML; fix or delete it") from error
    if not isinstance(metadata, dict | None):
        raise ClaudestratorError(f"{name}: the frontmatter is not a list of `key: value` lines; fix or delete it")
    return metadata or {}


def _line_of(error: Exception, block: str) -> str:
    mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
    if mark is None and position is None:
        return ""
    before = mark.line if mark else block.count("\n", 0, position)
    # The block begins on the second line of its document.
    return f", line {before + 2}"
