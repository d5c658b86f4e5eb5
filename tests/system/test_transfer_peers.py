"""Zone transfer with NSD, Knot and BIND, in both directions, with TSIG; a wrong key changes nothing."""

import pytest

from node import Node, wait_until
from peers import Key, TRANSFER_PEERS

ZONE = """\
$TTL 600
@ SOA ns1 hostmaster {serial} 3600 600 86400 300
@ NS ns1
@ MX 10 mail
ns1 A 192.0.2.53
mail AAAA 2001:db8::25
{extra}
*.w TXT "wild \\"card\\""
sub NS ns.sub
ns.sub A 192.0.2.99
alias CNAME www.{zone}.
_sip._tcp SRV 1 2 5060 mail
odd TYPE65400 \\# 4 0a000001
"""
NAMES = [("{zone}", "MX"), ("mail.{zone}", "AAAA"), ("x.w.{zone}", "TXT"), ("alias.{zone}", "CNAME"),
         ("_sip._tcp.{zone}", "SRV"), ("odd.{zone}", "TYPE65400"), ("{zone}", "SOA")]


@pytest.fixture(scope="module")
def node():
    with Node() as node:
        yield node


def text_of(zone, serial=1, extra="www A 192.0.2.1"):
    return ZONE.format(zone=zone, serial=serial, extra=extra)


def add_key(node, key):
    keys = node.api("settings/get")["tsigKeys"]
    rows = [(k["keyName"], k["sharedSecret"], k["algorithmName"]) for k in keys if k["keyName"] != key.name]
    rows.append((key.name, key.secret, key.algorithm))
    node.api("settings/set", tsigKeys="|".join("|".join(row) for row in rows))


def same_answers(node, peer, zone):
    """Both give the same records for every name that the zone has."""
    for name, kind in NAMES:
        name = name.format(zone=zone)
        ours, theirs = node.query(name, kind), peer.query(name, kind)
        assert ours.rcode() == theirs.rcode(), f"{name} {kind}"
        assert {(r.name, r.ttl, frozenset(r)) for r in ours.answer} == \
               {(r.name, r.ttl, frozenset(r)) for r in theirs.answer}, f"{name} {kind}"


def make_primary(node, zone, key, notify=None):
    node.api("zones/create", zone=zone, type="Primary")
    node.api("zones/import", zone=zone, overwriteZone=True, overwriteSoaSerial=True,
             body=text_of(zone).encode(), headers={"Content-Type": "text/plain"})
    options = {"zone": zone, "zoneTransfer": "Allow", "zoneTransferTsigKeyNames": key.name}
    if notify:
        options |= {"notify": "SpecifiedNameServers", "notifyNameServers": "%s:%d" % notify}
    node.api("zones/options/set", **options)


@pytest.mark.parametrize("peer_class", TRANSFER_PEERS)
def test_secondary_of_trellis(node, peer_class):
    zone = f"out-{peer_class.__name__.lower()}.test"
    key = Key(f"key-{zone}")
    with peer_class() as peer:
        add_key(node, key)
        make_primary(node, zone, key, notify=peer.at)
        peer.secondary(zone, (node.address, node.dns_port), key=key)
        peer.start()
        wait_until(lambda: peer.serial(zone) == 1, 20, f"{peer.program} has the zone")
        same_answers(node, peer, zone)
        # A change is told by NOTIFY and fetched at once.
        node.api("zones/records/add", zone=zone, domain=f"new.{zone}", type="A", ipAddress="192.0.2.77")
        wait_until(lambda: peer.serial(zone) == 2, 20, f"{peer.program} follows the NOTIFY")
        assert [r.to_text() for s in peer.query(f"new.{zone}").answer for r in s] == ["192.0.2.77"]
        same_answers(node, peer, zone)


@pytest.mark.parametrize("peer_class", TRANSFER_PEERS)
def test_primary_of_trellis(node, peer_class):
    zone = f"in-{peer_class.__name__.lower()}.test"
    key = Key(f"key-{zone}")
    with peer_class() as peer:
        add_key(node, key)
        peer.primary(zone, text_of(zone), key=key, notify=[(node.address, node.dns_port)]).start()
        node.api("zones/create", zone=zone, type="Secondary", tsigKeyName=key.name,
                 primaryNameServerAddresses="%s:%d" % peer.at)
        wait_until(lambda: node.answers(f"www.{zone}") == ["192.0.2.1"], 20, "the zone has arrived")
        same_answers(node, peer, zone)
        peer.write(zone, text_of(zone, serial=2, extra="www A 192.0.2.2"))
        peer.reload()
        wait_until(lambda: node.answers(f"www.{zone}") == ["192.0.2.2"], 20, "the change has arrived")
        same_answers(node, peer, zone)
        info = next(z for z in node.api("zones/list")["zones"] if z["name"] == zone)
        assert info["soaSerial"] == 2 and not info["syncFailed"] and not info["isExpired"]


@pytest.mark.parametrize("peer_class", TRANSFER_PEERS)
def test_a_wrong_key_as_primary_is_refused_and_logged(node, peer_class):
    """The other server signs with another secret: it gets nothing."""
    zone = f"wrong-out-{peer_class.__name__.lower()}.test"
    key = Key(f"key-{zone}")
    with peer_class() as peer:
        add_key(node, key)
        make_primary(node, zone, key)
        peer.secondary(zone, (node.address, node.dns_port), key=key.spoiled())
        peer.start()
        refused = f"signed request refused zone={zone} "
        wait_until(lambda: any(refused in line and "BADSIG" in line
                               for line in node.log("dnsd").splitlines()), 20, "the refusal is logged")
        assert peer.serial(zone) is None
        assert node.answers(f"www.{zone}") == ["192.0.2.1"]


@pytest.mark.parametrize("peer_class", TRANSFER_PEERS)
def test_a_wrong_key_as_secondary_changes_nothing(node, peer_class):
    zone = f"wrong-in-{peer_class.__name__.lower()}.test"
    key = Key(f"key-{zone}")
    with peer_class() as peer:
        add_key(node, key)
        peer.primary(zone, text_of(zone), key=key, notify=[(node.address, node.dns_port)]).start()
        node.api("zones/create", zone=zone, type="Secondary", tsigKeyName=key.name,
                 primaryNameServerAddresses="%s:%d" % peer.at)
        wait_until(lambda: node.answers(f"www.{zone}") == ["192.0.2.1"], 20, "the zone has arrived")
        add_key(node, key.spoiled())
        peer.write(zone, text_of(zone, serial=2, extra="www A 192.0.2.2"))
        peer.reload()
        node.api("zones/resync", zone=zone)
        failed = lambda: next(z for z in node.api("zones/list")["zones"] if z["name"] == zone)["syncFailed"]
        wait_until(failed, 20, "the failure shows")
        assert f"zone={zone}" in node.log("dnsd")
        assert node.answers(f"www.{zone}") == ["192.0.2.1"]
        # With the right key again it catches up.
        add_key(node, key)
        node.api("zones/resync", zone=zone)
        wait_until(lambda: node.answers(f"www.{zone}") == ["192.0.2.2"], 20, "it has caught up")


def test_without_a_key_no_transfer(node):
    zone = "nokey.test"
    key = Key("key-nokey")
    add_key(node, key)
    make_primary(node, zone, key)
    import dns.query
    import dns.xfr
    import dns.zone
    with pytest.raises((dns.xfr.TransferError, dns.query.TransferError)):
        dns.zone.from_xfr(dns.query.xfr(node.address, zone, port=node.dns_port, lifetime=5))
