"""Framing between trusted processes: a length, JSON, then raw parts; and the frames of a child's claims.

A message is ``u32 length, JSON header, parts``; the header's ``sizes`` tell the length of each part. A child writes
frames ``u32 length, payload`` on its result pipe: the first payload byte says what follows.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

# json.loads and json.dumps look for encodings and blanks and build what they work with, in pages that a fork has copied
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_make: Any = getattr(json.encoder, "c_make_encoder", None)
_encode = _make and _make(None, None, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, True)
LENGTH = struct.Struct("<I")
CLOCKS = struct.Struct("<dd")  # what READY carries: the process's CPU seconds so far, and the time
READY, SETUP_FAILED, VALUE, TEST, FAULT = b"R", b"E", b"V", b"T", b"F"
OTHERS = "(others)"  # among the names of a file's tests: all that the file makes while it runs
RESULT_FD, PEER_FD = 3, 4
SOURCE_FD, SINK_FD = 6, 7


def text_of(header: dict[str, Any]) -> bytes:
    """A header as JSON."""
    return "".join(_encode(header, 0)).encode() if _encode is not None else json.dumps(header).encode()


def message(header: dict[str, Any], *parts: bytes) -> bytes:
    text = text_of({**header, "sizes": [len(part) for part in parts]})
    return b"".join((LENGTH.pack(len(text)), text, *parts))


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    """``size`` bytes, or EOFError when the other side is gone."""
    data = sock.recv(size, socket.MSG_WAITALL)
    while len(data) < size:
        more = sock.recv(size - len(data), socket.MSG_WAITALL)
        if not more:
            raise EOFError
        data += more
    return data


def receive_header(sock: socket.socket) -> dict[str, Any]:
    (size,) = LENGTH.unpack(receive_exactly(sock, 4))
    try:
        header = _scan(receive_exactly(sock, size).decode(), 0)[0]
    except StopIteration:
        raise ValueError("not JSON") from None
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
