# SPDX-License-Identifier: Apache-2.0
"""Libraries that want a file, each given a stream that is still growing."""

import csv
import gzip
import importlib.util
import io
import lzma
import sqlite3
import struct
import tarfile
import threading
import unittest
import wave
import zipfile

import seekable
from streams import StreamCase, chunks_of, content

MEMBER = content(300_000, 7)


def zip_of(*, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for i in range(20):
            archive.writestr(f"member-{i}", MEMBER[i * 1000:])
    return out.getvalue()


def tar_of(mode):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for i in range(20):
            info = tarfile.TarInfo(f"member-{i}")
            info.size = len(MEMBER) - i * 1000
            archive.addfile(info, io.BytesIO(MEMBER[i * 1000:]))
    return out.getvalue()


class Consumers(StreamCase):
    def growing(self, data, size=10_000):
        """A file whose chunks are pulled as they are needed, mostly from disk then."""
        file = seekable.open(chunks_of(data, size), max_size=200_000)
        self.addCleanup(file.close)
        return file

    def test_zipfile(self):
        with zipfile.ZipFile(self.growing(zip_of())) as archive:
            self.assertEqual(len(archive.namelist()), 20)
            for i in (19, 0, 7):
                self.assert_same(archive.read(f"member-{i}"), MEMBER[i * 1000:])
            self.assertIsNone(archive.testzip())

    def test_zipfile_by_several_threads(self):
        archive = zipfile.ZipFile(self.growing(zip_of()))
        wrong = []

        def read(i):
            if archive.read(f"member-{i}") != MEMBER[i * 1000:]:
                wrong.append(i)
        threads = [threading.Thread(target=read, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_tarfile(self):
        for mode in ("w", "w:gz", "w:xz"):
            with tarfile.open(fileobj=self.growing(tar_of(mode))) as archive:
                for i in (15, 3):
                    self.assert_same(archive.extractfile(f"member-{i}").read(), MEMBER[i * 1000:])

    def test_what_is_compressed(self):
        for module in (gzip, lzma):
            with module.open(self.growing(module.compress(MEMBER))) as file:
                file.seek(200_000)
                self.assertEqual(file.read(100), MEMBER[200_000:200_100])
                file.seek(5)
                self.assertEqual(file.read(100), MEMBER[5:105])

    def test_wave(self):
        out = io.BytesIO()
        with wave.open(out, "wb") as sound:
            sound.setparams((1, 2, 44_100, 0, "NONE", ""))
            sound.writeframes(MEMBER)
        with wave.open(self.growing(out.getvalue())) as sound:
            sound.setpos(100_000)
            self.assertEqual(sound.readframes(50), MEMBER[200_000:200_100])

    def test_sqlite_by_a_path(self):
        path = self.scratch / "original"
        with sqlite3.connect(path) as database:
            database.execute("create table t (n integer, t text)")
            database.executemany("insert into t values (?, ?)", ((i, "x" * i) for i in range(1000)))
        database.close()
        buffer = self.buffer(chunks_of(path.read_bytes(), 5000), max_size=100_000)
        copy = self.scratch / "copy"
        buffer.save(copy)
        with sqlite3.connect(copy) as database:
            self.assertEqual(database.execute("select sum(n), sum(length(t)) from t").fetchone(),
                             (499_500, 499_500))
        database.close()

    def test_csv(self):
        text = "".join(f"{i},{i * i}\n" for i in range(20_000))
        with io.TextIOWrapper(self.growing(text.encode()), newline="") as file:
            self.assertEqual(sum(int(row[1]) for row in csv.reader(file)),
                             sum(i * i for i in range(20_000)))

    @unittest.skipUnless(importlib.util.find_spec("PIL"), "python3-pil is not there")
    def test_pil(self):
        from PIL import Image
        out = io.BytesIO()
        Image.frombytes("RGB", (200, 200), MEMBER[:120_000]).save(out, "PNG")
        with Image.open(self.growing(out.getvalue(), 777)) as image:
            self.assertEqual(image.tobytes(), MEMBER[:120_000])

    @unittest.skipUnless(importlib.util.find_spec("h5py"), "python3-h5py is not there")
    def test_h5py(self):
        import h5py
        out = io.BytesIO()
        with h5py.File(out, "w") as file:
            file["numbers"] = list(struct.unpack("<50000i", MEMBER[:200_000]))
        with h5py.File(self.growing(out.getvalue()), "r") as file:
            self.assertEqual(file["numbers"][40_000],
                             struct.unpack_from("<i", MEMBER, 160_000)[0])

    @unittest.skipUnless(importlib.util.find_spec("pandas"), "python3-pandas is not there")
    def test_pandas(self):
        import pandas
        text = "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(20_000))
        table = pandas.read_csv(self.growing(text.encode()))
        self.assertEqual(int(table["b"].sum()), sum(i * i for i in range(20_000)))


if __name__ == "__main__":
    unittest.main()
