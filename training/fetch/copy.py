"""A copy of a published set, a zip file or a folder, and the pictures in it.

Nothing in a copy decides where a file is written: pictures are looked up by the names the set is
known to have.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from training.errors import BadInput

Read = Callable[[], bytes]
SUFFIX = ".jpg"


@contextmanager
def pictures_of(copy: Path, limit_bytes: int) -> Iterator[Mapping[str, Read]]:
    """The pictures of a zip file or folder: CLASS/NAME → how to read it.

    Whatever folders lie above CLASS do not matter. Reading raises BadInput for a damaged picture
    and for one of more than `limit_bytes`.
    """
    if copy.is_dir():
        files = {f.relative_to(copy).as_posix(): f for f in copy.rglob(f"*{SUFFIX}")}
        names = _class_names(files, copy)
        yield {name: _file_reader(files[path], limit_bytes) for name, path in names.items()}
        return
    try:
        with zipfile.ZipFile(copy) as packed:
            members = {m.filename: m for m in packed.infolist() if not m.is_dir()}
            names = _class_names(members, copy)
            yield {
                name: _member_reader(packed, members[path], limit_bytes)
                for name, path in names.items()
            }
    except zipfile.BadZipFile as error:
        raise BadInput(f"{copy}: not a zip file, or a damaged one: {error}") from error


def _class_names(paths: Iterable[str], copy: Path) -> dict[str, str]:
    """CLASS/NAME → path inside the copy, leaving out hidden files and macOS's shadows of files."""
    found: dict[str, str] = {}
    for path in paths:
        parts = PurePosixPath(path).parts
        if ".." in parts or parts[0] == "/":
            raise BadInput(f"{copy}: {path} leads out of it")
        hidden = parts[0] == "__MACOSX" or parts[-1].startswith(".")
        if hidden or len(parts) < 2 or not path.lower().endswith(SUFFIX):
            continue
        name = "/".join(parts[-2:])
        if name in found:
            raise BadInput(f"{copy}: holds {name} twice")
        found[name] = path
    return found


def _member_reader(packed: zipfile.ZipFile, member: zipfile.ZipInfo, limit_bytes: int) -> Read:
    def read() -> bytes:
        where = f"{packed.filename}: {member.filename}"
        _check_size(member.file_size, limit_bytes, where)
        try:
            return packed.read(member)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BadInput(f"{where}: damaged") from error
        except (RuntimeError, NotImplementedError) as error:
            raise BadInput(f"{where}: encrypted, or packed in an unknown way") from error

    return read


def _file_reader(file: Path, limit_bytes: int) -> Read:
    def read() -> bytes:
        _check_size(file.stat().st_size, limit_bytes, str(file))
        return file.read_bytes()

    return read


def _check_size(size_bytes: int, limit_bytes: int, where: str) -> None:
    if size_bytes > limit_bytes:
        raise BadInput(f"{where}: {size_bytes} bytes; no picture of the set has over {limit_bytes}")
