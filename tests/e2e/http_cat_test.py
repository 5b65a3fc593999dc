# SPDX-License-Identifier: Apache-2.0
"""URLs as SOURCE of `cat`, `run` and `stat`: exact bytes, and of a long file no more than is
wanted."""

import bz2
import gzip
import io
import json
import lzma
import os
import pathlib
import unittest
import zipfile

from web import WebCase, pattern

SIZE = 200_000_000
LIST_ZIP = pathlib.Path(os.environ.get("SEEKABLE_BUILD_DIR", "build/dev"), "bin", "list_zip")


class Ranges(WebCase):
    def offer_large_zip(self):
        """An archive of 200 MB, most of it a hole on disk."""
        path = self.root / "large.zip"
        with open(path, "wb") as file:
            file.truncate(SIZE - 100_000)
            file.seek(SIZE - 100_000)
            memory = io.BytesIO()
            with zipfile.ZipFile(memory, "w") as archive:
                archive.writestr("noise", os.urandom(90_000))
                archive.writestr("last.txt", "the end")
            file.write(b"\0" * (100_000 - len(memory.getvalue())) + memory.getvalue())
        os.utime(path, (1_000_000_000, 1_000_000_000))
        return path

    def test_of_the_end_costs_two_requests_and_little_more_than_its_bytes(self):
        path = self.offer_large_zip()
        server = self.nginx()
        result = self.seekable("cat", server.url + "large.zip", "--range", "-65536", "--stats")
        with open(path, "rb") as file:
            file.seek(-65536, os.SEEK_END)
            self.assert_ok(result, file.read())
        told = server.requests(json.loads(result.stderr)["http"]["requests"])
        self.assertLessEqual(len(told), 2)
        self.assertLess(sum(one.bytes_sent for one in told), 200_000)
        self.assertIn(b"last.txt", result.stdout)

    def test_are_enough_for_a_program_to_list_an_archive(self):
        if not LIST_ZIP.exists():
            self.skipTest("built without libzip")
        names = [f"photo-{number}.raw" for number in range(200)]
        with zipfile.ZipFile(self.root / "photos.zip", "w") as archive:
            for name in names:
                archive.writestr(name, bytes(SIZE // 200))
        server = self.nginx()
        result = self.seekable(server.url + "photos.zip", command=LIST_ZIP)
        self.assert_ok(result, "".join(name + "\n" for name in names).encode())
        told = server.requests(2)
        self.assertLess(len(told), 6)
        self.assertLess(sum(one.bytes_sent for one in told), 1_000_000)

    def test_in_the_middle_cost_little_more_than_their_bytes(self):
        self.offer_large_zip()
        server = self.nginx("limit_rate 2m;")
        result = self.seekable("cat", server.url + "large.zip", "--range", "100000000-100000099")
        self.assert_ok(result, b"\0" * 100)
        self.assertLess(sum(one.bytes_sent for one in server.requests(1)), 2_500_000)

    def test_are_given_in_order_by_servers_with_ranges_and_without(self):
        data = self.offer("file", pattern(3_000_000))
        for settings in ("", "max_ranges 0;"):
            server = self.nginx(settings, name=f"nginx{len(settings)}")
            for texts, parts in ((["0-0"], [(0, 1)]), (["-5"], [(2_999_995, 3_000_000)]),
                                 (["500-"], [(500, 3_000_000)]),
                                 (["2000000-2000009", "7-8,-1"],
                                  [(2_000_000, 2_000_010), (7, 9), (2_999_999, 3_000_000)])):
                options = [word for text in texts for word in ("--range", text)]
                with self.subTest(settings=settings, texts=texts):
                    self.assert_ok(self.seekable("cat", server.url + "file", *options),
                                   b"".join(data[begin:end] for begin, end in parts))

    def test_past_the_end_are_failures(self):
        self.offer("file", pattern(100_000))
        result = self.seekable("cat", self.nginx().url + "file", "--range", "100000-")
        self.assert_fails(result, 1, "past the end", "100000 bytes")

    def test_of_what_is_decompressed_are_read_in_order(self):
        data = pattern(1_000_000)
        self.offer("file.gz", gzip.compress(data, 1))
        result = self.seekable("cat", "--decode", self.nginx().url + "file.gz", "--range",
                               "900000-900009,0-9")
        self.assert_ok(result, data[900_000:900_010] + data[:10])


class Threads(WebCase):
    def threads_of(self, *options):
        """How many `cat` has once it writes; its output is full then."""
        process = self.start("cat", self.server.url + "file", *options)
        self.assertEqual(len(process.stdout.read(1)), 1)
        return len(os.listdir(f"/proc/{process.pid}/task"))

    def test_are_no_more_however_little_is_kept_unless_there_is_a_timeout(self):
        self.offer("file", pattern(8_000_000))
        self.server = self.nginx()
        usual = self.threads_of()
        for options in (("--window", "1MiB"), ("--memory", "32KiB"), ("--disk", "0")):
            with self.subTest(options):
                self.assertEqual(self.threads_of(*options), usual)
        self.assertGreater(self.threads_of("--timeout", "60s"), usual)


class Whole(WebCase):
    def test_stream_is_one_request_and_nothing_of_it_is_kept(self):
        data = self.offer("file", pattern(8_000_000))
        server = self.nginx()
        result = self.seekable("cat", server.url + "file", "--disk", "0", "--memory", "1MiB",
                               "--stats")
        self.assert_ok(result, data)
        stats = json.loads(result.stderr)
        self.assertEqual((stats["size"], stats["failure"]), (8_000_000, None))
        self.assertEqual((stats["http"]["requests"], stats["http"]["bytes_read"]), (1, 8_000_000))
        self.assertEqual(len(server.requests(1)), 1)

    def test_stream_is_a_file_for_a_program(self):
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as archive:
            archive.writestr("one.txt", "1")
        self.offer("small.zip", memory.getvalue())
        server = self.nginx()
        result = self.seekable("run", server.url + "small.zip", "--", "unzip", "-Z1", "{}")
        self.assert_ok(result, b"one.txt\n")
        self.assertEqual(len(server.requests(1)), 1)

    def test_stream_behind_a_redirect_is_the_stream(self):
        data = self.offer("file", pattern(100_000))
        server = self.nginx("location /old { return 302 /file; }")
        self.assert_ok(self.seekable("cat", "-L", server.url + "old"), data)
        self.assert_ok(self.seekable("cat", server.url + "old", "--range", "-5"), data[-5:])

    def test_stream_comes_through_a_proxy(self):
        data = self.offer("file", pattern(100_000))
        server = self.nginx()
        self.assert_ok(self.seekable("cat", "-x", server.url, "http://host.invalid/file"), data)

    def test_stream_that_is_not_there_is_one_line(self):
        server = self.nginx()
        url = server.url + "absent"
        for arguments in (["cat", url], ["cat", url, "--range", "-5"], ["stat", url]):
            with self.subTest(arguments):
                self.assert_fails(self.seekable(*arguments), 1, f"'{url}'", "404", "check the URL")
        self.assert_fails(self.seekable("run", url, "--", "true"), 1, "404", "was not started")
        server.kill()
        self.assert_fails(self.seekable("cat", url), 1, f"'{url}'", "Connection refused")


class Facts(WebCase):
    def test_of_a_url_are_asked_for_without_a_body(self):
        self.offer("file.zip", pattern(1_500_000))
        server = self.nginx()
        result = self.seekable("stat", server.url + "file.zip", "--stats")
        self.assert_ok(result)
        facts = dict(line.split(": ", 1) for line in result.stdout.decode().splitlines())
        self.assertEqual(facts.pop("validator").count('"'), 2)
        self.assertEqual(facts, {"size": "1500000 bytes (1.4 MiB)",
                                 "name": server.url + "file.zip", "type": "application/zip",
                                 "modified": "2001-09-09T01:46:40Z"})
        self.assertEqual(json.loads(result.stderr)["size"], 1_500_000)
        self.assertEqual([one.method for one in server.requests(1)], ["HEAD"])

    def test_of_what_is_decompressed_are_those_of_its_bytes(self):
        self.offer("file.gz", gzip.compress(b"x" * 1_000_000))
        result = self.seekable("stat", "--decode", self.nginx().url + "file.gz")
        self.assert_ok(result)
        self.assertIn(b"size: 1000000 bytes", result.stdout)
        self.assertIn(b"seekable in place: no", result.stdout)


class Decode(WebCase):
    DATA = pattern(700_000)

    def test_tells_the_format_by_its_first_bytes(self):
        for packed in (gzip.compress(self.DATA), bz2.compress(self.DATA), lzma.compress(self.DATA),
                       gzip.compress(self.DATA[:9]) + gzip.compress(self.DATA[9:]), self.DATA):
            with self.subTest(packed[:4]):
                (self.work / "packed").write_bytes(packed)
                self.assert_ok(self.seekable("cat", "--decode", stdin=packed), self.DATA)
                self.assert_ok(self.seekable("cat", "--decode", "packed"), self.DATA)
                self.assert_ok(self.seekable("run", "--decode", "packed", "--", "cat", "{}"),
                               self.DATA)

    def test_takes_a_url(self):
        self.offer("file.xz", lzma.compress(self.DATA))
        url = self.nginx().url + "file.xz"
        self.assert_ok(self.seekable("cat", url, "--decode"), self.DATA)
        result = self.seekable("run", "--decode", url, "--", "sh", "-c", "basename {}; cat {}")
        self.assert_ok(result)
        self.assertTrue(result.stdout.endswith(self.DATA))

    def test_of_what_breaks_off_is_a_failure(self):
        half = gzip.compress(self.DATA)[:-1000]
        result = self.seekable("run", "--decode", "--", "cat", "{}", stdin=half)
        self.assert_fails(result, 1, "was not started")
        self.assertEqual(self.seekable("cat", "--decode", stdin=half).returncode, 1)


class Secrets(WebCase):
    """Who asks is told to the server and shown to nobody."""

    def setUp(self):
        super().setUp()
        self.data = self.offer("file", pattern(50_000))
        passwords = self.home / "passwords"
        passwords.write_text("me:{PLAIN}hunter2\nyou:{PLAIN}swordfish\n")
        self.server = self.nginx(
            f'location /key/ {{ if ($http_x_key != "open") {{ return 403; }} alias {self.root}/; }}'
            f'location /closed/ {{ auth_basic "x"; auth_basic_user_file {passwords};'
            f' alias {self.root}/; }}')

    def test_go_to_the_server(self):
        url = self.server.url
        self.assert_ok(self.seekable("cat", "-H", "X-Key: open", url + "key/file"), self.data)
        closed = url + "closed/file"
        self.assert_fails(self.seekable("cat", closed), 1, "401", "--user")
        self.assert_fails(self.seekable("cat", "-u", "me:wrong", closed), 1, "401", "--user")
        self.assert_ok(self.seekable("cat", "-u", "me:hunter2", closed), self.data)
        self.assert_ok(self.seekable("cat", closed.replace("//", "//you:swordfish@", 1)),
                       self.data)
        (self.home / ".netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
        self.assert_ok(self.seekable("cat", "-n", closed, HOME=str(self.home)), self.data)
        self.assert_ok(self.seekable("get", "-u", "me:hunter2", closed), b"")

    def test_are_in_no_message_and_no_statistics(self):
        url = self.server.url.replace("//", "//you:swordfish@") + "absent?sign=swordfish"
        secret = ["--user", "me:swordfish", "-H", "X-Key: swordfish", "--stats", "--verbose"]
        for arguments in (["cat", url], ["cat", url, "--range", "-5"], ["stat", url],
                          ["get", url], ["get", url, "-o", "-"],
                          ["cat", url, "--range", "swim"], ["cat", url, url],
                          ["run", url, "--", "true"],
                          ["cat", url.replace("absent", "file")],
                          ["stat", url.replace("absent", "file")],
                          ["get", url.replace("absent", "file"), "-o", "mine"],
                          ["cat", "http://x y/?swordfish"], ["cat", "--usr=me:swordfish"]):
            at = arguments.index("--") if "--" in arguments else len(arguments)
            with self.subTest(arguments):
                result = self.seekable(*arguments[:at], *secret, *arguments[at:])
                self.assertNotIn(b"swordfish", result.stderr)
                self.assertNotIn(b"swordfish", result.stdout)


if __name__ == "__main__":
    unittest.main()
