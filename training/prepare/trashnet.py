"""TrashNet's photographs: fetched, checked, and laid out by part and class.

Nothing in a copy decides where a file is written: pictures are looked up by the names the set is
known to have.
"""

from __future__ import annotations

import hashlib
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rich.console import Console

from pictures.picture_folder import is_passed_over
from training.errors import BadInput
from training.hub.place import Repository
from training.hub.web import download, is_address
from training.whole_file import file_sha256, naming

TRASHNET_FILE = Path(__file__).with_name("trashnet.toml")
PARTS_WITH_DIGEST = ("train", "val")


@dataclass(frozen=True)
class Archive:
    """A zip file in a data set repository of the hub, known to the byte.

    `split` maps each picture, named CLASS/NAME, to its part. `digest` is that of the pictures of
    train and val, for copies of the set that were packed anew.
    """

    repository: str
    revision: str
    file: str
    size_bytes: int
    sha256: str
    largest_picture_bytes: int
    split: Mapping[str, str]
    digest: str

    @property
    def address(self) -> str:
        """Where it lies, in the hub's own notation."""
        return f"hf://datasets/{self.repository}@{self.revision}/{self.file}"

    def check_names(self, names: frozenset[str], where: str) -> None:
        """Raise BadInput unless a copy holds exactly the pictures it should."""
        expected = frozenset(self.split)
        if missing := sorted(expected - names):
            held = f"{len(expected) - len(missing)} of {len(expected)} pictures"
            raise BadInput(f"{where}: holds {held}, {missing[0]} is not there")
        if unknown := sorted(names - expected):
            raise BadInput(f"{where}: {unknown[0]} is not a picture of the set")

    def check_pictures(self, hashes: Mapping[str, str], where: str) -> None:
        """Raise BadInput unless the pictures, name → SHA-256, are those of the set."""
        known = {n: h for n, h in hashes.items() if self.split[n] in PARTS_WITH_DIGEST}
        if picture_digest(known) != self.digest:
            raise BadInput(f"{where}: photographs differ from those published as {self.address}")


def picture_digest(hashes: Mapping[str, str]) -> str:
    """SHA-256 over the lines `SHA256  NAME`, sorted by name."""
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def trashnet() -> Archive:
    """TrashNet, its photographs at 512×384 pixels."""
    facts = tomllib.loads(TRASHNET_FILE.read_text(encoding="utf-8"))
    parts = {part: facts.pop(part) for part in ("val", "test")}
    split = {
        f"{name}/{name}{number}.jpg": next(
            (part for part, numbers in parts.items() if number in numbers[name]), "train"
        )
        for name, pictures in facts.pop("pictures").items()
        for number in range(1, pictures + 1)
    }
    return Archive(split=split, **facts)


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
        if any(map(is_passed_over, parts)) or len(parts) < 2 or not path.lower().endswith(SUFFIX):
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


def bring(archive: Archive, given: str, endpoint: str, cache: Path, console: Console) -> Path:
    """A copy of the set: the zip file or folder `given`, or one downloaded to `cache`.

    `given` may be an address as well; if it is empty the hub has the set, at `endpoint` if that is
    not empty. A download that broke off is gone on with, a finished one is used again.
    Raises BadInput naming what cannot be had.
    """
    if given and not is_address(given):
        if not Path(given).exists():
            raise BadInput(f"--archive {given}: no such file or folder")
        return Path(given)
    copy = cache / archive.file
    if copy.is_file() and file_sha256(copy) == archive.sha256:
        return copy
    if given:
        download(given, copy, limit_bytes=2 * archive.size_bytes, console=console)
    else:
        _download_from_hub(archive, endpoint, copy, console)
    return copy


def lay_out(archive: Archive, copy: Path, root: Path) -> dict[str, str]:
    """Write a copy's pictures as ROOT/PART/CLASS/NAME; returns PART/CLASS/NAME → SHA-256.

    Raises BadInput if a picture is missing, unknown, too large or other than published.
    """
    hashes = {}
    with pictures_of(copy, archive.largest_picture_bytes) as pictures:
        archive.check_names(frozenset(pictures), str(copy))
        for name in sorted(pictures):
            data = pictures[name]()
            hashes[name] = hashlib.sha256(data).hexdigest()
            target = root / archive.split[name] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with naming(target):
                target.write_bytes(data)
    if copy.is_dir() or file_sha256(copy) != archive.sha256:
        archive.check_pictures(hashes, str(copy))
    return {f"{archive.split[name]}/{name}": sha256 for name, sha256 in hashes.items()}


def _download_from_hub(archive: Archive, endpoint: str, copy: Path, console: Console) -> None:
    repository = Repository(archive.repository, "dataset", archive.revision, endpoint)
    try:
        file = repository.find(archive.file)
    except BadInput as error:
        raise BadInput(f"{error}; --archive takes a copy that you have") from error
    download(
        file.url,
        copy,
        limit_bytes=archive.size_bytes,
        console=console,
        sha256=archive.sha256,
        headers=file.headers,
    )
