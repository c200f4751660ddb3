"""What the documents say of the executables is what the executables do."""

import json
import re
import unittest

from support import SOURCE_DIR, run_tool

TOOLS = ["eval_dag_quality", "dag_quality_gate", "decide_dag_policy", "approve_dag_policy",
         "apply_dag_policy", "dag_optimization_cycle", "replay_dag_policy"]


def keys_of(schema, prefix=""):
    for key, value in schema.get("properties", {}).items():
        if key == "$schema":
            continue
        yield prefix + key
        yield from keys_of(value, prefix + key + ".")
        if "items" in value:
            yield from keys_of(value["items"], prefix + key + "[].")


class Documents(unittest.TestCase):
    def read(self, name):
        return (SOURCE_DIR / name).read_text()

    def test_every_leaf_key_of_the_configuration_schema_is_in_the_reference(self):
        schema = json.loads(self.read("config/schemas/config.schema.json"))
        keys = set(keys_of(schema))
        leaves = {k for k in keys if not any(o.startswith((k + ".", k + "[].")) for o in keys)}
        documented = set(re.findall(r"^\| `([a-z0-9_.\[\]]+)`", self.read("docs/configuration.md"),
                                    re.M))
        self.assertEqual(leaves - documented, set())
        self.assertEqual(documented - keys, {"gate.checks[]"} - keys)

    def test_every_executable_helps_and_tells_its_version(self):
        version = re.search(r"project\(dagloop VERSION (\S+)", self.read("CMakeLists.txt"))[1]
        for tool in TOOLS:
            with self.subTest(tool=tool):
                text = run_tool(tool, "--help")
                self.assertEqual(text.code, 0)
                self.assertIn("--config", text.stdout)
                told = run_tool(tool, "--version")
                self.assertEqual(told.stdout.strip(), f"{tool} {version}")
                self.assertIn(f"`{tool}`", self.read("docs/cli.md"))

    def test_every_flag_named_in_the_documents_exists(self):
        known = set().union(*(re.findall(r"--[a-z][a-z-]+", run_tool(t, "--help").stdout)
                              for t in TOOLS))
        for name in ["README.md", "docs/cli.md", "docs/operations.md", "docs/configuration.md",
                     "docs/data-contract.md", "docs/kpis.md", "docs/replay.md"]:
            text = self.read(name)
            named = set(re.findall(r"`(--[a-z][a-z-]+)", text))
            self.assertEqual(named - known, set(), name)

    def test_every_test_that_a_promise_names_exists(self):
        for name in ["docs/reliability.md", "docs/threat-model.md", "docs/testing.md"]:
            for path in re.findall(r"`(tests/[\w/.]+)", self.read(name)):
                self.assertTrue((SOURCE_DIR / path).exists(), f"{name} names {path}")

    def test_every_environment_variable_of_the_reference_is_known_to_a_tool(self):
        table = re.findall(r"^\| `(DAGLOOP_[A-Z_]+)` \|", self.read("docs/cli.md"), re.M)
        helps = " ".join(run_tool(t, "--help").stdout for t in TOOLS)
        self.assertTrue(table)
        for variable in table:
            self.assertIn(variable, helps)

    def test_every_link_between_documents_leads_somewhere(self):
        for path in [SOURCE_DIR / "README.md", *SOURCE_DIR.glob("docs/*.md")]:
            for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
                with self.subTest(document=path.name, target=target):
                    self.assertTrue((path.parent / target).exists())

    def test_every_decision_has_a_status_and_is_in_the_list(self):
        listed = dict(re.findall(r"^\| \[\d+\]\(adr/([\w.-]+)\) \| (.+) \|$",
                                 self.read("docs/architecture.md"), re.M))
        pages = sorted(path.name for path in SOURCE_DIR.glob("docs/adr/*.md"))
        self.assertEqual(sorted(listed), pages)
        for number, name in enumerate(pages, 1):
            with self.subTest(page=name):
                page = re.match(r"# (\d+)\. (.+)\n\nStatus: ((?:Accepted|Superseded).*)\n\n",
                                self.read("docs/adr/" + name))
                self.assertTrue(page, "a title, and a status below it")
                self.assertEqual(int(page[1]), number)
                # The list says by which decisions, the page also in what.
                title, status = listed[name].split(" | ")
                self.assertEqual(title, page[2])
                self.assertTrue(page[3].startswith(status), "%s is not %s" % (page[3], status))
                for other in re.findall(r"ADR (\d+)", page[3]):
                    self.assertGreater(int(other), number)
                    self.assertLessEqual(int(other), len(pages))

    def test_labels_of_doc_comments_are_not_torn(self):
        # What goes on below "/// Errors: ..." is indented like the text behind the label.
        label = re.compile(r"( *///)( (?:Shape|Units|Errors|Order|Owns|Cost|Source): +)")
        for path in sorted((*SOURCE_DIR.glob("include/dagloop/*/*.hpp"),
                            *SOURCE_DIR.glob("src/*/*.hpp"))):
            torn, indent = [], None
            for number, line in enumerate(path.read_text().splitlines(), 1):
                begins = label.match(line)
                if begins:
                    indent = begins[1] + " " * len(begins[2])
                elif indent and not re.match(r" *///\s*\S", line):
                    indent = None
                elif indent and not re.match(re.escape(indent) + r"\S", line):
                    torn.append(number)
            self.assertEqual(torn, [], path)

    def test_every_reject_reason_of_the_contract_page_is_one_of_the_reader(self):
        source = self.read("include/dagloop/record/contract_words.hpp")
        enum = re.search(r"enum class RejectReason[^{]*\{(.*?)\};", source, re.S)[1]
        reasons = set(re.findall(r"^\s*([a-z_]+),", enum, re.M))
        page = self.read("docs/data-contract.md")
        for reason in reasons:
            self.assertIn(f"`{reason}`", page)


if __name__ == "__main__":
    unittest.main()
