"""The frame codec: shared vectors, any split, any garbage."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.guest import frames

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "frames.json").read_text(encoding="utf-8"))

U64 = st.integers(0, 2**64 - 1)
WINDOW = st.integers(0, frames.CONSOLE)
KINDS = {name: kind for kind, name in frames.NAMES.items()}
JSON_KINDS = ("HELLO", "EVENT", "REQUEST", "REPLY")

any_frame = st.one_of(
    st.builds(frames.output, WINDOW, U64, st.binary(max_size=300)),
    st.builds(frames.ack, WINDOW, U64),
    st.builds(frames.input_, WINDOW, U64, U64, st.binary(max_size=300)),
    st.builds(frames.accepted, WINDOW, U64, U64),
    st.builds(
        frames.resize,
        WINDOW,
        st.integers(frames.MIN_COLS, frames.MAX_COLS),
        st.integers(frames.MIN_ROWS, frames.MAX_ROWS),
    ),
    st.builds(frames.stream, WINDOW, st.integers(0, 2**32 - 1), st.binary(max_size=300)),
    st.builds(frames.credit, WINDOW, st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1)),
    st.builds(
        frames.encode_json,
        st.sampled_from([KINDS[name] for name in JSON_KINDS]),
        WINDOW,
        st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=20), st.none())),
    ),
)


def parse(frame):
    """The frame as the vectors write it."""
    name = frames.NAMES[frame.type]
    value = {"type": name, "window": frame.window}
    payload = frame.payload
    if name in JSON_KINDS:
        value["json"] = frames.parse_json(payload)
    elif name == "OUTPUT":
        offset, data = frames.parse_output(payload)
        value.update(offset=str(offset), data=data.hex())
    elif name == "ACK":
        value["offset"] = str(frames.parse_ack(payload))
    elif name == "INPUT":
        viewer, sequence, data = frames.parse_input(payload)
        value.update(viewer=str(viewer), sequence=str(sequence), data=data.hex())
    elif name == "ACCEPTED":
        viewer, sequence = frames.parse_accepted(payload)
        value.update(viewer=str(viewer), sequence=str(sequence))
    elif name == "RESIZE":
        value["cols"], value["rows"] = frames.parse_resize(payload)
    elif name == "KEYFRAME":
        offset, value["cols"], value["rows"], data = frames.parse_keyframe(payload)
        value.update(offset=str(offset), data=data.hex())
    elif name == "STREAM":
        value["stream"], data = frames.parse_stream(payload)
        value["data"] = data.hex()
    elif name == "CREDIT":
        value["stream"], value["bytes"] = frames.parse_credit(payload)
    else:
        value["data"] = payload.hex()
    return value


def build(value):
    """The bytes of a frame as the vectors write it."""
    kind, window = KINDS[value["type"]], value["window"]
    data = bytes.fromhex(value.get("data", ""))
    name = value["type"]
    if name == "OUTPUT":
        return frames.output(window, int(value["offset"]), data)
    if name == "ACK":
        return frames.ack(window, int(value["offset"]))
    if name == "INPUT":
        return frames.input_(window, int(value["viewer"]), int(value["sequence"]), data)
    if name == "ACCEPTED":
        return frames.accepted(window, int(value["viewer"]), int(value["sequence"]))
    if name == "RESIZE":
        return frames.resize(window, value["cols"], value["rows"])
    if name == "KEYFRAME":
        (only,) = frames.keyframes(window, int(value["offset"]), value["cols"], value["rows"], data)
        return only
    if name == "STREAM":
        return frames.stream(window, value["stream"], data)
    if name == "CREDIT":
        return frames.credit(window, value["stream"], value["bytes"])
    return frames.encode(kind, window, data)


@pytest.mark.parametrize("vector", [v for v in VECTORS if "frame" in v], ids=lambda v: v["name"])
def test_valid_vector(vector):
    raw = bytes.fromhex(vector["hex"])
    (frame,) = frames.Decoder().feed(raw)
    assert parse(frame) == vector["frame"]
    if "json" not in vector["frame"]:  # the same object can be written in many ways
        assert build(vector["frame"]) == raw


@pytest.mark.parametrize("vector", [v for v in VECTORS if "error" in v], ids=lambda v: v["name"])
def test_malformed_vector(vector):
    raw = bytes.fromhex(vector["hex"])
    if vector["error"] == "decode":
        with pytest.raises(frames.FrameError):
            frames.Decoder().feed(raw)
    else:
        (frame,) = frames.Decoder().feed(raw)
        with pytest.raises(frames.FrameError):
            parse(frame)


@pytest.mark.parametrize("vector", [v for v in VECTORS if "incomplete" in v], ids=lambda v: v["name"])
def test_incomplete_vector(vector):
    decoder = frames.Decoder()
    raw = bytes.fromhex(vector["hex"])
    assert decoder.feed(raw) == []
    assert decoder.pending_bytes == len(raw)


def test_every_type_has_a_vector():
    assert {v["frame"]["type"] for v in VECTORS if "frame" in v} == set(frames.NAMES.values())


@given(st.lists(any_frame, max_size=8), st.data())
def test_any_split_gives_the_same_frames(encoded, data):
    stream = b"".join(encoded)
    whole = frames.Decoder().feed(stream)
    assert len(whole) == len(encoded)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    decoder, pieces = frames.Decoder(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        pieces += decoder.feed(stream[start:end])
    assert pieces == whole
    assert decoder.pending_bytes == 0


@given(st.lists(st.binary(max_size=64), max_size=16))
def test_any_garbage_gives_frames_or_a_clear_error(chunks):
    decoder = frames.Decoder(max_payload=4096)
    fed = 0
    for chunk in chunks:
        fed += len(chunk)
        try:
            found = decoder.feed(chunk)
        except frames.FrameError:
            return
        assert decoder.pending_bytes <= min(fed, 4096 + frames.HEADER.size)
        for frame in found:
            with contextlib.suppress(frames.FrameError):
                parse(frame)


@given(any_frame, st.data())
def test_one_changed_byte_is_a_frame_or_a_clear_error(raw, data):
    changed = bytearray(raw)
    changed[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(frames.FrameError):
        for frame in frames.Decoder().feed(bytes(changed)):
            parse(frame)


@given(st.binary(max_size=200), st.sampled_from([3, 16, 64]))
def test_a_decoder_never_holds_more_than_one_frame(tail, limit):
    decoder = frames.Decoder(max_payload=limit)
    for _ in range(50):
        try:
            decoder.feed(tail)
        except frames.FrameError:
            break
        assert decoder.pending_bytes < limit + frames.HEADER.size


@given(st.integers(0, 3), st.integers(-2, 2))
def test_a_keyframe_of_any_length_can_be_joined_again(parts, around):
    room = frames.MAX_PAYLOAD - 12
    data = bytes(max(room * parts + around, 0))
    joined, continues = b"", True
    for raw in frames.keyframes(3, 99, 80, 24, data):
        assert continues
        (frame,) = frames.Decoder().feed(raw)
        offset, cols, rows, piece = frames.parse_keyframe(frame.payload)
        assert (frame.window, offset, cols, rows) == (3, 99, 80, 24)
        joined += piece
        continues = frames.keyframe_continues(frame.payload)
    assert not continues
    assert joined == data


def test_too_much_in_one_frame_is_refused():
    with pytest.raises(frames.FrameError, match="limit"):
        frames.encode(frames.OUTPUT, 0, bytes(frames.MAX_PAYLOAD + 1))


def test_the_largest_input_to_an_agent_is_written_whole():
    assert len(frames.input_(0, 1, 2, bytes(frames.MAX_AGENT_INPUT))) == frames.PIPE_BUF
