# SPDX-License-Identifier: MIT
"""The wire as a stranger speaks it: frames by hand, without the library, after proto/WIRE.md.

Messages and methods are read from proto/*.proto, so the numbers are never written twice. A message is a dictionary of its
fields; what is absent is 0, empty or False, as in protobuf. Only what the attacks need is here: there is no check of what the
daemon sends, and a client belongs to one thread.
"""

import array
import os
import re
import socket
import struct
from pathlib import Path

HEADER = struct.Struct("<IIIiII")  # length, serial, method, status, trailer, flags
VERSION = 2  # of the protocol
REPLY = 1
MAX_FRAME = HEADER.size + 65536
MAX_DATA = 61440
MAX_FDS = 16

READ, WRITE, CREATE, TRUNCATE, APPEND, EXCLUSIVE, NONBLOCK = (1 << bit for bit in range(7))

VARINT, FIXED64, BYTES = 0, 1, 2  # wire types of protobuf


# ---- the protocol --------------------------------------------------------------------------------


class Field:
    def __init__(self, name, kind, number, repeated):
        self.name, self.kind, self.number, self.repeated = name, kind, number, repeated


def read_protocol():
    root = Path(os.environ.get("AXEBERG_SOURCE_DIR", Path(__file__).parents[2]))
    text = re.sub(r"//.*", "", "".join(path.read_text() for path in sorted((root / "proto").glob("*.proto"))))
    methods = re.findall(r"\brpc (\w+) *\((\w+)\) *returns *\((\w+)\)", text)
    messages = {}
    for name, body in re.findall(r"^message (\w+) \{([^}]*)\}", text, re.M):
        fields = re.findall(r"(repeated )?(\w+) (\w+) = (\d+)", body)
        messages[name] = [Field(f, kind, int(number), bool(repeated)) for repeated, kind, f, number in fields]
    return methods, messages


METHODS, MESSAGES = read_protocol()
NUMBERS = {name: number for number, (name, _, _) in enumerate(METHODS)}
REQUESTS = {name: request for name, request, _ in METHODS}
REPLIES = {name: reply for name, _, reply in METHODS}


# ---- messages ------------------------------------------------------------------------------------


def pack_varint(value):
    value &= (1 << 64) - 1
    packed = bytearray()
    while value >= 0x80:
        packed.append(value & 0x7F | 0x80)
        value >>= 7
    packed.append(value)
    return bytes(packed)


def unpack_varint(packed, at):
    value = shift = 0
    while True:
        byte = packed[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def pack_field(field, value):
    def key(wire_type):
        return pack_varint(field.number << 3 | wire_type)

    if field.kind == "double":
        return key(FIXED64) + struct.pack("<d", value)
    if field.kind in ("sint32", "sint64"):
        return key(VARINT) + pack_varint(value << 1 ^ value >> 63)
    if field.kind in ("string", "bytes") or field.kind in MESSAGES:
        if field.kind in MESSAGES:
            value = pack(field.kind, value)
        elif isinstance(value, str):
            value = value.encode()
        return key(BYTES) + pack_varint(len(value)) + value
    return key(VARINT) + pack_varint(int(value))


def pack(message, values):
    fields = {field.name: field for field in MESSAGES[message]}
    packed = b""
    for name, value in values.items():
        field = fields[name]
        for one in value if field.repeated else [value]:
            packed += pack_field(field, one)
    return packed


def from_varint(kind, value):
    if kind in ("sint32", "sint64"):
        return value >> 1 ^ -(value & 1)
    if kind in ("int32", "int64") and value >= 1 << 63:
        return value - (1 << 64)
    return bool(value) if kind == "bool" else value


def unpack_numbers(kind, packed):
    numbers, at = [], 0
    while at < len(packed):
        value, at = unpack_varint(packed, at)
        numbers.append(from_varint(kind, value))
    return numbers


def unpack_bytes(kind, value):
    if kind == "string":
        return [value.decode(errors="surrogateescape")]
    if kind == "bytes":
        return [value]
    return [unpack(kind, value)] if kind in MESSAGES else unpack_numbers(kind, value)


def unpack(message, packed):
    fields = {field.number: field for field in MESSAGES[message]}
    values, at = {}, 0
    while at < len(packed):
        key, at = unpack_varint(packed, at)
        field, wire_type = fields[key >> 3], key & 7
        if wire_type == VARINT:
            value, at = unpack_varint(packed, at)
            found = [from_varint(field.kind, value)]
        elif wire_type == FIXED64:
            found = [struct.unpack_from("<d", packed, at)[0]]
            at += 8
        else:
            length, at = unpack_varint(packed, at)
            found = unpack_bytes(field.kind, packed[at : at + length])
            at += length
        if field.repeated:
            values.setdefault(field.name, []).extend(found)
        else:
            values[field.name] = found[-1]
    return values


# ---- frames --------------------------------------------------------------------------------------


def frame(method, serial, trailer=b"", /, **fields):
    body = pack(REQUESTS[method], fields)
    length = HEADER.size + len(body) + len(trailer)
    return HEADER.pack(length, serial, NUMBERS[method], 0, len(trailer), 0) + body + trailer


class Reply:
    def __init__(self, method, status, message, trailer, fds):
        self.method, self.status, self.message, self.trailer, self.fds = method, status, message, trailer, fds

    def __getitem__(self, name):
        return self.message.get(name, 0)


class Client:
    """A connection. Its socket may be given; else it is made, and says Hello unless `hello` is False."""

    def __init__(self, path=None, connection=None, hello=True, argv=("attack",)):
        if connection is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            connection.connect(path or os.environ["AXEBERG_SOCKET"])
        self.socket = connection
        self.serial = 0
        self.early = {}  # replies that came before somebody waited for them
        self.pid = 0
        if hello:
            self.hello(argv)

    def hello(self, argv=("attack",)):
        reply = self.must("Hello", version=VERSION, argv=list(argv))
        self.pid = reply["pid"]
        for fd in reply.fds:
            os.close(fd)

    def send(self, method, trailer=b"", /, **fields):
        self.serial += 1
        self.socket.send(frame(method, self.serial, trailer, **fields))
        return self.serial

    def receive(self):
        """The serial and the reply of one frame; 0 as the serial is an event."""
        data, ancillary, _, _ = self.socket.recvmsg(MAX_FRAME, socket.CMSG_SPACE(4 * MAX_FDS))
        if not data:
            raise EOFError("the daemon has closed the connection")
        fds = array.array("i")
        for level, kind, payload in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(payload[: len(payload) // fds.itemsize * fds.itemsize])
        length, serial, number, status, trailer, flags = HEADER.unpack_from(data)
        method = METHODS[number][0] if flags == REPLY and number < len(METHODS) else None
        message = unpack(REPLIES[method], data[HEADER.size : length - trailer]) if method else {}
        return serial, Reply(method, status, message, data[length - trailer : length], list(fds))

    def wait(self, serial):
        while serial not in self.early:
            got, reply = self.receive()
            self.early[got] = reply
        return self.early.pop(serial)

    def call(self, method, trailer=b"", /, **fields):
        return self.wait(self.send(method, trailer, **fields))

    def must(self, method, trailer=b"", /, **fields):
        """A call that has to succeed."""
        reply = self.call(method, trailer, **fields)
        if reply.status < 0:
            raise OSError(-reply.status, f"{method}: {os.strerror(-reply.status)}")
        return reply

    def open(self, path, flags):
        return self.must("Open", path=path, flags=flags).status

    def donated(self, path, flags=READ | WRITE | CREATE):
        """An open file and the host's descriptor of it, which comes with the reply to a transfer."""
        fd = self.open(path, flags)
        reply = self.must("Write", b"x", fd=fd, want_direct=True)
        return fd, reply.fds[0] if reply.fds else None

    def spawn(self, name="child"):
        """A child process and the connection that belongs to it; nothing is executed."""
        reply = self.must("Spawn", argv=[name])
        child = Client(connection=socket.socket(fileno=reply.fds[0]), hello=False)
        child.must("Start")
        child.hello((name,))
        return child

    def alive(self):
        """Whether the daemon still answers on this connection."""
        try:
            return self.call("Getppid").status >= 0
        except (OSError, EOFError):
            return False

    def close(self):
        self.socket.close()
