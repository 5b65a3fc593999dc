# SPDX-License-Identifier: Apache-2.0
"""What can go wrong: each an `OSError` with `errno`, and `offset`, the byte it happened at."""

from __future__ import annotations

import errno
import os
import re
from typing import Dict, Optional, Type


class Error(OSError):
    """What every call raises when the world did something wrong; what the caller did wrong is a
    ValueError or a TypeError, and what an iterator raises comes unchanged.

    `offset` is where it happened, in bytes from the start of the stream; for `ReleasedError` the
    lowest offset that can still be read; None where it belongs to no byte.
    """

    offset: Optional[int] = None


class CancelledError(Error):
    """The buffer was cancelled, or closed while the call was waiting."""


class TimedOutError(Error, TimeoutError):
    """The call's time-out passed; nothing is lost. Or the source has given up."""


class ReleasedError(Error):
    """The bytes were given up, behind a window or by `release_before`."""


class TruncatedError(Error):
    """The stream ended before its declared size."""


class OverrunError(Error):
    """The stream went on past its declared size."""


class SourceChangedError(Error):
    """A file or URL is no longer what it was when its first bytes were read."""


class SourceFailedError(Error):
    """The source failed with something that has no code of the system."""


class DiskFullError(Error):
    """No store has room within its limits. The only error that is not final."""


class SpoolCorruptError(Error):
    """An encrypted block on disk does not verify."""


# By the library's own codes, `seekable::Errc`: the class and the errno.
_BY_CODE = {
    1: (CancelledError, errno.ECANCELED),
    2: (TimedOutError, errno.ETIMEDOUT),
    3: (ReleasedError, errno.EIO),
    4: (TruncatedError, errno.EIO),
    5: (OverrunError, errno.EIO),
    6: (SourceChangedError, errno.EIO),
    7: (SourceFailedError, errno.EIO),
    8: (DiskFullError, errno.ENOSPC),
    9: (SpoolCorruptError, errno.EIO),
}

# Of the stream itself, and not of what it is decoded from.
_DECLARED = re.compile(r"declared (size of )?\d+ bytes")
_HINT = (
    ". A declared size is a claim: that of a response with a Content-Encoding, for one, counts "
    "the bytes before they are decoded; give size=None where it does not fit"
)


def _classes_of_the_system() -> Dict[int, Type[Error]]:
    """`except FileNotFoundError` and the like also catch ours."""
    made: Dict[str, Type[Error]] = {}
    found: Dict[int, Type[Error]] = {errno.ETIMEDOUT: TimedOutError}
    for number in errno.errorcode:
        base = type(OSError(number, ""))
        if number in found or base is OSError:
            continue
        name = "System" + base.__name__
        if name not in made:
            made[name] = type(name, (Error, base), {"__module__": __name__, "__doc__": base.__doc__})
        found[number] = made[name]
    globals().update(made)  # So that they can be pickled.
    return found


_BY_ERRNO = _classes_of_the_system()


def make(category: str, code: int, text: str, offset: Optional[int]) -> Error:
    """The exception for one of the library."""
    if category == "seekable":
        kind, number = _BY_CODE[code]
        if kind in (TruncatedError, OverrunError) and _DECLARED.search(text):
            text += _HINT
    elif category in ("system", "generic"):
        kind, number = _BY_ERRNO.get(code, Error), code
    else:
        kind, number = Error, errno.EIO
    # The text ends with what the code means, which OSError would say again.
    error = kind(number, text or os.strerror(number))
    error.offset = offset
    return error
