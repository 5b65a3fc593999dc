# SPDX-License-Identifier: Apache-2.0
"""Exit statuses of `seekable run`, and signals."""

import os
import signal
import subprocess
import time
import unittest

from harness import COMMAND, CommandCase, listing, pattern


def wait_until(condition, what):
    """Waits for an event that another process brings about."""
    for _ in range(20_000):
        if condition():
            return
        time.sleep(0.001)
    raise AssertionError(f"never: {what}")


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class ExitStatus(CommandCase):
    def test_is_that_of_command(self):
        for status in (0, 1, 2, 3, 77, 255):
            with self.subTest(status):
                result = self.seekable("run", "--", "sh", "-c", f"exit {status}")
                self.assertEqual((result.returncode, result.stderr), (status, b""))

    def test_is_128_more_than_the_signal_that_killed_command(self):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
            with self.subTest(number):
                result = self.seekable("run", "--", "sh", "-c", f"kill -{int(number)} $$")
                self.assertEqual(result.returncode, 128 + number)

    def test_is_127_for_a_command_that_is_not_there_and_no_byte_is_taken(self):
        for command in ("no-such-program", "./no-such-program", "/no/such/program"):
            with self.subTest(command):
                process = self.start("run", "--", command, "{}")
                _, error = process.communicate()
                self.assertEqual(process.returncode, 127)
                self.assertRegex(error.decode(), rf"^seekable: cannot run '{command}': [^\n]*\n$")

    def test_is_127_where_only_a_directory_that_is_closed_could_hold_it(self):
        closed = self.work / "closed"
        closed.mkdir(mode=0)
        self.addCleanup(closed.chmod, 0o700)
        # Root may look into it; for others it says nothing.
        result = self.seekable("run", "--", "no-such-program", PATH=f"{closed}:/usr/bin")
        self.assert_fails(result, 127, "'no-such-program'")

    def test_is_126_for_what_cannot_be_run(self):
        (self.work / "text").write_text("text")
        for command in ("./text", str(self.work)):
            with self.subTest(command):
                self.assert_fails(self.seekable("run", "--", command), 126, f"'{command}'")

    def test_is_127_for_a_script_whose_interpreter_is_missing(self):
        script = self.work / "script"
        script.write_text("#!/no/such/interpreter\n")
        script.chmod(0o755)
        self.assert_fails(self.seekable("run", "--", "./script", "{}"), 127, "./script")


class Signals(CommandCase):
    def started(self, script, *options):
        """Starts `run` on a shell script and waits until the script says that it runs."""
        process = self.start("run", *options, "--exec", "echo bytes", "--", "sh", "-c",
                             script, "{}", start_new_session=True)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        child = int(process.stdout.readline())
        return process, child

    def test_end_the_child_and_then_the_command_in_the_same_way(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                process, child = self.started("echo ready; echo $$; exec sleep 1000")
                process.send_signal(number)
                self.assertEqual(process.wait(), -number)
                self.assertFalse(is_alive(child))

    def test_let_the_child_clean_up(self):
        process, _ = self.started(
            "trap 'echo cleaned; exit 0' TERM; echo ready; echo $$; "
            "while :; do sleep 0.01; done")
        process.terminate()
        self.assertEqual(process.wait(), -signal.SIGTERM)
        self.assertEqual(process.stdout.read(), b"cleaned\n")

    def test_kill_the_child_when_a_second_one_comes(self):
        process, child = self.started(
            "trap 'echo first' TERM; echo ready; echo $$; while :; do sleep 0.01; done")
        process.terminate()
        self.assertEqual(process.stdout.readline(), b"first\n")

        def ends():
            process.terminate()
            return process.poll() is not None

        wait_until(ends, "the command ends")
        self.assertEqual(process.wait(), -signal.SIGTERM)
        self.assertFalse(is_alive(child))

    def test_to_the_process_and_its_group_are_one(self):
        # As timeout(1) does it: the second killed COMMAND before it could clean up.
        process, _ = self.started(
            "trap 'sleep 0.01; echo cleaned; exit 0' TERM; echo ready; echo $$; "
            "while :; do sleep 0.01; done")
        process.terminate()
        os.killpg(process.pid, signal.SIGTERM)
        self.assertEqual(process.wait(), -signal.SIGTERM)
        self.assertEqual(process.stdout.read(), b"cleaned\n")

    def test_that_end_the_child_too_are_not_lost(self):
        # The child's end was seen first, and the status was the child's.
        for _ in range(20):
            process, _ = self.started("echo ready; echo $$; exec sleep 1000")
            os.killpg(process.pid, signal.SIGTERM)
            self.assertEqual(process.wait(), -signal.SIGTERM)

    def test_of_quitting_are_the_childs_own_to_handle(self):
        process, _ = self.started(
            "trap 'echo quits; exit 0' QUIT; echo ready; echo $$; while :; do sleep 0.01; done")
        process.send_signal(signal.SIGQUIT)
        self.assertEqual(process.wait(), -signal.SIGQUIT)
        self.assertEqual(process.stdout.read(), b"quits\n")

    def test_end_the_fill(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                process = self.start("run", "--memory", "64KiB", "--", "cat", "{}")
                process.stdin.write(pattern(1_000_000))
                process.stdin.flush()
                process.send_signal(number)
                self.assertEqual(process.wait(), -number)
                self.assertEqual(process.stdout.read(), b"")

    def test_end_a_command_that_is_the_source(self):
        process = self.start("run", "--exec", "echo $$ >&2; exec sleep 1000", "--", "true")
        source = int(process.stderr.readline())
        process.terminate()
        self.assertEqual(process.wait(), -signal.SIGTERM)
        wait_until(lambda: not is_alive(source), "the source ends")

    def test_end_what_the_shell_of_a_source_has_started(self):
        process = self.start("cat", "--exec", "sh -c 'echo $$ >&2; exec sleep 1000' | cat")
        source = int(process.stderr.readline())
        process.terminate()
        self.assertEqual(process.wait(), -signal.SIGTERM)
        wait_until(lambda: not is_alive(source), "what the shell has started ends")

    def test_that_were_ignored_stay_ignored(self):
        process = subprocess.Popen(
            ["sh", "-c", 'trap "" HUP; exec "$0" "$@"', COMMAND, "run", "--", "cat", "{}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environment(), cwd=self.work)
        self.addCleanup(self.put_away, process)
        wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe") == os.path.realpath(COMMAND),
                   "the command runs")
        process.send_signal(signal.SIGHUP)
        output, _ = process.communicate(b"bytes")
        self.assertEqual((process.returncode, output), (0, b"bytes"))


class Killed(CommandCase):
    """kill -9: nobody is left to clean up, and nothing is left to be cleaned."""

    def spool_users(self):
        """Processes that hold an unnamed file in the spool directory."""
        users = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    if os.readlink(f"/proc/{pid}/fd/{fd}").startswith(str(self.spool)):
                        users.append(int(pid))
            except OSError:
                continue
        return users

    def test_in_the_middle_of_a_spill_leaves_no_file_and_no_space_taken(self):
        process = self.start("run", "--memory", "64KiB", "--", "cat", "{}")
        process.stdin.write(pattern(4_000_000))
        process.stdin.flush()
        wait_until(lambda: process.pid in self.spool_users(), "it spills")
        process.kill()
        process.wait()
        self.assertEqual(self.spool_users(), [])
        self.assert_nothing_left()

    def test_while_command_runs_takes_the_child_its_file_and_its_mount_along(self):
        process = self.start("run", "--memory", "64KiB", "--exec", "head -c 1000000 /dev/zero",
                             "--", "sh", "-c", "echo $$; exec sleep 1000", "{}")
        child = int(process.stdout.readline())
        process.kill()
        process.wait()
        wait_until(lambda: not is_alive(child), "the child ends")
        wait_until(lambda: self.spool_users() == [], "the file is gone")
        self.assert_nothing_left()

    def test_at_many_moments_of_a_short_run_leaves_nothing(self):
        for delay in range(40):
            process = self.start("run", "--memory", "4KiB", "--exec", "head -c 100000 /dev/zero",
                                 "--", "cat", "{}", stdin=subprocess.DEVNULL,
                                 start_new_session=True)
            time.sleep(delay / 4000)  # any moment will do
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.put_away(process)
        wait_until(lambda: listing(self.spool) == [], "the spool directory is empty")


if __name__ == "__main__":
    unittest.main()
