"""A Messages API on loopback, answered by a script, so that the real Claude Code runs with no key or cost."""

from __future__ import annotations

import itertools
import json
import re
import socket
import threading
import time
import zlib
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol

from rig.conversation import texts

if TYPE_CHECKING:
    from pathlib import Path

JSON = dict[str, Any]
#: Of requests to any server: a conversation that is resumed holds calls of an earlier one, and Claude Code drops a call
#: whose id is there already.
_NUMBERS = itertools.count(1)
_KINDS = {400: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}


@dataclass(frozen=True)
class Request:
    """One `POST /v1/messages`. `agent` is the subagent's id, None in the main conversation."""

    number: int
    agent: str | None
    body: JSON

    @property
    def messages(self) -> list[JSON]:
        return list(self.body.get("messages", []))

    @property
    def tools(self) -> dict[str, JSON]:
        """Input schemas by tool name."""
        return {tool["name"]: tool.get("input_schema", {}) for tool in self.body.get("tools") or []}


@dataclass(frozen=True)
class Exchange:
    """A request, the content blocks that answered it, and when it came and was *answered* (seconds since the epoch).

    `input_tokens` is the length of the conversation that was reported with it; None for the real one.
    """

    request: Request
    answer: list[JSON]
    time: float
    input_tokens: int | None = None
    answered: float = 0.0


class ApiError(Exception):
    """Raised by a brain whose script it is that the API answers with this HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"scripted: {status}")
        self.status = status


class Brain(Protocol):
    def answer(self, request: Request) -> list[JSON]:
        """Content blocks: `{"type": "text", …}`, or `{"type": "tool_use", …}` with name and input, no id.

        `{"type": "usage", "input_tokens": N}` among them is the length that is reported for the conversation. Raises
        ApiError.
        """
        ...


class MessagesApi:
    """Serves one brain until closed. Exchanges are kept, and appended to `log` as JSON lines.

    A brain that raises answers with HTTP 400 (which Claude Code does not try again) and is kept in `errors`.
    """

    def __init__(self, brain: Brain, listener: socket.socket | None = None, log: Path | None = None) -> None:
        self.brain = brain
        self.log = log
        self.exchanges: list[Exchange] = []
        self.errors: list[str] = []
        self._lock = threading.Lock()
        self._server = _Server(self, listener or loopback_listener())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> MessagesApi:  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def exchange(self, body: JSON, agent: str | None) -> Exchange:
        number = next(_NUMBERS)
        request, arrived = Request(number, agent or _forked(body), body), time.time()
        try:
            blocks = self.brain.answer(request)
        except ApiError:
            self._keep(Exchange(request, [], arrived))
            raise
        except Exception as error:
            self.errors.append(f"request {number}: {error!r}")
            raise
        reported = next((block["input_tokens"] for block in blocks if block["type"] == "usage"), None)
        said = [block for block in blocks if block["type"] != "usage"]
        answer = [_with_id(block, number, index) for index, block in enumerate(said)]
        done = Exchange(request, answer, arrived, reported, time.time())
        self._keep(done)
        return done

    def _keep(self, done: Exchange) -> None:
        with self._lock:
            self.exchanges.append(done)
            if self.log:
                line: JSON = {"n": done.request.number, "time": done.time, "agent": done.request.agent}
                line |= {"request": done.request.body, "answer": done.answer}
                with self.log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")


def _forked(body: JSON) -> str | None:
    """A name for a forked skill by what it began with: earlier releases, such as 2.1.145, name no agent in its requests."""
    first = "\n".join(texts(body.get("messages", [])[:1], "user"))
    return f"fork-{zlib.crc32(first.encode())}" if re.search(r"^# Your task: ", first, re.MULTILINE) else None


def loopback_listener() -> socket.socket:
    """A listening socket on a free port of 127.0.0.1, in the network namespace of the caller."""
    return socket.create_server(("127.0.0.1", 0), backlog=64)


def _with_id(block: JSON, number: int, index: int) -> JSON:
    return block if block["type"] == "text" else {**block, "id": f"toolu_{number:05d}_{index:02d}"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: MessagesApi, listener: socket.socket) -> None:
        # The socket may come from another network namespace, so it is taken as it is and never bound here.
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.api = api

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was stopped in mid-answer is no news; a brain's error is in `api.errors`."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        pass

    def do_HEAD(self) -> None:
        self._json(200, None)

    def do_GET(self) -> None:
        self._json(404, _error("not_found_error", f"nothing at {self.path}"))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.loads(raw)
        if "count_tokens" in self.path:
            self._json(200, {"input_tokens": _tokens(raw)})
            return
        try:
            done = self.server.api.exchange(body, self.headers.get("x-claude-code-agent-id"))
        except ApiError as error:
            self._json(error.status, _error(_KINDS.get(error.status, "api_error"), str(error)))
            return
        except Exception as error:  # noqa: BLE001 (kept in api.errors; the client has to get an answer)
            self._json(400, _error("invalid_request_error", repr(error)))
            return
        message = _message(done, done.input_tokens or _tokens(raw))
        if body.get("stream"):
            self._stream(message)
        else:
            self._json(200, message)

    def _json(self, code: int, value: JSON | None) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, message: JSON) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for event in _events(message):
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())


def _error(kind: str, text: str) -> JSON:
    return {"type": "error", "error": {"type": kind, "message": text}}


def _tokens(raw: bytes) -> int:
    return len(raw) // 4


def _message(done: Exchange, input_tokens: int) -> JSON:
    used_tool = any(block["type"] == "tool_use" for block in done.answer)
    return {
        "id": f"msg_{done.request.number:05d}",
        "type": "message",
        "role": "assistant",
        "model": done.request.body.get("model"),
        "content": done.answer,
        "stop_reason": "tool_use" if used_tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": input_tokens, "output_tokens": len(json.dumps(done.answer)) // 4},
    }


def _events(message: JSON) -> list[JSON]:
    opening = message | {"content": [], "stop_reason": None}
    closing = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events: list[JSON] = [{"type": "message_start", "message": opening}]
    for index, block in enumerate(message["content"]):
        events += _block_events(index, block)
    events.append({"type": "message_delta", "delta": closing, "usage": message["usage"]})
    return [*events, {"type": "message_stop"}]


def _block_events(index: int, block: JSON) -> list[JSON]:
    if block["type"] == "text":
        empty: JSON = {"type": "text", "text": ""}
        delta: JSON = {"type": "text_delta", "text": block["text"]}
    else:
        empty = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    return [
        {"type": "content_block_start", "index": index, "content_block": empty},
        {"type": "content_block_delta", "index": index, "delta": delta},
        {"type": "content_block_stop", "index": index},
    ]
