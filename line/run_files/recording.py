"""What a lane's recording looks like, and how it is read.

`camera-0.mcap` holds all that passed the photo-eye of lane 0; a camera that was started again goes
on in `camera-0.1.mcap`, and so forth. An item is two messages, each in a chunk of its own: first
its picture, then its facts, which say at which byte the picture's chunk begins. So a file that was
cut off anywhere holds whole items up to the cut, and facts are read without their pictures.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, BinaryIO

from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from google.protobuf.message import DecodeError
from lz4.frame import LZ4FrameDecompressor
from mcap.data_stream import ReadDataStream
from mcap.exceptions import InvalidMagic, McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, McapRecord, Message
from mcap.stream_reader import breakup_chunk, read_magic
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from line.errors import BadInput, PictureError
from line.messages import Encoding
from line.plain_text import plain
from line.run_files.lane_record import MOST_ITEMS
from line.validation_errors import first_fault
from pictures.regular_file import open_regular

LANE_TOPIC = "/lane"
ITEM_TOPIC = "/item"
IMAGE_TOPIC = "/image"
"""Each behind `/camera-N`."""

_HEAD = struct.Struct("<BQ")
_LARGEST_FACTS = 1 << 16
"""Bytes of a chunk beyond which it can only hold a picture."""
_LARGEST_PICTURE = (1 << 30) + _LARGEST_FACTS
"""Bytes of a chunk with one, packed or not; a message takes no larger picture."""
_LARGEST_RECORD = 1 << 32
_LARGEST_UNPACKED = 1 << 22
"""Bytes of a chunk of facts when it is unpacked."""
_LONGEST_S = 1e10
_LONGEST_SIDE_PX = 10**6
_LARGEST_GAP = 10**6
"""Items that may be missing between two of a lane"""
_MOST_MISSING = 10**7
_Text = Annotated[str, Field(max_length=10_000)]
# What the reader and the decompressors raise on bytes that are not what they seem.
_UNREADABLE = (
    McapError,
    ValueError,
    RuntimeError,
    ArithmeticError,
    OSError,
    EOFError,
    struct.error,
    MemoryError,
)


class LaneFacts(BaseModel):
    """First in every part: what holds for all items of the lane."""

    model_config = ConfigDict(frozen=True)

    camera: int = Field(ge=0, lt=64)
    cameras: int = Field(ge=1, le=64)
    belt_speed_m_per_s: float = Field(gt=0, le=1000, allow_inf_nan=False)
    classes: Annotated[tuple[_Text, ...], Field(max_length=10_000)] | None
    """every class that an item may be of; None: the source had no truth"""
    encoding: Encoding


class RecordedItem(BaseModel):
    """An item that passed the photo-eye. Times are belt times in seconds."""

    model_config = ConfigDict(frozen=True)

    camera: int = Field(ge=0, lt=64)
    seq: int = Field(ge=0, lt=MOST_ITEMS)
    fed_s: float = Field(ge=0, le=_LONGEST_S, allow_inf_nan=False)
    trigger_s: float = Field(ge=0, le=_LONGEST_S, allow_inf_nan=False)
    triggered_ns: int = Field(ge=0, lt=1 << 63)
    """wall clock's time of the trigger; at `--speed max` that of its writing"""
    true_class: _Text | None
    mass_g: float = Field(ge=0, le=1e6, allow_inf_nan=False)
    origin: _Text
    encoding: Encoding
    height_px: int = Field(ge=0, le=_LONGEST_SIDE_PX)
    width_px: int = Field(ge=0, le=_LONGEST_SIDE_PX)
    picture_crc32: int = Field(ge=0, lt=1 << 32)
    picture_at: int | None = Field(ge=0, lt=1 << 62)
    """byte of the file at which the chunk with its picture begins; None: there is none"""
    without_picture: _Text
    """why there is none; empty otherwise"""


@dataclass(slots=True)
class Lane:
    """All parts of one lane's recording, each item once: with its picture, if any part has it."""

    facts: LaneFacts
    items: dict[int, RecordedItem] = field(default_factory=dict)
    """by sequence; some may be missing"""
    files: dict[int, Path] = field(default_factory=dict)
    """sequence → the part in which the item stands"""

    def add(self, item: RecordedItem, path: Path) -> None:
        known = self.items.get(item.seq)
        if known is None or (known.picture_at is None and item.picture_at is not None):
            self.items[item.seq] = item
            self.files[item.seq] = path


def is_recorded(run_dir: Path) -> bool:
    """Whether the folder holds a recording of any lane."""
    return bool(parts(run_dir, 0))


def read_lane(run_dir: Path, camera: int) -> Lane:
    """Raises BadInput, naming the folder or the file, for a lane that was not recorded."""
    lane: Lane | None = None
    for path, _, record in read_records(run_dir, camera):
        if isinstance(record, LaneFacts):
            lane = lane or Lane(record)
        elif lane is not None:
            lane.add(record, path)
    if lane is None:
        raise not_recorded(run_dir, camera)
    seqs = sorted(lane.items)
    check_sequences(run_dir, camera, seqs, [lane.items[seq].trigger_s for seq in seqs])
    return lane


def not_recorded(run_dir: Path, camera: int) -> BadInput:
    return BadInput(f"{run_dir}: lane {camera} was not recorded (no whole camera-{camera}.mcap)")


def read_records(
    run_dir: Path, camera: int
) -> Iterator[tuple[Path, int, LaneFacts | RecordedItem]]:
    """All that stands in a lane's parts: the file, at which byte of it, and what.

    Raises BadInput, naming the file, as `read_part` does, and for what is of another lane.
    """
    for path in parts(run_dir, camera):
        for at, record in _read_part(path):
            if record.camera != camera:
                raise BadInput(f"{path}: damaged: camera {record.camera} in the file of {camera}")
            yield path, at, record


def check_sequences(
    run_dir: Path, camera: int, seqs: Sequence[int], times: Sequence[float]
) -> None:
    """Whether items, ascending, and the belt times of their triggers can be those of one lane.

    Raises:
        BadInput: naming the lane's file, if more are missing than a lane can lose, or one came
            to the photo-eye before the one before it.
    """
    path = run_dir / f"camera-{camera}.mcap"
    before, before_s, missing = -1, 0.0, 0
    for seq, time_s in zip(seqs, times, strict=True):
        gap = seq - before - 1
        missing += gap
        if gap > _LARGEST_GAP or missing > _MOST_MISSING:
            raise BadInput(f"{path}: damaged: item {seq} follows item {before}")
        if time_s < before_s:
            raise BadInput(f"{path}: damaged: item {seq} came before item {before}")
        before, before_s = seq, time_s


def parts(run_dir: Path, camera: int) -> list[Path]:
    """The files of one lane's recording, in the order in which they were written."""
    return [path for _, path in sorted(_numbered(run_dir, camera))]


def next_part(run_dir: Path, camera: int) -> Path:
    """A file that is not there yet."""
    number = max((number for number, _ in _numbered(run_dir, camera)), default=-1) + 1
    return run_dir / (f"camera-{camera}.{number}.mcap" if number else f"camera-{camera}.mcap")


def read_part(path: Path) -> Iterator[LaneFacts | RecordedItem]:
    """What stands in a part, up to its end or to where it was cut off; pictures are passed over.

    Raises BadInput, naming the file, where it cannot be read or holds anything else.
    """
    return (record for _, record in _read_part(path))


def _read_part(path: Path) -> Iterator[tuple[int, LaneFacts | RecordedItem]]:
    """With the byte at which the chunk of each begins."""
    try:
        fd = open_regular(path)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    with os.fdopen(fd, "rb") as file:
        topics: dict[int, str] = {}
        try:
            for at, record in _small_records(file):
                if isinstance(record, Channel):
                    topics[record.id] = f"/{record.topic.rpartition('/')[2]}"
                elif isinstance(record, Message) and topics.get(record.channel_id) == LANE_TOPIC:
                    yield at, LaneFacts.model_validate_json(record.data)
                elif isinstance(record, Message) and topics.get(record.channel_id) == ITEM_TOPIC:
                    yield at, RecordedItem.model_validate_json(record.data)
        except InvalidMagic:
            raise BadInput(f"{path}: not an MCAP file") from None
        except ValidationError as error:
            why = first_fault(error)
            raise BadInput(f"{path}: damaged before byte {file.tell()}: {why}") from None
        except _UNREADABLE as error:
            why = plain(str(error))
            raise BadInput(f"{path}: damaged before byte {file.tell()}: {why}") from None


def read_item(path: Path, at: int) -> RecordedItem:
    """The facts that stand in the chunk at a byte of a part. Raises BadInput, naming the file."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            chunk = _chunk(file, at, _LARGEST_FACTS, _LARGEST_UNPACKED)
        messages = [r for r in breakup_chunk(chunk) if isinstance(r, Message)]
        return RecordedItem.model_validate_json(messages[0].data)
    except (*_UNREADABLE, IndexError):
        raise BadInput(f"{path}: damaged at byte {at}") from None


def read_picture(path: Path, item: RecordedItem) -> bytes:
    """The bytes of an item's picture as they left the camera. Raises PictureError."""
    if item.picture_at is None:
        raise PictureError(item.without_picture)
    layout = RawImage if item.encoding == "raw" else CompressedImage
    unpacked = min(_LARGEST_PICTURE, 3 * item.height_px * item.width_px + _LARGEST_FACTS)
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            chunk = _chunk(file, item.picture_at, _LARGEST_PICTURE, unpacked)
        message = next(r for r in breakup_chunk(chunk) if isinstance(r, Message))
        data: bytes = layout.FromString(message.data).data
    except (*_UNREADABLE, DecodeError, StopIteration):
        data = b""
    if zlib.crc32(data) != item.picture_crc32 or not data:
        raise PictureError(f"{path}: the picture of {item.camera}-{item.seq} is damaged")
    return data


def _numbered(run_dir: Path, camera: int) -> Iterator[tuple[int, Path]]:
    for path in run_dir.glob(f"camera-{camera}.*"):
        middle = path.name.removeprefix(f"camera-{camera}.").removesuffix("mcap").rstrip(".")
        if path.suffix == ".mcap" and (not middle or middle.isdecimal()):
            yield int(middle or 0), path


def _small_records(file: BinaryIO) -> Iterator[tuple[int, McapRecord]]:
    """Channels and messages of chunks that are too small to be worth passing over."""
    magic = file.read(8)
    if len(magic) < 8:
        return  # cut off where it had hardly begun
    read_magic(ReadDataStream(io.BytesIO(magic)))
    size = os.fstat(file.fileno()).st_size
    at = file.tell()
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        opcode, length = _HEAD.unpack(head)
        if length > _LARGEST_RECORD:
            raise ValueError(f"a record of {length} bytes")
        behind = at + _HEAD.size + length
        if opcode == Opcode.DATA_END or behind > size:
            return
        if opcode == Opcode.CHUNK and length <= _LARGEST_FACTS:
            chunk = _chunk(file, at, _LARGEST_FACTS, _LARGEST_UNPACKED)
            for record in breakup_chunk(chunk, validate_crc=True):
                yield at, record
        at = behind
        file.seek(at)


def _chunk(file: BinaryIO, at: int, most_bytes: int, most_unpacked: int) -> Chunk:
    """The chunk at a byte, unpacked. Raises one of `_UNREADABLE`, also for one too large."""
    file.seek(at)
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError("nothing stands there")
    opcode, length = _HEAD.unpack(head)
    if opcode != Opcode.CHUNK or length > most_bytes:
        raise ValueError(f"no chunk of up to {most_bytes} bytes")
    chunk: Chunk = Chunk.read(ReadDataStream(io.BytesIO(file.read(length))))
    if not chunk.compression:
        return chunk
    if chunk.compression != "lz4" or chunk.uncompressed_size > most_unpacked:
        raise ValueError("packed in another way, or too large")
    data = LZ4FrameDecompressor().decompress(chunk.data, max_length=chunk.uncompressed_size)
    return replace(chunk, compression="", data=data)
