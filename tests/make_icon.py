"""Writes the plugin's icon: a queue of three bars, of which the first is done.

python tests/make_icon.py > .claude-plugin/icon.png
"""

import struct
import sys
import zlib

SIZE = 512
PAPER, INK, DONE, REST = (250, 247, 242), (38, 38, 36), (217, 119, 87), (214, 207, 196)
#: Left, top, right, bottom, radius and colour of each shape, the last one on top.
SHAPES = (
    (0, 0, 512, 512, 96, INK),
    (104, 116, 408, 188, 36, DONE),
    (104, 220, 408, 292, 36, REST),
    (104, 220, 248, 292, 36, DONE),
    (104, 324, 408, 396, 36, REST),
)


def colour(x: int, y: int) -> tuple[int, int, int]:
    found = PAPER
    for left, top, right, bottom, radius, fill in SHAPES:
        across = max(left + radius - x, x - (right - 1 - radius), 0)
        down = max(top + radius - y, y - (bottom - 1 - radius), 0)
        if left <= x < right and top <= y < bottom and across**2 + down**2 <= radius**2:
            found = fill
    return found


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def icon() -> bytes:
    """The icon as a PNG. Its format: https://www.w3.org/TR/png-3/."""
    rows = b"".join(b"\0" + bytes(part for x in range(SIZE) for part in colour(x, y)) for y in range(SIZE))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


if __name__ == "__main__":
    sys.stdout.buffer.write(icon())
