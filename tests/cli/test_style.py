"""What check_style.py finds: each kind of fault, planted in a tree that has none."""

import pathlib
import subprocess
import tempfile
import unittest

from support import SOURCE_DIR

TABLE = "| layer | holds |\n| --- | --- |\n| `base` | errors |\n| `record` | records |\n| `source`, `decide` | both |\n"
CMAKE = """dagloop_layer(base
  SOURCES base/time.cpp
  PACKAGES)

dagloop_layer(record
  SOURCES record/record.cpp
  LAYERS base
  PACKAGES)

dagloop_layer(source
  SOURCES source/read.cpp
  LAYERS record
  PACKAGES)

dagloop_layer(decide
  SOURCES decide/gate.cpp
  LAYERS record base
  PACKAGES)
"""
HEADER = "// What it is. Pure.\n#pragma once\n\nnamespace dagloop {\n\n%s\n}  // namespace dagloop\n"
SOURCE = "#include \"dagloop/%s\"\n\nnamespace dagloop {\n\n%s\n}  // namespace dagloop\n"
GOOD_TYPE = """/// A type.
class Thing final : public Base {
 public:
  explicit Thing(int first = {}) : first_{first}, second_(1) {}
  int undocumented() const { return first_; }
  bool operator==(const Thing&) const = default;

 private:
  int first_;
  int second_ = 0;
};

class Forward;

/// Two functions that say the same.
int one(const std::map<int, int>& of, std::function<bool(int, bool)> test, int a, int b, int c);
int one(int a);
"""
TREE = {
    "docs/architecture.md": TABLE,
    "src/CMakeLists.txt": CMAKE,
    "include/dagloop/base/time.hpp": HEADER % GOOD_TYPE,
    "include/dagloop/record/record.hpp": "// A record.\n#pragma once\n\n#include \"dagloop/base/time.hpp\"\n",
    "include/dagloop/source/read.hpp": HEADER % "/// Reads.\nint read();",
    "include/dagloop/decide/gate.hpp": HEADER % "/// The words.\nenum class Word { yes, no };",
    "src/base/time.cpp": SOURCE % ("base/time.hpp", "int one(int a) {\n  return a;\n}"),
    "src/record/record.cpp": SOURCE % ("record/record.hpp", ""),
    "src/source/read.cpp": SOURCE % ("source/read.hpp",
                                     "int read() {\n  try {\n  } catch (...) {\n  }\n}"),
    "src/decide/gate.cpp": SOURCE % ("decide/gate.hpp", "const char* kText = \"catch (...) {\";"),
    "tools/tool.cpp": "#include \"dagloop/decide/gate.hpp\"\nint main() { try { } catch (const E& e) { } }\n",
}
for layer in ("base", "record", "source", "decide"):
    TREE["tests/unit/%s/CMakeLists.txt" % layer] = "dagloop_test(%s SOURCES a_test.cpp)\n" % layer
    TREE["tests/unit/%s/a_test.cpp" % layer] = "TEST_CASE(\"a\") {}\n"


class StyleTest(unittest.TestCase):
    def check(self, expected, changed):
        """`expected` is (place, rule, a part of what is said), or None where nothing is found."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**TREE, **changed}.items():
                if text is not None:
                    path = pathlib.Path(folder) / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
            done = subprocess.run([SOURCE_DIR / "scripts/check_style.py", folder],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        lines = done.stdout.splitlines()
        if expected is None:
            self.assertEqual((lines, done.returncode), ([], 0))
            return
        self.assertEqual((len(lines), done.returncode), (1, 1), done.stdout)
        place, rule, what = lines[0].split(": ", 2)
        self.assertEqual((place, rule), expected[:2])
        self.assertIn(expected[2], what)

    def header(self, expected, text, name="base/time.hpp"):
        self.check(expected and ("include/dagloop/%s:%d" % (name, expected[0]), *expected[1:]),
                   {"include/dagloop/" + name: text})

    def source(self, expected, text, name="src/base/time.cpp"):
        self.check(expected and ("%s:%d" % (name, expected[0]), *expected[1:]), {name: text})

    def test_nothing_in_a_tree_without_a_fault(self):
        self.check(None, {})

    def test_an_include_of_a_layer_that_is_not_below(self):
        self.header((4, "layers", "record includes decide, which is not below"),
                    "// A record.\n#pragma once\n\n#include \"dagloop/decide/gate.hpp\"\n",
                    "record/record.hpp")
        self.source((1, "layers", "base includes record"), "#include \"record/private.hpp\"\n")

    def test_an_include_of_a_peer(self):
        self.source((1, "layers", "decide includes source"),
                    "#include \"dagloop/source/read.hpp\"\n",
                    "src/decide/gate.cpp")

    def test_an_include_of_a_layer_that_is_not_linked(self):
        self.source((1, "layers", "source includes base without linking it"),
                    "#include \"dagloop/base/time.hpp\"\n", "src/source/read.cpp")

    def test_a_library_that_links_upwards(self):
        self.check(("src/CMakeLists.txt:5", "layers", "record links decide"),
                   {"src/CMakeLists.txt": CMAKE.replace("LAYERS base", "LAYERS decide base", 1)})

    def test_a_layer_that_the_table_lacks(self):
        self.check(("docs/architecture.md:1", "layers", "decide is missing"),
                   {"docs/architecture.md": TABLE.replace(", `decide`", ""), "tools/tool.cpp": ""})

    def test_modules_that_include_one_another(self):
        private = "// Private. Pure.\n#pragma once\n\n#include \"dagloop/base/time.hpp\"\n"
        circle = {"src/base/clock.hpp": private,
                  "src/base/time.cpp": "#include \"dagloop/base/time.hpp\"\n#include \"base/clock.hpp\"\n"}
        self.check(("src/base/time.cpp:2", "no module cycles",
                    "base/clock -> base/time -> base/clock"), circle)
        self.check(("src/base/time.cpp:2", "no module cycles", "base/clock"),
                   {**circle, "src/base/time.cpp": circle["src/base/time.cpp"].replace("base/c", "c")})
        self.check(None, {**circle, "src/base/clock.hpp": private.replace("time", "zone"),
                          "include/dagloop/base/zone.hpp": HEADER % "using Zone = int;"})

    def test_files_and_lines_that_are_too_long(self):
        self.header((251, "file size", "251 lines, at most 250"),
                    TREE["include/dagloop/record/record.hpp"]
                    + "\n" * 247, "record/record.hpp")
        self.source((401, "file size", "401 lines, at most 400"), "\n" * 401)
        self.source((2, "columns", "101, at most 100"), "\n// " + "x" * 98 + "\n")
        self.source(None, "\n" * 400)
        self.source(None, "// " + "é" * 97 + "\n")

    def test_functions_that_are_too_long(self):
        for head in ("int one(int a)", "Thing::Thing(int a) : a_{a}, b_(1)",
                     "template <typename T>\nT one(T a)",
                     "std::function<void(int)> one(std::vector<int> all = {})"):
            line = 6 if head.startswith("template") else 5
            text = SOURCE % ("base/time.hpp", head + " {\n%s}")
            self.source((line, "function size", "61 lines, at most 60"), text % (59 * "  a();\n"))
            self.source(None, text % (58 * "  a();\n"))

    def test_braces_in_texts_and_comments_are_none(self):
        body = "  // {\n  a(\"{\", '{', R\"sql({ \" )sql\", 1'000);\n" + 30 * "  b();\n"
        text = SOURCE % ("base/time.hpp", "int one() {\n%s}\n\nint two() {\n%s}" % (body, body))
        self.source(None, text)

    def test_a_sixth_parameter(self):
        self.source((5, "parameters", "one takes 6"),
                    SOURCE % ("base/time.hpp",
                              "int one(int a, int b, int c, int d, int e, int f) {\n}"))
        self.source((5, "parameters", "one takes 6"),
                    SOURCE % ("base/time.hpp",
                              "int one(int a, int b, int c, int d, int e,\n        int f);"))
        self.source(None,
                    SOURCE % ("base/time.hpp",
                              "int one(M<int, int> a, int b, int c, int d, F<int(int, int)> e) {\n}"))

    def test_a_public_declaration_without_a_sentence(self):
        for name, text in {"Thing": "class Thing {\n};", "Word": "enum class Word { yes };",
                           "Plain": "struct Plain {\n  int a = 0;\n};", "one": "int one(int a);",
                           "two": "template <typename T>\nT two(T a) {\n}",
                           "three": "/// Says what it is.\n\nint three(int a);"}.items():
            line = {"three": 8, "two": 7}.get(name, 6)
            self.header((line, "documented", name + " has no /// sentence"), HEADER % text)
        self.header(None,
                    HEADER % "bool operator<(int a, int b);\nusing Thing = int;\nconstexpr int kOne = f(1);")

    def test_a_header_without_its_first_comment_or_guard(self):
        self.header((1, "first comment", "begins with"), "#include <string>\n#pragma once\n")
        self.header((1, "pragma once", "missing"), "// What it is.\n")

    def test_a_package_away_from_home(self):
        self.source((1, "one home a package", "<simdjson.h> belongs in"), "#include <simdjson.h>\n")
        self.source((1, "one home a package", "<boost/any.hpp> belongs in"),
                    "#include <boost/any.hpp>\n")
        self.source((1, "one home a package", "<CLI/CLI.hpp> belongs in"),
                    "#include <CLI/CLI.hpp>\n",
                    "tools/tool.cpp")
        self.source(None, "#include <fcntl.h>\n#include <fmt/format.h>\n#include <string_view>\n")

    def test_a_header_of_a_package_in_a_public_one(self):
        self.header((4, "one home a package", "<fmt/format.h>"),
                    "// What it is.\n#pragma once\n\n#include <fmt/format.h>\n")
        self.header((4, "public headers", "\"base/private.hpp\" is private"),
                    "// What it is.\n#pragma once\n\n#include \"base/private.hpp\"\n")

    def test_errors_that_are_caught_elsewhere(self):
        text = SOURCE % ("%s", "int f() {\n  try {\n  } catch (%s) {\n  }\n}")
        self.source((7, "catch", "pass through the layer decide"),
                    text % ("decide/gate.hpp", "const Error& e"),
                    "src/decide/gate.cpp")
        self.source((3, "catch", "has a type"),
                    "int main() {\n  try {\n  } catch (...) {\n  }\n}\n", "tools/tool.cpp")

    def test_a_pure_layer_that_asks_the_world(self):
        self.source((6, "pure layers", "system_clock::now"),
                    SOURCE % ("decide/gate.hpp", "// system_clock::now\nauto t = system_clock::now();"),
                    "src/decide/gate.cpp")
        self.source((1, "pure layers", "fstream"), "#include <fstream>\n", "src/decide/gate.cpp")
        self.source(None, "#include <fstream>\nauto t = system_clock::now();\n")

    def test_a_bool_parameter_in_public(self):
        self.header((7, "no bool parameters", "one: two values are an enum"),
                    HEADER % "/// Says it.\nint one(int a, bool is_so);")
        self.header((9, "no bool parameters", "two"),
                    HEADER % "/// Says it.\nclass A {\n public:\n  void two(const bool how = true);\n};")
        self.header(None,
                    HEADER % "/// Says it.\nstruct A {\n  bool is_so = false;\n  bool one(int a);\n};")
        self.header(None, HEADER % "/// Says it.\nint one(bool& into, bool (*rule)(int));")

    def test_folders_that_say_nothing_and_generated_files(self):
        self.check(("tests/util/a.py:1", "folders", "util"), {"tests/util/a.py": ""})
        self.check(("tools/a.pyc:1", "no generated files", "built"), {"tools/a.pyc": ""})
        self.check(("tools/a.cpp:1", "no generated files", "built"),
                   {"tools/a.cpp": "// Generated by a script. DO NOT EDIT.\n"})

    def test_folders_that_do_not_mirror_one_another(self):
        self.check(("tests/unit:1", "mirrors", "no folder record"),
                   {"tests/unit/record/a_test.cpp": None, "tests/unit/record/CMakeLists.txt": None})

    def test_a_file_that_nothing_compiles(self):
        self.check(("src/base/uri.cpp:1", "listed sources", "src/CMakeLists.txt"),
                   {"src/base/uri.cpp": ""})
        self.check(("tests/unit/base/b_test.cpp:1", "listed sources", "CMakeLists.txt"),
                   {"tests/unit/base/b_test.cpp": ""})

    def test_an_exception_that_is_none_any_more(self):
        self.check(("scripts/check_style.py:1", "exceptions", "include/dagloop/base/json.hpp"),
                   {"include/dagloop/base/json.hpp": HEADER % ""})


if __name__ == "__main__":
    unittest.main()
