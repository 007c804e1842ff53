"""Files opened only if they are files: no pipe, no device, no link, nobody else's.

What stands under a name may be a pipe that never says anything, or a link to something else. Every
error is an OSError whose `strerror` says in words what is wrong with the file that it names.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def open_regular(
    path: Path,
    flags: int = os.O_RDONLY,
    *,
    follow_links: bool = False,
    only_ours: bool = False,
    mode: int = 0o666,
) -> int:
    """A descriptor of the regular file at `path`. Never waits, also not for a pipe.

    With `only_ours` it has to belong to this user or to root. With O_CREAT among the `flags` one
    that is not there is made with `mode` under the umask.

    Raises:
        OSError: if there is no such file, or it is anything else.
    """
    try:
        found = path.stat() if follow_links else path.lstat()
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    else:
        _check(path, found, only_ours)  # before it is opened: to open a device may do something
    flags |= os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    fd = os.open(path, flags, mode)
    try:
        _check(path, os.fstat(fd), only_ours)
    except OSError:
        os.close(fd)
        raise
    return fd


def _check(path: Path, found: os.stat_result, only_ours: bool) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "is a link, which is not followed here", str(path))
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder, not a file", str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    if only_ours and found.st_uid not in (os.geteuid(), 0):
        raise PermissionError(errno.EPERM, f"belongs to user {found.st_uid}", str(path))
