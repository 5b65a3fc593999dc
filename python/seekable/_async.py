# SPDX-License-Identifier: Apache-2.0
"""The same for asyncio: nothing here blocks the event loop while a byte is still to come."""

from __future__ import annotations

import asyncio
import errno
import os
from types import TracebackType
from typing import Any, AsyncIterator, Callable, List, Mapping, Optional, Tuple

from . import _seekable
from ._buffer import LAST, MAX_SIZE, StreamBuffer, directories
from ._errors import Error, SourceFailedError, TimedOutError, make

# So much at once is waited for, and copied on the loop's own thread.
_STEP = 1024**2
_CHUNK = 64 * 1024
_PATIENCE = 0.1  # seconds
# Those of a stream that is written.
_SETTINGS = ("disk_limit", "spool_directories", "window", "encrypt_spool")


class _AwaitedStream(StreamBuffer):
    """What an asynchronous iterator gives."""

    def __init__(self, writer: _seekable.PipeWriter, name: str, max_size: int,
                 settings: Mapping[str, Any]) -> None:
        _seekable.Buffer.__init__(self, "pipe", writer, settings)
        self._name = name
        self.max_size = max_size


class AsyncStreamBuffer:
    """Any stream, read at any offset, for asyncio.

    `stream` is an asynchronous iterator of bytes-like chunks, or anything that `StreamBuffer` takes,
    whose keywords these are; a synchronous iterator is then run by a thread of the buffer's own. A
    chunk is awaited when a reader needs a byte of it, in a task of its own: a reader that is
    cancelled disturbs no other. What the iterator raises is final and comes again, unchanged, at
    every read that needs a byte past it.

    One event loop uses it, where the iterator is asynchronous.
    """

    def __init__(self, stream: Any, size: Optional[int] = None, max_size: int = MAX_SIZE,
                 **settings: Any) -> None:
        self._iterator: Optional[Any] = None
        self._failure: Optional[BaseException] = None
        self._traceback: Optional[TracebackType] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        # A wait is for at most half of a window: the first bytes must not be dropped before the last
        # have come.
        self._step = min(_STEP, max(1, (settings.get("window") or 2 * _STEP) // 2))
        self._task: "Optional[asyncio.Task[None]]" = None
        self._owns_buffer = not isinstance(stream, StreamBuffer)
        if isinstance(stream, StreamBuffer):
            if size is not None or max_size != MAX_SIZE or settings:
                raise TypeError("a StreamBuffer has its settings already")
            self._buffer = stream
            return
        if not hasattr(stream, "__aiter__"):
            self._buffer = StreamBuffer(stream, size, max_size, **settings)
            return
        for name in settings:
            if name not in _SETTINGS:
                raise ValueError(f"{name}: no setting for an asynchronous iterator; there are "
                                 + ", ".join(_SETTINGS))
        self._iterator = stream.__aiter__()
        settings.update(size=size, max_size=max_size, spool_directories=directories(
            settings.get("spool_directories", ())))
        self._writer = _seekable.PipeWriter()
        self._buffer = _AwaitedStream(self._writer, f"<{type(stream).__name__}>", max_size,
                                      settings)

    async def read(self, offset: int, size: int = -1) -> bytes:
        """The bytes `[offset, offset + size)`, fewer only at the end of the stream; to the end where
        `size` is negative."""
        result = bytearray()
        while size < 0 or len(result) < size:
            at = offset + len(result)
            wanted = self._step if size < 0 else min(self._step, size - len(result))
            await self._arrive(at, at + wanted)
            piece = self._get(at, wanted)
            result += piece
            if len(piece) < wanted:
                break
        return bytes(result)

    async def read_some(self, offset: int, size: int = -1) -> bytes:
        """What is there now, at most 64 KiB; waits only if nothing is; empty only at the end."""
        wanted = _CHUNK if size < 0 else min(size, _CHUNK)
        if wanted == 0:
            return b""
        await self._arrive(offset, offset + 1)
        return self._get(offset, min(wanted, max(1, self._buffer.available(offset))))

    async def wait_for_size(self) -> int:
        """The size: the declared one at once, else by asking the source or by reading on."""
        loop = self._check_loop()
        while (size := self._buffer.size) is None:
            if self._iterator is None:
                # On a thread of the loop's executor, which does not wait for much longer than its
                # caller.
                try:
                    return await loop.run_in_executor(None, self._buffer.wait_for_size, _PATIENCE)
                except TimedOutError:
                    if self._buffer.failed:
                        raise
                    continue
            if self._is_over():
                self._get(LAST, 1)  # It raises why.
            await asyncio.wait([self._pull()])
        return size

    @property
    def size(self) -> Optional[int]:
        """The declared or reached size, where it is known now."""
        return self._buffer.size

    @property
    def buffer(self) -> StreamBuffer:
        """The stream itself. Its waiting calls block, and do not await chunks."""
        return self._buffer

    def is_exhausted(self) -> bool:
        """True when the end is confirmed and no byte is missing. Never awaits a chunk."""
        return self._buffer.is_exhausted()

    def open(self, offset: int = 0) -> "AsyncFile":
        """A file of its own position. Closing it does not close the buffer."""
        return AsyncFile(self, offset)

    async def aclose(self) -> None:
        """Closes the stream: whoever waits is told; an asynchronous generator is closed."""
        if self._owns_buffer:
            self._buffer.close()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        close = getattr(self._iterator, "aclose", None)
        if close is not None:
            await close()

    async def __aenter__(self) -> "AsyncStreamBuffer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        offset = 0
        while chunk := await self.read_some(offset):
            yield chunk
            offset += len(chunk)

    def __repr__(self) -> str:
        return f"<Async{repr(self._buffer)[1:]}"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError("an AsyncStreamBuffer cannot be pickled: its stream is in this process alone")

    def _get(self, offset: int, size: int) -> bytes:
        """Reads what is there, or will never be."""
        try:
            return self._buffer.read(offset, size)
        except SourceFailedError as error:
            trouble: BaseException = error
        if self._failure is not None:
            # With the traceback that it came with, and not those of the readers before.
            trouble = self._failure.with_traceback(self._traceback)
        raise trouble

    async def _arrive(self, begin: int, end: int) -> None:
        """Returns when the bytes can be read without a wait, or never."""
        loop = self._check_loop()
        while not self._is_there(begin, end):
            told = loop.create_future()

            def tell(told: "asyncio.Future[None]" = told) -> None:
                if not told.done():
                    told.set_result(None)

            trouble: List[Tuple[str, int]] = []

            def called(category: str, code: int, tell: Callable[[], None] = tell,
                       trouble: List[Tuple[str, int]] = trouble) -> None:
                if code:
                    trouble.append((category, code))
                try:
                    loop.call_soon_threadsafe(tell)
                except RuntimeError:
                    pass  # The loop is closed.

            pending = _seekable.when_available(self._buffer, begin, end, called)
            try:
                if self._iterator is None:
                    await told
                else:
                    await asyncio.wait([told, self._pull()],
                                       return_when=asyncio.FIRST_COMPLETED)
            finally:
                pending.cancel()
            if trouble and not self._is_there(begin, end):
                # Not the stream's own failure: no room for the bytes, for one.
                raise make(*trouble[0], f"wait for byte {begin}", begin)

    def _is_there(self, begin: int, end: int) -> bool:
        kept = self._buffer.available(begin)
        if kept == 0:
            self._buffer.read_kept(begin, 1)  # Where it was given up it raises that.
        return kept >= end - begin or self._is_over()

    def _is_over(self) -> bool:
        """No chunk is awaited any more. Raises ValueError where it is closed."""
        return self._buffer.failed or self._buffer.is_exhausted()

    def _check_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if self._loop is not loop and self._iterator is not None:
            raise RuntimeError("this stream is awaited in another event loop")
        if self._task is not None and asyncio.current_task() is self._task:
            raise Error(errno.EDEADLK, "the iterator waits for a byte of its own buffer")
        return loop

    def _pull(self) -> "asyncio.Task[None]":
        """The task that awaits one more chunk, for all readers."""
        if self._task is None or self._task.done():
            self._task = self._check_loop().create_task(self._pull_one())
        return self._task

    async def _pull_one(self) -> None:
        assert self._iterator is not None
        try:
            chunk = await self._iterator.__anext__()
            self._writer.write(chunk)
        except StopAsyncIteration:
            self._writer.end()
        except asyncio.CancelledError:
            self._fail(None)  # To a reader it would mean that it was cancelled itself.
            raise
        except BaseException as error:  # pylint: disable=broad-except
            self._fail(error)

    def _fail(self, error: Optional[BaseException]) -> None:
        self._failure = error
        self._traceback = None if error is None else error.__traceback__
        try:
            self._writer.fail()
        except (OSError, ValueError):
            pass  # It has failed already, or nobody reads it any more.


class AsyncFile:
    """A position in an `AsyncStreamBuffer`, with the calls of a file to be awaited."""

    def __init__(self, buffer: AsyncStreamBuffer, offset: int = 0, *,
                 owns_buffer: bool = False) -> None:
        self._buffer = buffer
        self._position = offset
        self._owns_buffer = owns_buffer
        self._lock: Optional[asyncio.Lock] = None  # made where its event loop is known
        self.closed = False

    @property
    def buffer(self) -> AsyncStreamBuffer:
        """The stream, for reads at any offset beside this file."""
        return self._buffer

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def writable(self) -> bool:
        """False."""
        return False

    def tell(self) -> int:
        """The position."""
        self._check_open()
        return self._position

    async def read(self, size: Optional[int] = -1) -> bytes:
        """As `File.read`."""
        return await self._read(lambda: self._buffer.read(self._position,
                                                          -1 if size is None else size))

    async def read1(self, size: int = -1) -> bytes:
        """As `File.read1`."""
        return await self._read(lambda: self._buffer.read_some(self._position, size))

    async def readinto(self, buffer: Any) -> int:
        """As `File.readinto`."""
        room = memoryview(buffer).cast("B")
        if room.readonly:
            raise TypeError("readinto needs memory that may be written")
        data = await self.read(len(room))
        room[:len(data)] = data
        return len(data)

    async def peek(self) -> bytes:
        """Bytes from the position on, at least one but at the end; it does not move."""
        self._check_open()
        return await self._buffer.read_some(self._position)

    async def readline(self, size: Optional[int] = -1) -> bytes:
        """As `File.readline`."""
        limit = -1 if size is None else size
        return await self._read(lambda: self._line(limit))

    async def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As `File.seek`."""
        self._check_open()
        async with self._locked():
            if whence == os.SEEK_END:
                offset += await self._buffer.wait_for_size()
            elif whence == os.SEEK_CUR:
                offset += self._position
            elif whence != os.SEEK_SET:
                raise ValueError(f"whence {whence} is none of 0 (begin), 1 (current) and 2 (end)")
            if offset < 0:
                raise ValueError(f"seek to before byte 0: {offset}")
            self._position = offset
            return offset

    async def aclose(self) -> None:
        """Closes the file, and the stream where `aopen` has made that for it."""
        was_closed, self.closed = self.closed, True
        if not was_closed and self._owns_buffer:
            await self._buffer.aclose()

    async def __aenter__(self) -> "AsyncFile":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __aiter__(self) -> "AsyncFile":
        return self

    async def __anext__(self) -> bytes:
        line = await self.readline()
        if not line:
            raise StopAsyncIteration
        return line

    async def _read(self, call: Any) -> bytes:
        self._check_open()
        async with self._locked():
            data: bytes = await call()
            self._position += len(data)
            return data

    async def _line(self, limit: int) -> bytes:
        line = bytearray()
        while limit < 0 or len(line) < limit:
            piece = await self._buffer.read_some(self._position + len(line),
                                                 -1 if limit < 0 else limit - len(line))
            newline = piece.find(b"\n")
            line += piece if newline < 0 else piece[:newline + 1]
            if newline >= 0 or not piece:
                break
        return bytes(line)

    def _locked(self) -> asyncio.Lock:
        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on a closed file")


async def aopen(stream: Any, size: Optional[int] = None, max_size: int = MAX_SIZE,
                **settings: Any) -> AsyncFile:
    """A stream as a file for asyncio: as `AsyncStreamBuffer(stream, size, max_size, ...)`."""
    if isinstance(stream, AsyncStreamBuffer):
        if size is not None or max_size != MAX_SIZE or settings:
            raise TypeError("aopen: an AsyncStreamBuffer has its settings already")
        return AsyncFile(stream)
    return AsyncFile(AsyncStreamBuffer(stream, size, max_size, **settings), owns_buffer=True)
