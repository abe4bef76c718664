"""The five statuses of a task, the words that people write for them, and the allowed moves."""

import functools
import re

from .fields import pattern

PENDING, IN_PROGRESS, COMPLETED, FAILED = "pending", "in_progress", "completed", "failed"
#: A task that a person has left out, and the text of its cell where what depends on it may run all the same.
SKIPPED, UNBLOCKING = "skipped", "skipped (unblocks)"
#: The statuses of tasks that no run has to do with any more.
CLOSED = (COMPLETED, SKIPPED)

#: From each status, those that it may become. A completed task has to be reopened before it can run or fail.
MOVES = {
    PENDING: (IN_PROGRESS, COMPLETED, FAILED, SKIPPED),
    IN_PROGRESS: (PENDING, COMPLETED, FAILED, SKIPPED),
    COMPLETED: (PENDING,),
    FAILED: (PENDING, IN_PROGRESS, COMPLETED, SKIPPED),
    SKIPPED: (PENDING, COMPLETED, FAILED),
}

_SYNONYMS = {
    PENDING: "pending todo to_do open new not_started queued ready planned",
    IN_PROGRESS: "in_progress inprogress wip doing started running active ongoing",
    COMPLETED: "completed complete done finished",
    FAILED: "failed failure failing error errored",
    SKIPPED: "skipped skip",
}
_BY_WORD = {word: status for status, words in _SYNONYMS.items() for word in words.split()}
_SIGNS = {
    **dict.fromkeys("✅☑✔✓", COMPLETED),
    **dict.fromkeys("❌✗✘✖", FAILED),
    **dict.fromkeys("⏳🔄🚧⚠⛔🚫🛑⏸🔴🟠🟡", IN_PROGRESS),
    **dict.fromkeys("☐⬜🔲", PENDING),
    "[x]": COMPLETED,
    "[ ]": PENDING,
    "[]": PENDING,
}
#: An hourglass alone is a task that waits; a warning alone may be anything.
_ALONE = {**_SIGNS, "⏳": PENDING, **dict.fromkeys("⚠⛔🚫🛑⏸🔴🟠🟡", "")}
_SIGN = rf"(?:\[[^\[\]\w\n]?\]|\[[xX]\]|[{''.join(sign for sign in _SIGNS if len(sign) == 1)}]\ufe0f?)"
#: Where a person's remark begins, beside the word.
_MARKS, _NO_WORD = rf"(?:{_SIGN}|[^\w?])*", rf"{_SIGN}|[^\w\s?-]"
_REMARK = r"(?:[(\[{:;,|–—]|<!--|\s-(?=\s)|\s(?=(?:on |at |since )?\d{4}-\d\d))"
#: What makes "completed" less than that.
_DOUBT = (
    r"\b(?:part|partly|partial\w*|almost|nearly|mostly|half|halfway|except|excluding|without|but|not|no|never"
    r"|none|revert\w*|roll(?:ed)? ?back|undone|redo"
    r"|redone|reopen\w*|missing|misses|lacks?|incomplete\w*|unfinished|pending|to ?do|wip|in progress|fail\w*"
    r"|broken|breaks|blocked|still|remain\w*"
    r"|left|needs?|wait\w*|await\w*|until|unless|if|only|needed|rework\w*|flaky|should|must|yet|draft|stub\w*|skip\w*|untested"
    r"|unverified|unmerged|maybe|probably|follow|later"
    r"|next|open|minus|cancel\w*|abandon\w*|drop\w*|hold|obsolete|wrong\w*|again|soon|was|locally"
    r"|to be|hopefully|disabled|regress\w*|invalid|reject\w*|declined|withdrawn|returned|back to|crash\w*|unclear"
    r"|questionable|in theory|(?:sort|kind|one) of|(?:with|has) (?:known )?(?:issues|errors|bugs|problems)"
    r"|bugs? found)\b|n['’]t\b"
    r"|\?|\b\d{1,2} ?%|\b\d+ ?(?:/|of) ?\d+\b"
)
#: What makes "pending" a task that is not to be started.
_HOLD = (
    r"[⛔🚫🛑⏸]|\b(?:do not|don['’]t|not yet|(?:on )?hold|paused|blocked|cancel\w*|skip\w*|deferred|postponed|obsolete"
    r"|dropped|abandoned)\b"
)
#: A remark that a person wrote beside an earlier status, and which might contradict this one.
_EARLIER = r"\s*\(earlier: (?:[^()]|\([^()]*\))*\)"
#: The beginnings of all words that a status has.
_LIKELY = "|".join(sorted({word.partition("_")[0] for word in _BY_WORD}))
_STRUCK = rf"~~.*?~~|{_EARLIER}"


def normalise(text: str) -> str:
    """The status that *text* means, or *text* itself where no one knows, or where it contradicts itself.

    Forms seen in the wild: ``DONE``, ``✅ Done``, ``in-progress``, `` `pending` ``, ``**pending**``,
    ``done (2026-04-14)``.

    """
    text = text.strip()
    return _BY_WORD.get(text) or _meant(text) or text


def unblocks(text: str) -> bool:
    """Whether what depends on a task with that status may run."""
    status = normalise(text)
    return status == COMPLETED or (status == SKIPPED and pattern(r"\bunblock").search(text.lower()) is not None)


@functools.lru_cache(1000)
def _meant(text: str) -> str | None:
    sign = _ALONE.get(text.replace("\ufe0f", "").lower())
    if sign:
        return sign
    text = pattern(_STRUCK).sub(" ", text).strip()
    if not pattern(_LIKELY).search(text.lower()):
        return None  # as most cells of a table
    core = _core(text)
    status = _status_of(text[core[0] : core[1]])
    if status is None:
        return None
    remark = pattern(_SIGN).sub(" ", text[core[1] :].lower())
    signs = {_SIGNS.get(found.replace("\ufe0f", "").lower(), "") for found in pattern(_SIGN).findall(text)}
    # An unknown sign is no tick.
    if any((each == COMPLETED) != (status == COMPLETED) for each in signs):
        return None
    doubt = {COMPLETED: _DOUBT, PENDING: _HOLD}.get(status)
    remark = f"{text[: core[0]]} {remark.replace('100%', '')}" if status == PENDING else remark.replace("100%", "")
    return None if doubt and pattern(doubt).search(remark) else status


def _status_of(words: str) -> str | None:
    # A question mark stays, so that "done?" is not read as completed.
    words = pattern(_NO_WORD).sub(" ", words).strip().lower()
    return _BY_WORD.get(pattern(r"[\s_-]+").sub("_", words).strip("_"))


def _core(text: str) -> tuple[int, int]:
    """Where in *text* the words are, from the first to the one before a remark; its marks stay outside."""
    first = pattern(_MARKS).match(text)
    start = first.end() if first else 0
    remark = pattern(_REMARK).search(text, start)
    last = pattern(r"(?s).*[\w?]").match(text, start, remark.start() if remark else len(text))
    return start, last.end() if last else start


def changed(text: str, status: str) -> str:
    """*text* with *status* instead of its word and signs; a remark beside it stays, as an earlier one where it might
    contradict the new status."""
    start, end = _core(text)
    remark = re.sub(rf"\A\s*{_SIGN}|\s*\(unblocks\)", "", text[end:])
    if not pattern(r"[^\x00-\x7f]|\w").search(pattern(_SIGN).sub("", remark)):
        return status
    # Before the word, anything but emphasis may begin a row or a list.
    marks = pattern(r"[^*_`~]").sub("", text[:start])
    said = re.sub(rf"\A[\s:;,–—-]*|\s*{_SIGN}|\s+\Z", "", remark)
    said = pattern(r"\A\(([^()]*)\)\Z").sub(r"\1", said)
    known = [f" (earlier: {said})"] if normalise(text) in MOVES else []
    for said in (remark, re.sub(rf"\s*{_SIGN}", "", remark), *known):
        if normalise(f"{marks}{status}{said}") == status:
            return f"{marks}{status}{said}".rstrip()
    return status
