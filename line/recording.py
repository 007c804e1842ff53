"""What a lane's recording looks like, and how it is read.

`camera-0.mcap` holds all that passed the photo-eye of lane 0; a camera that was started again goes
on in `camera-0.1.mcap`, and so forth. An item is two messages, each in a chunk of its own: first
its picture, then its facts, which say at which byte the picture's chunk begins. So a file that was
cut off anywhere holds whole items up to the cut, and facts are read without their pictures.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from google.protobuf.message import DecodeError
from mcap.data_stream import ReadDataStream
from mcap.exceptions import InvalidMagic, McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, McapRecord, Message
from mcap.stream_reader import StreamReader, breakup_chunk, read_magic
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from line.errors import BadInput, PictureError
from line.messages import Encoding

LANE_TOPIC = "/lane"
ITEM_TOPIC = "/item"
IMAGE_TOPIC = "/image"
"""Each behind `/camera-N`."""

_HEAD = struct.Struct("<BQ")
_LARGEST_FACTS = 1 << 16
"""Bytes of a chunk beyond which it can only hold a picture."""
_LARGEST_PICTURE = 1 << 31
# What the reader and the decompressors raise on bytes that are not what they seem.
_UNREADABLE = (McapError, ValueError, RuntimeError, OSError, EOFError, struct.error, MemoryError)


class LaneFacts(BaseModel):
    """First in every part: what holds for all items of the lane."""

    model_config = ConfigDict(frozen=True)

    camera: int = Field(ge=0)
    cameras: int = Field(ge=1, le=64)
    belt_speed_m_per_s: float = Field(gt=0, allow_inf_nan=False)
    classes: tuple[str, ...] | None
    """every class that an item may be of; None: the source had no truth"""
    encoding: Encoding


class RecordedItem(BaseModel):
    """An item that passed the photo-eye. Times are belt times in seconds."""

    model_config = ConfigDict(frozen=True)

    camera: int = Field(ge=0)
    seq: int = Field(ge=0)
    fed_s: float = Field(ge=0, allow_inf_nan=False)
    trigger_s: float = Field(ge=0, allow_inf_nan=False)
    triggered_ns: int = Field(ge=0)
    """wall clock's time of the trigger; at `--speed max` that of its writing"""
    true_class: str | None
    mass_g: float
    origin: str
    encoding: Encoding
    height_px: int = Field(ge=0)
    width_px: int = Field(ge=0)
    picture_crc32: int = Field(ge=0)
    picture_at: int | None = Field(ge=0)
    """byte of the file at which the chunk with its picture begins; None: there is none"""
    without_picture: str
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
    for path in parts(run_dir, camera):
        for record in read_part(path):
            if isinstance(record, LaneFacts):
                lane = lane or Lane(record)
            elif lane is not None:
                lane.add(record, path)
    if lane is None:
        raise BadInput(f"{run_dir}: lane {camera} was not recorded (no whole camera-{camera}.mcap)")
    return lane


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
    with path.open("rb") as file:
        topics: dict[int, str] = {}
        try:
            for record in _small_records(file):
                if isinstance(record, Channel):
                    topics[record.id] = f"/{record.topic.rpartition('/')[2]}"
                elif isinstance(record, Message) and topics.get(record.channel_id) == LANE_TOPIC:
                    yield LaneFacts.model_validate_json(record.data)
                elif isinstance(record, Message) and topics.get(record.channel_id) == ITEM_TOPIC:
                    yield RecordedItem.model_validate_json(record.data)
        except InvalidMagic:
            raise BadInput(f"{path}: not an MCAP file") from None
        except ValidationError as error:
            field = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise BadInput(f"{path}: damaged before byte {file.tell()}: {field}") from None
        except _UNREADABLE as error:
            raise BadInput(f"{path}: damaged before byte {file.tell()}: {error}") from None


def read_picture(path: Path, item: RecordedItem) -> bytes:
    """The bytes of an item's picture as they left the camera. Raises PictureError."""
    if item.picture_at is None:
        raise PictureError(item.without_picture)
    layout = RawImage if item.encoding == "raw" else CompressedImage
    try:
        with path.open("rb") as file:
            file.seek(item.picture_at)
            reader = StreamReader(file, skip_magic=True, record_size_limit=_LARGEST_PICTURE)
            message = next(record for record in reader.records if isinstance(record, Message))
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


def _small_records(file: BinaryIO) -> Iterator[McapRecord]:
    """Channels and messages of chunks that are too small to be worth passing over."""
    magic = file.read(8)
    if len(magic) < 8:
        return  # cut off where it had hardly begun
    read_magic(ReadDataStream(io.BytesIO(magic)))
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        opcode, length = _HEAD.unpack(head)
        if opcode == Opcode.DATA_END:
            return
        if opcode != Opcode.CHUNK or length > _LARGEST_FACTS:
            file.seek(length, io.SEEK_CUR)
            continue
        body = file.read(length)
        if len(body) < length:
            return
        chunk = Chunk.read(ReadDataStream(io.BytesIO(body)))
        yield from breakup_chunk(chunk, validate_crc=True)
