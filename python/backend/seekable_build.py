# SPDX-License-Identifier: Apache-2.0
"""Builds the wheel: CMake makes the package, and the standard library zips it (PEP 517, PEP 427).

Settings, each as `pip install --config-settings NAME=VALUE`:

build-dir: where CMake builds; else a directory that goes away.
cmake-args: further arguments of CMake, as a shell would split them.
"""

import base64
import hashlib
import io
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ("seekable", "buffer")
# Of what is in the root, what a build needs.
PARTS = ("CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "pyproject.toml", "cmake",
         "include", "python", "src")
PROTOCOLS = ("seekable", "seekable+http", "seekable+https")
ENTRY_POINTS = "[fsspec.specs]\n" + "".join(
    f"{protocol} = seekable.fsspec.SeekableFileSystem\n" for protocol in PROTOCOLS)


def version():
    """The one in CMakeLists.txt."""
    return re.search(r"project\(seekable VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def metadata():
    """PEP 566."""
    return (f"Metadata-Version: 2.1\nName: seekable\nVersion: {version()}\n"
            "Summary: Any stream, read like a file\nLicense: Apache-2.0\n"
            "Requires-Python: >=3.9\nDescription-Content-Type: text/markdown\n\n"
            + (ROOT / "README.md").read_text(encoding="utf-8"))


def tag():
    """Of this interpreter and machine."""
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
    return f"{python}-{python}-{platform}"


def wheel_info():
    """PEP 427."""
    return f"Wheel-Version: 1.0\nGenerator: seekable\nRoot-Is-Purelib: false\nTag: {tag()}\n"


def compile_package(build_dir, arguments):
    """Returns the directory that has the packages."""
    for tool in ("cmake", "c++"):
        if shutil.which(tool) is None:
            raise SystemExit(f"seekable: {tool} was not found: install it (on Debian: cmake g++)")
    configure = ["cmake", "-S", str(ROOT), "-B", str(build_dir), "-DCMAKE_BUILD_TYPE=Release",
                 "-DSEEKABLE_WITH_PYTHON=ON", "-DSEEKABLE_BUILD_CLI=OFF",
                 "-DSEEKABLE_BUILD_TESTS=OFF", "-DSEEKABLE_BUILD_BENCHMARKS=OFF",
                 "-DSEEKABLE_INSTALL=OFF", f"-DPython3_EXECUTABLE={sys.executable}"]
    if shutil.which("ninja"):
        configure += ["-G", "Ninja"]
    subprocess.run(configure + arguments, check=True)
    jobs = str(len(os.sched_getaffinity(0)))
    subprocess.run(["cmake", "--build", str(build_dir), "--target", "seekable_python", "-j", jobs],
                   check=True)
    return build_dir / "python"


def package_files(directory):
    """Yields the name in the wheel and the content of each file."""
    for package in PACKAGES:
        for file in sorted((directory / package).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file.relative_to(directory).as_posix(), file.read_bytes()


def write_wheel(path, files):
    """Zips them, with the record of what is in it."""
    info = f"seekable-{version()}.dist-info"
    files += [(f"{info}/METADATA", metadata().encode()), (f"{info}/WHEEL", wheel_info().encode()),
              (f"{info}/entry_points.txt", ENTRY_POINTS.encode()),
              (f"{info}/LICENSE", (ROOT / "LICENSE").read_bytes())]
    record = ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in files:
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            record += f"{name},sha256={digest.decode()},{len(content)}\n"
            wheel.writestr(name, content)
        wheel.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """A hook of PEP 517."""
    settings = config_settings or {}
    name = f"seekable-{version()}-{tag()}.whl"
    with tempfile.TemporaryDirectory(prefix="seekable-build-") as temporary:
        build_dir = pathlib.Path(settings.get("build-dir") or temporary)
        made = compile_package(build_dir, shlex.split(settings.get("cmake-args") or ""))
        write_wheel(pathlib.Path(wheel_directory) / name, list(package_files(made)))
    return name


def build_sdist(sdist_directory, config_settings=None):
    """A hook of PEP 517."""
    base = f"seekable-{version()}"

    def without_debris(member):
        return None if "__pycache__" in member.name.split("/") else member

    with tarfile.open(pathlib.Path(sdist_directory) / f"{base}.tar.gz", "w:gz") as archive:
        for part in PARTS:
            archive.add(ROOT / part, f"{base}/{part}", filter=without_debris)
        content = metadata().encode()
        member = tarfile.TarInfo(f"{base}/PKG-INFO")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return f"{base}.tar.gz"
