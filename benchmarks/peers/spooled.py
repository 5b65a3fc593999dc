#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Python's own: tempfile.SpooledTemporaryFile and io.BytesIO.

usage: spooled.py ingest_spilled|ingest_memory    standard input, as seekable_scenarios pours it
       spooled.py lives SIZE
Prints seconds.
"""

import io
import os
import sys
import tempfile
import time

STEP = 64 * 1024
LIMIT = 5 * 1024 ** 2


def ingest(store):
    started = time.perf_counter()
    while chunk := os.read(0, STEP):
        store.write(chunk)
    seconds = time.perf_counter() - started
    middle = store.tell() // 2 // 4096 * 4096
    store.seek(middle)
    if int.from_bytes(store.read(8), "little") != middle:
        sys.exit("wrong bytes")
    return seconds


def lives(size):
    content = os.urandom(size)
    count = max(5, 2 ** 28 // (size + 20_000))
    started = time.perf_counter()
    for _ in range(count):
        with tempfile.SpooledTemporaryFile(LIMIT, dir="/var/tmp") as store:
            for at in range(0, size, STEP):
                store.write(content[at:at + STEP])
            store.seek(0)
            if len(store.read()) != size:
                sys.exit("not all was read")
    return (time.perf_counter() - started) / count


def main():
    job = sys.argv[1]
    if job == "lives":
        print(lives(int(sys.argv[2])))
    elif job == "ingest_memory":
        print(ingest(io.BytesIO()))
    else:
        print(ingest(tempfile.SpooledTemporaryFile(LIMIT, dir="/var/tmp")))


if __name__ == "__main__":
    main()
