# SPDX-License-Identifier: Apache-2.0
"""URLs, by requests and by the package itself, against real servers; and fsspec."""

import importlib.util
import io
import re
import unittest
import zipfile

import requests

import seekable
from nginx import Nginx
from streams import ROOT, StreamCase, content
from web import scripted

MIB = 1024**2


class WebCase(StreamCase):
    def setUp(self):
        super().setUp()
        self.root = self.scratch / "root"
        self.root.mkdir()
        self.root.chmod(0o755)
        self.scratch.chmod(0o755)

    def nginx(self, settings=""):
        server = Nginx(self.root, self.scratch / "nginx", settings=settings)
        self.addCleanup(server.kill)
        return server.start()

    def scripted(self, answer):
        return scripted(self, answer)[0]

    def breaking_off(self):
        """The URL of 100,000 bytes, of which 50,000 come."""
        def answer(handler):
            handler.give(200, ("Content-Length", "100000"), body=b"x" * 50_000)
        return self.scripted(answer)

    def large_zip(self):
        """200 MB of zip, one member small and last but one."""
        path = self.root / "large.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for i in range(20):
                archive.writestr(f"large-{i}", content(10_000_000, i))
            archive.writestr("small", b"small" * 1000)
            archive.writestr("last", b"last")
        self.assertGreater(path.stat().st_size, 200_000_000)


class Requests(WebCase):
    def test_the_example_that_all_began_with(self):
        """That of the first package's README, word for word but for the address."""
        (self.root / "big.iso").write_bytes(content(3 * MIB))
        text = (ROOT / "tests/python/first_example.md").read_text()
        example = re.search(r"```python3\n(.*?)```", text, re.DOTALL).group(1)
        url = self.nginx().url + "big.iso"
        example, found = re.subn(r'"https://[^"]*"', f'"{url}"', example)
        self.assertEqual(found, 1)
        names = {}
        exec(compile(example, "first_example.md", "exec"), names)  # pylint: disable=exec-used
        data = content(3 * MIB)
        self.assertEqual(names["first_kb"], data[:1024])
        self.assertEqual(names["arbitrary_kb"], data[20 * 1024:21 * 1024])

    def test_a_member_of_a_large_zip(self):
        self.large_zip()
        server = self.nginx()
        with requests.get(server.url + "large.zip", stream=True, timeout=60) as response:
            with zipfile.ZipFile(seekable.open(response.iter_content(65536))) as archive:
                self.assertEqual(archive.read("small"), b"small" * 1000)
                self.assert_same(archive.read("large-7"), content(10_000_000, 7))

    def test_a_raw_response_is_a_file(self):
        data = content(500_000)
        (self.root / "file").write_bytes(data)
        with requests.get(self.nginx().url + "file", stream=True, timeout=60) as response:
            self.assert_same(self.buffer(response.raw, len(data))[:], data)

    def test_the_length_of_a_response_that_is_coded(self):
        """A Content-Length counts what was compressed."""
        def answer(handler):
            import gzip
            body = gzip.compress(b"x" * 100_000)
            handler.send_response(200)
            handler.send_header("Content-Encoding", "gzip")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        with requests.get(self.scripted(answer), stream=True, timeout=60) as response:
            length = int(response.headers["Content-Length"])
            buffer = self.buffer(response.iter_content(), length)
            with self.assertRaisesRegex(seekable.OverrunError, "Content-Encoding.*size=None"):
                buffer.read(0, 100_000)

    def test_a_connection_that_breaks_is_an_error_and_no_end(self):
        url = self.breaking_off()
        with requests.get(url, stream=True, timeout=60) as response:
            buffer = self.buffer(response.iter_content(4096), 100_000)
            for _ in range(2):
                with self.assertRaises((requests.exceptions.RequestException,
                                        seekable.TruncatedError)):
                    buffer[:]
        with self.assertRaises(seekable.Error):
            self.buffer(url, http={"retries": 1, "retry_delay": 0.001})[:]


class Urls(WebCase):
    def test_a_member_of_a_large_zip_by_few_bytes(self):
        self.large_zip()
        server = self.nginx()
        with seekable.open(server.url + "large.zip") as file:
            with zipfile.ZipFile(file) as archive:
                self.assertEqual(archive.read("small"), b"small" * 1000)
            stats = file.buffer.stats()
        self.assertLess(stats["http_bytes_received"], MIB)
        sent = sum(told.bytes_sent for told in server.requests())
        self.assertLess(sent, MIB)

    def test_errors_are_those_of_files(self):
        url = self.nginx().url + "none"
        with self.assertRaises(FileNotFoundError) as caught:
            self.buffer(url).read(0, 1)
        self.assertIn(url, str(caught.exception))
        with self.assertRaises(ConnectionRefusedError):
            self.buffer("http://127.0.0.1:1/file").read(0, 1)

    def test_options_reach_the_server(self):
        seen = []

        def answer(handler):
            seen.append(dict(handler.headers))
            handler.send_response(200)
            handler.send_header("Content-Length", "3")
            handler.end_headers()
            handler.wfile.write(b"abc")
        told = []
        with self.buffer(self.scripted(answer), http={"headers": ["X-Mine: yes"], "user": "ali",
                                                      "password": "baba", "stall_timeout": 5},
                         progress=told.append) as buffer:
            self.assertEqual(buffer[:], b"abc")
        self.assertEqual(seen[0]["X-Mine"], "yes")
        self.assertEqual(sum(told), 3)


@unittest.skipUnless(importlib.util.find_spec("fsspec"), "python3-fsspec is not there")
class Fsspec(WebCase):
    def setUp(self):
        super().setUp()
        import fsspec
        from seekable.fsspec import SeekableFileSystem
        self.fsspec = fsspec
        # As the entry points of an installed package do.
        for protocol in SeekableFileSystem.protocol:
            fsspec.register_implementation(protocol, SeekableFileSystem, clobber=True)

    def test_opens_a_url(self):
        data = content(2 * MIB)
        (self.root / "file").write_bytes(data)
        url = "seekable+" + self.nginx().url + "file"
        with self.fsspec.open(url, "rb", max_size=100_000) as file:
            self.assertIsInstance(file, seekable.File)
            file.seek(MIB)
            self.assertEqual(file.read(100), data[MIB:MIB + 100])
        files, path = self.fsspec.core.url_to_fs(url)
        self.assertEqual(files.size(path), len(data))
        self.assertTrue(files.exists(path))
        self.assertEqual(files.cat_file(path, 10, 20), data[10:20])
        with self.assertRaises(ValueError):
            self.fsspec.open(url, "wb").open()

    def test_opens_a_file_of_another_file_system(self):
        memory = self.fsspec.filesystem("memory")
        data = content(300_000)
        with memory.open("/some/file", "wb") as file:
            file.write(data)
        with self.fsspec.open("seekable::memory://some/file", "rb") as file:
            self.assertIsInstance(file, seekable.File)
            file.seek(-100, io.SEEK_END)
            self.assertEqual(file.read(), data[-100:])

    @unittest.skipUnless(importlib.util.find_spec("pandas"), "python3-pandas is not there")
    def test_pandas_opens_by_it(self):
        import pandas
        (self.root / "table.csv").write_text("a,b\n" + "".join(f"{i},2\n" for i in range(1000)))
        table = pandas.read_csv("seekable+" + self.nginx().url + "table.csv")
        self.assertEqual(int(table["b"].sum()), 2000)


if __name__ == "__main__":
    unittest.main()
