# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that no compiler checks."""

import os
import pathlib
import unittest

ROOT = pathlib.Path(os.environ["SEEKABLE_SOURCE_DIR"])
PLACES = ("include", "src", "cli", "python", "tests", "benchmarks", "cmake", "script", ".ci")
SUFFIXES = {".hpp", ".cpp", ".h", ".py", ".cmake"}
LICENSE = "SPDX-License-Identifier: Apache-2.0"


def sources():
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*")):
            if path.is_file() and (path.suffix in SUFFIXES or path.name == "CMakeLists.txt"
                                   or place in ("script", ".ci")):
                yield path


class House(unittest.TestCase):
    def test_every_source_names_its_license_at_its_top(self):
        without = [str(path.relative_to(ROOT)) for path in sources()
                   if not any(LICENSE in line for line in path.read_text().splitlines()[:2])]
        self.assertEqual(without, [])

    def test_no_source_is_longer_than_400_lines(self):
        lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines())
                   for path in sources()}
        self.assertEqual({name: lines for name, lines in lengths.items() if lines > 400}, {})

    def test_every_script_can_be_run(self):
        scripts = [path for path in sources() if path.read_text().startswith("#!")
                   and path.parent.name in ("script", ".ci") and path.suffix == ""]
        self.assertTrue(scripts)
        self.assertEqual([str(path) for path in scripts if not os.access(path, os.X_OK)], [])


if __name__ == "__main__":
    unittest.main()
