"""dnsd on the network: UDP, TCP, addresses, malformed input, many idle connections."""

import contextlib
import os
import random
import resource
import socket
import struct
import time

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import pytest

from lib.node import Node, free_address, free_port, wait_until

ZONE = "net.test"


@pytest.fixture(scope="module")
def node():
    with Node("ns1") as n:
        n.api("zones/create", zone=ZONE, type="Primary")
        n.api("zones/records/add", zone=ZONE, domain=f"www.{ZONE}", type="A", ipAddress="192.0.2.1")
        for i in range(40):
            n.api("zones/records/add", zone=ZONE, domain=f"big.{ZONE}", type="TXT",
                  text=f"{i:03d}" + "x" * 60)
        yield n


def query(name=f"www.{ZONE}", kind="A", **options):
    message = dns.message.make_query(name, kind, **options)
    message.flags &= ~dns.flags.RD
    return message


def alive(node):
    return node.answers(f"www.{ZONE}") == ["192.0.2.1"]


def udp(node, payload, timeout=0.3):
    """The raw reply, None when there is none."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as s:
        s.settimeout(timeout)
        s.sendto(payload, (node.address, node.dns_port))
        try:
            return s.recv(65535)
        except TimeoutError:
            return None


def connect(node, source=None):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(10)
    if source:
        s.bind((source, 0))
    s.connect((node.address, node.dns_port))
    return s


def framed(message):
    wire = message.to_wire() if not isinstance(message, bytes) else message
    return struct.pack("!H", len(wire)) + wire


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def read_message(s):
    return dns.message.from_wire(read_exactly(s, struct.unpack("!H", read_exactly(s, 2))[0]))


# ---- sizes ----

@pytest.mark.parametrize("options, most", [({}, 512), ({"use_edns": 0, "payload": 600}, 600),
                                           ({"use_edns": 0, "payload": 4096}, 1232),
                                           ({"use_edns": 0, "payload": 100}, 512)])
def test_large_answer_is_truncated_to_what_the_client_takes(node, options, most):
    wire = udp(node, query(f"big.{ZONE}", "TXT", **options).to_wire(), timeout=5)
    assert len(wire) <= most
    assert dns.message.from_wire(wire).flags & dns.flags.TC


def test_tcp_has_all_of_it(node):
    reply = node.query(f"big.{ZONE}", "TXT", tcp=True)
    assert not reply.flags & dns.flags.TC
    assert sum(len(s) for s in reply.answer) == 40


# ---- malformed ----

def test_garbage_is_dropped_or_refused_and_service_goes_on(node):
    seed = random.Random(20261123)
    good = query().to_wire()
    for _ in range(500):
        bad = bytearray(good)
        for _ in range(seed.randrange(1, 6)):
            bad[seed.randrange(len(bad))] = seed.randrange(256)
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as s:
            s.sendto(bytes(bad[:seed.randrange(len(bad) + 1)]), (node.address, node.dns_port))
            s.sendto(seed.randbytes(seed.randrange(600)), (node.address, node.dns_port))
    assert alive(node)


def test_responses_and_stubs_are_dropped(node):
    wire = bytearray(query().to_wire())
    wire[2] |= 0x80
    assert udp(node, bytes(wire)) is None
    assert udp(node, wire[:11]) is None
    assert udp(node, b"") is None


@pytest.mark.parametrize("count", [0, 2])
def test_other_than_one_question_is_a_format_error(node, count):
    wire = bytearray(query().to_wire())
    wire[5] = count
    assert dns.message.from_wire(udp(node, bytes(wire), 5), ignore_trailing=True).rcode() == \
        dns.rcode.FORMERR


@pytest.mark.parametrize("opcode", [1, 2, 3, 5, 6, 15])
def test_other_opcodes_are_not_implemented(node, opcode):
    wire = bytearray(query().to_wire())
    wire[2] = wire[2] & 0x87 | opcode << 3
    assert udp(node, bytes(wire), 5)[3] & 15 == dns.rcode.NOTIMP


def test_unknown_edns_version(node):
    message = query(use_edns=0)
    message.use_edns(1)
    reply = dns.query.udp(message, node.address, port=node.dns_port, timeout=5)
    assert reply.rcode() == dns.rcode.BADVERS


def test_axfr_by_udp_is_a_format_error(node):
    assert udp(node, query(ZONE, "AXFR").to_wire(), 5)[3] & 15 == dns.rcode.FORMERR


# ---- TCP ----

def test_pipelined_queries_are_all_answered(node):
    with contextlib.closing(connect(node)) as s:
        ids = random.sample(range(65536), 500)
        batch = b""
        for i in ids:
            message = query()
            message.id = i
            batch += framed(message)
        s.sendall(batch)
        assert [read_message(s).id for _ in ids] == ids


def test_client_that_reads_late_gets_everything(node):
    with contextlib.closing(connect(node)) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        batch = framed(query(f"big.{ZONE}", "TXT")) * 3000
        s.setblocking(False)
        sent = 0
        deadline = time.monotonic() + 1
        while sent < len(batch) and time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                sent += s.send(batch[sent:])
        s.settimeout(10)
        assert alive(node)
        for _ in range(sent // len(framed(query(f"big.{ZONE}", "TXT")))):
            assert sum(len(r) for r in read_message(s).answer) == 40


def test_query_in_pieces(node):
    with contextlib.closing(connect(node)) as s:
        for byte in framed(query()):
            s.sendall(bytes([byte]))
        assert read_message(s).answer


def test_half_closed_connection_gets_its_answers(node):
    with contextlib.closing(connect(node)) as s:
        s.sendall(framed(query()) * 20)
        s.shutdown(socket.SHUT_WR)
        for _ in range(20):
            assert read_message(s).answer
        assert s.recv(1) == b""


@pytest.mark.parametrize("payload", [b"\0\0", b"\0\5hello",
                                     b"\0\x10" + b"\xff" * 16],
                         ids=["empty", "short", "response"])
def test_what_is_not_dns_closes_the_connection(node, payload):
    with contextlib.closing(connect(node)) as s:
        with contextlib.suppress(ConnectionError):    # a reset is an end too
            s.sendall(payload)
            s.settimeout(15)
            assert s.recv(1) == b""
    assert alive(node)


def test_other_protocols_do_no_harm(node):
    with contextlib.closing(connect(node)) as s:
        with contextlib.suppress(ConnectionError):
            s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 4000)
    assert alive(node)


def test_ten_thousand_idle_connections_do_not_hurt(node):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 11000:
        pytest.skip(f"this system allows only {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pid = node.pid("dnsd")

    def memory():
        with open(f"/proc/{pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = memory()
    idle = []
    try:
        for i in range(10000):
            idle.append(connect(node, f"127.200.0.{1 + i // 400}"))
        started = time.monotonic()
        for _ in range(100):
            assert alive(node)
            assert node.query(f"www.{ZONE}", tcp=True).answer
        print(f"200 queries beside 10,000 connections: {time.monotonic() - started:.2f} s, "
              f"memory +{(memory() - before) >> 10} KiB")
        assert time.monotonic() - started < 20
        assert memory() - before < 64 << 20
    finally:
        for s in idle:
            s.close()
    assert alive(node)


def test_one_client_cannot_take_all_connections(node):
    """The connections longest without work go first; one that works stays."""
    sockets = [connect(node, "127.201.0.1") for _ in range(1500)]
    try:
        wait_until(lambda: any(closed(s) for s in sockets[:50]), 10, "old connections are closed")
        assert not closed(sockets[-1])
        sockets[-1].sendall(framed(query()))
        assert read_message(sockets[-1]).answer
    finally:
        for s in sockets:
            s.close()


def closed(s):
    s.setblocking(False)
    try:
        return s.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    finally:
        s.settimeout(10)


# ---- addresses ----

def set_endpoints(node, *endpoints):
    node.api("settings/set", dnsServerLocalEndPoints=",".join(endpoints))


def asked(address, port, tcp=False):
    ask = dns.query.tcp if tcp else dns.query.udp
    try:
        return bool(ask(query(), address, port=port, timeout=2).answer)
    except (OSError, dns.exception.Timeout):
        return False


def test_wildcard_addresses_answer_from_the_address_that_was_asked():
    """dnspython refuses a reply from another address than it asked."""
    with Node("ns1") as n:
        n.api("zones/create", zone=ZONE, type="Primary")
        n.api("zones/records/add", zone=ZONE, domain=f"www.{ZONE}", type="A", ipAddress="192.0.2.1")
        port = free_port("0.0.0.0")
        set_endpoints(n, f"{n.address}:{n.dns_port}", f"0.0.0.0:{port}", f"[::]:{port}")
        wait_until(lambda: asked("127.77.1.2", port), 10, "wildcard address serves")
        assert asked("127.88.3.4", port)
        assert asked("127.88.3.4", port, tcp=True)
        if has_ipv6():
            assert asked("::1", port)
            assert asked("::1", port, tcp=True)
        # What stays in the list goes on; what is taken out ends.
        assert alive(n)
        set_endpoints(n, f"{n.address}:{n.dns_port}")
        wait_until(lambda: not asked("127.88.3.4", port, tcp=True), 10, "wildcard address closed")
        assert alive(n)


def has_ipv6():
    with contextlib.closing(socket.socket(socket.AF_INET6, socket.SOCK_STREAM)) as s:
        try:
            s.bind(("::1", 0))
        except OSError:
            return False
    return True


def test_port_in_use_is_named_and_taken_when_it_is_free():
    with Node("ns1") as n:
        n.api("zones/create", zone=ZONE, type="Primary")
        n.api("zones/records/add", zone=ZONE, domain=f"www.{ZONE}", type="A", ipAddress="192.0.2.1")
        other = free_address()
        port = free_port(other)
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as s:
            # Even a program that would share the port.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            s.bind((other, port))
            set_endpoints(n, f"{n.address}:{n.dns_port}", f"{other}:{port}", "192.0.2.77:53")
            wait_until(lambda: "cannot listen" in n.log("dnsd"), 10, "log line")
            assert f"{other}:{port}" in n.log("dnsd")
            assert "in use" in n.log("dnsd")
            assert "no such address" in n.log("dnsd")
            assert alive(n)
            assert asked(other, port, tcp=True)
        wait_until(lambda: asked(other, port), 15, "the free port is taken")
