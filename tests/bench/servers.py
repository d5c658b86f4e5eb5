"""How to start each server, on one port, in one directory, with one worker thread.

A server is a function (d, port, sc) -> argv.  It writes its configuration into
directory d.  sc is the scenario: "mode" (auth, rec or block), "zones" [(zone,
file)], "up" (port of the upstream), "tls"/"doh" (ports) where wanted, and
"data", the directory with the generated files.  Nothing here is specific to the
harness: to add a server, write one function and put it in SERVERS.
"""
import json
import os
import subprocess


def put(d, name, text):
    with open(os.path.join(d, name), "w") as f:
        f.write(text)
    return os.path.join(d, name)


def nsd(d, port, sc):
    tls = f"  tls-port: {sc['tls']}\n  ip-address: 127.0.0.1@{sc['tls']}\n  tls-service-key: {sc['data']}/key.pem\n  tls-service-pem: {sc['data']}/cert.pem\n" if sc.get("tls") else ""
    zones = "".join(f"zone:\n  name: {z}\n  zonefile: {f}\n  provide-xfr: 127.0.0.0/8 NOKEY\n" for z, f in sc["zones"])
    c = put(d, "nsd.conf", f"""server:
  server-count: 1
  ip-address: 127.0.0.1@{port}
  port: {port}
  username: ""
  database: ""
  zonesdir: {d}
  pidfile: {d}/nsd.pid
  xfrdfile: {d}/xfrd.state
  xfrdir: {d}
  zonelistfile: {d}/zone.list
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  minimal-responses: yes
  tcp-count: 200
  tcp-query-count: 0
  hide-version: yes
{tls}remote-control:
  control-enable: no
{zones}""")
    return ["nsd", "-d", "-c", c]


def knot(d, port, sc):
    os.makedirs(f"{d}/db", exist_ok=True)
    zones = "".join(f'  - domain: {z}\n    file: "{f}"\n' for z, f in sc["zones"])
    c = put(d, "knot.conf", f"""server:
  rundir: {d}
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  tcp-max-clients: 200
log:
  - target: stderr
    any: warning
database:
  storage: {d}/db
acl:
  - id: xfr
    address: 127.0.0.0/8
    action: transfer
template:
  - id: default
    storage: {d}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
    acl: xfr
zone:
{zones}""")
    return ["knotd", "-c", c]


def bind(d, port, sc):
    files = f'tls t {{ key-file "{sc["data"]}/key.pem"; cert-file "{sc["data"]}/cert.pem"; }};\n' if sc.get("tls") else ""
    listen = f"listen-on port {port} {{ 127.0.0.1; }};"
    if sc.get("tls"):
        listen += f" listen-on port {sc['tls']} tls t {{ 127.0.0.1; }};"
    if sc.get("doh"):
        listen += f" listen-on port {sc['doh']} tls t http default {{ 127.0.0.1; }};"
    if sc["mode"] == "auth":
        opt = "recursion no; allow-transfer { any; }; notify no;"
        zones = "".join(f'zone "{z}" {{ type primary; file "{f}"; }};\n' for z, f in sc["zones"])
    else:
        opt = (f"recursion yes; allow-recursion {{ any; }}; dnssec-validation no; max-cache-size 4g; qname-minimization off; "
               f"recursive-clients 100000; forward only; forwarders {{ 127.0.0.1 port {sc['up']}; }};")
        zones = ""
        if sc["mode"] == "block":
            opt += ' response-policy { zone "rpz"; } qname-wait-recurse no;'
            zones = f'zone "rpz" {{ type primary; file "{sc["data"]}/rpz.zone"; }};\n'
    c = put(d, "named.conf", f"""{files}options {{ directory "{d}"; pid-file "{d}/named.pid"; session-keyfile "{d}/session.key"; {listen}
  listen-on-v6 {{ none; }}; minimal-responses yes; querylog no; tcp-clients 1000; {opt} }};
controls {{ }};
{zones}""")
    return ["named", "-g", "-c", c, "-n", "1", "-U", "1"]


def pdns(d, port, sc):
    put(d, "named.conf", f'options {{ directory "{d}"; }};\n' + "".join(f'zone "{z}" {{ type master; file "{f}"; }};\n' for z, f in sc["zones"]))
    dnssec = f"bind-dnssec-db={d}/dnssec.db\n" if sc.get("dnssec") else ""
    if dnssec and not os.path.exists(f"{d}/dnssec.db"):
        put(d, "pdns.conf", f"launch=bind\nbind-config={d}/named.conf\n{dnssec}")
        for cmd in [f"create-bind-db {d}/dnssec.db"] + [x for z, _ in sc["zones"] for x in (f"set-presigned {z}", f"set-nsec3 {z} '1 0 0 -'")]:
            os.system(f"pdnsutil --config-dir={d} {cmd} >/dev/null 2>&1")
    put(d, "pdns.conf", f"""launch=bind
bind-config={d}/named.conf
{dnssec}local-address=127.0.0.1
local-port={port}
receiver-threads=1
distributor-threads=1
retrieval-threads=1
guardian=no
daemon=no
socket-dir={d}
disable-axfr=no
loglevel=3
max-tcp-connections=200
cache-ttl=60
query-cache-ttl=60
negquery-cache-ttl=60
max-cache-entries=4000000
max-packet-cache-entries=4000000
""")
    return ["pdns_server", f"--config-dir={d}"]


def gdnsd(d, port, sc):
    os.makedirs(f"{d}/zones", exist_ok=True)
    for z, f in sc["zones"]:
        link = f"{d}/zones/{z}"
        if not os.path.exists(link):
            os.symlink(os.path.abspath(f), link)
    put(d, "config", f"options => {{ listen => [127.0.0.1:{port}], udp_threads => 1, tcp_threads => 1, run_dir => {d}/run, state_dir => {d}/state, "
        "acme_challenge_ttl => 600, max_edns_response => 1232, tcp_clients_per_thread => 200, zones_default_ttl => 86400 }\n")
    return ["gdnsd", "-c", d, "start"]


def unbound(d, port, sc):
    tls = ""
    if sc.get("tls"):
        tls = f"  interface: 127.0.0.1@{sc['tls']}\n  tls-port: {sc['tls']}\n  tls-service-key: {sc['data']}/key.pem\n  tls-service-pem: {sc['data']}/cert.pem\n"
    if sc.get("doh"):
        tls += f"  interface: 127.0.0.1@{sc['doh']}\n  https-port: {sc['doh']}\n  http-max-streams: 300\n"
    extra, tail = "", f"forward-zone:\n  name: .\n  forward-addr: 127.0.0.1@{sc.get('up')}\n"
    mods = "iterator"
    if sc["mode"] == "auth":
        tail = "".join(f"auth-zone:\n  name: {z}\n  zonefile: {f}\n  for-upstream: no\n  for-downstream: yes\n" for z, f in sc["zones"])
    elif sc["mode"] == "block":
        if sc.get("list") == "local":
            extra = f"  include: {sc['data']}/block.unbound\n"
        else:
            mods = "respip iterator"
            tail += f"rpz:\n  name: rpz.\n  zonefile: {sc['data']}/rpz.zone\n"
    c = put(d, "unbound.conf", f"""server:
  num-threads: 1
  interface: 127.0.0.1@{port}
  port: {port}
{tls}  username: ""
  chroot: ""
  directory: {d}
  pidfile: {d}/unbound.pid
  use-syslog: no
  verbosity: 0
  do-daemonize: no
  do-not-query-localhost: no
  do-ip6: no
  module-config: "{mods}"
  msg-cache-size: 2g
  rrset-cache-size: 2g
  key-cache-size: 4m
  outgoing-range: 8192
  num-queries-per-thread: 4096
  incoming-num-tcp: 200
  so-rcvbuf: 4m
  minimal-responses: yes
  local-zone: "test." nodefault
  access-control: 127.0.0.0/8 allow
{extra}remote-control:
  control-enable: no
{tail}""")
    return ["unbound", "-d", "-c", c]


def unbound_local(d, port, sc):
    return unbound(d, port, dict(sc, list="local"))


def recursor(d, port, sc):
    lua = ""
    if sc["mode"] == "block":
        put(d, "rpz.lua", f'rpzFile("{sc["data"]}/rpz.zone", {{policyName="rpz"}})\n')
        lua = f"lua-config-file={d}/rpz.lua\n"
    put(d, "recursor.conf", f"""local-address=127.0.0.1
local-port={port}
forward-zones-recurse=.=127.0.0.1:{sc['up']}
dont-query=
threads=1
distributor-threads=0
pdns-distributes-queries=no
reuseport=yes
dnssec=off
daemon=no
socket-dir={d}
max-cache-entries=4000000
max-packetcache-entries=4000000
max-mthreads=8192
max-tcp-per-client=0
loglevel=3
quiet=yes
nothing-below-nxdomain=no
setuid=
setgid=
{lua}""")
    return ["pdns_recursor", f"--config-dir={d}"]


def dnsdist(d, port, sc):
    block = ""
    if sc["mode"] == "block":
        block = (f'local s = newSuffixMatchNode()\nfor l in io.lines("{sc["data"]}/block.list") do s:add(newDNSName(l)) end\n'
                 "addAction(SuffixMatchNodeRule(s), RCodeAction(DNSRCode.NXDOMAIN))\n")
    tls = f'addTLSLocal("127.0.0.1:{sc["tls"]}", "{sc["data"]}/cert.pem", "{sc["data"]}/key.pem", {{maxInFlight=1000}})\n' if sc.get("tls") else ""
    if sc.get("doh"):
        tls += f'addDOHLocal("127.0.0.1:{sc["doh"]}", "{sc["data"]}/cert.pem", "{sc["data"]}/key.pem", "/dns-query")\n'
    c = put(d, "dnsdist.conf", f"""setLocal("127.0.0.1:{port}", {{reusePort=true, maxInFlight=1000}})
{tls}setACL({{"127.0.0.0/8"}})
setSecurityPollSuffix("")
setMaxTCPClientThreads(1)
setUDPMultipleMessagesVectorSize(64)
newServer({{address="127.0.0.1:{sc['up']}", healthCheckMode="up"}})
pc = newPacketCache(4000000, {{maxTTL=86400, numberOfShards=20}})
getPool(""):setCache(pc)
{block}""")
    return ["dnsdist", "--supervised", "--disable-syslog", "-C", c]


def dnsmasq(d, port, sc):
    block = f"conf-file={sc['data']}/block.dnsmasq\n" if sc["mode"] == "block" else ""
    c = put(d, "dnsmasq.conf", f"""port={port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
no-poll
user=root
cache-size=1200000
dns-forward-max=4096
pid-file={d}/dnsmasq.pid
server=127.0.0.1#{sc['up']}
{block}""")
    return ["dnsmasq", "-k", "-C", c]


def kresd(d, port, sc):
    block = f"policy.add(policy.rpz(policy.DENY, '{sc['data']}/rpz.zone', false))\n" if sc["mode"] == "block" else ""
    tls = f"net.listen('127.0.0.1', {sc['tls']}, {{kind='tls'}})\nnet.tls('{sc['data']}/cert.pem', '{sc['data']}/key.pem')\n" if sc.get("tls") else ""
    if sc.get("doh"):
        tls += f"net.listen('127.0.0.1', {sc['doh']}, {{kind='doh2'}})\n"
    c = put(d, "kresd.conf", f"""net.listen('127.0.0.1', {port}, {{kind='dns'}})
{tls}trust_anchors.remove('.')
cache.size = 2*GB
{block}policy.add(policy.all(policy.FORWARD('127.0.0.1@{sc['up']}')))
""")
    return ["kresd", "-n", "-c", c, d]


def dnsd(d, port, sc):
    """Trellis: a node takes the zones in, stops, and dnsd alone serves from its store."""
    here = os.path.dirname(os.path.abspath(__file__))
    prepare = os.path.join(here, "prepare.py")
    subprocess.run(["/usr/bin/python3", prepare, d, str(port), json.dumps(sc)], check=True)
    return [os.path.join(os.environ.get("TRELLIS_BIN", os.path.join(here, "../../build/release/bin")), "dnsd"),
            "-c", f"{d}/node/etc/dnsd.conf", "-o", "workers=1", "-o", "log_level=warn"]


def echo(mode):
    return lambda d, port, sc: [sc["echo"], mode, str(port)]


SERVERS = {f.__name__: f for f in (nsd, knot, bind, pdns, gdnsd, unbound, unbound_local, recursor, dnsdist, dnsmasq, kresd, dnsd)}
SERVERS |= {"echo-" + m: echo(m) for m in ("single", "mmsg", "gro", "uring")}
