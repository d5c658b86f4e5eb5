#!/usr/bin/python3
"""Writes tests/unit/common/dns/rdata_rows.h: record data in text and, by dnspython, in wire form.

Run by hand when a row is added: tests/unit/gen/rdata_rows.py > tests/unit/common/dns/rdata_rows.h
"""
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

ORIGIN = dns.name.from_text("example.com.")

# Type and text as a zone file has it; names without a last dot are below example.com.
ROWS = [
    ("A", "192.0.2.1"),
    ("NS", "ns1"),
    ("NS", "NS1.Example.NET."),
    ("CNAME", "@"),
    ("SOA", "ns hostmaster 2026112301 7200 3600 1209600 300"),
    ("SOA", "ns host\\.master.example.org. 1 2h 1H 2w 1h30m"),
    ("PTR", "host.example.net."),
    ("HINFO", '"PC Intel" Linux'),
    ("MX", "10 mail"),
    ("MX", "0 ."),
    ("TXT", "plain"),
    ("TXT", '"two words" "and \\"quotes\\" \\\\ \\065\\000\\255" ""'),
    ("RP", "mbox txt.example.net."),
    ("AFSDB", "1 afs"),
    ("X25", "311061700956"),
    ("RT", "2 relay"),
    ("PX", "10 map822 mapx400"),
    ("GPOS", "-32.6882 116.8652 10.0"),
    ("AAAA", "2001:db8::1"),
    ("AAAA", "::ffff:192.0.2.1"),
    ("LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000.00m 10.00m"),
    ("LOC", "42 21 54 N 71 06 18 W -24m 30m"),
    ("LOC", "32 7 S 116 E 10"),
    ("SRV", "0 5 5060 sip.example.com."),
    ("NAPTR", '100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .'),
    ("KX", "10 kx"),
    ("CERT", "1 12345 8 AQIDBAUG"),
    ("CERT", "PKIX 1 RSASHA256 AQIDBAUG"),
    ("DNAME", "other.example."),
    ("APL", "1:192.168.32.0/21 !1:192.168.38.0/28"),
    ("APL", "2:2001:db8::/32 1:0.0.0.0/0"),
    ("DS", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
    ("DS", "60485 RSASHA256 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B83 83F6A1E4469DA50A"),
    ("SSHFP", "4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789"),
    ("IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("IPSECKEY", "10 3 2 gw AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("IPSECKEY", "10 2 2 2001:db8::2 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("IPSECKEY", "10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("RRSIG", "A 5 3 86400 20300322173103 20300220173103 2642 example.com. "
              "oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTrPYGv07h108dUKGMeDPKijVCHX3DD Kdfb+v6oB9wfuh3DTJXUAfI="),
    ("RRSIG", "TYPE65535 ECDSAP256SHA256 0 1h 1900000000 0 1 . AAAA"),
    ("NSEC", "host.example.com. A MX RRSIG NSEC TYPE1234"),
    ("NSEC", "@ NS SOA CAA TYPE65535"),
    ("DNSKEY", "256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+BBZH4b/0PY1kxkmvHjcZc8no"),
    ("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="),
    ("NSEC3", "1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG"),
    ("NSEC3", "1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s"),
    ("NSEC3PARAM", "1 0 12 aabbccdd"),
    ("NSEC3PARAM", "1 0 0 -"),
    ("TLSA", "3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"),
    ("SMIMEA", "3 0 0 aabb"),
    ("CDS", "0 0 0 00"),
    ("CDNSKEY", "0 3 0 AA=="),
    ("OPENPGPKEY", "mQENBFVHm5sBCACkLH0Cfg=="),
    ("CSYNC", "66 3 A NS AAAA"),
    ("ZONEMD", "2018031500 1 1 616c6c6f77656420627574206e6f7420616c6c6f77656420627574206e6f7420616c6c6f77656420627574206e6f7431"),
    ("SVCB", "0 svc.example.net."),
    ("SVCB", "1 ."),
    ("SVCB", "16 foo.example.org. port=53"),
    ("SVCB", '1 foo.example.com. key667="hello\\210qoo"'),
    ("SVCB", '1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1"'),
    ("SVCB", "16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1"),
    ("SVCB", '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"'),
    ("HTTPS", "1 . alpn=h3,h2 no-default-alpn ipv4hint=192.0.2.1,192.0.2.2 ech=AAEC"),
    ("SPF", '"v=spf1 -all"'),
    ("NID", "10 0014:4fff:ff20:ee64"),
    ("L32", "10 10.1.2.0"),
    ("L64", "10 2001:0db8:1140:1000"),
    ("LP", "10 l64-subnet1"),
    ("EUI48", "00-00-5e-00-53-2a"),
    ("EUI64", "00-00-5e-ef-10-00-00-2a"),
    ("URI", '10 1 "ftp://ftp1.example.com/public"'),
    ("CAA", '0 issue "ca.example.net; policy=ev"'),
    ("CAA", '128 iodef "mailto:security@example.com"'),
    ("CAA", '0 issue ""'),
    ("AVC", '"app-name:WOLFGANG"'),
    ("TYPE731", "\\# 6 abcdef 012345"),
    ("TYPE62347", "\\# 0"),
    ("A", "\\# 4 0a000001"),
]


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


print("// Made by tests/unit/gen/rdata_rows.py with dnspython; not edited by hand.")
print("static const struct rdata_row {\n    const char *type;\n    const char *text;\n"
      "    const char *wire;   // hex\n} rdata_rows[] = {")
for mnemonic, text in ROWS:
    rdtype = dns.rdatatype.from_text(mnemonic)
    # dnspython takes no words for algorithms in DS and no units in RRSIG's TTL; ours does.
    plain = text.replace("RSASHA256 2 D4", "8 2 D4").replace(" 0 1h 19", " 0 3600 19")
    wire = dns.rdata.from_text(dns.rdataclass.IN, rdtype, plain, origin=ORIGIN, relativize=False).to_wire()
    print("    {%s, %s,\n     %s}," % (quote(mnemonic), quote(text), quote(wire.hex())))
print("};")
