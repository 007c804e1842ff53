"""What the console asks of the process that classifies single pictures, and what that answers.

A message is a header and a content. A `PictureQuestion` brings the picture's file as content, a
`PictureAnswer` two pictures to be shown.

Layout, numbers big-endian: length of the header (4 bytes), length of the content (8 bytes), header
(UTF-8), content. Lengths are checked before anything is read by them.
"""

from __future__ import annotations

import struct
from io import BufferedIOBase
from typing import Annotated, BinaryIO, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from line.errors import DecodeError
from line.section import EngineName, Fraction
from line.validation_errors import first_fault

_LENGTHS = struct.Struct("!IQ")
MAX_HEADER_BYTES = 1 << 20


def send_message(stream: BufferedIOBase | BinaryIO, header: str, content: bytes = b"") -> None:
    """Write one message and flush. Raises OSError if nobody reads any more."""
    head = header.encode()
    stream.write(_LENGTHS.pack(len(head), len(content)) + head)
    stream.write(content)
    stream.flush()


def receive_message(
    stream: BufferedIOBase | BinaryIO, max_bytes: int
) -> tuple[bytes, bytes] | None:
    """Header and content of the next message; None where the stream ends between two. Blocks.

    Raises:
        DecodeError: for a message that is cut off, or is longer than `max_bytes` of content or
            `MAX_HEADER_BYTES` of header; nothing more can be read from such a stream.
    """
    lengths = stream.read(_LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < _LENGTHS.size:
        raise DecodeError("a message is cut off")
    header_bytes, content_bytes = _LENGTHS.unpack(lengths)
    if header_bytes > MAX_HEADER_BYTES or content_bytes > max_bytes:
        raise DecodeError(f"a message of {header_bytes} and {content_bytes} bytes is too long")
    header, content = stream.read(header_bytes), stream.read(content_bytes)
    if len(header) < header_bytes or len(content) < content_bytes:
        raise DecodeError("a message is cut off")
    return header, content


_T = TypeVar("_T")

TOO_LARGE = 71
"""Exit status of a process that would have taken more memory than it may."""
LONGEST_NAME = 255
"""Characters of a picture's name."""


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModelQuestion(_Note):
    """Load this model and say what it says of itself."""

    kind: Literal["model"] = "model"
    model: str
    engine: EngineName


class PictureQuestion(_Note):
    """Say what this picture shows."""

    kind: Literal["picture"] = "picture"
    model: str
    engine: EngineName
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    max_pixels: float = Field(gt=0)
    flips: bool = Field(description="average over the four flips of the picture")
    letterbox: bool = Field(description="pad to the shape of the model's view, do not stretch")
    saliency: bool = Field(description="find out where the answer comes from")


class ModelAnswer(_Note):
    """`size_px`: height and width of the model's view; None where the file does not say."""

    kind: Literal["model"] = "model"
    classes: tuple[str, ...]
    threshold: Fraction | None
    size_px: tuple[int, int] | None


class Saliency(_Note):
    """How much of the winner's probability rests on one place of the picture."""

    greatest_drop: float = Field(ge=0, le=1)
    latency_ms: float = Field(ge=0)


class PictureAnswer(_Note):
    """The content is a JPEG of the picture as it was asked about, then the heat as a PNG."""

    kind: Literal["picture"] = "picture"
    ranking: tuple[tuple[str, float], ...] = Field(min_length=1, description="best first")
    threshold: Fraction | None
    width_px: int = Field(ge=1)
    height_px: int = Field(ge=1)
    reading_ms: float = Field(ge=0)
    latency_ms: float = Field(ge=0, description="of the inference, with all flips")
    preview_bytes: int = Field(ge=0)
    saliency: Saliency | None
    saliency_fault: str = Field("", description="why it was not found out, though asked for")


class Refusal(_Note):
    """One line for a person."""

    kind: Literal["refusal"] = "refusal"
    reason: str


Question = Annotated[ModelQuestion | PictureQuestion, Field(discriminator="kind")]
Answer = Annotated[ModelAnswer | PictureAnswer | Refusal, Field(discriminator="kind")]
_QUESTION: TypeAdapter[ModelQuestion | PictureQuestion] = TypeAdapter(Question)
_ANSWER: TypeAdapter[ModelAnswer | PictureAnswer | Refusal] = TypeAdapter(Answer)


def decode_question(header: bytes) -> ModelQuestion | PictureQuestion:
    """Raises DecodeError."""
    return _decode(_QUESTION, header)


def decode_answer(header: bytes) -> ModelAnswer | PictureAnswer | Refusal:
    """Raises DecodeError."""
    return _decode(_ANSWER, header)


def _decode(kinds: TypeAdapter[_T], header: bytes) -> _T:
    try:
        return kinds.validate_json(header)
    except ValidationError as error:
        raise DecodeError(f"not a question about a picture: {first_fault(error)}") from None
