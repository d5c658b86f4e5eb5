#!/usr/bin/python3
"""Runs every test of the project; `make check` calls this. Ends with `N passed, N failed`.

    tests/run.py [--only STAGE ...] [--fuzz-seconds N] [--list]

Stages run one after the other, builds first. What a stage printed is in build/check/<stage>.log; of
a failed one the end is shown. Exit code 0 only when nothing failed.
"""

import argparse
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
OUT = TOP / "build/check"
CORES = os.cpu_count() or 2
CCACHE = "ccache " if subprocess.run(["sh", "-c", "command -v ccache"], capture_output=True).returncode == 0 else ""
TAIL = 60


def run(name, command, timeout, cwd=TOP):
    """Runs a command with its output in a log; returns (exit code, text)."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.log"
    with open(path, "wb") as log:
        process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            log.write(f"\ntimed out after {timeout} s\n".encode())
            code = 124
    return code, path.read_text(errors="replace")


def fail(name, text):
    print(f"--- {name} failed; the end of build/check/{name.replace('/', '-')}.log:")
    print("\n".join(text.splitlines()[-TAIL:]), flush=True)


def make(name, *words, timeout=900):
    """A build counts as one test."""
    code, text = run(name, ["make", "--no-print-directory", f"-j{CORES}", *words], timeout)
    if code != 0:
        fail(name, text)
        return 0, 1
    return 1, 0


def stage_build(options):
    """Release, sanitizers, and the other compiler; warnings are errors in all."""
    results = [make("build-san", f"CC={CCACHE}gcc", "SAN=1", "programs", "unit-build", "test-programs"),
               make("build-release", f"CC={CCACHE}gcc", "all", "test-programs"),
               make("build-clang", f"CC={CCACHE}clang", "BUILD=build/clang", "programs"),
               make("build-fuzz", f"CC={CCACHE}clang", "FUZZ=1", "BUILD=build/fuzz", "fuzz-build")]
    return add(results)


def stage_lint(options):
    return make("lint", "lint")


def stage_unit(options):
    """Every cmocka program of the sanitizer build."""
    programs = sorted(p for p in (TOP / "build/san/tests").rglob("*_test") if os.access(p, os.X_OK))

    def one(program):
        name = "unit-" + str(program.relative_to(TOP / "build/san/tests")).replace("/", "-")
        code, text = run(name, [str(program)], 120)
        passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
        failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", text))
        if code != 0 and failed == 0:
            failed = 1
        if failed:
            fail(name, text)
        return passed, failed

    with ThreadPoolExecutor(CORES) as pool:
        return add(pool.map(one, programs)) if programs else (0, 1)


def stage_panel(options):
    """The panel's own unit tests and its screens against a stand-in API."""
    results = []
    for script, timeout in (("test.mjs", 120), ("ui-test.mjs", 400)):
        name = "panel-" + script.removesuffix(".mjs")
        code, text = run(name, ["node", script], timeout, cwd=TOP / "webd/ui")
        passed = sum(int(n) for n in re.findall(r"^(?:#|ℹ) pass (\d+)", text, re.M))
        failed = sum(int(n) for n in re.findall(r"^(?:#|ℹ) fail (\d+)", text, re.M))
        if code != 0 and failed == 0:
            failed = 1
        if failed:
            fail(name, text)
        results.append((passed, failed))
    return add(results)


def pytest(name, timeout):
    report = OUT / f"{name}.xml"
    code, text = run(name, ["/usr/bin/python3", "-m", "pytest", "-q", "-rfE", "--durations=8",
                            "-p", "no:cacheprovider", f"--junitxml={report}", f"tests/{name}"], timeout)
    if code == 5:
        return 0, 1
    try:
        suite = xml.parse(report).getroot().find("testsuite")
        total, bad = int(suite.get("tests")), int(suite.get("failures")) + int(suite.get("errors"))
        passed, failed = total - bad - int(suite.get("skipped")), bad
    except (OSError, xml.ParseError, AttributeError):
        passed, failed = 0, 1
    if code != 0 and failed == 0:
        failed = 1
    for line in text.splitlines():
        if line.startswith("measured:"):
            print("  " + line)
    if failed:
        fail(name, text)
    return passed, failed


def stage_system(options):
    return pytest("system", 900)


def stage_cluster(options):
    return pytest("cluster", 900)


def stage_browser(options):
    return pytest("browser", 400)


def stage_fuzz(options):
    """Each target for a while, from its corpus; a finding is kept beside the log."""
    programs = sorted((TOP / "build/fuzz/fuzz").glob("*_fuzz"))

    def one(program):
        name = program.name
        corpus = TOP / "tests/fuzz/corpus" / name.removesuffix("_fuzz")
        work = OUT / "corpus" / name
        work.mkdir(parents=True, exist_ok=True)
        seeds = [str(corpus)] if corpus.is_dir() else []
        code, text = run(f"fuzz-{name}", [str(program), f"-max_total_time={options.fuzz_seconds}",
                                          "-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1",
                                          f"-artifact_prefix={OUT}/{name}-", str(work), *seeds],
                         options.fuzz_seconds + 120)
        if code != 0:
            fail(f"fuzz-{name}", text)
            return 0, 1
        return 1, 0

    with ThreadPoolExecutor(CORES) as pool:
        return add(pool.map(one, programs)) if programs else (0, 1)


def add(results):
    passed = failed = 0
    for p, f in results:
        passed += p
        failed += f
    return passed, failed


STAGES = {name.removeprefix("stage_"): function for name, function in list(globals().items())
          if name.startswith("stage_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--fuzz-seconds", type=int, default=int(os.environ.get("FUZZ_SECONDS", "60")))
    options = parser.parse_args()
    passed = failed = 0
    begin = time.monotonic()
    for name in options.only:
        start = time.monotonic()
        p, f = STAGES[name](options)
        passed += p
        failed += f
        print(f"{name:8} {p:5} passed {f:3} failed  {time.monotonic() - start:6.1f} s", flush=True)
        if name == "build" and f:
            break
    print(f"all of it took {time.monotonic() - begin:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
