# SPDX-License-Identifier: Apache-2.0
# What is compiled: python/src.
import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, SupportsIndex, Tuple, Union

from _typeshed import ReadableBuffer, WriteableBuffer

version: str

class Buffer:
    def __init__(self, kind: str, stream: Any, settings: Mapping[str, Any]) -> None: ...
    def read(self, offset: SupportsIndex, size: Optional[SupportsIndex],
             timeout: Optional[float] = None) -> bytes:
        """The bytes `[offset, offset + size)`, fewer only at the end of the stream; to the end where
        `size` is negative or None. After `timeout` seconds it raises TimedOutError."""
    def read_some(self, offset: SupportsIndex, size: Optional[SupportsIndex] = -1,
                  timeout: Optional[float] = None) -> bytes:
        """What is there now, at most 64 KiB where no size is given; waits only if nothing is; empty
        only at the end."""
    def readinto_at(self, offset: SupportsIndex, buffer: WriteableBuffer,
                    timeout: Optional[float] = None) -> int:
        """As `read`, into memory of the caller; returns how many bytes."""
    def view(self, offset: SupportsIndex = 0, size: Optional[SupportsIndex] = -1,
             timeout: Optional[float] = None) -> memoryview:
        """Bytes from `offset` without a copy: at least one, often fewer than `size`, at most to the
        end of a block of 64 KiB; empty only at the end. They stay, and count against the limits, as
        long as the memoryview or a slice of it does."""
    def wait_for(self, begin: SupportsIndex, end: SupportsIndex,
                 timeout: Optional[float] = None) -> bool:
        """True when the bytes, as far as the stream reaches, are kept; False after `timeout`."""
    def wait_for_size(self, timeout: Optional[float] = None) -> int:
        """The size: the declared one at once, else by asking the source, else by reading on."""
    @property
    def size(self) -> Optional[int]:
        """The declared or reached size, if it is known now."""
    def available(self, offset: SupportsIndex = 0) -> int:
        """How many bytes are kept from `offset` on, now. Never waits, never pulls."""
    def is_exhausted(self) -> bool:
        """True when the end is confirmed and no byte is missing. Never waits, never pulls."""
    def prefetch(self, ranges: Sequence[Tuple[int, int]]) -> None:
        """A hint that these ranges, each `(begin, end)`, will be read. Returns at once."""
    def release_before(self, offset: SupportsIndex) -> None:
        """Gives up what is below `offset`: to read it raises ReleasedError."""
    def cancel(self) -> None:
        """Ends the fill: whoever waits is told, what is kept can be read."""
    def save(self, path: Union[str, "os.PathLike[str]"], timeout: Optional[float] = None) -> None:
        """Waits for the end, then the whole stream stands at `path`, never half of it."""
    def stats(self) -> Dict[str, int]:
        """Counters: hits, waits, source_reads, bytes_on_wire, reopened, read_through, spills,
        spilled_bytes; bytes held now: memory_bytes, spool_bytes; of a URL: http_requests,
        http_bytes_received."""
    def residency(self) -> List[Tuple[int, int, str]]:
        """Which bytes `[begin, end)` are in "memory" or "spool", "missing" or "released"."""
    def close(self) -> None:
        """Gives everything up: memory, disk, connections. Whoever is in a call is told."""
    @property
    def closed(self) -> bool: ...

class Cursor:
    def __init__(self, buffer: Buffer, offset: SupportsIndex = 0) -> None: ...
    def read(self, size: Optional[SupportsIndex] = -1, /) -> bytes: ...
    def read1(self, size: Optional[SupportsIndex] = -1, /) -> bytes: ...
    def readline(self, size: Optional[SupportsIndex] = -1, /) -> bytes: ...
    def readinto(self, buffer: WriteableBuffer, /) -> int: ...
    def readinto1(self, buffer: WriteableBuffer, /) -> int: ...
    def peek(self) -> bytes: ...
    def seek(self, offset: int, whence: int = 0) -> int: ...
    def tell(self) -> int: ...

class PipeWriter:
    def write(self, chunk: ReadableBuffer) -> None: ...
    def end(self) -> None: ...
    def fail(self) -> None: ...

class Pending:
    def cancel(self) -> None: ...

def when_available(buffer: Buffer, begin: SupportsIndex, end: SupportsIndex,
                   callback: Callable[[], object]) -> Pending: ...
