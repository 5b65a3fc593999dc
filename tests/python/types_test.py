# SPDX-License-Identifier: Apache-2.0
"""The types that the package tells are those that it has."""

import inspect
import os
import pathlib
import subprocess
import sys
import unittest

import seekable
from streams import StreamCase

PACKAGES = pathlib.Path(seekable.__file__).parents[1]
# pybind11 gives its types a metaclass of its own, and this one cannot be made.
ALLOWED = ("Buffer", "Cursor", "Pending", "PipeWriter", "Pending.__init__")
PROGRAM = '''
import seekable
from buffer import StreamBuffer

def first(path: str) -> bytes:
    with seekable.open([b"abc"], progress=print) as file:
        line: bytes = file.readline()
    buffer = StreamBuffer([b"abc", bytearray(b"d")], 4)
    view: memoryview = buffer.view(0, 10)
    reveal_type(buffer.read(0, 10))
    return line + bytes(view)

wrong: str = StreamBuffer([b"abc"]).read(0, 1)
'''


class Types(StreamCase):
    def mypy(self, *arguments, module="mypy"):
        result = subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)], cwd=PACKAGES, check=False,
            env={**os.environ, "MYPYPATH": str(PACKAGES), "MYPY_CACHE_DIR": str(self.scratch)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.returncode, result.stdout.decode()

    def test_of_the_modules_hold(self):
        status, output = self.mypy("--strict", "--ignore-missing-imports", "seekable", "buffer")
        self.assertEqual(status, 0, output)

    def test_of_the_stub_are_those_of_what_is_compiled(self):
        allowed = self.scratch / "allowed"
        allowed.write_text("".join(f"seekable._seekable.{name}\n" for name in ALLOWED))
        status, output = self.mypy("--allowlist", allowed, "seekable._seekable",
                                   module="mypy.stubtest")
        self.assertEqual(status, 0, output)

    def test_reach_who_uses_the_package(self):
        program = self.scratch / "program.py"
        program.write_text(PROGRAM)
        status, output = self.mypy("--strict", program)
        self.assertEqual(status, 1)
        self.assertRegex(output, 'Revealed type is "builtins.bytes"')
        self.assertRegex(output, r'expression has type "bytes", variable has type "str"')
        self.assertRegex(output, "Found 1 error")

    def test_every_public_name_says_what_it_is(self):
        for name in seekable.__all__:
            item = getattr(seekable, name)
            if not callable(item):
                continue
            self.assertTrue(item.__doc__, name)
            for part in vars(item) if isinstance(item, type) else ():
                method = getattr(item, part)
                inherited = getattr(getattr(object, part, None), "__doc__", None)
                if callable(method) and not part.startswith("_") and inherited is None:
                    self.assertTrue(inspect.getdoc(method), f"{name}.{part}")


if __name__ == "__main__":
    unittest.main()
