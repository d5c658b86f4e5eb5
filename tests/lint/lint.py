#!/usr/bin/python3
"""Checks what a tool can check of the house's rules: directions of includes, banned functions, lengths.

    tests/lint/lint.py [FILE ...]      without files: everything that git knows

Prints `file:line: rule`; exit code 1 when there was something. A line is let off with a reason:
`// lint-ok: why`.
"""

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent

# The width of lines is left to `make format`.
FILE_LINES, FUNCTION_LINES = 1000, 100
DAEMONS = ("dnsd", "clusterd", "webd")
BASE = "common/base"

# Layer: what it may include beside itself. Longest prefix wins.
LAYERS = {
    "common/base": (),
    "common/dns": (BASE,),
    "common/tls": (BASE,),
    "common/rpc": (BASE, "proto"),
    "common/http": (BASE, "common/tls"),
    "common/conf": (BASE, "common/dns", "common/rpc", "proto"),
    "common/app": (BASE, "common/dns", "common/conf", "common/rpc", "common/http", "common/tls"),
    "dnsd": ("common", "proto", "dnsd"),
    "clusterd": ("common", "proto", "clusterd"),
    "clusterd/cli": ("common", "proto"),
    "webd": ("common", "proto", "webd"),
    # The packet path.
    "dnsd/query": (BASE, "common/dns", "dnsd/zone", "dnsd/block", "dnsd/cache", "dnsd/conf", "dnsd/stats"),
    "dnsd/cache": (BASE, "common/dns", "dnsd/conf"),
    "dnsd/block": (BASE, "common/dns", "dnsd/conf"),
    # Stand-ins, load generators and unit tests reach everything.
    "tests": ("common", "proto", "tests", *DAEMONS),
}

# Header of a library: where it may be included, or where not.
ONLY_IN = {"nanomsg/": ("common/rpc/",), "microhttpd.h": ("webd/http/",)}
NOT_IN = {"ldns/": ("dnsd/query/", "dnsd/net/", "dnsd/block/", "dnsd/cache/", "dnsd/zone/lookup", "dnsd/zone/tree",
                    "dnsd/zone/version")}

# Function: why not. Below: where it is allowed all the same.
BANNED = {
    "strcpy": "use str_copy", "strcat": "use struct str", "sprintf": "use snprintf or str_printf",
    "vsprintf": "use vsnprintf", "strncpy": "use str_copy", "strtok": "cut by hand", "gets": "never",
    "atoi": "use str_to_u32", "atol": "use str_to_i64", "atoll": "use str_to_i64", "alloca": "use an arena",
    "malloc": "use mem_alloc", "calloc": "use mem_calloc", "realloc": "use mem_realloc",
    "strdup": "use mem_strdup", "strndup": "use mem_dup", "asprintf": "use struct str",
    "signal": "use sigaction or the event loop", "system": "never", "popen": "never",
    "fork": "nothing forks but to exec", "vfork": "nothing forks but to exec",
}
BANNED_BUT = {"fork": ("tests/",), "popen": ("tests/",), "atoi": ("tests/bench/",),
              "malloc": ("common/base/", "tests/bench/"), "calloc": ("common/base/", "tests/bench/"),
              "realloc": ("common/base/", "tests/bench/")}

# Paths of somebody's machine; in pieces, so that this line is not one.
MACHINE = re.compile(r"(?<![\w.~*}$-])/(?:ho" + r"me|ro" + r"ot|wo" + r"rk|Us" + r"ers)/\w")
TEXT_SUFFIXES = {".c", ".h", ".def", ".py", ".mk", ".md", ".proto", ".sh", ".ts", ".tsx", ".mjs", ".css", ".html",
                 ".json", ".txt", ".service", ".conf", ""}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.M)
KEYWORD = re.compile(r"\b(if|for|while|else|do)\b")


def blank(match):
    """The same number of lines and columns, nothing in them."""
    text = match.group()
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[-1]
    return re.sub(r"[^\n]", " ", text)


def layer_of(path):
    fits = [name for name in LAYERS if path.startswith(name + "/")]
    return max(fits, key=len) if fits else None


def check_include(path, target, is_local):
    layer = layer_of(path)
    for library, places in ONLY_IN.items():
        if target.startswith(library) and not path.startswith(places):
            yield f"{library.rstrip('/')} is included only in {', '.join(places)}"
    for library, places in NOT_IN.items():
        if target.startswith(library) and path.startswith(places):
            yield f"{library.rstrip('/')} is kept off the packet path"
    if not is_local or layer is None:
        return
    if "/" not in target:
        yield f"include \"{target}\" by its path from the top"
        return
    allowed = (layer, *LAYERS[layer])
    if not target.startswith(tuple(name + "/" for name in allowed)):
        yield f"{layer} may not include {target}"
    parts = target.split("/")
    if parts[0] in DAEMONS and len(parts) > 2 and parts[1] == "ctl":
        if not path.startswith((f"{parts[0]}/ctl/", "tests/")) and path != f"{parts[0]}/main.c":
            yield "only ctl and main.c include ctl"


def check_braces(code):
    """Bodies of if, else, for, while and do without braces."""
    for match in KEYWORD.finditer(code):
        at = match.end()
        word = match.group(1)
        if word in ("if", "for", "while"):
            while at < len(code) and code[at].isspace():
                at += 1
            if at == len(code) or code[at] != "(":
                continue
            depth = 0
            while at < len(code):
                depth += {"(": 1, ")": -1}.get(code[at], 0)
                at += 1
                if depth == 0:
                    break
        rest = code[at:at + 400].lstrip()
        if rest.startswith("{") or (word == "else" and re.match(r"if\b", rest)):
            continue
        if word == "while" and code[:match.start()].rstrip().endswith("}") and rest.startswith(";"):
            continue   # do { } while ();
        yield code.count("\n", 0, match.start()) + 1, f"body of {word} without braces"


def check_functions(lines):
    """Linux style: a body is from a `{` to a `}` in the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            if number - start - 1 > FUNCTION_LINES:
                yield start, f"function of {number - start - 1} lines, {FUNCTION_LINES} are allowed"
            start = None


def check_c(path, text):
    code = COMMENT_OR_STRING.sub(blank, text)
    lines, code_lines = text.splitlines(), code.splitlines()
    if path.endswith(".h") and not path.endswith("_rows.h"):   # rows are included inside a table
        first = next((line for line in code_lines if line.strip()), "")
        if first.strip() != "#pragma once":
            yield 1, "a header starts with #pragma once"
    for number, (line, bare) in enumerate(zip(lines, code_lines), 1):
        found = INCLUDE.match(line)
        if found:
            for rule in check_include(path, found.group(1), '"' in line):
                yield number, rule
        elif not path.endswith(".def"):
            for call in CALL.finditer(bare):
                name = call.group(1)
                if not path.startswith(BANNED_BUT.get(name, ("\0",))):
                    yield number, f"{name}(): {BANNED[name]}"
    yield from check_functions(code_lines)
    yield from check_braces(PREPROCESSOR.sub(blank, code))


def check_any(path, text):
    lines = text.splitlines()
    if path.endswith((".c", ".h", ".def", ".py", ".ts", ".tsx")) and len(lines) > FILE_LINES:
        yield len(lines), f"file of {len(lines)} lines, {FILE_LINES} are allowed"
    for number, line in enumerate(lines, 1):
        if MACHINE.search(line):
            yield number, "path of somebody's machine"
        if re.search(r"\bTODO\b(?!.*#\d)", line) and not path.startswith("tests/lint/"):
            yield number, "TODO without an issue number"


def check(path):
    try:
        text = (TOP / path).read_text()
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return
    lines = text.splitlines()
    findings = list(check_any(path, text))
    if path.endswith((".c", ".h", ".def")):
        findings += check_c(path, text)
    for number, rule in sorted(findings):
        if number > len(lines) or "lint-ok:" not in lines[number - 1]:
            yield f"{path}:{number}: {rule}"


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout
    return [name for name in listed.decode().split("\0") if name and Path(name).suffix in TEXT_SUFFIXES
            and not name.endswith("package-lock.json")]


def main():
    findings = [line for path in sorted(sys.argv[1:] or tracked()) for line in check(path)]
    print("\n".join(findings) or "lint: nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
