# SPDX-License-Identifier: Apache-2.0
"""The floor check passes on this tree, and fails on each kind of include that it forbids."""

import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["SEEKABLE_SOURCE_DIR"])
CHECK = ROOT / "script" / "check-floors"


def check(root):
    return subprocess.run([CHECK, root], capture_output=True, text=True, check=False)


class CheckFloors(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        for name in ("include/seekable/error.hpp", "include/seekable/view.hpp",
                     "src/base/mutex.hpp", "src/system/calls.hpp", "src/store/spool.hpp",
                     "src/source/fd.hpp", "src/core/engine.hpp", "cli/sizes.hpp"):
            self.plant(name, "#pragma once\n")

    def plant(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def assert_refused(self, name, text, reason, place=None):
        self.plant(name, text)
        result = check(self.root)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(reason, result.stderr)
        self.assertIn(place or name, result.stderr)

    def test_this_tree_keeps_to_its_floors(self):
        result = check(ROOT)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_includes_of_lower_floors_and_the_own_room_are_welcome(self):
        self.plant("src/core/engine.cpp",
                   '#include "core/engine.hpp"\n#include <sys/stat.h>\n#include "base/mutex.hpp"\n'
                   '#include "seekable/view.hpp"\n#include "store/spool.hpp"\n')
        self.plant("cli/main.cpp", '#include "cli/sizes.hpp"\n#include "seekable/view.hpp"\n')
        result = check(self.root)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_an_include_that_points_up_is_refused(self):
        self.assert_refused("src/store/bad.cpp", '#include "core/engine.hpp"\n', "points up")

    def test_an_include_of_a_room_on_the_same_floor_is_refused(self):
        self.assert_refused("src/store/bad.cpp", '  #  include "source/fd.hpp"\n',
                            "points sideways")

    def test_an_include_that_goes_around_by_dots_is_refused(self):
        self.assert_refused("src/base/bad.cpp", '#include "../core/engine.hpp"\n', "points up")

    def test_a_public_header_of_a_higher_floor_is_refused(self):
        self.assert_refused("src/base/bad.cpp", '#include "seekable/view.hpp"\n', "points up")
        self.assert_refused("include/seekable/error.hpp", '#include "seekable/view.hpp"\n',
                            "points up")

    def test_a_public_header_that_shows_the_inside_is_refused(self):
        self.assert_refused("include/seekable/view.hpp", '#include "core/engine.hpp"\n',
                            "a public header includes only")

    def test_a_public_header_that_needs_more_than_the_standard_library_is_refused(self):
        self.assert_refused("include/seekable/view.hpp", "#include <sys/stat.h>\n",
                            "a public header includes only")

    def test_a_program_that_looks_inside_is_refused(self):
        self.assert_refused("cli/bad.cpp", '#include "base/mutex.hpp"\n', "a program sees")

    def test_an_own_header_in_angle_brackets_is_refused(self):
        self.assert_refused("src/base/bad.cpp", "#include <core/engine.hpp>\n", "in quotes")

    def test_a_room_without_a_floor_is_refused(self):
        self.assert_refused("src/cellar/new.hpp", "#pragma once\n", "a room without a floor",
                            place="src/cellar")

    def test_a_missing_header_is_refused(self):
        self.assert_refused("src/base/bad.cpp", '#include "core/ghost.hpp"\n', "no such file")


if __name__ == "__main__":
    unittest.main()
