"""An MCAP file under way: JSON and protobuf channels, in chunks that end when their writer says so.

Only such chunks as are finished can be read from a file that was cut off.
"""

from __future__ import annotations

from contextlib import suppress
from time import time_ns
from typing import Any, BinaryIO

from google.protobuf.timestamp_pb2 import Timestamp
from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap.writer import CompressionType, Writer
from mcap_protobuf.schema import register_schema
from pydantic import TypeAdapter
from pydantic_core import to_json

_NEVER = 1 << 62


class McapFile:
    """Writes to an open binary file, which it closes. Times are nanoseconds of the wall clock."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        # Pictures of a camera hardly shrink; this costs next to nothing and shrinks the rest.
        self._writer = Writer(file, chunk_size=_NEVER, compression=CompressionType.LZ4)
        self._writer.start()

    @property
    def position(self) -> int:
        """Bytes written; after `end_chunk`, where the next chunk begins."""
        return self._file.tell()

    def json_channel(self, topic: str, record: type) -> int:
        """A channel for dataclasses or pydantic models of one type, as JSON objects."""
        schema = to_json(_plain_schema(record))
        named = self._writer.register_schema(
            f"scrapline.{record.__name__}", SchemaEncoding.JSONSchema, schema
        )
        return self._writer.register_channel(topic, MessageEncoding.JSON, named)

    def protobuf_channel(self, topic: str, message: type) -> int:
        """A channel for protobuf messages of one type."""
        schema = register_schema(self._writer, message)
        return self._writer.register_channel(topic, MessageEncoding.Protobuf, schema)

    def add_json(self, channel: int, at_ns: int, record: object) -> None:
        self.add(channel, at_ns, to_json(record))

    def add(self, channel: int, at_ns: int, data: bytes) -> None:
        self._writer.add_message(channel, at_ns, data, publish_time=time_ns())

    def end_chunk(self) -> None:
        """What was added so far is in the kernel's hands and can be read."""
        self._writer.flush()

    def finish(self) -> None:
        """Write the file's index, and close it."""
        self._writer.finish()
        self.close()

    def close(self) -> None:
        """Without an index, should there be none. May be called twice."""
        with suppress(OSError):
            self._file.close()


def timestamp(at_ns: int) -> Timestamp:
    """Of a protobuf message."""
    return Timestamp(seconds=at_ns // 10**9, nanos=at_ns % 10**9)


def _plain_schema(record: type) -> dict[str, Any]:
    """Names and types alone: viewers of MCAP files know no more of JSON Schema than that."""
    full = TypeAdapter(record).json_schema()
    properties = {}
    for name, schema in full["properties"].items():
        choices = [full["$defs"][_name(c)] if "$ref" in c else c for c in _choices(schema)]
        kind = next(choice for choice in choices if choice["type"] != "null")
        properties[name] = {key: kind[key] for key in ("type", "items") if key in kind}
    return {"type": "object", "properties": properties}


def _choices(schema: dict[str, Any]) -> list[dict[str, Any]]:
    choices: list[dict[str, Any]] = schema.get("anyOf", [schema])
    return choices


def _name(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]
