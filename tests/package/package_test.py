# SPDX-License-Identifier: Apache-2.0
"""Programs outside the project build against it in every way that it offers, and work."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["SEEKABLE_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SEEKABLE_BUILD_DIR"])
HERE = ROOT / "tests" / "package"
# Takes a third of the time.
TOGETHER = "-DSEEKABLE_BUILD_TOGETHER=ON"
STREAM = bytes(i * i // 251 % 256 for i in range(64 * 1024))


def run(command, **how):
    """Runs a command whose failure fails the test, with its output."""
    result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False, **how)
    output = result.stdout.decode(errors="replace")
    if result.returncode != 0:
        raise AssertionError(f"exit status {result.returncode}: {command}\n{output}")
    return output


def cache(name):
    """A value of the build's CMakeCache.txt; empty where there is none."""
    text = (BUILD / "CMakeCache.txt").read_text()
    found = re.search(rf"^{name}:[A-Z]+=(.*)$", text, re.MULTILINE)
    return found[1] if found else ""


class Package(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="seekable-package-")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.prefix = self.scratch / "prefix"

    def configure(self, source, name, *settings):
        self.configured(source, name, *settings)
        return self.scratch / name

    def configured(self, source, name, *settings):
        """What CMake says."""
        return run(["cmake", "-S", source, "-B", self.scratch / name, "-G", "Ninja",
             f"-DCMAKE_CXX_COMPILER={cache('CMAKE_CXX_COMPILER')}",
             f"-DCMAKE_CXX_FLAGS={cache('CMAKE_CXX_FLAGS')}",
             f"-DCMAKE_CXX_COMPILER_LAUNCHER={shutil.which('ccache') or ''}",
             "-DCMAKE_BUILD_TYPE=Debug", TOGETHER, *settings])

    def build(self, source, name, *settings):
        directory = self.configure(source, name, *settings)
        run(["cmake", "--build", directory])
        return directory

    def install_this_build(self):
        run(["cmake", "--install", BUILD, "--prefix", self.prefix])
        return f"-DCMAKE_PREFIX_PATH={self.prefix}"

    def install_shared_build(self):
        parts = [f"-DSEEKABLE_WITH_{part}={cache(f'SEEKABLE_WITH_{part}')}"
                 for part in ("CRYPTO", "DECODE", "HTTP")]
        shared = self.build(ROOT, "shared", "-DBUILD_SHARED_LIBS=ON", "-DSEEKABLE_BUILD_TESTS=OFF",
                            "-DSEEKABLE_BUILD_BENCHMARKS=OFF", "-DSEEKABLE_BUILD_CLI=OFF",
                            "-DSEEKABLE_WITH_PYTHON=OFF", *parts)
        run(["cmake", "--install", shared, "--prefix", self.prefix])
        return f"-DCMAKE_PREFIX_PATH={self.prefix}"

    def assert_keeps_the_promise(self, program):
        run([program], input=STREAM)

    def assert_has_the_cipher(self, directory):
        run([directory / "user"])
        self.assertEqual(subprocess.run([directory / "user_without"], check=False).returncode, 3)

    def components(self):
        """Those of the optional targets with a header that this build has."""
        built = [name for name in ("decode", "http")
                 if (BUILD / "src" / f"libseekable_{name}.a").exists()]
        if not built:
            self.skipTest("this build has none of them")
        return built

    def test_find_package_of_the_installed_library(self):
        user = self.build(HERE / "find_package", "user", self.install_this_build())
        self.assert_keeps_the_promise(user / "user")

    def test_add_subdirectory(self):
        user = self.build(HERE / "add_subdirectory", "user", f"-DSEEKABLE_SOURCE_DIR={ROOT}")
        self.assert_keeps_the_promise(user / "user")
        for part in ("bin/seekable", "seekable/cli", "seekable/tests"):
            self.assertFalse((user / part).exists(), f"{part} was built for a mere user")

    def build_with_pkg_config(self, source, package, program):
        [pc] = self.prefix.rglob("pkgconfig/seekable.pc")
        where = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent))
        flags = run(["pkg-config", "--cflags", "--libs", package], env=where)
        run([cache("CMAKE_CXX_COMPILER"), "-std=c++20", *shlex.split(cache("CMAKE_CXX_FLAGS")),
             source, *shlex.split(flags), "-o", self.scratch / program])

    def test_pkg_config(self):
        self.install_this_build()
        self.build_with_pkg_config(HERE / "promise.cpp", "seekable", "user")
        self.assert_keeps_the_promise(self.scratch / "user")

    def test_pkg_config_with_the_cipher(self):
        self.install_this_build()
        encrypted = HERE / "encrypted" / "encrypted.cpp"
        self.build_with_pkg_config(encrypted, "seekable-crypto", "user")
        self.build_with_pkg_config(encrypted, "seekable", "user_without")
        self.assert_has_the_cipher(self.scratch)

    def test_the_cipher_is_kept_by_those_who_merely_link_it(self):
        user = self.build(HERE / "encrypted", "user", self.install_this_build())
        self.assert_has_the_cipher(user)

    def test_the_shared_library_and_its_cipher(self):
        prefix = self.install_shared_build()
        user = self.build(HERE / "find_package", "user", prefix)
        self.assert_keeps_the_promise(user / "user")
        # Some systems drop by default what no symbol asks for.
        strict = self.build(HERE / "encrypted", "strict", prefix,
                            "-DCMAKE_EXE_LINKER_FLAGS=-Wl,--as-needed")
        self.assert_has_the_cipher(strict)

    def build_users_of_components(self, prefix):
        for name in self.components():
            with self.subTest(component=name):
                user = self.build(HERE / "components", f"user_of_{name}", prefix,
                                  f"-DCOMPONENT={name}")
                run([user / "user"])

    def test_components_of_the_installed_library(self):
        self.build_users_of_components(self.install_this_build())

    def test_components_as_shared_libraries(self):
        self.components()
        self.build_users_of_components(self.install_shared_build())

    def test_pkg_config_of_components(self):
        self.install_this_build()
        for name in self.components():
            with self.subTest(component=name):
                source = HERE / "components" / f"{name}.cpp"
                self.build_with_pkg_config(source, f"seekable-{name}", name)
                run([self.scratch / name])

    def test_all_components_at_once(self):
        prefix = self.install_this_build()
        found = [path.name for path in self.prefix.rglob("seekable-*-targets.cmake")]
        for name in self.components():
            self.assertIn(f"seekable-{name}-targets.cmake", found)
            self.assertEqual(len(list(self.prefix.rglob(f"include/seekable/{name}.hpp"))), 1)
        # Without COMPONENTS all that is there is taken along.
        user = self.build(HERE / "components", "user", prefix,
                          f"-DCOMPONENT={self.components()[0]}", "-DASK_FOR_COMPONENT=OFF")
        run([user / "user"])

    def test_the_installed_command_and_its_manual(self):
        self.install_this_build()
        version = re.search(r"^project\(seekable VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(),
                            re.MULTILINE)[1]
        self.assertIn(version, run([self.prefix / "bin" / "seekable", "--version"]))
        self.assertTrue((self.prefix / "share" / "man" / "man1" / "seekable.1").is_file())

    def test_users_get_none_of_our_warnings(self):
        self.install_this_build()
        files = [path for path in self.prefix.rglob("*") if path.suffix in {".cmake", ".pc"}]
        self.assertTrue(files)
        for path in files:
            self.assertNotRegex(path.read_text(), r"-W(all|error|extra|conversion)", path)

    def test_a_component_that_is_not_installed_is_refused(self):
        prefix = self.install_this_build()
        user = self.scratch / "source"
        shutil.copytree(HERE / "find_package", user)
        lists = user / "CMakeLists.txt"
        lists.write_text(lists.read_text().replace("REQUIRED)", "REQUIRED COMPONENTS teleport)"))
        with self.assertRaisesRegex(AssertionError, "teleport"):
            self.configure(user, "user", prefix)

    def test_without_pybind11_the_python_package_is_left_out_in_one_clear_line(self):
        without = "-DCMAKE_DISABLE_FIND_PACKAGE_pybind11=ON"
        text = self.configured(ROOT, "without", without)
        self.assertRegex(text, r"without seekable::python: pybind11 .* \(on Debian: pybind11-dev")
        with self.assertRaisesRegex(AssertionError, r"SEEKABLE_WITH_PYTHON is ON,\s+but\s+pybind11"):
            self.configure(ROOT, "refused", without, "-DSEEKABLE_WITH_PYTHON=ON")

    def test_an_optional_part_is_auto_on_or_off(self):
        with self.assertRaisesRegex(AssertionError, "it must be AUTO, ON or OFF"):
            self.configure(ROOT, "maybe", "-DSEEKABLE_WITH_CRYPTO=maybe")


if __name__ == "__main__":
    unittest.main()
