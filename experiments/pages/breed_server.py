"""A small local server for the page of a breeding run.

It only listens on the loopback address. Every path starts with a token that is known only to whoever started the
server. Requests are refused if they name another host, as a foreign page would through its own domain name, or if
their body is too large or not JSON in the form that the page sends. Changes are made by the run itself, at its desk.

    GET  /TOKEN/                        the page
    GET  /TOKEN/generation?number=3     a generation, as JSON
    GET  /TOKEN/midi?generation=3&index=0
    GET  /TOKEN/duet?name=NAME          the duet page of a starred network
    POST /TOKEN/choose                  {"generation": 3, "chosen": [0, 4], "keep": true}: the new generation
    POST /TOKEN/star                    {"generation": 3, "index": 0, "name": "My tune"}: its folder
    POST /TOKEN/end                     {}
"""

import hmac
import json
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from agents.neat.breeding import SHOWN
from experiments.options import UsageError
from experiments.pages.breed import breed_page, generation, starred_duet
from experiments.runs.breed.desk import Desk
from experiments.runs.breed.kind import LONGEST_NAME, folder_name
from songs.validate import Within, validate_like

HOST = "127.0.0.1"
MOST_BYTES = 4096
"""Maximum size of a request body."""
IDLE_SECONDS = 30
"""Seconds after which an idle connection is closed."""
LONGEST_NUMBER = 6
"""Maximum number of digits of a number in an address."""
_INDEX = Within(0, 0, SHOWN - 1)


class Refused(Exception):
    """A refused request: an HTTP status and a reason."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


@contextmanager
def serving(desk: Desk, port: int = 0) -> Iterator[str]:
    """Context manager: serve the page of the run at a desk, and yield its address.

    Args:
        desk: The desk that requests are handed to.
        port: Port of the address; 0 for any free one.

    Raises:
        UsageError: The port is taken or not permitted.
    """
    try:
        server = Server((HOST, port), Handler)
    except OSError as error:
        raise UsageError(f"--port {port}: {error.strerror}: name another one, or leave it out") from None
    server.desk, server.token = desk, secrets.token_urlsafe(18)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/{server.token}/"
    finally:
        server.shutdown()
        server.server_close()


class Server(ThreadingHTTPServer):
    """The server, with a thread for every connection."""

    daemon_threads = True
    block_on_close = False
    desk: Desk
    token: str

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors of connections that the browser has closed."""


class Handler(BaseHTTPRequestHandler):
    """Handler of one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "kuznechik", ""
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, answer: Callable[[str, dict[str, str]], tuple[str, bytes, str]]) -> None:
        """Answer a request; errors are returned as a line of JSON, and the connection is closed."""
        try:
            kind, content, name = answer(*self._asked())
            status = 200
        except Refused as error:
            kind, content, name, status = *_as_json({"error": str(error)}), error.status
        except (ValueError, OSError) as error:
            kind, content, name, status = *_as_json({"error": str(error)}), 400
        self.close_connection = self.close_connection or status != 200
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Content-Security-Policy", "frame-ancestors 'none'")
        if self.close_connection:
            self.send_header("Connection", "close")
        if name:
            self.send_header("Content-Disposition", f'attachment; filename="{name}"')
        self.end_headers()
        self.wfile.write(content)

    def _asked(self) -> tuple[str, dict[str, str]]:
        """Return the name and parameters of a request; raise Refused if it comes from elsewhere."""
        hosts = [f"{name}:{self.server.server_port}" for name in (HOST, "localhost")]
        if self.headers.get_all("Host") not in [[host] for host in hosts]:
            raise Refused(403, "this server only answers at its own address")
        if self.headers.get("Origin", f"http://{hosts[0]}") not in [f"http://{host}" for host in hosts]:
            raise Refused(403, "this server only answers its own page")
        parts = urlsplit(self.path)
        _, token, *names = parts.path.split("/")
        if len(names) != 1 or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise Refused(404, "nothing is here: open the address that kuznechik breed has printed")
        return names[0], dict(parse_qsl(parts.query, max_num_fields=4))

    def _get(self, name: str, query: dict[str, str]) -> tuple[str, bytes, str]:
        run = self.server.desk.run()
        if name == "":
            return "text/html; charset=utf-8", breed_page(run).encode(), ""
        if name == "generation":
            return _as_json(generation(run, _number(query, "number")))
        if name == "midi":
            return self._midi(_number(query, "generation"), _number(query, "index"))
        if name == "duet":
            return "text/html; charset=utf-8", starred_duet(run, query.get("name", "")).encode(), ""
        raise Refused(404, f"there is no {name[:40]!r} here")

    def _midi(self, number: int, index: int) -> tuple[str, bytes, str]:
        name = f"generation-{number}-network-{index + 1}.mid"
        song = self.server.desk.run().melody(number, index, Path(name).stem)
        with tempfile.TemporaryDirectory() as folder:
            song.write(path := Path(folder, name))
            return "audio/midi", path.read_bytes(), name

    def _post(self, name: str, query: dict[str, str]) -> tuple[str, bytes, str]:
        posts = {"choose": self._choose, "star": self._star, "end": self._end}
        body = self._body()  # always, because unread bytes would be taken for the next request
        if name not in posts or query:
            raise Refused(404, f"there is no {name[:40]!r} here")
        return _as_json(posts[name](body))

    def _body(self) -> Any:
        """Return the JSON of a request; raise Refused if it is not JSON or is too large."""
        if self.headers.get_content_type() != "application/json" or "Transfer-Encoding" in self.headers:
            raise Refused(415, "send JSON, with its length")
        length = self.headers.get_all("Content-Length") or []
        if len(length) != 1 or not (length[0].isascii() and length[0].isdigit()):
            raise Refused(411, "send JSON, with its length")
        if len(length[0]) > LONGEST_NUMBER or int(length[0]) > MOST_BYTES:
            raise Refused(413, f"a request has at most {MOST_BYTES} bytes")
        try:
            return json.loads(self.rfile.read(int(length[0])).decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise Refused(400, "this is not JSON") from None

    def _choose(self, body: Any) -> dict[str, Any]:
        _validate({"generation": 0, "chosen": [_INDEX], "keep": False}, body)
        self.server.desk.ask(lambda run: run.choose(body["generation"], body["chosen"], body["keep"]))
        run = self.server.desk.run()
        return generation(run, run.steps)

    def _star(self, body: Any) -> dict[str, Any]:
        _validate({"generation": 0, "index": _INDEX, "name": ""}, body)
        if len(body["name"]) > LONGEST_NAME:
            raise Refused(400, f"a name has at most {LONGEST_NAME} characters")
        folder = self.server.desk.ask(lambda run: run.star(body["generation"], body["index"], body["name"]))
        return {"name": folder_name(body["name"]), "folder": str(folder)}

    def _end(self, body: Any) -> dict[str, Any]:
        _validate({}, body)
        self.server.desk.finish()
        return {}

    def log_message(self, format: str, *arguments: Any) -> None:
        """Write no log, because the address contains the token."""


def _validate(example: dict[str, Any], body: Any) -> None:
    """Raise ValueError if a body does not match an example, or has extra fields."""
    validate_like(example, body, "the request")
    if unknown := sorted(body.keys() - example.keys()):
        raise ValueError(f"the request has {unknown[0][:40]!r}, which is not known")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _number(query: dict[str, str], name: str) -> int:
    text = query.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        raise Refused(400, f"{name} is not a whole number")
    return int(text)


def _as_json(content: Any) -> tuple[str, bytes, str]:
    return "application/json", json.dumps(content).encode(), ""
