"""The byte layout, pinned by bytes packed by hand, and what happens to bytes that do not fit it."""

from __future__ import annotations

import dataclasses
import math
import struct
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from line import pictures
from line.codec import WIDEST, decode, encode
from line.errors import DecodeError, PictureError
from line.layout import Layout
from line.messages import (
    MESSAGES,
    Acknowledged,
    BatchEnd,
    BatchTimes,
    Beat,
    Buffer,
    ClockQuery,
    ClockReply,
    Encoding,
    Frame,
    Handle,
    Hello,
    Message,
    Refusal,
    Result,
    Rows,
    ShadowItem,
    Stored,
    Terms,
    Unseen,
    UnseenItems,
    Welcome,
    Who,
)
from line.outcome import Outcome, Verdict
from line.quick_layout import quick_reader
from line.ranges import LONGEST_TEXT
from line.settings import MessageSettings


def array(*items: bytes) -> bytes:
    count = len(items)
    return (bytes([0x90 | count]) if count < 16 else b"\xdc" + struct.pack(">H", count)) + b"".join(
        items
    )


def text(value: str) -> bytes:
    data = value.encode()
    return (bytes([0xA0 | len(data)]) if len(data) < 32 else b"\xd9" + bytes([len(data)])) + data


def real(value: float) -> bytes:
    return b"\xcb" + struct.pack(">d", value)


def small(value: int) -> bytes:
    return bytes([value])


NIL, FALSE = b"\xc0", b"\xc2"

OUTCOME = Outcome(
    camera=1,
    seq=300,
    scheduled_s=2.5,
    true_class="glass",
    predicted_class="metal",
    confidence=0.75,
    top3="metal:0.7500|glass:0.2500",
    verdict=Verdict.MISSORTED,
    latency_ms=12.5,
    slack_ms=None,
    worker="worker-0#1",
    attempts=1,
    model="0123456789ab",
    mass_g=210.0,
    queue_ms=1.5,
    inference_ms=9.0,
    picture_crc32=0xFFFFFFFF,
    published_ms=0.5,
    dispatched_ms=None,
    energy=-2.5,
)
OUTCOME_BYTES = array(
    small(1),
    b"\xcd\x01\x2c",
    real(2.5),
    text("glass"),
    text("metal"),
    real(0.75),
    text("metal:0.7500|glass:0.2500"),
    FALSE,
    text("missorted"),
    text(""),
    real(12.5),
    NIL,
    text("worker-0#1"),
    small(1),
    text("0123456789ab"),
    real(210.0),
    real(1.5),
    real(9.0),
    b"\xce\xff\xff\xff\xff",
    real(0.5),
    NIL,
    real(-2.5),
)
FRAME = Frame(0, 5, 1.25, 100.0, 100.5, math.inf, None, 50.0, "raw", 2, 3, 7)
FRAME_BYTES = array(
    small(0),
    small(5),
    real(1.25),
    real(100.0),
    real(100.5),
    b"\xcb\x7f\xf0\0\0\0\0\0\0",
    NIL,
    real(50.0),
    text("raw"),
    small(2),
    small(3),
    small(7),
    NIL,
)
HANDLED = dataclasses.replace(FRAME, handle=Handle(4, 300, 18))
HANDLED_BYTES = FRAME_BYTES[:-1] + array(small(4), b"\xcd\x01\x2c", small(18))
UNSEEN = Unseen(0, 6, 1.5, "glass", 210.0, Verdict.DROPPED, "overrun")
UNSEEN_BYTES = array(
    small(0),
    small(6),
    real(1.5),
    text("glass"),
    real(210.0),
    text("dropped"),
    text("overrun"),
)
PIXELS = bytes(range(18))

LAYOUT: list[tuple[Message, Buffer | None, list[bytes]]] = [
    (
        Hello("worker", "worker-0", 2, 4),
        None,
        [b"H2", array(text("worker"), text("worker-0"), small(2), small(4), NIL)],
    ),
    (
        Hello("worker", "worker-0", 2, 4, BatchTimes(0.008, 0.001, 16)),
        None,
        [
            b"H2",
            array(
                text("worker"),
                text("worker-0"),
                small(2),
                small(4),
                array(real(0.008), real(0.001), small(16)),
            ),
        ],
    ),
    (Welcome("1-2.5"), None, [b"W1", array(text("1-2.5"))]),
    (
        Terms("ab" * 32, 2, 240, 255, True, "openvino"),
        None,
        [
            b"T2",
            array(
                b"\xd9\x40" + b"ab" * 32,
                small(2),
                b"\xcc\xf0",
                b"\xcc\xff",
                b"\xc3",
                b"\xa8openvino",
            ),
        ],
    ),
    (ClockQuery(1.5), None, [b"Q1", array(real(1.5))]),
    (ClockReply(1.5, -2.5), None, [b"C1", array(real(1.5), real(-2.5))]),
    (Who(), None, [b"?1", b"\x90"]),
    (Beat(), None, [b"B1", b"\x90"]),
    (FRAME, PIXELS, [b"F3", FRAME_BYTES, PIXELS]),
    (HANDLED, None, [b"F3", HANDLED_BYTES]),
    (BatchEnd(), None, [b"E1", b"\x90"]),
    (UnseenItems((UNSEEN,)), None, [b"U1", array(array(UNSEEN_BYTES))]),
    (
        Acknowledged((5, 300), (300,)),
        None,
        [b"A2", array(array(small(5), b"\xcd\x01\x2c"), array(b"\xcd\x01\x2c"))],
    ),
    (
        Result(0, 5, (0.25, 0.75), 100.5, 0.125, "0123456789ab", -2.5),
        None,
        [
            b"R2",
            array(
                small(0),
                small(5),
                array(real(0.25), real(0.75)),
                real(100.5),
                real(0.125),
                text("0123456789ab"),
                real(-2.5),
            ),
        ],
    ),
    (
        Refusal(0, 5, Verdict.FAILED, "no JPEG"),
        None,
        [b"N1", array(small(0), small(5), text("failed"), text("no JPEG"))],
    ),
    (
        Rows((OUTCOME, OUTCOME)),
        None,
        [b"O4", array(array(OUTCOME_BYTES, OUTCOME_BYTES))],
    ),
    (
        ShadowItem(OUTCOME, "jpeg", 2, 3),
        b"jpeg bytes",
        [b"D2", array(OUTCOME_BYTES, text("jpeg"), small(2), small(3)), b"jpeg bytes"],
    ),
    (
        Stored(((1, 300), (0, 5))),
        None,
        [b"S3", array(array(array(small(1), b"\xcd\x01\x2c"), array(small(0), small(5))))],
    ),
]
LAYOUT_NAMES = [f"{type(message).__name__}{'+' if data else ''}" for message, data, _ in LAYOUT]


@pytest.mark.parametrize(("message", "payload", "parts"), LAYOUT, ids=LAYOUT_NAMES)
def test_each_message_has_exactly_these_bytes(
    message: Message, payload: Buffer | None, parts: list[bytes]
) -> None:
    assert encode(message, payload) == parts
    assert decode(parts) == (message, payload)


def test_every_kind_of_message_is_pinned_above() -> None:
    assert {type(message) for message, _, _ in LAYOUT} == set(MESSAGES)
    assert len({cls.KIND for cls in MESSAGES}) == len(MESSAGES)
    assert {len(cls.KIND) for cls in MESSAGES} == {2}


def test_the_payload_is_handed_on_without_a_copy() -> None:
    payload = memoryview(bytearray(PIXELS))
    parts = encode(FRAME, payload)
    assert parts[2] is payload
    assert decode(parts)[1] is payload


# -- round trips ----------------------------------------------------------------------------------

NATURAL = st.integers(0, 2**63 - 1)
REAL = st.floats(allow_nan=False, allow_infinity=False)
CAMERA, SEQ = st.integers(0, 63), st.integers(0, 2**53)
MOMENT = st.floats(-1e12, 1e12)
DEADLINE = MOMENT | st.just(math.inf)
PROBABILITY = st.floats(0, 1.001)
DURATION, MASS = st.floats(0, 1e6), st.floats(0, 1e9)
SHORT_HASH = st.from_regex(r"[0-9a-f]{12}", fullmatch=True)
PROCESS = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,79}", fullmatch=True)
ROLE = st.sampled_from(["camera", "worker", "sink", "remote"])
TEXT = st.text(max_size=20)
NAME = st.none() | TEXT
VERDICT = st.sampled_from(Verdict)
OUTCOMES = st.builds(
    Outcome,
    camera=NATURAL,
    seq=NATURAL,
    scheduled_s=REAL,
    true_class=NAME,
    predicted_class=NAME,
    confidence=st.none() | REAL,
    top3=TEXT,
    low_confidence=st.booleans(),
    verdict=VERDICT,
    reason=TEXT,
    latency_ms=st.none() | REAL,
    slack_ms=st.none() | REAL,
    worker=TEXT,
    attempts=NATURAL,
    model=TEXT,
    mass_g=REAL,
    queue_ms=st.none() | REAL,
    inference_ms=st.none() | REAL,
    picture_crc32=st.none() | NATURAL,
    published_ms=st.none() | REAL,
    dispatched_ms=st.none() | REAL,
    energy=st.none() | REAL,
)


def several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


UNANSWERED = st.sampled_from([Verdict.DROPPED, Verdict.FAILED])
REFUSED = st.sampled_from([Verdict.EXPIRED, Verdict.FAILED])
UNSEENS = st.builds(Unseen, CAMERA, SEQ, MOMENT, NAME, MASS, UNANSWERED, TEXT)
PLAIN = st.one_of(
    st.builds(Hello, ROLE, PROCESS, SEQ, st.integers(0, 4096)),
    st.builds(Welcome, TEXT),
    st.just(Who()),
    st.just(Beat()),
    st.builds(UnseenItems, several(UNSEENS)),
    st.builds(Acknowledged, several(SEQ), several(SEQ)),
    st.builds(Result, CAMERA, SEQ, several(PROBABILITY), MOMENT, DURATION, SHORT_HASH),
    st.builds(Refusal, CAMERA, SEQ, REFUSED, TEXT),
    st.builds(Rows, several(OUTCOMES)),
    st.builds(Stored, several(st.tuples(CAMERA, SEQ))),
).map(lambda message: (message, None))


@st.composite
def with_picture(draw: st.DrawFn) -> tuple[Message, bytes]:
    encoding: Encoding = draw(st.sampled_from(["raw", "jpeg"]))
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    raw = encoding == "raw"
    data = draw(st.binary(min_size=height * width * 3 if raw else 0, max_size=height * width * 3))
    if draw(st.booleans()):
        return ShadowItem(draw(OUTCOMES), encoding, height, width), data
    key, times = draw(st.tuples(CAMERA, SEQ)), draw(st.tuples(MOMENT, MOMENT, MOMENT, DEADLINE))
    return Frame(*key, *times, draw(NAME), draw(MASS), encoding, height, width, 0), data


@given(PLAIN | with_picture())
def test_every_message_comes_back_as_it_was(sent: tuple[Message, bytes | None]) -> None:
    assert decode(encode(*sent)) == sent


# -- what is refused ------------------------------------------------------------------------------


def refused(*parts: Buffer) -> str:
    with pytest.raises(DecodeError) as error:
        decode(parts)
    return str(error.value)


@pytest.mark.parametrize("parts", [[], [b"W1"], [b"F3", FRAME_BYTES, PIXELS, b""]])
def test_a_message_has_two_or_three_parts(parts: list[bytes]) -> None:
    assert "parts" in refused(*parts)


@pytest.mark.parametrize("kind", [b"", b"W", b"W2", b"w1", b"W1 ", b"\xff\xff", b"W" * 1000])
def test_an_unknown_kind_or_version_is_refused(kind: bytes) -> None:
    assert len(refused(kind, array(text("epoch")))) < 100


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\xc1",  # never used in MessagePack
        b"\x91",  # an array that ends early
        b"\x91\xa5ab",  # a text that ends early
        b"\x91\xa1a\x00",  # something behind it
        b"\x91\xa2\xff\xfe",  # not UTF-8
        b"\x91\xc4\x01a",  # bytes instead of a text
        b"\x90",  # a field too few
        b"\x92\xa1a\xa1a",  # a field too many
        b"\x81\x00\xa1a",  # a map
        b"\xa1a",  # no array at all
        b"\xc0",
        b"\x91\x01",
        b"\x91\x91\xa1a",
        b"\xdd\xff\xff\xff\xff",  # four thousand million items, it says
        b"\x91\xdb\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x91\xd6\xff\0\0\0\0",  # a time stamp
        b"\x91\xc7\x05\xff\0\0\0\0\0",  # a time stamp of a wrong size
        b"\x91\xd4\x01\0",  # an extension type
        b"\x91" * 100_000,  # nested deeper than any stack
        b"\x81" * 100_000,
        b"\x91" * 6,  # nested deeper than any message
        bytes(WIDEST.header_bytes + 1),
    ],
    ids=lambda header: repr(header[:8]),
)
def test_a_header_that_is_not_what_the_kind_needs_is_refused(header: bytes) -> None:
    refused(b"W1", header)


def test_a_header_as_large_as_allowed_is_read() -> None:
    values = [0, 5, 1.25, 100.0, 100.5, 100.8, None, 50.0, "raw", 2, 3, 7, None]
    header = msgpack.packb(values)
    limits = MessageSettings.model_construct(header_kb=len(header) / 1000, picture_mb=1)
    assert decode([b"F3", header, PIXELS], limits)[1] == PIXELS
    tighter = MessageSettings.model_construct(header_kb=(len(header) - 1) / 1000, picture_mb=1)
    with pytest.raises(DecodeError, match="header of"):
        decode([b"F3", header, PIXELS], tighter)


FRAME_VALUES: list[Any] = [0, 5, 1.25, 100.0, 100.5, 100.8, None, 50.0, "raw", 2, 3, 7, None]
FRAME_FIELDS = [field.name for field in dataclasses.fields(Frame)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("camera", True),
        ("camera", "0"),
        ("camera", -1),
        ("seq", 5.0),
        ("seq", None),
        ("seq", -1),
        ("scheduled_s", "soon"),
        ("triggered", False),
        ("triggered", math.nan),
        ("deadline", math.nan),
        ("deadline", None),
        ("true_class", 3),
        ("true_class", b"glass"),
        ("mass_g", [50.0]),
        ("encoding", "png"),
        ("encoding", ["raw"]),
        ("encoding", {"raw": 1}),
        ("encoding", None),
        ("height_px", 2.0),
        ("height_px", 0),
        ("height_px", -2),
        ("width_px", 2**62),
        ("picture_crc32", None),
        ("camera", 64),
        ("camera", 2**64 - 1),
        ("seq", 2**53 + 1),
        ("scheduled_s", math.inf),
        ("triggered", -math.inf),
        ("published", 1e13),
        ("deadline", -math.inf),
        ("true_class", "x" * 256),
        ("mass_g", math.inf),
        ("mass_g", -1.0),
        ("height_px", 65_536),
        ("picture_crc32", 2**32),
        ("handle", [0, 0, 18]),  # one picture in the message, one elsewhere
        ("handle", [8192, 0, 18]),
        ("handle", [0, -1, 18]),
        ("handle", [0, 0]),
        ("handle", 0),
    ],
)
def test_a_field_of_the_wrong_type_or_range_is_refused(field: str, value: object) -> None:
    values = list(FRAME_VALUES)
    values[FRAME_FIELDS.index(field)] = value
    refused(b"F3", msgpack.packb(values), PIXELS)


RESULT_VALUES: list[Any] = [0, 5, [0.25, 0.75], 100.5, 0.125, "0123456789ab", None]


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (2, [math.inf, 0.0]),
        (2, [math.nan, 1.0]),
        (2, [-0.1, 1.1]),
        (2, [1.1]),
        (2, [0.0] * 4097),
        (3, math.inf),
        (4, math.inf),
        (4, -1.0),
        (5, ""),
        (5, "0123456789AB"),
        (5, "0123456789abc"),
        (5, "0" * 1_000_000),
        (6, math.nan),
        (6, math.inf),
        (6, -1e40),
        (6, "strange"),
    ],
)
def test_an_answer_out_of_all_bounds_is_refused(number: int, value: object) -> None:
    assert decode([b"R2", msgpack.packb(RESULT_VALUES)])[0]
    values = list(RESULT_VALUES)
    values[number] = value
    refused(b"R2", msgpack.packb(values))


@pytest.mark.parametrize("name", ["", "press\x1b[2J", "-press", "p" * 81, "preß", "a b", "a#1"])
def test_a_name_that_could_be_anything_is_refused(name: str) -> None:
    refused(b"H2", msgpack.packb(["remote", name, 1, 2, None]))


@pytest.mark.parametrize(
    "batches",
    [
        [-0.1, 0.001, 16],
        [0.0, 0.001, 16],
        [math.inf, 0.001, 16],
        [0.008, math.nan, 16],
        [0.008, 0.001, 1],
        [0.008, 0.001, 17],
        [0.008, 0.001],
        [0.008, 0.001, "16"],
        16,
    ],
)
def test_batches_that_nothing_could_take_are_refused(batches: object) -> None:
    refused(b"H2", msgpack.packb(["remote", "press", 1, 2, batches]))


def test_texts_and_lists_have_an_end() -> None:
    refused(b"N1", msgpack.packb([0, 5, "failed", "x" * 601]))
    refused(b"S3", msgpack.packb([[[0, seq] for seq in range(4097)]]))
    refused(b"A2", msgpack.packb([list(range(4097)), []]))
    values = [*dataclasses.astuple(OUTCOME)]
    values[9] = "x" * (LONGEST_TEXT + 1)
    refused(b"O4", msgpack.packb([[values]]))


QUICK = {cls: quick_reader(cls) for cls in MESSAGES}


@pytest.mark.parametrize(("message", "payload", "parts"), LAYOUT, ids=lambda v: type(v).__name__)
def test_the_quick_way_reads_what_is_sent(
    message: Message, payload: Buffer | None, parts: list[bytes]
) -> None:
    assert QUICK[type(message)](msgpack.unpackb(parts[1])) == message


ODD_VALUES = st.sampled_from(
    [
        None,
        0,
        -1,
        1.5,
        True,
        math.nan,
        math.inf,
        1 << 53,
        "",
        "raw",
        "failed",
        "x" * 5000,
        b"",
        [],
        [[]],
    ]
)


@given(st.sampled_from(LAYOUT), st.data())
def test_the_quick_way_takes_nothing_that_the_other_refuses(
    entry: tuple[Message, Buffer | None, list[bytes]], data: st.DataObject
) -> None:
    """Any value anywhere in the array replaced by another."""
    message, _, parts = entry
    values = msgpack.unpackb(parts[1])
    place = values
    while place:
        index = data.draw(st.integers(0, len(place) - 1))
        if not isinstance(place[index], list) or data.draw(st.booleans()):
            place[index] = data.draw(ODD_VALUES)
            break
        place = place[index]
    try:
        quick = QUICK[type(message)](values)
    except (TypeError, ValueError):
        return
    assert quick == Layout(type(message)).read_field_by_field(values)


def test_a_complaint_names_the_message_and_the_field() -> None:
    values = [*FRAME_VALUES[:5], "soon", *FRAME_VALUES[6:]]
    assert refused(b"F3", msgpack.packb(values), PIXELS).startswith("Frame.deadline: ")


def test_a_whole_number_may_stand_for_a_time() -> None:
    values = [*FRAME_VALUES[:3], 100, *FRAME_VALUES[4:]]
    frame, _ = decode([b"F3", msgpack.packb(values), PIXELS])
    assert isinstance(frame, Frame)
    assert type(frame.triggered) is float


@pytest.mark.parametrize(
    "parts",
    [
        [b"F3", FRAME_BYTES],  # a frame without its picture
        [b"F3", FRAME_BYTES, PIXELS + b"\0"],
        [b"B1", b"\x90", b""],  # a picture where none belongs
        [b"R2", LAYOUT[7][2][1], PIXELS],
        [b"O4", array(array(OUTCOME_BYTES)), b""],
        [b"D2", array(OUTCOME_BYTES, text("raw"), small(0), small(0)), b""],
        [b"D2", array(OUTCOME_BYTES, text("jpeg"), small(2), small(0)), b"jpeg"],
    ],
)
def test_a_picture_that_does_not_fit_its_header_is_refused(parts: list[bytes]) -> None:
    refused(*parts)


@pytest.mark.parametrize("cut", [b"", PIXELS[:-1]])
def test_a_frame_cut_short_on_the_way_is_left_to_the_worker_to_refuse(cut: bytes) -> None:
    frame, data = decode([b"F3", FRAME_BYTES, cut])
    assert isinstance(frame, Frame)
    with pytest.raises(PictureError, match="bytes instead of"):
        pictures.decode(data, frame.encoding, frame.height_px, frame.width_px)


@pytest.mark.parametrize("keys", [[[1]], [[1, 2, 3]], [[1, "2"]], [1], "12", [[0, -1]]])
def test_a_key_is_two_natural_numbers(keys: object) -> None:
    refused(b"S3", msgpack.packb([keys]))


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {Verdict.EXPIRED, Verdict.FAILED}))
def test_a_worker_can_only_refuse_as_expired_or_failed(verdict: Verdict) -> None:
    refused(b"N1", msgpack.packb([0, 5, verdict, "because"]))


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {Verdict.DROPPED, Verdict.FAILED}))
def test_an_unseen_item_can_only_be_dropped_or_failed(verdict: Verdict) -> None:
    refused(b"U1", msgpack.packb([[[0, 6, 1.5, None, 50.0, verdict, "because"]]]))


@pytest.mark.parametrize("verdict", ["", "SORTED", "lost", 3, None, ["sorted"]])
def test_an_unknown_verdict_is_refused(verdict: object) -> None:
    values = list(dataclasses.astuple(OUTCOME))
    values[8] = verdict
    refused(b"O4", msgpack.packb([[values]]))


# -- anything at all ------------------------------------------------------------------------------

KINDS = st.sampled_from([cls.KIND for cls in MESSAGES])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(),
        st.text(max_size=5),
        st.binary(max_size=5),
        st.sampled_from([*Verdict, "raw", "jpeg"]),
        st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=12)),
    ),
    lambda inner: (
        st.lists(inner, max_size=12)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=30,
)


def understood_or_refused(parts: list[bytes]) -> None:
    """What is understood can be said again; anything else is a DecodeError and nothing else."""
    try:
        message, payload = decode(parts)
    except DecodeError:
        return
    assert decode(encode(message, payload)) == (message, payload)


@given(st.lists(KINDS | st.binary(max_size=60), max_size=5))
def test_arbitrary_parts_raise_nothing_but_a_decode_error(parts: list[bytes]) -> None:
    understood_or_refused(parts)


@given(KINDS, VALUES, st.lists(st.binary(max_size=30), max_size=1))
def test_arbitrary_values_raise_nothing_but_a_decode_error(
    kind: bytes, value: object, rest: list[bytes]
) -> None:
    understood_or_refused([kind, msgpack.packb(value), *rest])


@settings(max_examples=300)
@given(st.sampled_from([parts for _, _, parts in LAYOUT]), st.data())
def test_a_damaged_message_raises_nothing_but_a_decode_error(
    parts: list[bytes], data: st.DataObject
) -> None:
    damaged = [bytearray(part) for part in parts]
    for _ in range(data.draw(st.integers(1, 4))):
        part = damaged[data.draw(st.integers(0, len(damaged) - 1))]
        at = data.draw(st.integers(0, len(part)))
        part[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    understood_or_refused([bytes(part) for part in damaged])


@settings(max_examples=300)
@given(st.sampled_from([parts for _, _, parts in LAYOUT if parts[1] != b"\x90"]), st.data())
def test_one_field_replaced_by_anything_raises_nothing_but_a_decode_error(
    parts: list[bytes], data: st.DataObject
) -> None:
    header = msgpack.unpackb(parts[1])
    place = header
    while True:
        index = data.draw(st.integers(0, len(place) - 1))
        if not (isinstance(place[index], list) and place[index] and data.draw(st.booleans())):
            break
        place = place[index]
    place[index] = data.draw(VALUES)
    understood_or_refused([parts[0], msgpack.packb(header), *parts[2:]])
