# SPDX-License-Identifier: Apache-2.0
"""A stream as a file object."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, Optional

from . import _seekable
from ._buffer import StreamBuffer

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class File(io.BufferedIOBase):
    """A stream as a binary file to read: every call of `io.BufferedIOBase` and of `io.RawIOBase`.

    A read gives all it was asked for, less only at the end of the stream; where the stream fails
    before, it raises, and the position stays. `read1`, `readinto1` and `peek` give what is there now
    and wait only if nothing is. Bytes are not read ahead of the position for it.

    Threads: one call at a time uses the position, others wait. Files of one buffer are independent.
    """

    mode = "rb"
    _owns_buffer = False  # Where __init__ fails, too.

    def __init__(self, buffer: StreamBuffer, offset: int = 0, *, owns_buffer: bool = False) -> None:
        if not isinstance(buffer, StreamBuffer):
            raise TypeError(f"a File is of a StreamBuffer, not of a {type(buffer).__name__}: "
                            "see seekable.open")
        self._cursor = _seekable.Cursor(buffer, offset)
        self._buffer = buffer
        self._owns_buffer = owns_buffer

    @property
    def name(self) -> str:
        """The path or URL; for another stream, what kind it is."""
        return self._buffer._name

    @property
    def buffer(self) -> StreamBuffer:
        """The stream, for reads at any offset beside this file."""
        return self._buffer

    def readable(self) -> bool:
        """True."""
        self._check_open()
        return True

    def seekable(self) -> bool:
        """True."""
        self._check_open()
        return True

    def writable(self) -> bool:
        """False."""
        self._check_open()
        return False

    def read(self, size: Optional[int] = -1, /) -> bytes:
        """`size` bytes from the position on, fewer only at the end; all there are without a size."""
        if self.closed:
            self._check_open()
        return self._cursor.read(size)

    def read1(self, size: int = -1, /) -> bytes:
        """What is there now; waits only if nothing is; empty only at the end."""
        if self.closed:
            self._check_open()
        return self._cursor.read1(size)

    def readall(self) -> bytes:
        """All bytes from the position on."""
        return self.read()

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """As `read`, into memory of the caller; returns how many bytes."""
        if self.closed:
            self._check_open()
        return self._cursor.readinto(buffer)

    def readinto1(self, buffer: "WriteableBuffer", /) -> int:
        """As `read1`, into memory of the caller; returns how many bytes."""
        if self.closed:
            self._check_open()
        return self._cursor.readinto1(buffer)

    def peek(self, size: int = 0, /) -> bytes:
        """Bytes from the position on, at least one but at the end; it does not move."""
        self._check_open()
        return self._cursor.peek()

    def readline(self, size: Optional[int] = -1, /) -> bytes:
        """Up to the next newline, that one included, at most `size` bytes."""
        if self.closed:
            self._check_open()
        return self._cursor.readline(size)

    def __next__(self) -> bytes:
        if self.closed:
            self._check_open()
        line = self._cursor.readline()
        if not line:
            raise StopIteration
        return line

    def __iter__(self) -> "File":
        self._check_open()
        return self

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Moves the position. Past the end is allowed; `os.SEEK_END` waits for the size."""
        self._check_open()
        return self._cursor.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        self._check_open()
        return self._cursor.tell()

    def close(self) -> None:
        """Closes the file, and the stream where `seekable.open` has made that for it."""
        if not self.closed and self._owns_buffer:
            self._buffer.close()
        super().close()

    def detach(self) -> Any:
        """There is nothing below: always UnsupportedOperation."""
        raise io.UnsupportedOperation("detach: there is no raw stream below this file")

    def __repr__(self) -> str:
        if getattr(self, "_buffer", None) is None:
            return "<seekable.File <not made>>"
        where = "closed" if self.closed else f"at {self._cursor.tell()}"
        return f"<seekable.File {self._buffer._name} {where}>"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError("a seekable.File cannot be pickled: its stream is in this process alone; "
                        "send its bytes, or save() its buffer and send the path")

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on a closed file")


io.RawIOBase.register(File)


def open(stream: Any, size: Optional[int] = None, max_size: Optional[int] = None,  # pylint: disable=redefined-builtin
         **settings: Any) -> File:
    """A stream as a file object: as `StreamBuffer(stream, size, max_size, ...)`, which see.

    Of a StreamBuffer it is one more file, which does not close the buffer.
    """
    if isinstance(stream, StreamBuffer):
        if size is not None or max_size is not None or settings:
            raise TypeError("open: a StreamBuffer has its settings already")
        return File(stream)
    if max_size is not None:
        settings["max_size"] = max_size
    return File(StreamBuffer(stream, size, **settings), owns_buffer=True)
