# SPDX-License-Identifier: Apache-2.0
"""`pip install .` in a fresh environment, with no package index, and the README's lines of Python."""

import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(os.environ["SEEKABLE_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SEEKABLE_BUILD_DIR"])
HAS_PYTHON = (BUILD / "python" / "seekable").is_dir()


def run(*command, **how):
    """Runs a command whose failure fails the test, with its output."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("PYTHON", "PIP_"))}
    environment["PIP_NO_INDEX"] = "1"
    if shutil.which("ccache"):
        environment["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False, env=environment, **how)
    output = result.stdout.decode(errors="replace")
    if result.returncode != 0:
        raise AssertionError(f"exit status {result.returncode}: {command}\n{output}")
    return output


@unittest.skipUnless(HAS_PYTHON, "the package is not built")
class PythonPackage(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="seekable-pip-")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def test_is_installed_by_pip_and_runs_the_lines_of_the_readme(self):
        run("/usr/bin/python3", "-m", "venv", self.scratch / "venv")
        python = self.scratch / "venv" / "bin" / "python"
        # Not as it is shipped, which would take minutes.
        run(python, "-m", "pip", "install", "--disable-pip-version-check", "--config-settings",
            "cmake-args=-DCMAKE_CXX_FLAGS_RELEASE=-O0 -DSEEKABLE_BUILD_TOGETHER=ON", ".", cwd=ROOT)
        place = self.scratch / "place"
        place.mkdir()
        with zipfile.ZipFile(place / "photos.zip", "w") as photos:
            for number in range(3):
                photos.writestr(f"photo-{number}.txt", "photo\n" * 1000)
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
        self.assertGreater(len(blocks), 0)
        for block in blocks:
            run(python, "-c", block, cwd=place)
        run(python, "-c", """
import importlib.metadata, pathlib, seekable, buffer
assert buffer.StreamBuffer is seekable.StreamBuffer
assert importlib.metadata.version("seekable") == seekable.__version__
assert (pathlib.Path(seekable.__file__).parent / "py.typed").exists()
names = {entry.name for entry in importlib.metadata.entry_points(group="fsspec.specs")}
assert {"seekable", "seekable+http", "seekable+https"} <= names, names
import gzip
assert seekable.StreamBuffer([gzip.compress(b"abc")], decode=True)[:] == b"abc"
assert seekable.StreamBuffer([b"x" * 10**6], max_size=2 * 10**5, encrypt_spool=True)[-1:] == b"x"
""", cwd=place)
        run(python, "-m", "pip", "uninstall", "-y", "seekable")

    def test_a_source_distribution_has_what_a_build_needs(self):
        run("/usr/bin/python3", "-c", f"""
import sys
sys.path.insert(0, {str(ROOT / "python" / "backend")!r})
import seekable_build
print(seekable_build.build_sdist({str(self.scratch)!r}))
""")
        archive, = self.scratch.glob("seekable-*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(self.scratch)
        source, = self.scratch.glob("seekable-*/")
        output = run("cmake", "-S", source, "-B", self.scratch / "build", "-G", "Ninja",
                     "-DSEEKABLE_WITH_PYTHON=ON", "-DSEEKABLE_BUILD_CLI=OFF",
                     "-DSEEKABLE_BUILD_TESTS=OFF", "-DSEEKABLE_BUILD_BENCHMARKS=OFF",
                     "-DSEEKABLE_INSTALL=OFF")
        self.assertIn("Build files have been written", output)


if __name__ == "__main__":
    unittest.main()
