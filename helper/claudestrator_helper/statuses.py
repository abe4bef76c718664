"""The four statuses of a task, the words that people write for them, and the allowed moves."""

import re

PENDING, IN_PROGRESS, COMPLETED, FAILED = "pending", "in_progress", "completed", "failed"

#: From each status, those that it may become. A completed task has to be reopened before it can run or fail.
MOVES = {
    PENDING: (IN_PROGRESS, COMPLETED, FAILED),
    IN_PROGRESS: (PENDING, COMPLETED, FAILED),
    COMPLETED: (PENDING,),
    FAILED: (PENDING, IN_PROGRESS, COMPLETED),
}

_SYNONYMS = {
    PENDING: "pending todo to_do open new not_started queued ready planned",
    IN_PROGRESS: "in_progress inprogress wip doing started running active ongoing",
    COMPLETED: "completed complete done finished",
    FAILED: "failed failure failing error errored",
}
_BY_WORD = {word: status for status, words in _SYNONYMS.items() for word in words.split()}
_SIGNS = {
    "✅": COMPLETED,
    "☑": COMPLETED,
    "✔": COMPLETED,
    "[x]": COMPLETED,
    "❌": FAILED,
    "[ ]": PENDING,
    "⏳": PENDING,
}


def normalise(text: str) -> str:
    """The status that *text* means, or *text* itself where no one knows.

    Forms seen in the wild: ``DONE``, ``✅ Done``, ``in-progress``, `` `pending` ``, ``**pending**``,
    ``done (2026-04-14)``.

    """
    text = text.strip()
    if text in _BY_WORD:
        return _BY_WORD[text]
    sign = _SIGNS.get(text.replace("\ufe0f", "").lower())
    if sign:
        return sign
    # A question mark stays, so that "done?" is nobody's completion.
    words = re.sub(r"\([^()]*\)|[^\w\s?-]", " ", text).strip().lower()
    return _BY_WORD.get(re.sub(r"[\s_-]+", "_", words).strip("_"), text)
