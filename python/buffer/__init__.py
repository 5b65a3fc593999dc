# SPDX-License-Identifier: Apache-2.0
"""The name that `seekable` had when it was a Python package alone: its programs go on as they are.

    from buffer import StreamBuffer
"""

from typing import Iterable, Iterator, Union

from seekable import MAX_SIZE, StreamBuffer

__all__ = ["CHUNK", "MAX_SIZE", "START", "IterableBytes", "Stream", "StreamBuffer"]

CHUNK = 4 * 1024
START = 0


class IterableBytes:
    """Bytes in chunks of `chunk`, from `start` on."""

    def __init__(self, bytes_obj: bytes, chunk: int = CHUNK, start: int = START) -> None:
        self.bytes = bytes_obj
        self.chunk = chunk
        self.start = start

    def __iter__(self) -> Iterator[bytes]:
        for offset in range(self.start, len(self.bytes), self.chunk):
            yield self.bytes[offset:offset + self.chunk]


Stream = Union[IterableBytes, Iterable[bytes], bytes]
