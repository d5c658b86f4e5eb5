"""DNS messages as sets, fast: many thousand answers of two servers are compared by what they say.

    ask_all((address, port), queries) -> [bytes]      one TCP connection, many queries in flight
    normal(reply) -> Normal                           rcode, flags, and each section as a set of records
"""

import selectors
import socket
import struct
from collections import namedtuple

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "DNAME": 39,
         "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NSEC3": 50, "NSEC3PARAM": 51, "ZONEMD": 63}
COMPRESSED = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 15: (2, 1)}   # type: bytes before, names
WINDOW = 200
SECONDS = 120

Normal = namedtuple("Normal", "rcode aa tc answer authority additional")
Query = namedtuple("Query", "name type dnssec")


def encode_name(text):
    labels = [] if text == "." else text.rstrip(".").split(".")
    return b"".join(bytes([len(l)]) + l.encode() for l in labels) + b"\0"


def encode(number, query):
    opt = b"\0\0\x29\x10\0\0\0" + (b"\x80\0" if query.dnssec else b"\0\0") + b"\0\0"
    return (struct.pack("!6H", number, 0, 1, 0, 0, 1) + encode_name(query.name) +
            struct.pack("!2H", query.type, 1) + opt)


def ask_all(at, queries):
    """The replies in the order of the queries."""
    replies = [None] * len(queries)
    sent = received = 0
    out, buffer = b"", b""
    with socket.create_connection(at, timeout=10) as s, selectors.DefaultSelector() as selector:
        s.setblocking(False)
        selector.register(s, selectors.EVENT_READ)
        while received < len(queries):
            while sent < len(queries) and sent - received < WINDOW and len(out) < 65536:
                wire = encode(sent % 65536, queries[sent])
                out += struct.pack("!H", len(wire)) + wire
                sent += 1
            selector.modify(s, selectors.EVENT_READ | (selectors.EVENT_WRITE if out else 0))
            ready = selector.select(SECONDS)
            assert ready, f"{at} is silent after {received} of {len(queries)} answers"
            if ready[0][1] & selectors.EVENT_WRITE:
                out = out[s.send(out):]
            if ready[0][1] & selectors.EVENT_READ:
                chunk = s.recv(1 << 20)
                assert chunk, f"{at} closed the connection after {received} of {len(queries)} answers"
                buffer += chunk
                start = 0
                while len(buffer) - start >= 2:
                    size = struct.unpack_from("!H", buffer, start)[0]
                    if len(buffer) - start - 2 < size:
                        break
                    reply = buffer[start + 2:start + 2 + size]
                    start += 2 + size
                    number = struct.unpack_from("!H", reply)[0]
                    # IDs come round after 65536 queries, of which far fewer are under way.
                    index = received - (received % 65536) + number
                    while index < len(queries) and replies[index] is not None:
                        index += 65536
                    replies[index] = reply
                    received += 1
                buffer = buffer[start:]
    return replies


def read_name(message, at):
    """(folded wire form, offset behind it)."""
    name, end = b"", None
    while True:
        length = message[at]
        if length >= 0xc0:
            end = end or at + 2
            at = (length & 0x3f) << 8 | message[at + 1]
        elif length == 0:
            return name + b"\0", end or at + 1
        else:
            name += message[at:at + 1 + length].lower()
            at += 1 + length


def read_rdata(message, kind, at, length):
    if kind not in COMPRESSED:
        return message[at:at + length]
    head, names = COMPRESSED[kind]
    data, end = message[at:at + head], at + length
    at += head
    for _ in range(names):
        name, at = read_name(message, at)
        data += name
    return data + message[at:end]


def normal(message):
    _, flags, questions, *counts = struct.unpack_from("!6H", message)
    at = 12
    for _ in range(questions):
        _, at = read_name(message, at)
        at += 4
    sections = []
    for count in counts:
        section = set()
        for _ in range(count):
            name, at = read_name(message, at)
            kind, klass, ttl, length = struct.unpack_from("!HHIH", message, at)
            at += 10
            if kind != 41:
                section.add((name, kind, klass, ttl, read_rdata(message, kind, at, length)))
            at += length
        sections.append(section)
    return Normal(flags & 15, bool(flags & 0x400), bool(flags & 0x200), *sections)
