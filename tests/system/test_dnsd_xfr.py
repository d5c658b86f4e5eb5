"""Transfers, NOTIFY and catalog zones between two nodes, and with clients that are not ours."""

import base64
import time

import dns.exception
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import dns.xfr
import dns.zone
import pytest

from lib.node import Node, wait_until

SECRET = base64.b64encode(b"sixteen bytes or more of it").decode()


@pytest.fixture(scope="module")
def pair():
    with Node("ns1") as primary, Node("ns2") as secondary:
        for n in (primary, secondary):
            n.api("settings/set", tsigKeys=f"xfr.key|{SECRET}|hmac-sha256")
        yield primary, secondary


def at(node):
    return f"{node.address}:{node.dns_port}"


def make_primary(node, zone, **options):
    node.api("zones/create", zone=zone, type="Primary")
    node.api("zones/options/set", zone=zone, zoneTransfer="Allow", **options)
    node.api("zones/records/add", zone=zone, domain=f"www.{zone}", type="A", ipAddress="192.0.2.1")


def make_secondary(node, zone, primary, **options):
    node.api("zones/create", zone=zone, type="Secondary",
             primaryNameServerAddresses=primary, **options)


def transfer(node, zone, keyring=None, **options):
    result = dns.zone.Zone(zone)
    query, _ = dns.xfr.make_query(result, serial=None, keyring=keyring, **options)
    dns.query.inbound_xfr(node.address, result, query, port=node.dns_port, timeout=10)
    return result


def test_transfer_out_has_every_record(pair):
    primary, _ = pair
    make_primary(primary, "out.test")
    for i in range(300):
        primary.api("zones/records/add", zone="out.test", domain=f"h{i}.out.test", type="A",
                    ipAddress=f"192.0.2.{i % 250}")
    zone = transfer(primary, "out.test")
    assert len(zone.nodes) == 302
    assert zone.find_rdataset("h299", "A")[0].address == "192.0.2.49"


def test_transfer_is_refused_without_the_key_and_streams_with_it(pair):
    primary, _ = pair
    make_primary(primary, "signed.test", zoneTransferTsigKeyNames="xfr.key")
    with pytest.raises(dns.xfr.TransferError):
        transfer(primary, "signed.test")
    ring = dns.tsigkeyring.from_text({"xfr.key": (dns.tsig.HMAC_SHA256, SECRET)})
    assert transfer(primary, "signed.test", ring).find_rdataset("www", "A")
    other = base64.b64encode(b"another secret altogether").decode()
    wrong = dns.tsigkeyring.from_text({"xfr.key": (dns.tsig.HMAC_SHA256, other)})
    with pytest.raises(dns.exception.DNSException):
        transfer(primary, "signed.test", wrong)
    wait_until(lambda: "signed request refused" in primary.log("dnsd"), 5, "log line")


def test_ixfr_answers_current_client_with_the_soa(pair):
    primary, _ = pair
    make_primary(primary, "ixfr.test")
    serial = primary.query("ixfr.test", "SOA").answer[0][0].serial
    query = dns.message.make_query("ixfr.test", "IXFR")
    query.authority.append(dns.rrset.from_text("ixfr.test.", 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    for ask in (dns.query.tcp, dns.query.udp):
        reply = ask(query, primary.address, port=primary.dns_port, timeout=5)
        assert [r.rdtype for r in reply.answer] == [dns.rdatatype.SOA]
    query.authority[0] = dns.rrset.from_text("ixfr.test.", 0, "IN", "SOA", f". . {serial - 1} 0 0 0 0")
    reply = dns.query.tcp(query, primary.address, port=primary.dns_port, timeout=5)
    assert sum(len(r) for r in reply.answer) > 2


def test_secondary_follows_within_milliseconds(pair):
    primary, secondary = pair
    make_primary(primary, "fast.test", notify="SpecifiedNameServers", notifyNameServers=at(secondary))
    make_secondary(secondary, "fast.test", at(primary))
    secondary.api("settings/set", notifyAllowedNetworks="127.0.0.0/8")
    wait_until(lambda: secondary.answers("www.fast.test") == ["192.0.2.1"], 10, "first transfer")
    times = []
    for i in range(30):
        primary.api("zones/records/add", zone="fast.test", domain=f"n{i}.fast.test", type="A",
                    ipAddress=f"192.0.2.{i}")
        start = time.monotonic()
        wait_until(lambda: secondary.answers(f"n{i}.fast.test"), 10, "secondary follows", step=0.001)
        times.append((time.monotonic() - start) * 1000)
    times.sort()
    print(f"change to secondary: median {times[15]:.1f} ms, worst {times[-1]:.1f} ms")
    assert times[15] < 60


def test_secondary_with_the_key_and_with_a_wrong_one(pair):
    primary, secondary = pair
    make_primary(primary, "keyed.test", zoneTransferTsigKeyNames="xfr.key")
    make_secondary(secondary, "keyed.test", at(primary), tsigKeyName="xfr.key")
    wait_until(lambda: secondary.answers("www.keyed.test") == ["192.0.2.1"], 10, "signed transfer")
    make_primary(primary, "unkeyed.test", zoneTransferTsigKeyNames="xfr.key")
    make_secondary(secondary, "unkeyed.test", at(primary))
    wait_until(lambda: "zone=unkeyed.test" in secondary.log("dnsd"), 10, "failure is logged")
    wait_until(lambda: "zone transfer refused" in primary.log("dnsd"), 10, "refusal is logged")
    zones = lambda: {z["name"]: z for z in secondary.api("zones/list")["zones"]}
    wait_until(lambda: zones()["unkeyed.test"]["syncFailed"], 10, "the failure shows")
    assert not zones()["keyed.test"]["syncFailed"]
    assert secondary.rcode("www.unkeyed.test") == "SERVFAIL"


def test_new_primaries_and_enabling_start_a_refresh(pair):
    primary, secondary = pair
    make_primary(primary, "moved.test")
    make_secondary(secondary, "moved.test", "127.0.0.1:9")
    wait_until(lambda: "zone=moved.test" in secondary.log("dnsd"), 10, "failure is logged")
    secondary.api("zones/options/set", zone="moved.test", primaryNameServerAddresses=at(primary))
    wait_until(lambda: secondary.answers("www.moved.test") == ["192.0.2.1"], 5, "from the new primary")
    secondary.api("zones/disable", zone="moved.test")
    assert secondary.rcode("www.moved.test") != "NOERROR"
    primary.api("zones/records/add", zone="moved.test", domain="more.moved.test", type="A",
                ipAddress="192.0.2.2")
    secondary.api("zones/enable", zone="moved.test")
    wait_until(lambda: secondary.answers("more.moved.test") == ["192.0.2.2"], 5, "after enabling")


def test_notify_from_strangers_is_refused(pair):
    primary, secondary = pair
    secondary.api("settings/set", notifyAllowedNetworks="")
    make_primary(primary, "quiet.test")
    make_secondary(secondary, "quiet.test", at(primary))
    notify = dns.message.make_query("quiet.test", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    reply = dns.query.udp(notify, secondary.address, port=secondary.dns_port, timeout=5,
                          source="127.99.9.9")
    assert reply.rcode() == dns.rcode.REFUSED
    reply = dns.query.udp(notify, secondary.address, port=secondary.dns_port, timeout=5,
                          source=primary.address)
    assert reply.rcode() == dns.rcode.NOERROR
    reply = dns.query.udp(notify, primary.address, port=primary.dns_port, timeout=5)
    assert reply.rcode() == dns.rcode.NOTAUTH


def test_secondary_serves_from_disk_when_the_primary_is_gone(pair):
    primary, secondary = pair
    make_primary(primary, "disk.test")
    make_secondary(secondary, "disk.test", at(primary))
    wait_until(lambda: secondary.answers("www.disk.test"), 10, "transfer")
    primary.api("zones/delete", zone="disk.test")
    before = secondary.pid("dnsd")
    secondary.kill("dnsd")
    wait_until(lambda: secondary.pid("dnsd") != before and
               secondary.answers("www.disk.test") == ["192.0.2.1"], 30, "back from disk")


def test_catalog_makes_and_deletes_zones(pair):
    primary, secondary = pair
    primary.api("zones/create", zone="cat.test", type="Catalog")
    primary.api("zones/options/set", zone="cat.test", zoneTransfer="Allow",
                notify="SpecifiedNameServers", notifyNameServers=at(secondary))
    secondary.api("settings/set", notifyAllowedNetworks="127.0.0.0/8")
    secondary.api("zones/create", zone="mine.test", type="Primary")
    secondary.api("zones/create", zone="cat.test", type="SecondaryCatalog",
                  primaryNameServerAddresses=at(primary))
    count = 50
    for i in range(count):
        # Who may transfer and who is notified is the catalog's to say.
        primary.api("zones/create", zone=f"m{i}.test", type="Primary", catalog="cat.test")
        primary.api("zones/records/add", zone=f"m{i}.test", domain=f"www.m{i}.test", type="A",
                    ipAddress="192.0.2.1")
    make_primary(primary, "mine.test")
    primary.api("zones/options/set", zone="mine.test", catalog="cat.test")

    def members():
        return {z["name"] for z in secondary.api("zones/list")["zones"]
                if z.get("catalog") == "cat.test"}

    wait_until(lambda: len(members()) == count, 20, "members are made")
    wait_until(lambda: all(secondary.answers(f"www.m{i}.test") for i in range(count)), 20,
               "members are transferred")
    assert secondary.rcode("www.mine.test") == "NXDOMAIN"    # its own zone was left alone
    primary.api("zones/options/set", zone="m0.test", catalog="")
    primary.api("zones/delete", zone="m1.test")
    wait_until(lambda: len(members()) == count - 2, 10, "members are deleted")
    assert secondary.rcode("www.m0.test") == "REFUSED"
    # Gone and back under a new label: its contents come anew.
    primary.api("zones/options/set", zone="m0.test", catalog="cat.test")
    wait_until(lambda: secondary.answers("www.m0.test"), 10, "member is back")
    # Without the catalog the zones stay, and go on following the primary.
    secondary.api("zones/delete", zone="cat.test")
    assert secondary.answers("www.m2.test") == ["192.0.2.1"]
    secondary.api("zones/resync", zone="m2.test")
    assert secondary.answers("www.m2.test") == ["192.0.2.1"]
