"""Labels of a log are bounded, whatever a service writes into them; no figure changes by that."""

import random
import unittest

from support import T0, LoopTestCase, hours, stamp


class LabelsTest(LoopTestCase):
    def fill(self, codes, name="a", nodes=()):
        """Failed runs of the last day, one a code."""
        lines = []
        for i, code in enumerate(codes):
            run = {"pipeline_run_id": "%s%d" % (name, i), "execution_mode": "dag",
                   "created_at": stamp(T0 - hours(23) + hours(22) * i / len(codes)),
                   "status": "failed"}
            lines.append({**run, "error_code": code, "duration_ms": 7})
            if nodes:
                lines.append({**run, "node_id": nodes[i % len(nodes)], "node_type": "skill"})
        self.ws.log.lines(*lines)

    def figures(self, *arguments):
        result = self.check_code(
            self.ws.tool("eval_dag_quality", "--as-of", stamp(T0), "--json", *arguments), 0)
        return result.document()["populations"]["dag"], result.stderr

    def test_ids_in_codes_are_no_codes_of_their_own(self):
        mixer = random.Random(1)
        codes = ["timeout for req-%016x" % mixer.getrandbits(64) for _ in range(3000)]
        codes += ["CODE_%09d" % i for i in range(1000)] + ["TOOL_AUTH_ERROR"] * 50
        self.fill(codes)
        dag, said = self.figures()
        self.assertEqual(dag["error_codes"], {"timeout for req-<id>": 3000, "CODE_<id>": 1000,
                                              "TOOL_AUTH_ERROR": 50})
        classes = dag["error_classes"]
        self.assertEqual((classes["timeout"], classes["other"], classes["auth"]), (3000, 1000, 50))
        self.assertEqual(dag["kpis"]["error_rate.auth"]["numerator"], 50)
        self.assertEqual(said.count("labels with ids"), 1, said)
        self.assertIn('error codes as "timeout for req-<id>"', said)

    def test_many_names_leave_one_for_the_rest_and_no_figure_changes(self):
        mixer = random.Random(2)
        words = ["".join(mixer.choices("ghijklmnopqrstuv", k=8)) for _ in range(4000)]
        self.fill(["E_" + word for word in words] + ["401"] * 9, nodes=["n_" + w for w in words])
        dag, said = self.figures()
        self.assertEqual(len(dag["error_codes"]), 1002)  # with 401 and the rest
        self.assertEqual(dag["error_codes"]["(other)"], 3000)
        self.assertEqual(dag["error_codes"]["401"], 9)
        self.assertEqual(sum(dag["error_codes"].values()), 4009)
        self.assertEqual(dag["error_classes"]["auth"], 9)
        self.assertEqual(len(dag["nodes"]), 1001)
        self.assertEqual(sum(node["attempts"] for node in dag["nodes"].values()), 4009)
        self.assertEqual(dag["kpis"]["attempt_failure_rate"]["denominator"], 4009)
        self.assertIn("more than 1000 different error codes, nodes", said)

    def test_a_store_of_counts_has_the_same_labels_whatever_came_when(self):
        mixer = random.Random(3)
        store = "sqlite:" + str(self.ws.dir / "rollup" / "r.db")
        for part in range(3):
            codes = ["E_" + "".join(mixer.choices("ghijkl", k=7)) for _ in range(900)]
            codes += ["HTTP %d req-%012x" % (mixer.choice([401, 503]), mixer.getrandbits(48))
                      for _ in range(300)]
            self.fill(codes, name="p%d-" % part)
            kept, _ = self.figures("--rollup", store)
            anew, _ = self.figures()
            self.assertEqual(kept, anew)
        self.assertIn("(other)", kept["error_codes"])
        self.assertGreater(kept["error_classes"]["auth"], 300)
        self.assertEqual(kept["error_classes"]["auth"] + kept["error_classes"]["server"], 900)

    def test_pages_stay_small(self):
        words = ["E_" + "".join(random.Random(i).choices("ghijklmnop", k=9)) for i in range(3000)]
        self.fill(words, nodes=words)
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", stamp(T0)), 0)
        page = self.ws.reports / "dag_quality_latest.md"
        self.assertLess(page.stat().st_size, 1 << 18)

    def test_a_log_without_ids_is_told_nothing(self):
        self.fill(["TOOL_TIMEOUT", "ORA-00942", "E10001"], nodes=["n1", "fetch_v2"])
        dag, said = self.figures()
        self.assertEqual(sorted(dag["error_codes"]), ["E10001", "ORA-00942", "TOOL_TIMEOUT"])
        self.assertNotIn("labels", said)


if __name__ == "__main__":
    unittest.main()
