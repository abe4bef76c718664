"""The headings of tasks that an independent Markdown parser finds and the helper's reading keeps quiet about."""

import itertools
import re
from collections.abc import Iterator

from claudestrator_helper.texts import ids, queue_problems
from claudestrator_helper.texts import queue as q
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark")
_TASK = re.compile(r"\W*(TASK-[A-Za-z]*\d[A-Za-z0-9]*)(?![\w.-])")


def dropped(parsed: q.Queue) -> Iterator[str]:
    """Each heading of CommonMark that names a task, is none of the tasks, and is nothing that check names."""
    try:
        tokens = _MARKDOWN.parse(parsed.text)
    except Exception:  # noqa: BLE001 (the oracle's own bugs are not ours)
        return
    if any(token.type == "html_block" and not token.content.startswith("<!--") for token in tokens):
        return  # a fence right below a tag is none for CommonMark; people who write that mean one
    said = "\n".join(problem.text for problem in queue_problems.unreadable(parsed))
    for token, inside in itertools.pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.markup.startswith("#"):
            match = _TASK.match(inside.content)
            if match and len(match[1]) <= ids.LONGEST and match[1] not in parsed.by_id and match[1] not in said:
                excused = "never ends" in said or "swallow" in said or _excused(parsed, match[1], (token.map or [0])[0])
                if not excused:
                    yield inside.content


def _excused(parsed: q.Queue, id_: str, line: int) -> bool:
    """Whether the heading is that of a group, or stands behind an indented fence, which is at an end for CommonMark
    where the list around it is; people who write that mean a fence."""
    at = [match.end() for match in itertools.islice(re.finditer(r"\r\n|\r|\n", parsed.text), line)]
    start = at[-1] if at else 0
    if any(span.start <= start and parsed.text[span.start] == " " for span in parsed.hidden):
        return True
    pairs = itertools.pairwise(parsed.blocks)
    return any(block.id == id_ and following.id and following.level > block.level for block, following in pairs)
