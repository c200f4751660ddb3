#!/usr/bin/env python3
"""Fails when two files of one layer, or of one test, have a local name in common.

Several files are compiled as one (CMAKE_UNITY_BUILD): where two functions in unnamed namespaces
differ in their parameters alone, the compiler would take one for the other without a word.
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = {"line_kernel_avx2.cpp", "line_kernel_baseline.cpp"}  # each is compiled by itself
NAMED = re.compile(r"^(?:\[\[\w+\]\] )?(?:template<.*> )?"
                   r"(?:(?:class|struct|enum class|enum) (\w+) *(?:final |: \w+ )?[{:]"
                   r"|(?!class|struct|enum|using|namespace|return|template|static_assert|TEST_CASE|#|//|\})"
                   r".*?(\w+)(?:\(|\{| = |\[|;))")


def local_names(text):
    """Returns the names that unnamed namespaces of the file declare, at the left margin."""
    names = set()
    inside = False
    for line in text.splitlines():
        if line == "namespace {":
            inside = True
        elif line == "}  // namespace":
            inside = False
        elif inside and line and not line[0].isspace():
            match = NAMED.match(line)
            if match:
                names.add(match[1] or match[2])
    return names


def clashes(directory):
    """Returns (name, files) for each name that several of the directory's files have."""
    files = collections.defaultdict(list)
    for path in sorted(directory.glob("*.cpp")):
        if path.name not in SKIPPED:
            for name in local_names(path.read_text()):
                files[name].append(path.name)
    return sorted((name, found) for name, found in files.items() if len(found) > 1)


def main():
    folders = [p for top in ("src", "tests/unit") for p in sorted((ROOT / top).iterdir())]
    folders.append(ROOT / "tests/sim")
    failed = False
    for folder in filter(pathlib.Path.is_dir, folders):
        for name, files in clashes(folder):
            print("%s: %s stands in %s; give one of them another name, or the two one home"
                  % (folder.relative_to(ROOT), name, " and ".join(files)))
            failed = True
    sys.exit(1 if failed else 0)


main()
