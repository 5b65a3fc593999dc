# SPDX-License-Identifier: Apache-2.0
"""`seekable get`: the whole file under its name or nothing, whatever ends a download, and no byte
twice."""

import hashlib
import json
import os
import signal
import stat
import subprocess
import unittest

from harness import COMMAND, listing
from web import WebCase, pattern, wait_until

SLOW = "limit_rate 4m;"


def sum_of(data):
    return hashlib.sha256(data).hexdigest()


class Whole(WebCase):
    def test_file_stands_under_the_name_that_the_url_has(self):
        data = self.offer("a b.bin", pattern(3_000_000))
        server = self.nginx()
        self.assert_ok(self.seekable("get", server.url + "a%20b.bin?x=1#y"), b"")
        self.assert_whole(data, "a b.bin")
        self.assertEqual(len(server.requests(1)), 1)

    def test_file_has_the_mode_of_a_new_one_and_takes_the_place_of_an_old_one(self):
        data = self.offer("file", pattern(100_000))
        (self.work / "mine").write_bytes(b"old")
        (self.work / "mine").chmod(0o600)
        result = subprocess.run([COMMAND, "get", self.nginx().url + "file", "-o", "mine"],
                                cwd=self.work, umask=0o027, check=False, capture_output=True)
        self.assert_ok(result)
        self.assert_whole(data, "mine")
        self.assertEqual(stat.S_IMODE((self.work / "mine").stat().st_mode), 0o640)

    def test_file_may_be_empty(self):
        self.offer("file", b"")
        url = self.nginx().url + "file"
        for connections in ("1", "4"):
            with self.subTest(connections):
                self.assert_ok(self.seekable("get", url, "--connections", connections, "--sha256",
                                             sum_of(b"")))
                self.assert_whole(b"")

    def test_file_comes_over_several_connections(self):
        data = self.offer("file", pattern(12_000_000))
        server = self.nginx()
        result = self.seekable("get", server.url + "file", "--connections", "3", "--sha256",
                               sum_of(data), "--stats")
        self.assert_ok(result)
        self.assert_whole(data)
        requests = json.loads(result.stderr)["http"]["requests"]
        told = server.requests(requests)
        self.assertGreaterEqual(len([one for one in told if one.range.startswith("bytes=")]), 3)

    def test_file_of_a_server_without_ranges_comes_once_however_many_connections(self):
        data = self.offer("file", pattern(6_000_000))
        server = self.nginx("max_ranges 0;")
        self.assert_ok(self.seekable("get", server.url + "file", "--connections", "4"))
        self.assert_whole(data)
        self.assertLess(sum(one.bytes_sent for one in server.requests(2)), 6_100_000)

    def test_file_comes_by_http_2_from_a_server_whose_certificate_is_trusted(self):
        data = self.offer("file", pattern(2_000_000))
        server = self.nginx(tls=True)
        result = self.seekable("get", server.url + "file")
        self.assert_fails(result, 1, "certificate")
        self.assert_nothing_made()
        self.assert_ok(self.seekable("get", server.url + "file", "--cacert", server.certificate))
        self.assert_whole(data)
        self.assertEqual(server.requests(1)[-1].protocol, "HTTP/2.0")

    def test_download_by_http_2_goes_on_where_it_was_interrupted(self):
        data = self.offer("file", pattern(12_000_000))
        server = self.nginx(SLOW, tls=True)
        trusted = (server.url + "file", "--cacert", server.certificate)
        process = self.start("get", *trusted)
        self.wait_for_part(3_000_000, process)
        process.kill()
        process.wait()
        kept = self.kept()
        result = self.seekable("get", *trusted, "--stats")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(json.loads(result.stderr)["http"]["bytes_read"], len(data) - kept)
        self.assert_whole(data)
        self.assertEqual({one.protocol for one in server.requests(2)}, {"HTTP/2.0"})

    def test_ranges_come_by_http_2(self):
        data = self.offer("file", pattern(3_000_000))
        server = self.nginx(tls=True)
        result = self.seekable("cat", server.url + "file", "--cacert", server.certificate,
                               "--range", "1000000-1099999", "--range", "-70000", "--range", "0-99")
        self.assert_ok(result, data[1_000_000:1_100_000] + data[-70_000:] + data[:100])
        told = server.requests(2)
        self.assertEqual({one.protocol for one in told}, {"HTTP/2.0"})
        self.assertIn(206, {one.status for one in told})

    def test_jumps_by_http_2_need_no_connections_of_their_own(self):
        data = self.offer("file", pattern(40_000_000))
        server = self.nginx(tls=True)
        begins = range(0, 40_000_000, 5_000_000)
        ranges = [word for begin in begins for word in ("--range", f"{begin}-{begin + 299_999}")]
        result = self.seekable("cat", server.url + "file", "--cacert", server.certificate,
                               "--connections", "1", *ranges)
        self.assert_ok(result, b"".join(data[begin:begin + 300_000] for begin in begins))
        told = server.requests(len(begins))
        self.assertLessEqual(len({one.connection for one in told}), 2)
        self.assertLess(len(told), 2 * len(begins))

    def test_file_is_decompressed_on_the_way_where_that_is_wanted(self):
        data = pattern(500_000)
        self.offer("file.gz", subprocess.run(["gzip", "-c"], input=data, capture_output=True,
                                             check=True).stdout)
        self.assert_ok(self.seekable("get", "--decode", self.nginx().url + "file.gz", "--sha256",
                                     sum_of(data)))
        self.assert_whole(data)

    def test_progress_is_drawn_to_its_end(self):
        self.offer("file", pattern(300_000))
        error = self.seekable("get", self.nginx().url + "file", "--progress", "always").stderr
        self.assertIn(b"100%", error)

    def test_statistics_tell_what_it_has_cost(self):
        self.offer("file", pattern(300_000))
        result = self.seekable("get", self.nginx().url + "file", "--stats")
        stats = json.loads(result.stderr)
        self.assertEqual((stats["size"], stats["failure"]), (300_000, None))
        told = stats["http"]
        self.assertEqual((told["requests"], told["bytes_read"], told["kept"], told["reopened"]),
                         (1, 300_000, 300_000, 0))
        self.assertGreater(told["bytes_on_wire"], 300_000)


class Sum(WebCase):
    def test_that_is_right_lets_the_file_be(self):
        data = self.offer("file", pattern(9_000_000))
        url = self.nginx().url + "file"
        for connections in ("1", "4"):
            with self.subTest(connections):
                self.assert_ok(self.seekable("get", url, "--sha256", sum_of(data).upper(),
                                             "--connections", connections))
                self.assert_whole(data)
                (self.work / "file").unlink()

    def test_that_is_wrong_leaves_nothing_under_any_name(self):
        data = self.offer("file", pattern(2_000_000))
        wrong = sum_of(b"other")
        result = self.seekable("get", self.nginx().url + "file", "--sha256", wrong)
        self.assert_fails(result, 1, sum_of(data), wrong)
        self.assert_nothing_made()


class Interrupted(WebCase):
    def test_by_a_kill_fetches_only_the_rest_the_next_time(self):
        data = self.offer("file", pattern(40_000_000))
        slow = self.nginx("limit_rate 20m;")
        process = self.start("get", slow.url + "file")
        wait_until(lambda: self.kept() >= 24_000_000, "60 percent")
        process.kill()
        process.wait()
        slow.kill()
        missing = 40_000_000 - self.kept()
        self.assertLessEqual(self.kept(), self.part_size())
        slow.settings = ""
        slow.start()
        result = self.seekable("get", slow.url + "file", "--sha256", sum_of(data), "--stats")
        self.assert_ok(result)
        self.assert_whole(data)
        self.assertLessEqual(missing, 16_000_000)
        self.assertEqual(json.loads(result.stderr)["http"]["bytes_read"], missing)
        last = slow.requests(1)[-1]
        self.assertEqual((last.status, last.range), (206, f"bytes={40_000_000 - missing}-"))
        self.assertLess(last.bytes_sent, missing + 2_000)

    def test_by_a_kill_with_several_connections_fetches_only_what_is_missing(self):
        data = self.offer("file", pattern(32_000_000))
        server = self.nginx("limit_rate 4m;")
        process = self.start("get", server.url + "file", "--connections", "4")
        wait_until(lambda: self.kept() >= 16_000_000, "half of it")
        process.kill()
        process.wait()
        server.kill()
        missing = 32_000_000 - self.kept()
        server.settings = ""
        server.start()
        result = self.seekable("get", server.url + "file", "--sha256", sum_of(data), "--stats")
        self.assert_ok(result)
        self.assert_whole(data)
        self.assertEqual(json.loads(result.stderr)["http"]["bytes_read"], missing)

    def test_by_a_signal_ends_by_it_and_leaves_a_map_of_all_that_came(self):
        self.offer("file", pattern(20_000_000))
        server = self.nginx(SLOW)
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                process = self.start("get", server.url + "file")
                self.wait_for_part(self.part_size() + 500_000, process)
                process.send_signal(number)
                self.assertEqual(process.wait(), -number)
                self.assertEqual(self.kept(), self.part_size())
        self.assertFalse((self.work / "file").exists())

    def let_die_five_times(self, server, *arguments):
        process = self.start("get", server.url + "file", *arguments)
        for _ in range(5):
            self.wait_for_part(self.part_size() + 1_000_000, process)
            server.kill()
            server.start()
        return process

    def test_by_a_server_that_dies_five_times_is_whole_in_the_end(self):
        data = self.offer("file", pattern(24_000_000))
        for tags in ("", " etag off;"):
            with self.subTest(tags):
                process = self.let_die_five_times(self.nginx(SLOW + tags))
                _, error = process.communicate()
                self.assertEqual((process.returncode, error), (0, b""))
                self.assert_whole(data)
                (self.work / "file").unlink()

    def test_the_sixth_time_by_another_file_is_told_with_its_place(self):
        data = self.offer("file", pattern(24_000_000))
        server = self.nginx(SLOW)
        process = self.let_die_five_times(server, "--stats")
        self.wait_for_part(self.part_size() + 1_000_000, process)
        server.kill()
        (self.root / "file").write_bytes(pattern(24_000_000, seed=2))
        os.utime(self.root / "file", (1_100_000_000, 1_100_000_000))
        server.start()
        _, error = process.communicate()
        self.assertEqual(process.returncode, 1)
        message, stats = error.decode().splitlines()
        self.assertRegex(message, "changed")
        failure = json.loads(stats)["failure"]
        self.assertGreater(failure["offset"], 6_000_000)
        self.assertEqual(failure["offset"], self.kept())
        self.assertEqual(self.part().read_bytes()[:self.kept()], data[:self.kept()])

    def test_by_another_file_in_its_place_fails_and_starts_again_the_next_time(self):
        self.offer("file", pattern(12_000_000))
        server = self.nginx(SLOW)
        process = self.start("get", server.url + "file")
        self.wait_for_part(1_000_000, process)
        server.kill()
        other = pattern(12_000_000, seed=2)
        (self.root / "file").write_bytes(other)
        os.utime(self.root / "file", (1_100_000_000, 1_100_000_000))
        server.settings = ""
        server.start()
        _, error = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertRegex(error.decode(), r"\Aseekable: [^\n]*changed[^\n]*\n\Z")
        self.assertFalse((self.work / "file").exists())

        result = self.seekable("get", server.url + "file")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stderr.decode(), r"\Aseekable: [^\n]*starts again[^\n]*\n\Z")
        self.assert_whole(other)


class Leftovers(WebCase):
    """What lies beside the file and cannot be gone on with: it starts from nothing."""

    def setUp(self):
        super().setUp()
        self.data = self.offer("file", pattern(4_000_000))
        self.server = self.nginx("limit_rate 1m;")
        process = self.start("get", self.server.url + "file")
        wait_until(lambda: self.kept() > 0 or process.poll() is not None, "a map")
        process.kill()
        process.wait()
        self.server.kill()
        self.server.settings = ""
        self.server.start()

    def assert_starts_from_nothing(self, *arguments, name="file"):
        result = self.seekable("get", self.server.url + name, "--stats", *arguments)
        self.assert_ok(result)
        self.assertEqual(json.loads(result.stderr.splitlines()[-1])["http"]["bytes_read"],
                         4_000_000)
        self.assert_whole(self.data)

    def test_a_map_that_is_garbage(self):
        text = self.map().read_text()
        for bad in ("", "{", "[]", "null", text[:-20], text.replace("[[0,", "[[5,1],[0,"),
                    text.replace("seekable get 1", "another program"), "x" * 2_000_000,
                    text.replace('"size":4000000', '"size":"4000000"')):
            with self.subTest(bad[:60]):
                self.part().write_bytes(b"junk" * 1_000_000)
                self.map().write_text(bad)
                self.assert_starts_from_nothing()

    def test_a_map_of_another_url(self):
        self.map().write_text(self.map().read_text().replace("/file", "/other"))
        self.assert_starts_from_nothing()

    def test_a_part_that_is_too_short(self):
        os.truncate(self.part(), self.kept() - 1)
        self.assert_starts_from_nothing()

    def test_a_map_alone_and_a_part_alone(self):
        text = self.map().read_text()
        self.part().unlink()
        self.assert_starts_from_nothing()
        self.map().write_text(text)
        self.map().unlink()
        self.part().write_bytes(b"junk" * 2_000_000)
        self.assert_starts_from_nothing()

    def test_a_version_that_is_gone(self):
        os.utime(self.root / "file", (1_200_000_000, 1_200_000_000))
        result = self.seekable("get", self.server.url + "file")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr.count(b"\n"), 1)
        self.assertIn(b"starts again", result.stderr)
        self.assert_whole(self.data)


class Refused(WebCase):
    def test_names_are_told_in_one_line(self):
        self.offer("file", b"bytes")
        url = self.nginx().url
        for arguments, status, told in (
                ([url + "file", "-o", "-"], 2, "seekable cat"),
                ([url], 2, "-o FILE"),
                ([url + "directory/"], 2, "-o FILE"),
                ([url + "%2e%2e"], 2, "-o FILE"),
                ([url + "a%2fb"], 2, "-o FILE"),
                ([url + "a%00b"], 2, "-o FILE"),
                ([url + "file", "-o", "."], 1, "directory"),
                ([url + "file", "-o", "absent/file"], 1, "No such file"),
                ([url + "file", "-o", "/dev/null"], 1, "no regular file")):
            with self.subTest(arguments):
                self.assert_fails(self.seekable("get", *arguments), status, told)
        self.assertEqual(listing(self.work), [])
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_second_of_two_at_once_is_told_and_the_first_goes_on(self):
        data = self.offer("file", pattern(4_000_000))
        url = self.nginx("limit_rate 2m;").url + "file"
        process = self.start("get", url)
        self.wait_for_part(1, process)
        self.assert_fails(self.seekable("get", url), 1, "another seekable get", "'file'")
        self.assertEqual(process.wait(), 0)
        self.assert_whole(data)

    def test_urls_leave_nothing_behind(self):
        server = self.nginx("location /closed { return 403; }")
        self.assert_fails(self.seekable("get", server.url + "absent", "-o", "file"), 1, "404",
                          "check the URL")
        self.assert_fails(self.seekable("get", server.url + "closed", "-o", "file"), 1, "403",
                          "--user")
        server.kill()
        self.assert_fails(self.seekable("get", server.url + "file"), 1, "refused")
        self.assert_nothing_made()

    def test_disk_that_is_full_keeps_what_came(self):
        if os.geteuid() != 0:
            return  # a small file system needs root
        data = self.offer("file", pattern(6_000_000))
        url = self.nginx().url + "file"
        small = self.home / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "e2e", small], check=True)
        self.addCleanup(subprocess.run, ["umount", small], check=True)
        self.assert_fails(self.seekable("get", url, "-o", small / "file"), 1, "No space",
                          "make room and run it again: what came is kept")
        self.assertGreater((small / "file.seekable-part").stat().st_size, 3_000_000)
        subprocess.run(["mount", "-o", "remount,size=16m", small], check=True)
        self.assert_ok(self.seekable("get", url, "-o", small / "file", "--sha256", sum_of(data)))
        self.assertEqual(listing(small), ["file"])


if __name__ == "__main__":
    unittest.main()
