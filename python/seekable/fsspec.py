# SPDX-License-Identifier: Apache-2.0
"""Streams for whatever opens files by fsspec, pandas for one; fsspec finds it by itself.

`seekable+https://host/file` (and `seekable+http`) reads a URL by the ranges that are needed;
`seekable::PROTOCOL://...` reads a file of another file system of fsspec, which gives it once from
its start to where it is needed, however the reader jumps.
"""

from __future__ import annotations

import weakref
from typing import Any, Dict, List, Optional

import fsspec
from fsspec.spec import AbstractFileSystem

from ._file import File, open as open_stream

_PREFIX = "seekable+"


class SeekableFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """Reads only. What is not fsspec's own, `max_size` for one, goes to `seekable.open`."""

    protocol = ("seekable", "seekable+http", "seekable+https")
    cachable = False

    def __init__(self, target_protocol: Optional[str] = None,
                 target_options: Optional[Dict[str, Any]] = None, fo: Optional[str] = None,
                 fs: Optional[Any] = None, **settings: Any) -> None:
        super().__init__()
        self._settings = settings
        self._inner_path = fo
        self._inner = fs
        if fs is None and target_protocol not in (None, "http", "https"):
            self._inner = fsspec.filesystem(target_protocol, **(target_options or {}))

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, (list, tuple)):
            return [cls._strip_protocol(one) for one in path]
        path = str(path)
        if path.startswith(_PREFIX):
            return path[len(_PREFIX):]
        return path[len("seekable://"):] if path.startswith("seekable://") else path

    def _target(self, path: str) -> str:
        return self._strip_protocol(path) or self._inner_path or ""

    def _open(self, path: str, mode: str = "rb", block_size: Any = None, autocommit: bool = True,
              cache_options: Any = None, **kwargs: Any) -> File:
        if mode != "rb":
            raise ValueError(f"open {path!r}: seekable reads only, mode {mode!r} is for writing")
        target = self._target(path)
        if self._inner is None:
            return open_stream(target, **{**self._settings, **kwargs})
        inner = self._inner.open(target, "rb")
        file = open_stream(inner, **{**self._settings, **kwargs})
        weakref.finalize(file, inner.close)
        return file

    def info(self, path: str, **kwargs: Any) -> Dict[str, Any]:
        target = self._target(path)
        if self._inner is not None:
            found: Dict[str, Any] = self._inner.info(target, **kwargs)
            return found
        with open_stream(target, **self._settings) as file:
            return {"name": target, "size": file.buffer.wait_for_size(), "type": "file"}

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> List[Any]:
        found = self.info(path)
        return [found if detail else found["name"]]
