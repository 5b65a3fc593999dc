# SPDX-License-Identifier: Apache-2.0
"""What the tests of URLs share: a directory to serve, servers that are gone after the test, and a
look at what `get` has left."""

import http.server
import json
import os
import threading

from harness import CommandCase, pattern
from nginx import Nginx, wait_until

LONG_AGO = (1_000_000_000, 1_000_000_000)


class WebCase(CommandCase):
    def setUp(self):
        super().setUp()
        self.root = self.home / "root"
        self.root.mkdir()
        self.root.chmod(0o755)

    def offer(self, name, data):
        """Makes a file that the servers have; one that nobody has touched for long."""
        path = self.root / name
        path.write_bytes(data)
        os.utime(path, LONG_AGO)
        return data

    def nginx(self, settings="", *, tls=False, name="nginx"):
        server = Nginx(self.root, self.home / name, settings=settings, tls=tls)
        self.addCleanup(server.kill)
        return server.start()

    def scripted(self, answer):
        """As the function of that name."""
        return scripted(self, answer)

    def part(self, name="file"):
        return self.work / (name + ".seekable-part")

    def map(self, name="file"):
        return self.work / (name + ".seekable-map")

    def kept(self, name="file"):
        """How many bytes the map claims; 0 if there is none."""
        try:
            return sum(end - begin for begin, end in json.loads(self.map(name).read_text())["kept"])
        except FileNotFoundError:
            return 0

    def part_size(self, name="file"):
        try:
            return self.part(name).stat().st_size
        except FileNotFoundError:
            return 0

    def wait_for_part(self, size, process, name="file"):
        def came():
            self.assertIsNone(process.poll(), "it has ended before")
            return self.part_size(name) >= size
        wait_until(came, f"{size} bytes")

    def assert_whole(self, data, name="file"):
        """The file stands there, and nothing beside it."""
        self.assert_same((self.work / name).read_bytes(), data)
        self.assert_nothing_beside(name)

    def assert_nothing_beside(self, name="file"):
        self.assertEqual([path.name for path in self.work.iterdir()
                          if path.name.startswith(name + ".seekable")], [])

    def assert_nothing_made(self, name="file"):
        self.assertFalse((self.work / name).exists())
        self.assert_nothing_beside(name)


def scripted(case, answer):
    """A server, for as long as the test `case`, whose every request is handled by
    `answer(handler)`; returns its URL, and what it was asked."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ScriptedHandler)
    server.daemon_threads = True
    server.answer = answer
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    case.addCleanup(thread.join)
    case.addCleanup(server.server_close)
    case.addCleanup(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}/", server.seen


class ScriptedHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.command, self.headers.get("Range")))
        try:
            self.server.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the command may go at any time

    do_HEAD = do_GET

    def give(self, status, *headers, body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


__all__ = ["WebCase", "pattern", "scripted", "wait_until"]
