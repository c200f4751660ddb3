"""The man pages are those that the executables' help and the documents give today."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from support import BIN_DIR, SOURCE_DIR

PAGES = SOURCE_DIR / "docs/man"


class ManPages(unittest.TestCase):
    def test_every_page_is_up_to_date(self):
        with tempfile.TemporaryDirectory() as made:
            subprocess.run([sys.executable, SOURCE_DIR / "scripts/make_man_pages.py", BIN_DIR, made],
                           check=True)
            for page in pathlib.Path(made).iterdir():
                self.assertEqual((PAGES / page.name).read_text(), page.read_text(),
                                 f"{page.name}: run scripts/make_man_pages.py")
            self.assertEqual({p.name for p in PAGES.iterdir()},
                             {p.name for p in pathlib.Path(made).iterdir()})

    def test_every_page_is_well_formed(self):
        lint = subprocess.run(["mandoc", "-Tlint", "-Werror", *sorted(PAGES.iterdir())],
                              capture_output=True, text=True)
        self.assertEqual((lint.returncode, lint.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
