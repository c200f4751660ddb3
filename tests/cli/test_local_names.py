"""What check_local_names.py finds in files that would be compiled as one."""

import pathlib
import subprocess
import tempfile
import unittest

from support import SOURCE_DIR

FILE = "namespace dagloop {\nnamespace {\n\n%s\n\n}  // namespace\n}  // namespace dagloop\n"


class LocalNamesTest(unittest.TestCase):
    def check(self, expected, **files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                stem, _, ending = name.rpartition("_")
                (pathlib.Path(folder) / (stem + "." + ending)).write_text(text)
            done = subprocess.run([SOURCE_DIR / "scripts/check_local_names.py", folder],
                                  capture_output=True, text=True, check=False)
        found = [line.split(": ")[1].split(" ")[0] for line in done.stdout.splitlines()]
        self.assertEqual((found, done.returncode), (expected, 1 if expected else 0), done.stdout)

    def test_two_functions_that_differ_in_their_parameters_are_found(self):
        self.check(["escaped"], a_cpp=FILE % "std::string escaped(std::string_view t) {\n}",
                   b_cpp=FILE % "std::string escaped(const std::string& t) {\n}")

    def test_constants_types_templates_and_statics_are_found(self):
        self.check(["kLong"], a_cpp=FILE % "constexpr const char* kLong =\n    \"a\";",
                   b_cpp=FILE % "constexpr int kLong = 1;")
        self.check(["Worker"], a_cpp=FILE % "class Worker final : public Thing {\n};",
                   b_cpp=FILE % "struct Worker {\n};")
        self.check(["scaled"], a_cpp=FILE % "template <typename T>\nT scaled(T a) {\n}",
                   b_cpp="static int scaled(int a) {\n}\n")

    def test_what_a_private_header_declares_is_found(self):
        self.check(["have_nodes"], a_cpp=FILE % "bool have_nodes(int a) {\n}",
                   b_hpp="namespace dagloop {\n\nbool have_nodes(double a);\n\n}  // namespace dagloop\n")

    def test_one_name_in_one_file_and_in_raw_text_is_none(self):
        self.check([], a_cpp=FILE % "int one(int a) {\n}\nint one(double a) {\n}",
                   b_cpp=FILE % "const char* kSql = R\"sql(\nint one(int a);\n)sql\";")


if __name__ == "__main__":
    unittest.main()
