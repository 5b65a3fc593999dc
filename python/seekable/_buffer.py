# SPDX-License-Identifier: Apache-2.0
"""StreamBuffer: any stream, read at any offset."""

from __future__ import annotations

import http.client
import operator
import os
import re
from typing import (TYPE_CHECKING, Any, Callable, Iterable, Iterator, List, Mapping, Optional,
                    SupportsIndex, Tuple, Union)

from . import _seekable

if TYPE_CHECKING:
    from ._file import File

MAX_SIZE = 5 * 1024**2

LAST = 2**64 - 2  # no stream has a byte behind that one

# What is gathered at once for a slice with a step.
_PIECE = 1024**2

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

Chunk = Union[bytes, bytearray, memoryview]
Stream = Union[Iterable[Any], Chunk, str, "os.PathLike[str]", Any]
HttpSettings = Mapping[str, Any]
Path = Union[str, bytes, "os.PathLike[str]"]
Directories = Union[Path, Iterable[Path]]


def _path(path: Union[str, bytes]) -> bytes:
    """As the system takes it."""
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError(f"the path {path!r} has a null byte")
    return name


def _kind_of(stream: Any) -> Tuple[str, Any, str]:
    """What `stream` is, what is read of it, and its name for people."""
    if isinstance(stream, str):
        if not _URL.match(stream):
            return "path", _path(stream), stream
        if stream.lower().startswith(("http://", "https://")):
            return "url", stream, stream
        raise ValueError(f"read {stream!r}: of URLs only http and https can be read")
    if isinstance(stream, os.PathLike):
        return "path", _path(os.fspath(stream)), str(stream)
    if isinstance(stream, (bytes, bytearray, memoryview)):
        return "bytes", stream, type(stream).__name__
    name = getattr(stream, "name", None)
    text = name if isinstance(name, str) else f"<{type(stream).__name__}>"
    if hasattr(stream, "__aiter__"):
        raise TypeError(f"{type(stream).__name__} is asynchronous: use AsyncStreamBuffer or aopen")
    if callable(getattr(stream, "read", None)) and not isinstance(stream, StreamBuffer):
        return "file", _reader_of(stream), text
    try:
        return "iterator", iter(stream), text
    except TypeError:
        raise TypeError(
            f"cannot read a {type(stream).__name__}: give an iterable of bytes, bytes, a binary "
            "file object, a path or a URL") from None


def _reader_of(file: Any) -> Callable[[int], Any]:
    """Reads what is there, where the file can do that; and does not take for the end what is none:
    a file that does not block and has nothing now, a response whose connection broke."""
    read = getattr(file, "read1", None) or file.read

    def read_some(size: int) -> Any:
        data = read(size)
        if data or data is None:
            return data
        if not _blocks(file):
            data = file.read(size)  # None where more may come; `read1` tells no difference.
        if data == b"" and (left := _left_of_response(file)):
            raise http.client.IncompleteRead(b"", left)
        return data
    return read_some


def _blocks(file: Any) -> bool:
    try:
        return os.get_blocking(file.fileno())
    except (AttributeError, OSError, TypeError, ValueError):
        return True


def _left_of_response(file: Any) -> int:
    """How much of a response did not come: the library itself says nothing of that."""
    if isinstance(file, http.client.HTTPResponse):
        return file.length or 0
    left = getattr(file, "length_remaining", None)  # urllib3's
    return left if isinstance(left, int) else 0


class StreamBuffer(_seekable.Buffer):
    """Any stream, read like a file: a source and everything of it that has been kept.

    `stream` is an iterable of bytes-like chunks (read once, in order; empty ones are skipped), bytes
    (copied), a binary file object (from where it stands), a path (a regular file is read where it
    lies) or a URL of http or https (by ranges, where the server has them). Not a byte is pulled
    before it is needed.

    All reads give the exact bytes of the stream or raise: `Error`, an `OSError`; or what the
    iterator raised, which is final and comes again, unchanged, at every read that needs a byte past
    it. A read below it is not disturbed.

    `size` is the size of the stream in bytes, if it is known: a claim, which is checked. `max_size`
    is how much is kept in memory, in bytes; what is more goes to an unnamed file on disk, which goes
    away by itself. Further keywords:

    disk_limit: at most so many bytes on disk; 0: memory alone, no file is ever made.
    spool_directories: where that file may lie, a path or several, the first that works; else
        `$TMPDIR`, else `/var/tmp`.
    fill: "on_demand", or "ahead": a thread pulls ahead of the readers.
    read_ahead: how far ahead, in bytes; else as far as there is room.
    window: only the last so many bytes are kept, others raise `ReleasedError`.
    encrypt_spool: what goes to disk is encrypted, with a key that is in memory alone.
    decode: what is compressed by gzip, bzip2, xz, zstd or lz4 is decompressed.
    progress: a function that is told the number of bytes of each piece that comes, as `tqdm.update`;
        on the thread that pulls. Not for a file that is read where it lies.
    http: options of a URL, a dict: headers (a list of "Name: value"), user, password, netrc, proxy,
        certificates, http2, max_redirects, connections, retries, expected_validator, and in seconds
        connect_timeout, first_byte_timeout, stall_timeout, retry_delay, max_retry_delay.

    Threads: any number may use it at once. The interpreter lock is not held while a call waits, uses
    the disk or the network, or copies more than 64 KiB. An iterator is run by whoever needs its
    bytes, one at a time; by a thread of the buffer's own with `fill="ahead"`, and once a call had a
    `timeout`. In a forked process what is in memory can be read, the rest raises `PermissionError`.
    A signal ends a wait of the main thread within 50 ms.
    """

    # Where __init__ fails, too.
    _name = "<not made>"
    max_size = MAX_SIZE

    def __init__(self, stream: Stream, size: Optional[int] = None,
                 max_size: int = MAX_SIZE, *, disk_limit: Optional[int] = None,
                 spool_directories: Directories = (),
                 fill: str = "on_demand", read_ahead: Optional[int] = None,
                 window: Optional[int] = None, encrypt_spool: bool = False, decode: bool = False,
                 progress: Optional[Callable[[int], object]] = None,
                 http: Optional[HttpSettings] = None) -> None:
        kind, source, name = _kind_of(stream)
        if http is not None:
            _check_http(kind, http)
        super().__init__(kind, source, {
            "name": os.fsencode(name), "size": size, "max_size": max_size, "disk_limit": disk_limit,
            "spool_directories": directories(spool_directories), "fill": fill,
            "read_ahead": read_ahead, "window": window, "encrypt_spool": encrypt_spool,
            "decode": decode, "progress": progress,
            "http": None if http is None else dict(http)})
        self._name = name
        self.max_size = max_size

    def open(self, offset: int = 0) -> "File":
        """A file object of its own position. Closing it does not close the buffer."""
        from ._file import File
        return File(self, offset)

    def __getitem__(self, key: Union[SupportsIndex, slice, Tuple[int, int], List[int]]) -> Any:
        """`buffer[a:b:c]` by the rules of Python's slices, `buffer[a, b]` for `buffer[a:b]`, and one
        byte, as a number, for `buffer[a]`. What counts from the end waits for the size."""
        if isinstance(key, (tuple, list)):
            if len(key) != 2:
                raise TypeError(f"buffer[a, b] takes two offsets, not {len(key)}")
            key = slice(key[0], key[1])
        if isinstance(key, slice):
            return self._slice(key)
        index = operator.index(key)
        if index < 0:
            index += self.wait_for_size()
            if index < 0:
                raise IndexError(f"byte {operator.index(key)} is before the start")
        byte = self.read(index, 1) if index <= LAST else b""
        if not byte:
            raise IndexError(f"byte {index} is past the end")
        return byte[0]

    def save(self, path: Path, timeout: Optional[float] = None) -> None:
        """Waits for the end, then the whole stream stands at `path`, never half of it."""
        super().save(_path(os.fspath(path)), timeout)

    def _slice(self, key: slice) -> bytes:
        step = 1 if key.step is None else operator.index(key.step)
        if step == 0:
            raise ValueError("slice step cannot be zero")
        start = None if key.start is None else operator.index(key.start)
        stop = None if key.stop is None else operator.index(key.stop)
        counts_from_end = (start or 0) < 0 or (stop or 0) < 0
        if step > 0 and not counts_from_end:
            first = start or 0
            if first > LAST or (stop is not None and stop <= first):
                return b""
            if stop is not None and stop > LAST:
                stop = None
            if step == 1:
                return self.read(first, -1 if stop is None else stop - first)
            return self._gather(first, stop, step)
        numbers = range(*slice(start, stop, key.step).indices(self.wait_for_size()))
        if not numbers:
            return b""
        if numbers.step == 1:
            return self.read(numbers.start, len(numbers))
        if numbers.step > 0:
            return self._gather(numbers.start, numbers.stop, numbers.step)
        return self._gather(numbers[-1], numbers[0] + 1, -numbers.step)[::-1]

    def _gather(self, first: int, stop: Optional[int], step: int) -> bytes:
        """Every step-th byte from `first` on, before `stop`, or to the end."""
        if step >= _PIECE:
            return self._gather_far(first, stop, step)
        result = bytearray()
        piece_size = _PIECE // step * step
        while stop is None or first < stop:
            wanted = piece_size if stop is None else min(piece_size, stop - first)
            piece = self.read(first, wanted)
            result += piece[::step]
            if len(piece) < wanted:
                break
            first += piece_size
        return bytes(result)

    def _gather_far(self, first: int, stop: Optional[int], step: int) -> bytes:
        result = bytearray()
        while first < LAST if stop is None else first < stop:
            byte = self.read(first, 1)
            if not byte:
                break
            result += byte
            first += step
        return bytes(result)

    def __len__(self) -> int:
        """The size, where it is known now; waits for nothing.

        (`list(buffer)` makes room for so many chunks; `list(iter(buffer))` does not.)
        """
        size = self.size
        if size is None:
            raise TypeError("the size of this stream is not known yet: see wait_for_size()")
        return size

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[bytes]:
        """The stream from its start, in chunks as they come, at most 64 KiB each."""
        offset = 0
        while chunk := self.read_some(offset):
            yield chunk
            offset += len(chunk)

    def __enter__(self) -> "StreamBuffer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.closed:
            return f"<StreamBuffer {self._name} closed>"
        size = self.size
        kept = self.available(0)
        return (f"<StreamBuffer {self._name} size={'unknown' if size is None else size} "
                f"kept={kept} max_size={self.max_size}>")

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError("a StreamBuffer cannot be pickled: its stream is in this process alone; "
                        "send its bytes, or save() them and send the path")


def directories(given: Directories) -> List[bytes]:
    """One or several, as the system takes them."""
    if isinstance(given, (str, bytes, os.PathLike)):
        given = (given,)
    return [_path(os.fspath(one)) for one in given]


_HTTP = frozenset((
    "headers", "user", "password", "netrc", "proxy", "certificates", "http2", "max_redirects",
    "connections", "connect_timeout", "first_byte_timeout", "stall_timeout", "retries",
    "retry_delay", "max_retry_delay", "expected_validator"))


def _check_http(kind: str, http: HttpSettings) -> None:
    if kind != "url":
        raise ValueError("http: these are options of a URL, and this stream is none")
    for name in http:
        if name not in _HTTP:
            raise ValueError(f"http: there is no option {name!r}; there are "
                             + ", ".join(sorted(_HTTP)))
