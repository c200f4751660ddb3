#!/usr/bin/env python3
"""Fails when a local name of a file stands in another file of its layer, or of its test, too.

Several files are compiled as one (CMAKE_UNITY_BUILD): where two functions differ in their
parameters alone, the compiler would take one for the other without a word. Local are names in
unnamed namespaces and file-level statics; they are held against those of the other files, and
against what the layer's private headers declare.

usage: scripts/check_local_names.py [FOLDER...]     (default: every folder whose files are compiled so)
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = {"line_kernel_avx2.cpp", "line_kernel_baseline.cpp"}  # each is compiled by itself
NO_NAME = r"(?!(?:class|struct|enum|using|namespace|return|template|static_assert|TEST_CASE|extern)\b|#|//|\}|\))"
NAMED = re.compile(r"^(?:\[\[\w+\]\] )?(?:static )?(?:template ?<.*> )?"
                   r"(?:(?:class|struct|enum class|enum) (\w+) *(?:final |: \w+ )?[{:]"
                   r"|" + NO_NAME + r"\w.*?(\w+)(?:\(|\{| =(?: |$)|\[|;))")
RAW_STRING = re.compile(r'R"(\w*)\(.*?\)\1"', re.S)


def declared(text, is_local):
    """Returns the names that stand at the left margin where `is_local(namespaces, line)` holds."""
    names = set()
    inside = []
    for line in RAW_STRING.sub('""', text).splitlines():
        if line.startswith("namespace") and line.endswith("{"):
            inside.append(line)
        elif line.startswith("}  // namespace"):
            inside = inside[:-1]
        elif line and not line[0].isspace() and is_local(inside, line):
            match = NAMED.match(line)
            if match:
                names.add(match[1] or match[2])
    return names


def local_names(path):
    return declared(path.read_text(), lambda inside, line: "namespace {" in inside
                    or line.startswith("static "))


def header_names(path):
    return declared(path.read_text(), lambda inside, line: line.rstrip().endswith((";", ",", "{")))


def clashes(folder):
    """Returns (name, files) for each local name of a file that another one of the folder has."""
    local = collections.defaultdict(list)
    for path in sorted(folder.glob("*.cpp")):
        if path.name not in SKIPPED:
            for name in local_names(path):
                local[name].append(path.name)
    for path in sorted(folder.glob("*.hpp")):
        for name in header_names(path):
            if name in local:
                local[name].append(path.name)
    return sorted((name, found) for name, found in local.items() if len(found) > 1)


def main(folders):
    if not folders:
        folders = [p for top in ("src", "tests/unit") for p in sorted((ROOT / top).iterdir())]
        folders.append(ROOT / "tests/sim")
    failed = False
    for folder in filter(pathlib.Path.is_dir, folders):
        for name, files in clashes(folder):
            print("%s: %s stands in %s; give one of them another name, or the two one home"
                  % (folder, name, " and ".join(files)))
            failed = True
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main([pathlib.Path(each) for each in sys.argv[1:]])
