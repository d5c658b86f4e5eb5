"""Every record of a zone survives the way to NSD, Knot and BIND and back: all types and odd names, an
answer of many records, names compressed by them and by us, one message or several."""

import dns.query
import dns.rdatatype
import dns.tsigkeyring
import dns.xfr
import dns.zone
import pytest
from node import Node, wait_until
from peers import TRANSFER_PEERS, Key

SECONDS = 20

# Usual and rare types, names at and below cuts, odd labels, case in data, and as many records in a set as
# BIND takes (its max-records-per-type).
ZONE = """$TTL 300
@ IN SOA ns.example.net. hostmaster.example.net. {serial} 3600 3600 86400 60
@ NS ns1
@ NS ns.Example.NET.
@ MX 10 mail
@ TXT "v=spf1 -all" "second \\"string\\" \\\\ \\000\\255"
@ CAA 0 issue "ca.example.net"
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
mail A 192.0.2.2
www 60 CNAME mail
*.wild A 192.0.2.3
a.b.c.deep TXT deep
sub NS ns.sub
ns.sub A 192.0.2.4
sub DS 60485 13 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A
d DNAME other.example.
odd\\.dot\\032blank A 192.0.2.5
_sip._tcp SRV 1 2 5060 mail
n NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
s SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
_443._tcp TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971
h HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1
l LOC 52 22 23.000 N 4 53 32.000 E -2.00m 1.00m 10000.00m 10.00m
t TYPE65500 \\# 3 abcdef
""" + "".join(f"many A 198.51.100.{i}\n" for i in range(90)) + \
    "".join(f"h{i}.hosts AAAA 2001:db8::{i:x}\n" for i in range(3000))   # several messages




def records_of(zone):
    """{(name, type): (TTL, set of data)} of a dnspython zone, names folded."""
    return {(name.to_text().lower(), rdataset.rdtype):
            (rdataset.ttl, frozenset(r.to_digestable() for r in rdataset))
            for name, rdataset in zone.iterate_rdatasets()}


def expected(zone, serial):
    return records_of(dns.zone.from_text(ZONE.format(serial=serial), zone, relativize=False))


def transfer(at, zone, key):
    address, port = at
    result = dns.zone.Zone(zone, relativize=False)
    ring = dns.tsigkeyring.from_text({key.name: (key.algorithm, key.secret)})
    query, _ = dns.xfr.make_query(result, serial=None, keyring=ring)
    dns.query.inbound_xfr(address, result, query, port=port, timeout=10)
    return records_of(result)


@pytest.fixture(scope="module")
def node():
    with Node("ns1") as n:
        yield n


@pytest.mark.parametrize("algorithm", ["hmac-sha1", "hmac-sha256", "hmac-sha512"])
@pytest.mark.parametrize("peer_class", TRANSFER_PEERS, ids=lambda p: p.__name__)
def test_every_record_both_ways(node, peer_class, algorithm):
    """Peer's primary zone to us, and on to the same peer as a secondary of another zone."""
    key = Key("all.key", algorithm)
    node.api("settings/set", tsigKeys=f"{key.name}|{key.secret}|{algorithm}")
    mark = f"{peer_class.__name__.lower()}-{algorithm}"
    theirs, ours = f"theirs-{mark}.test", f"ours-{mark}.test"
    here = node.address, node.dns_port
    node.api("zones/create", zone=ours, type="Primary")
    node.api("zones/import", zone=ours, overwriteZone=True, overwriteSoaSerial=True,
             body=ZONE.format(serial=7).encode(), headers={"Content-Type": "text/plain"})
    node.api("zones/options/set", zone=ours, zoneTransfer="Allow", zoneTransferTsigKeyNames=key.name)
    with peer_class() as peer:
        peer.primary(theirs, ZONE.format(serial=7), key=key, notify=[here])
        peer.secondary(ours, here, key=key)
        peer.start()
        node.api("zones/create", zone=theirs, type="Secondary", tsigKeyName=key.name,
                 primaryNameServerAddresses="%s:%d" % peer.at)
        node.api("zones/options/set", zone=theirs, zoneTransfer="Allow", zoneTransferTsigKeyNames=key.name)
        wait_until(lambda: node.query(theirs, "SOA").answer, SECONDS, "their zone here")
        wait_until(lambda: peer.serial(ours) == 7, SECONDS, "our zone there")
        assert transfer(here, theirs, key) == expected(theirs, 7)
        assert transfer(here, ours, key) == expected(ours, 7)
        assert transfer(peer.at, ours, key) == expected(ours, 7)
    for zone in (ours, theirs):
        node.api("zones/delete", zone=zone)
