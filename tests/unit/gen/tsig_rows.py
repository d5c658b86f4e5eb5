#!/usr/bin/python3
"""Writes tests/unit/common/dns/tsig_rows.h: exchanges signed by dnspython.

Run by hand: tests/unit/gen/tsig_rows.py > tests/unit/common/dns/tsig_rows.h
"""
import time

import dns.flags
import dns.message
import dns.name
import dns.rrset
import dns.tsig

NOW = 1800000000
time.time = lambda: NOW

SECRET = "c2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMhIQ=="
ALGORITHMS = ["hmac-md5.sig-alg.reg.int", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha256-128",
              "hmac-sha384", "hmac-sha384-192", "hmac-sha512", "hmac-sha512-256"]


def soa(message, serial):
    message.answer.append(dns.rrset.from_text("example.", 60, "IN", "SOA", f"ns. hm. {serial} 1 2 3 4"))


def reply_to(query, request_mac, key, serial):
    reply = dns.message.make_response(query)
    soa(reply, serial)
    if key is not None:
        reply.use_tsig(key, original_id=query.id)
        reply.request_mac = request_mac
    return reply


print("// Made by tests/unit/gen/tsig_rows.py with dnspython; not edited by hand.")
print("#define ROWS_NOW %d\n#define ROWS_SECRET \"%s\"" % (NOW, SECRET))
print("// One exchange: request, reply, and a stream of four messages, the third unsigned. Hex.")
print("static const struct tsig_row {\n    const char *algorithm;\n    const char *request;\n"
      "    const char *reply;\n    const char *stream[4];\n} tsig_rows[] = {")
for algorithm in ALGORITHMS:
    # Nothing of the name is in the messages: dnspython would compress it, which the digest does not see.
    key = dns.tsig.Key("key.tsig.", SECRET, dns.name.from_text(algorithm))
    query = dns.message.make_query("example.", "AXFR", id=0x1234)
    query.flags = 0
    query.use_tsig(key)
    request = query.to_wire()
    plain = dns.message.make_query("example.", "AXFR", id=0x1234)
    plain.flags = 0

    reply = reply_to(plain, query.mac, key, 1).to_wire()

    first = reply_to(plain, query.mac, key, 1)
    stream = [first.to_wire(multi=True)]
    second = reply_to(plain, b"", key, 2)
    stream.append(second.to_wire(multi=True, tsig_ctx=first.tsig_ctx))
    third = reply_to(plain, b"", None, 3).to_wire()
    stream.append(third)
    second.tsig_ctx.update(third)
    fourth = reply_to(plain, b"", key, 4)
    stream.append(fourth.to_wire(multi=True, tsig_ctx=second.tsig_ctx))
    print('    {"%s",\n     "%s",\n     "%s",\n     {%s}},' % (
        algorithm, request.hex(), reply.hex(), ",\n      ".join('"%s"' % m.hex() for m in stream)))
print("};")
