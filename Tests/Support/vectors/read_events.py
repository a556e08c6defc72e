"""Reads event files that `repro` wrote: python3 read_events.py FILE...

Uses TensorBoard's own reader where it is installed and compares it with a reader of a few lines, which checks every
checksum; without TensorBoard the second one alone."""
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def fields(data):
    """Field number and value of a protocol buffer's members."""
    at = 0

    def varint():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            yield key >> 3, data[at:at + size]
            at += size


def records(path):
    with open(path, "rb") as file:
        while head := file.read(12):
            length, check = struct.unpack("<QI", head)
            assert masked(head[:8]) == check, "checksum of a length"
            data = file.read(length)
            assert masked(data) == struct.unpack("<I", file.read(4))[0], "checksum of a record"
            yield data


def scalars(path):
    for data in records(path):
        event = dict(fields(data))
        if 5 in event:
            value = dict(fields(dict(fields(event[5]))[1]))
            yield value[1].decode(), event.get(2, 0), struct.unpack("<f", value[2])[0]


def tensorboard_scalars(path):
    from tensorboard.backend.event_processing import event_file_loader

    for event in event_file_loader.LegacyEventFileLoader(path).Load():
        for value in event.summary.value:
            number = value.simple_value if value.WhichOneof("value") == "simple_value" else value.tensor.float_val[0]
            yield value.tag, event.step, number


for path in sys.argv[1:]:
    found = list(scalars(path))
    try:
        expected = list(tensorboard_scalars(path))
        assert repr(found) == repr(expected), "TensorBoard reads something else"
        print(f"{path}: {len(found)} scalars, the same as TensorBoard's reader finds")
    except ImportError:
        print(f"{path}: {len(found)} scalars; TensorBoard is not installed")
    for tag, step, value in found[:3]:
        print(f"  {tag} at {step}: {value}")
