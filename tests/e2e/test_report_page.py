"""The report's page in a real browser: a picture of each section, and what a person at a keyboard finds."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from claudestrator_helper.report import gather, keep
from scripted_run import ScriptedRun

if TYPE_CHECKING:
    from pathlib import Path

    from rig import chromium

SECTIONS = ["header", "", "story", "failures", "dependencies", "timeline", "tasks", "agents", "cost"]
_BOXES = """[...document.querySelectorAll('header, section')].map(each => {
  const box = each.getBoundingClientRect();
  return [each.id || each.className || (each.tagName == 'HEADER' ? 'header' : ''), {x: box.x, y: box.y + scrollY, width: box.width, height: box.height}];
})"""
_OVERLAPS = """(() => {
  const boxes = [...document.querySelectorAll('.graph .box > rect:first-of-type')].map(each => each.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  return boxes.filter((a, at) => boxes.slice(at + 1).some(b => meet(a, b))).length + 1000 * (boxes.length != 26);
})()"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run in its middle, with hostile words in it."""
    folder = tmp_path_factory.mktemp("shown")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLAUDE_CONFIG_DIR", str(folder / "config"))
        run = ScriptedRun(folder / "pocket", folder / "config")
        run.fill("<script>document.title = 'hacked'</script><img src=x onerror=\"document.title = 'hacked'\">")
        run.play(["--parallel", "3"], until=lambda: len(run.names) >= 16)
        return folder / keep.write(run.project, gather.gather(run.project, clock=lambda: run.now))


def colours(png: bytes) -> int:
    """How many different bytes the picture's rows hold: one or two for a blank one."""
    at, packed = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        packed += png[at + 8 : at + 8 + length] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    return len(set(zlib.decompress(packed)))


def named(page: chromium.Page, role: str) -> list[str]:
    nodes: list[dict[str, Any]] = page.call("Accessibility.getFullAXTree")["nodes"]
    return [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == role and "name" in node]


@pytest.mark.parametrize("dark", [False, True])
def test_each_section_is_drawn_and_nothing_is_fetched_or_run(
    page: chromium.Page, shown: Path, tmp_path: Path, dark: bool
) -> None:
    before = len(page.events)
    page.show(shown, dark=dark)

    boxes = dict(page.value(_BOXES))
    assert list(boxes) == [name for name in SECTIONS if name in boxes]
    assert {"header", "story", "dependencies", "timeline", "tasks", "cost"} <= boxes.keys()
    for name, box in boxes.items():
        picture = page.picture(box)
        (tmp_path / f"{name or 'figures'}.png").write_bytes(picture)
        assert colours(picture) > 40, name

    told = [
        event["params"]
        for event in page.events[before:]
        if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")
    ]
    assert told == []
    fetched = [
        event["params"]["request"]["url"]
        for event in page.events[before:]
        if event.get("method") == "Network.requestWillBeSent"
    ]
    assert fetched == [shown.as_uri()]
    assert page.value("document.title").startswith("pocket · run ")
    assert page.value("document.querySelectorAll('script, img').length") == 0
    light = sum(page.value("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"))
    assert (light < 150) is dark


@pytest.mark.parametrize("width", [1280, 390])
def test_no_boxes_meet_and_the_page_is_no_wider_than_its_window(page: chromium.Page, shown: Path, width: int) -> None:
    page.show(shown, width)
    assert page.value("document.scrollingElement.scrollWidth") <= width
    assert page.value(_OVERLAPS) == 0


def test_on_paper_everything_is_there(page: chromium.Page, shown: Path) -> None:
    page.show(shown, media="print")
    assert (
        page.value("[...document.querySelectorAll('.scroll')].filter(e => e.scrollHeight > e.clientHeight + 2).length")
        == 0
    )
    assert page.value("document.querySelector('details pre').checkVisibility({contentVisibilityAuto: true})")


def test_by_keyboard_and_by_screen_reader_a_task_is_found_and_opened(page: chromium.Page, shown: Path) -> None:
    page.show(shown)
    page.press("Tab")
    assert page.value("document.activeElement.textContent") == "Skip to the tasks"
    page.press("Enter")
    while page.value("document.activeElement.tagName") != "SUMMARY":
        page.press("Tab")
    page.press("Enter")
    assert page.value("document.activeElement.parentElement.open")

    assert {"Asked", "Built", "Dependencies", "Timeline", "Tasks", "Cost"} <= set(named(page, "heading"))
    assert "Tasks" in named(page, "table")
    assert any(name.startswith("TASK-009, ") and "; needs TASK-001, TASK-002" in name for name in named(page, "link"))
    assert {"Task", "Status", "Proven", "Model", "Attempts", "Time", "Tokens", "Cost", "Edits"} <= set(
        named(page, "columnheader")
    )
