"""Framing between trusted processes: a length, JSON, then raw parts; and the frames of a child's claims.

A message is ``u32 length, JSON header, parts``; the header's ``sizes`` tell the length of each part. A child writes
frames ``u32 length, payload`` on its result pipe: the first payload byte says what follows.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any

_scan = json.JSONDecoder().scan_once  # json.loads looks for blanks and encodings, which cost a child ten pages
LENGTH = struct.Struct("<I")
READY, SETUP_FAILED, VALUE, TEST, FAULT = b"R", b"E", b"V", b"T", b"F"
OTHERS = "(others)"  # among the names of a file's tests: all that the file makes while it runs
RESULT_FD, PEER_FD = 3, 4
SOURCE_FD, SINK_FD = 6, 7


def message(header: dict[str, Any], *parts: bytes) -> bytes:
    text = json.dumps({**header, "sizes": [len(part) for part in parts]}).encode()
    return b"".join((LENGTH.pack(len(text)), text, *parts))


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    """``size`` bytes, or EOFError when the other side is gone."""
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        count = sock.recv_into(view[got:])
        if not count:
            raise EOFError
        got += count
    return bytes(buffer)


def receive_header(sock: socket.socket) -> dict[str, Any]:
    (size,) = LENGTH.unpack(receive_exactly(sock, 4))
    header = json.loads(receive_exactly(sock, size))
    assert type(header) is dict
    return header


def split(payload: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Header and parts of a whole message in memory, from the trainer."""
    (size,) = LENGTH.unpack_from(payload)
    header = _scan(payload[4 : 4 + size].decode(), 0)[0]
    parts, at = [], 4 + size
    for length in header.pop("sizes"):
        parts.append(payload[at : at + length])
        at += length
    return header, parts


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def say(kind: bytes, payload: bytes, fd: int = RESULT_FD) -> None:
    """Write one frame of a child's result."""
    write_all(fd, LENGTH.pack(len(payload) + 1) + kind + payload)


def frames(data: bytes | memoryview) -> tuple[list[bytes], int]:
    """The whole frames in ``data`` and where the first torn one starts."""
    found, at = [], 0
    while at + 4 <= len(data):
        (size,) = LENGTH.unpack_from(data, at)
        if at + 4 + size > len(data):
            break
        found.append(bytes(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found, at
