"""What the executables are built with: read from their ELF files with binutils' readelf."""

import json
import os
import platform
import re
import subprocess
import unittest

from support import BIN_DIR, SOURCE_DIR

BUILD_TYPE = os.environ.get("DAGLOOP_BUILD_TYPE", "Release")
SANITIZE = os.environ.get("DAGLOOP_SANITIZE", "")


def readelf(*arguments):
    done = subprocess.run(["readelf", "--wide", *arguments], capture_output=True, text=True,
                          timeout=60, check=True, env={**os.environ, "LC_ALL": "C"})
    return done.stdout


def is_elf(path):
    with open(path, "rb") as stream:
        return stream.read(4) == b"\x7fELF"


def executables():
    """Returns every executable of the build, the tests' ones too."""
    return sorted(path for path in BIN_DIR.iterdir() if path.is_file() and is_elf(path))


def tools():
    """Returns the names of the executables that are installed."""
    names = {path.stem for path in (SOURCE_DIR / "tools").glob("*.cpp")}
    return [path for path in executables() if path.name in names]


def segment(headers, name):
    """Returns the line of a program header, empty where there is none."""
    return next((line for line in headers.splitlines() if line.split()[:1] == [name]), "")


@unittest.skipIf(SANITIZE, f"a build with -fsanitize={SANITIZE} is hardened in another way")
@unittest.skipIf(BUILD_TYPE != "Release", f"a {BUILD_TYPE} build is not the one that is installed")
class HardeningTest(unittest.TestCase):
    def test_there_are_executables(self):
        self.assertGreaterEqual(len(tools()), 6)

    def test_every_executable_is_position_independent(self):
        for path in executables():
            with self.subTest(path.name):
                self.assertRegex(readelf("--file-header", path), r"Type:\s+DYN")
                self.assertRegex(readelf("--dynamic", path), r"\(FLAGS_1\).* PIE")

    def test_every_executable_binds_at_start_and_then_protects_what_it_bound(self):
        for path in executables():
            with self.subTest(path.name):
                self.assertTrue(segment(readelf("--program-headers", path), "GNU_RELRO"))
                dynamic = readelf("--dynamic", path)
                self.assertRegex(dynamic, r"\(FLAGS\).*BIND_NOW")
                self.assertNotIn("TEXTREL", dynamic)

    def test_no_stack_is_executable_and_no_segment_written_and_executed(self):
        for path in executables():
            with self.subTest(path.name):
                headers = readelf("--program-headers", path)
                flags = segment(headers, "GNU_STACK").split()[6:-1]
                self.assertEqual(flags, ["RW"])
                loads = [line.split()[6:-1] for line in headers.splitlines()
                         if line.split()[:1] == ["LOAD"]]
                self.assertIn(["R", "E"], loads)
                for flags in loads:
                    self.assertFalse("W" in "".join(flags) and "E" in flags, flags)

    def test_every_executable_guards_its_stack_frames(self):
        for path in executables():
            with self.subTest(path.name):
                self.assertIn("__stack_chk_fail", readelf("--dyn-syms", path))

    def test_every_tool_calls_the_checked_functions_of_the_c_library(self):
        for path in tools():
            with self.subTest(path.name):
                self.assertRegex(readelf("--dyn-syms", path), r"\b__\w+_chk@")

    @unittest.skipIf(platform.machine() != "x86_64", "looked for by the bytes of x86-64")
    def test_every_tool_marks_its_jump_targets(self):
        for path in tools():
            with self.subTest(path.name):
                self.assertGreater(path.read_bytes().count(b"\xf3\x0f\x1e\xfa"), 1000)  # endbr64

    @unittest.skipIf(platform.machine() != "x86_64", "not every processor has all of them")
    def test_every_file_is_compiled_with_every_protection(self):
        commands = json.loads((BIN_DIR.parent / "compile_commands.json").read_text())
        compiled = [each for each in commands
                    if re.search(r" -o (src|tools)/CMakeFiles/", each["command"])]
        self.assertGreater(len(compiled), 15)  # several files of a layer are compiled as one
        for each in compiled:
            for flag in ("-fstack-protector-strong", "-D_FORTIFY_SOURCE=2",
                         "-fstack-clash-protection", "-fcf-protection"):
                self.assertIn(flag, each["command"].split(), each["file"])

    def test_no_executable_takes_libraries_from_a_directory_of_the_build(self):
        for path in tools():
            with self.subTest(path.name):
                self.assertNotRegex(readelf("--dynamic", path), r"\((RPATH|RUNPATH)\)")


if __name__ == "__main__":
    unittest.main()
