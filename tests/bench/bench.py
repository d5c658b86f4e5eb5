#!/usr/bin/env python3
"""Measures DNS servers against each other on this machine.

usage: bench.py SCENARIO... [--servers a,b] [--rounds N] [--secs S] [--tools load,dnsperf] [--json FILE] [--show]

Each server runs pinned to core 0 with one worker; the loader runs on core 1.
All servers of a scenario are started first, then measured in turn, round by
round.  The CPU that a server used is read from /proc for every process of its
group.  Environment: BENCH_DIR (default /tmp/bench), BENCH_NICE (default 0).
"""
import argparse, json, os, re, shutil, signal, socket, statistics, struct, subprocess, sys, time
from servers import SERVERS

HERE = os.path.dirname(os.path.abspath(__file__))
DIR = os.environ.get("BENCH_DIR", "/tmp/bench")
DATA = os.path.join(DIR, "data")
NICE = int(os.environ.get("BENCH_NICE", "0"))
BINS = {}       # --bin: another build of a server, under a name such as nsd+mmsg
TICK = os.sysconf("SC_CLK_TCK")
AUTH = ["dnsd", "nsd", "knot", "bind", "pdns", "gdnsd"]
REC = ["unbound", "bind", "recursor", "dnsdist", "dnsmasq", "kresd"]
BIGZ = [("big.test", f"{DATA}/big.test.zone")]
SMALLZ = [("small.test", f"{DATA}/small.test.zone")]

SCENARIOS = {
    "limit": dict(mode="auth", zones=[], q="small.q", servers=["echo-single", "echo-mmsg", "echo-uring"]),
    "limit-gso": dict(mode="auth", zones=[], q="small.q", servers=["echo-single", "echo-mmsg", "echo-gro", "echo-uring"], load="-G"),
    "small": dict(mode="auth", zones=SMALLZ, q="small.q", servers=AUTH + ["unbound"]),
    "big": dict(mode="auth", zones=BIGZ, q="big.q", servers=AUTH),
    "signed": dict(mode="auth", zones=[("sec.test", f"{DATA}/sec.test.signed")], q="sec.q", servers=["dnsd", "nsd", "knot", "bind", "pdns"], do=True, dnssec=True),
    "many": dict(mode="auth", q="many.q", servers=AUTH,
                 zones=[(f"z{k:05d}.test", f"{DATA}/many/z{k:05d}.test") for k in range(10_000)]),
    "hit10k": dict(mode="rec", q="hit10k.q", warm="hit10k.warm", servers=REC),
    "hit1m": dict(mode="rec", q="hit1m.q", warm="hit1m.q", servers=REC),
    "miss": dict(mode="rec", q="miss%d.q", servers=REC),
    "blocked": dict(mode="block", q="blocked.q", servers=["unbound", "unbound_local", "bind", "recursor", "dnsdist", "dnsmasq"]),
    "passed": dict(mode="block", q="hit10k.q", warm="hit10k.warm", servers=["unbound", "unbound_local", "bind", "recursor", "dnsdist", "dnsmasq"]),
    "tcp-auth": dict(mode="auth", zones=SMALLZ, q="small.q", servers=AUTH, load="-T", proto="tcp"),
    "tcp-rec": dict(mode="rec", q="hit10k.q", warm="hit10k.warm", servers=REC, load="-T", proto="tcp"),
    "dot-auth": dict(mode="auth", zones=SMALLZ, q="small.q", servers=["nsd", "bind"], proto="dot", tls=True),
    "dot-rec": dict(mode="rec", q="hit10k.q", warm="hit10k.warm", servers=["unbound", "bind", "dnsdist", "kresd"], proto="dot", tls=True),
    "doh-rec": dict(mode="rec", q="hit10k.q", warm="hit10k.warm", servers=["unbound", "bind", "dnsdist", "kresd"], proto="doh", tls=True, doh=True),
}


def installed(name):
    """A peer that this machine does not have is left out of a scenario's own list."""
    program = {"bind": "named", "pdns": "pdns_server", "recursor": "pdns_recursor", "knot": "knotd",
               "unbound_local": "unbound"}.get(name, name)
    return name == "dnsd" or name.startswith("echo") or shutil.which(program) is not None


def pids(session):
    out = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            f = open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(f[3]) == session:
            out.append(p)
    return out


def cpu(session):
    """(user, system, exact total) seconds over the session's processes, all threads."""
    u = s = ns = 0
    for p in pids(session):
        try:
            f = open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()
            u, s = u + int(f[11]), s + int(f[12])
            for t in os.listdir(f"/proc/{p}/task"):
                ns += int(open(f"/proc/{p}/task/{t}/schedstat").read().split()[0])
        except OSError:
            pass
    return u / TICK, s / TICK, ns / 1e9


def core_busy():
    """Busy seconds of core 0 and core 1 since boot."""
    rows = [list(map(int, l.split()[1:9])) for l in open("/proc/stat") if re.match(r"cpu[01] ", l)]
    return [(sum(r) - r[3] - r[4]) / TICK for r in rows]


def memory(session):
    """Proportional set size of the session, MiB (forked children share pages)."""
    kb = 0
    for p in pids(session):
        try:
            kb += int(re.search(r"Pss:\s+(\d+)", open(f"/proc/{p}/smaps_rollup").read())[1])
        except (OSError, TypeError):
            pass
    return kb / 1024


def probe(port, name, timeout=0.25):
    q = b"\0\7\1\0\0\1\0\0\0\0\0\0" + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        try:
            s.connect(("127.0.0.1", port))
            s.send(q)
            r = s.recv(4096)
            return r[3] & 15 in (0, 3) and len(r) > len(q)
        except OSError:
            return False


def first_name(qfile):
    return open(os.path.join(DATA, qfile)).readline().split()[0]


def start(argv, core, **kw):
    """Runs argv on one core in a session of its own, at $BENCH_NICE (also within the scheduler's autogroups)."""
    def child():
        os.setsid()
        os.nice(NICE)
        try:
            open("/proc/self/autogroup", "w").write(str(NICE))
        except OSError:
            pass
    return subprocess.Popen(["taskset", "-c", core] + argv, preexec_fn=child, stdin=subprocess.DEVNULL, **kw)


def output(argv, core):
    return start(argv, core, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).communicate()[0]


class Server:
    def __init__(self, name, port, sc, core="0"):
        self.name, self.port = name, port
        self.tls, self.doh = port + 1000, port + 2000
        sc = dict(sc, data=DATA, echo=os.path.join(DIR, "echo"))
        for k in ("tls", "doh"):
            if sc.get(k):
                sc[k] = getattr(self, k)
        self.dir = os.path.join(DIR, "run", f"{name}-{port}")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        argv = SERVERS[name.split("+")[0]](self.dir, port, sc)
        argv[0] = BINS.get(name, argv[0])
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.t0 = time.time()
        self.proc = start(argv, core, stdout=self.log, stderr=self.log, cwd=self.dir)

    def wait(self, name, limit=300):
        while time.time() - self.t0 < limit and self.proc.poll() is None:
            if probe(self.port, name):
                self.ready = time.time() - self.t0
                used, now = -1, 0       # some go on loading in the background: wait until it is idle
                total = lambda: max(sum(cpu(self.proc.pid)[:2]), cpu(self.proc.pid)[2])
                while now - used > 0.03 and time.time() - self.t0 < limit:
                    used = total()
                    time.sleep(0.3)
                    now = total()
                self.settled = time.time() - self.t0 - 0.3
                self.load_cpu, self.rss = now, memory(self.proc.pid)
                return True
            time.sleep(0.01)
        print(f"{self.name}: did not start, see {self.dir}/log", file=sys.stderr)
        self.stop()
        return False

    def stop(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for p in pids(self.proc.pid):
                try:
                    os.kill(int(p), sig)
                except OSError:
                    pass
            for _ in range(100):
                self.proc.poll()
                if not pids(self.proc.pid):
                    return
                time.sleep(0.05)


def run_load(tool, srv, sc, qfile, secs, extra=()):
    q = os.path.join(DATA, qfile)
    proto = sc.get("proto", "udp")
    if tool == "load":
        cmd = [os.path.join(DIR, "load"), "-p", str(srv.port), "-d", q, "-l", str(secs)] + sc.get("load", "").split() + list(extra)
        cmd += ["-R"] if sc["mode"] != "auth" else []
        cmd += ["-D"] if sc.get("do") else []
        return json.loads(output(cmd, "1"))
    port = {"dot": srv.tls, "doh": srv.doh}.get(proto, srv.port)
    cmd = ["dnsperf", "-m", proto, "-p", str(port), "-d", q, "-l", str(secs), "-c", "8", "-q", "128", "-T", "1", "-t", "2"]
    cmd += ["-D"] if sc.get("do") else []
    cmd += ["-O", f"doh-uri=https://localhost:{port}/dns-query"] if proto == "doh" else []
    t = output(cmd, "1")
    num = lambda pat: float((re.search(pat, t) or [0, 0])[1])
    return dict(qps=num(r"Queries per second:\s+([\d.]+)"), sent=int(num(r"Queries sent:\s+(\d+)")), answered=int(num(r"Queries completed:\s+(\d+)")),
                lost=int(num(r"Queries lost:\s+(\d+)")), avg_us=num(r"Average Latency \(s\):\s+([\d.]+)") * 1e6,
                noerror=int(num(r"NOERROR (\d+)")), nxdomain=int(num(r"NXDOMAIN (\d+)")), servfail=int(num(r"SERVFAIL (\d+)")))


def measure(tool, srv, sc, qfile, secs, extra=()):
    c0, b0, t0 = cpu(srv.proc.pid), core_busy(), time.time()
    r = run_load(tool, srv, sc, qfile, secs, extra)
    c1, b1, t1 = cpu(srv.proc.pid), core_busy(), time.time()
    n, total, ticks = max(r["answered"], 1), c1[2] - c0[2], c1[0] - c0[0] + c1[1] - c0[1]
    if total < 0.95 * ticks:    # threads that ended meanwhile are only in the coarser count
        total = ticks
    share = (c1[0] - c0[0]) / max(ticks, 1e-9)
    r.update(server=srv.name, tool=tool, us=total / n * 1e6, us_user=total * share / n * 1e6, us_sys=total * (1 - share) / n * 1e6,
             server_busy=total / (t1 - t0), foreign0=(b1[0] - b0[0] - total) / (t1 - t0), rss=memory(srv.proc.pid))
    return r


def med(rows, k):
    v = [r[k] for r in rows if k in r]
    return statistics.median(v) if v else float("nan")


def spread(rows, k):
    v = [r[k] for r in rows if k in r]
    return (max(v) - min(v)) / max(statistics.median(v), 1e-9) * 100 if v else 0


def table(name, data):
    tool = "load" if any(r["tool"] == "load" for r in data["runs"]) else "dnsperf"
    out = ["| server | q/s | lost % | err % | µs/q | best | user | sys | p50 µs | p99 µs | busy % | other % | spread % | dnsperf q/s | dnsperf µs/q | load s | load CPU s | RSS MiB |", "|---|" + "--:|" * 17]
    for s in dict.fromkeys(r["server"] for r in data["runs"]):
        a = [r for r in data["runs"] if r["server"] == s and r["tool"] == tool]
        b = [r for r in data["runs"] if r["server"] == s and r["tool"] == "dnsperf"]
        st = data["start"].get(s, {})
        lost = 100 * sum(r["lost"] for r in a) / max(sum(r["sent"] for r in a), 1)
        err = 100 * sum(r.get('servfail', 0) + r.get('refused', 0) + r.get('bad', 0) for r in a) / max(sum(r['answered'] for r in a), 1)
        out.append(f"| {s} | {med(a, 'qps'):,.0f} | {lost:.2f} | {err:.1f} | {med(a, 'us'):.2f} | {min((r['us'] for r in a), default=0):.2f} | {med(a, 'us_user'):.2f} | {med(a, 'us_sys'):.2f} | {med(a, 'p50_us'):.0f} | "
                   f"{med(a, 'p99_us'):.0f} | {100 * med(a, 'server_busy'):.0f} | {100 * med(a, 'foreign0'):.0f} | {spread(a, 'us'):.0f} | "
                   f"{med(b, 'qps'):,.0f} | {med(b, 'us'):.2f} | {st.get('ready', 0):.2f} | {st.get('cpu', 0):.2f} | {st.get('rss', 0):.0f}→{max((r['rss'] for r in a + b), default=0):.0f} |")
    return "\n".join(out)


def scenario(name, args):
    sc = dict(SCENARIOS[name])
    names = args.servers.split(",") if args.servers else [n for n in sc["servers"] if installed(n)]
    tools = [t for t in args.tools.split(",") if not (t == "load" and sc.get("proto") in ("dot", "doh")) and not (t == "dnsperf" and "-G" in sc.get("load", ""))]
    data = dict(start={}, runs=[], date=time.strftime("%F %T"), secs=args.secs)
    up, servers, miss = None, [], 0
    probe_name = "ns1.big.test" if sc["mode"] != "auth" else first_name(sc["q"])
    try:
        if sc["mode"] != "auth":        # the upstream shares the loader's core
            up = Server("nsd", 5399, dict(mode="auth", zones=BIGZ + [("miss.test", f"{DATA}/miss.test.zone")]), core="1")
            if not up.wait("ns1.big.test"):
                return
            sc["up"] = 5399
        for i, n in enumerate(names):
            s = Server(n, 5301 + i, sc)
            if s.wait(probe_name):
                servers.append(s)
                data["start"][n] = dict(ready=s.ready, settled=s.settled, cpu=s.load_cpu, rss=s.rss)
                print(f"  {name}: {n} up in {s.ready:.2f} s, idle at {s.settled:.2f} s, {s.rss:.0f} MiB", flush=True)
        for s in servers:
            if sc.get("warm"):
                n = sum(1 for _ in open(os.path.join(DATA, sc["warm"])))
                for _ in range(2):      # the second pass picks up what the first one lost
                    w = run_load("load", s, dict(mode="rec"), sc["warm"], 60, ["-n", str(n)])
                print(f"  {name}: {s.name} warm, {w['with_answer']} of {n}", flush=True)
        for r in range(args.rounds):
            for t in tools:
                for s in servers:
                    q = sc["q"]
                    if "%d" in q:
                        q, miss = q % (miss % 24), miss + 1
                        m = measure(t, s, sc, q, args.secs, ["-n", "390000"])
                    else:
                        m = measure(t, s, sc, q, args.secs, ["-k", str(r * 250_000)])
                    data["runs"].append(dict(m, round=r))
    finally:
        for s in servers + ([up] if up else []):
            s.stop()
    return data


def main():
    p = argparse.ArgumentParser()
    p.add_argument("scenario", nargs="+", choices=list(SCENARIOS) + ["all"])
    p.add_argument("--servers")
    p.add_argument("--bin", action="append", default=[], metavar="NAME+LABEL=PATH", help="another binary; name it in --servers")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--secs", type=float, default=3)
    p.add_argument("--tools", default="load,dnsperf")
    p.add_argument("--json", default=os.path.join(DIR, "results.json"))
    p.add_argument("--show", action="store_true", help="print the tables of the stored numbers, measure nothing")
    a = p.parse_args()
    BINS.update(b.split("=", 1) for b in a.bin)
    os.makedirs(DIR, exist_ok=True)
    for prog, libs in (("load", []), ("echo", ["-DHAVE_URING", "-luring"] if os.path.exists("/usr/include/liburing.h") else [])):
        exe, src = os.path.join(DIR, prog), os.path.join(HERE, prog + ".c")
        if not a.show and (not os.path.exists(exe) or os.path.getmtime(exe) < os.path.getmtime(src)):
            subprocess.run(["cc", "-O2", "-march=native", "-o", exe, src] + libs, check=True)
    for name in SCENARIOS if "all" in a.scenario else a.scenario:
        store = json.load(open(a.json)) if os.path.exists(a.json) else {}
        if not a.show:
            got = scenario(name, a)
            if not got:
                continue
            if a.servers and name in store:     # part of a scenario: replace only those servers
                old = store[name]
                got["runs"] = [r for r in old["runs"] if r["server"] not in got["start"]] + got["runs"]
                got["start"] = dict(old["start"], **got["start"])
            store[name] = got
            with open(a.json, "w") as f:
                json.dump(store, f, indent=None, separators=(",", ":"))
        if name in store:
            print(f"\n### {name}\n\n{table(name, store[name])}\n", flush=True)


if __name__ == "__main__":
    main()
