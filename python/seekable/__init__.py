# SPDX-License-Identifier: Apache-2.0
"""Any stream, read like a file.

    import seekable

    with seekable.open(response.iter_content(65536)) as file:
        archive = zipfile.ZipFile(file)

wraps bytes that come only once so that any offset can be read, back and ahead, by many readers:
memory first, then an unnamed file on disk, readable as soon as a byte arrives.
"""

from . import _errors
from ._async import AsyncFile, AsyncStreamBuffer, aopen
from ._buffer import MAX_SIZE, StreamBuffer
from ._errors import (CancelledError, DiskFullError, Error, OverrunError, ReleasedError,
                      SourceChangedError, SourceFailedError, SpoolCorruptError, TimedOutError,
                      TruncatedError)
from ._file import File, open
from ._seekable import version as __version__

__all__ = [
    "MAX_SIZE", "AsyncFile", "AsyncStreamBuffer", "CancelledError", "DiskFullError", "Error",
    "File", "OverrunError", "ReleasedError", "SourceChangedError", "SourceFailedError",
    "SpoolCorruptError", "StreamBuffer", "TimedOutError", "TruncatedError", "aopen", "open",
]
