"""A file that only grows by whole lines, and survives what it is asked to survive."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from line.atomic_file import sync_folder
from line.errors import BadInput, FileChanged
from pictures.regular_file import open_regular
from sinks.room import refused

_STEP_BYTES = 1 << 20
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND


class AppendFile:
    """Opens or makes the file at `path` and cuts off a torn last line.

    With `sync` every append is on the disk when the call returns, and what an earlier process left
    once `renew` returns; otherwise it is in the kernel's hands, which the death of any process
    leaves alone. `alive` is called again and again while something takes long. Raises BadInput,
    naming the file, if it cannot be opened.
    """

    def __init__(self, path: Path, *, sync: bool, alive: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._sync = sync
        self._alive = alive
        self._is_torn = False
        """a failed append may have left something behind the whole lines"""
        self.news: list[str] = []
        """what was put right and should be told"""
        try:
            self._fd = open_regular(path, _FLAGS, only_ours=True)
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror or error}") from None
        try:
            self.size = _whole_lines(self._fd)
            """bytes of whole lines"""
            os.ftruncate(self._fd, self.size)
        except OSError as error:
            os.close(self._fd)
            raise refused(path, error) from None

    def fileno(self) -> int:
        return self._fd

    def renew(self, begin: int) -> None:
        """With `sync`: have the lines from offset `begin` on the disk, whoever wrote them.

        A disk that failed before may have called them written, so they are written once more.
        Raises StorageError.
        """
        if not self._sync:
            return
        try:
            self._write_again(begin)
            os.fsync(self._fd)
            sync_folder(self._path.parent)
        except OSError as error:
            raise refused(self._path, error) from None

    def append(self, data: bytes) -> None:
        """Write whole lines; nothing is done for no data.

        Raises:
            StorageError: none is written; DiskFull, which is one, for want of room. The same may
                be tried again. After a failed sync the kernel may call lost pages written, so
                what is tried again is written again.
            FileChanged: another program has changed the file.
        """
        if not data:
            return
        try:
            self._cut_off_torn()
            self.look()
            self._is_torn = True
            left = memoryview(data)
            while left:
                left = left[os.write(self._fd, left) :]
            if self._sync:
                os.fdatasync(self._fd)
        except OSError as error:
            with suppress(OSError):
                self._cut_off_torn()
            raise refused(self._path, error) from None
        self._is_torn = False
        self.size += len(data)

    def look(self) -> None:
        """See that the file is still there, and ours alone; put it back if it is gone.

        Raises FileChanged if it was cut, or cannot be put back.
        """
        here = os.fstat(self._fd)
        if here.st_size != self.size and not self._is_torn:
            change = here.st_size - self.size
            what = f"{-change} bytes are gone" if change < 0 else f"{change} bytes are not ours"
            raise FileChanged(f"{self._path}: another program has changed it: {what}")
        try:
            there = self._path.lstat()
        except OSError:
            there = None
        if there is not None and (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
            return
        was = "was deleted" if there is None else "was replaced"
        try:
            self._put_back(is_in_the_way=there is not None, has_a_name=here.st_nlink > 0)
        except OSError as error:
            raise FileChanged(
                f"{self._path}: {was} and cannot be put back: {error.strerror or error}"
            ) from None
        self.news.append(f"{self._path.name} {was} by another program and put back")

    def close(self) -> None:
        os.close(self._fd)

    # -- inside -----------------------------------------------------------------------------------

    def _cut_off_torn(self) -> None:
        if self._is_torn:
            os.ftruncate(self._fd, self.size)
            self._is_torn = False

    def _write_again(self, begin: int) -> None:
        # Through another descriptor: with O_APPEND, pwrite writes at the end.
        with os.fdopen(open_regular(self._path, os.O_RDWR, only_ours=True), "r+b", 0) as file:
            for place in range(begin, self.size, _STEP_BYTES):
                piece = os.pread(self._fd, min(_STEP_BYTES, self.size - place), place)
                os.pwrite(file.fileno(), piece, place)
                self._alive()

    def _put_back(self, *, is_in_the_way: bool, has_a_name: bool) -> None:
        """The file under its name again: itself if it has another name, else a copy.

        Linux gives no name to a file that has none any more.
        """
        draft = self._path.with_name(f".{self._path.name}.restored")
        draft.unlink(missing_ok=True)
        if has_a_name:
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:  # with a folder given, Python follows the link to the open file
                os.link(f"/proc/self/fd/{self._fd}", draft, src_dir_fd=folder)
            finally:
                os.close(folder)
        else:
            self._copy_to(draft)
        if is_in_the_way:
            self._path.rename(_free_name(self._path))
        draft.rename(self._path)
        if self._sync:
            sync_folder(self._path.parent)

    def _copy_to(self, draft: Path) -> None:
        fd = open_regular(draft, _FLAGS | os.O_EXCL)
        try:
            for place in range(0, self.size, _STEP_BYTES):
                left = memoryview(os.pread(self._fd, min(_STEP_BYTES, self.size - place), place))
                while left:
                    left = left[os.write(fd, left) :]
                self._alive()
            if self._sync:
                os.fsync(fd)
        except OSError:
            os.close(fd)
            draft.unlink(missing_ok=True)
            raise
        os.close(self._fd)
        self._fd = fd


def _free_name(path: Path) -> Path:
    """Where a file that is in the way is kept."""
    names = (path.with_name(f"{path.name}.replaced-{number}") for number in range(1, 10**6))
    return next(name for name in names if not os.path.lexists(name))


def _whole_lines(fd: int) -> int:
    """Bytes up to and including the last line break; what follows is a torn line."""
    size = os.fstat(fd).st_size
    while size:
        start = max(0, size - 65536)
        found = os.pread(fd, size - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        size = start
    return 0
