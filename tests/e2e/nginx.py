# SPDX-License-Identifier: Apache-2.0
"""A real server for the tests: nginx in a directory of its own, as the user who runs the test, on
a port that is free. It leaves nothing behind."""

import dataclasses
import pathlib
import socket
import subprocess
import threading
import time

PROGRAM = "/usr/sbin/nginx"
PATIENCE = 60

CONFIGURATION = """
daemon off;
master_process off;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 64; }}
http {{
  log_format told '$request_method\t$status\t$bytes_sent\t$http_range\t$server_protocol\t$connection';
  access_log {home}/access.log told;
  types {{ application/zip zip; text/plain txt; }}
  default_type application/octet-stream;
  client_body_temp_path {home}/temporary;
  proxy_temp_path {home}/temporary;
  fastcgi_temp_path {home}/temporary;
  uwsgi_temp_path {home}/temporary;
  scgi_temp_path {home}/temporary;
  server {{
    listen 127.0.0.1:{port}{tls};
    {certificate}
    root {root};
    {settings}
  }}
}}
"""


def wait_until(condition, what, patience=PATIENCE):
    """Looks again and again until `condition()` is true; returns what it gave."""
    pause = threading.Event()
    end = time.monotonic() + patience
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        pause.wait(0.005)
    raise AssertionError(f"{what}: not within {patience} seconds")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclasses.dataclass
class Told:
    """A line of the server's log about one request."""
    method: str
    status: int
    bytes_sent: int
    range: str
    protocol: str
    connection: str


class Nginx:
    """`root` is what is served, `home` an empty directory for all that nginx writes."""

    def __init__(self, root, home, *, settings="", tls=False):
        self.root = pathlib.Path(root)
        self.home = pathlib.Path(home)
        self.home.mkdir(exist_ok=True)
        (self.home / "temporary").mkdir(exist_ok=True)
        self.settings = settings
        self.tls = tls
        if tls:
            self._make_certificate()
        self.port = free_port()
        self.process = None

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/"

    @property
    def certificate(self):
        return self.home / "certificate.pem"

    def _make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1", "-keyout", self.home / "key.pem", "-out",
             self.certificate], check=True, capture_output=True)

    def start(self):
        """Starts it; again on the same port, if it was started before."""
        certificate = ""
        if self.tls:
            certificate = (f"ssl_certificate {self.certificate};"
                           f" ssl_certificate_key {self.home}/key.pem;")
        (self.home / "nginx.conf").write_text(CONFIGURATION.format(
            home=self.home, port=self.port, root=self.root, settings=self.settings,
            tls=" ssl http2" if self.tls else "", certificate=certificate))
        self.process = subprocess.Popen(
            [PROGRAM, "-p", self.home, "-e", self.home / "error.log", "-c",
             self.home / "nginx.conf"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait_until(self._answers, "nginx")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError((self.home / "error.log").read_text()[-2000:])
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        """Ends it as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def requests(self, at_least=0):
        """What it has logged, in order; waits for so many."""
        def lines():
            text = (self.home / "access.log").read_text()
            found = [line.split("\t") for line in text.splitlines()]
            return found if len(found) >= at_least else None
        found = wait_until(lines, f"{at_least} requests") if at_least else lines()
        return [Told(method, int(status), int(sent), *others)
                for method, status, sent, *others in found]
