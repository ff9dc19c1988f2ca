"""Counts the files that are opened in directories, by inotify(7)."""

import ctypes
import errno
import os
import struct

OPENED, OVERFLOW, DIRECTORY = 0x20, 0x4000, 0x40000000
EVENT = struct.Struct("iIII")
libc = ctypes.CDLL(None, use_errno=True)


class FileWatch:
    """Of some directories, from the beginning of the block on."""

    def __init__(self, *directories):
        self._directories = directories

    def __enter__(self):
        self._file = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        for directory in self._directories:
            if libc.inotify_add_watch(self._file, os.fsencode(directory), OPENED) < 0:
                raise OSError(ctypes.get_errno(), f"inotify_add_watch: {directory}")
        return self

    def __exit__(self, *exc):
        os.close(self._file)

    def opened(self):
        """How many times a file was opened since the last call; the queue holds 16,384, and more is an error."""
        count = 0
        while True:
            try:
                piece = os.read(self._file, 1 << 16)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    return count
                raise
            at = 0
            while at < len(piece):
                _, mask, _, size = EVENT.unpack_from(piece, at)
                if mask & OVERFLOW:
                    raise OSError(errno.EOVERFLOW, "more files were opened than inotify keeps in mind")
                count += not mask & DIRECTORY
                at += EVENT.size + size
