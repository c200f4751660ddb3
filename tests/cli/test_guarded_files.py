"""Files that somebody else may have written are refused by every executable that trusts them."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time
import unittest

from support import ENV_TEXT, T0, LoopTestCase, stamp

NOBODY = 65534
MAX_SECONDS = 10  # a tool that waits at a pipe would not end at all


@contextlib.contextmanager
def symlink(path):
    """The file is moved elsewhere, and a link to it stands in its place."""
    elsewhere = path.parent.parent / ("elsewhere_" + path.name)
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    yield "symbolic link"
    path.unlink()
    elsewhere.rename(path)


@contextlib.contextmanager
def writable_by_everybody(path):
    mode = path.stat().st_mode
    path.chmod(0o666)
    yield "may be written by everybody"
    path.chmod(mode)


@contextlib.contextmanager
def in_a_directory_for_everybody(path):
    mode = path.parent.stat().st_mode
    path.parent.chmod(0o777)
    yield "may be replaced by everybody"
    path.parent.chmod(mode)


@contextlib.contextmanager
def pipe(path):
    aside = path.with_name(path.name + ".aside")
    path.rename(aside)
    os.mkfifo(path, 0o600)
    yield "no regular file"
    path.unlink()
    aside.rename(path)


@contextlib.contextmanager
def directory(path):
    aside = path.with_name(path.name + ".aside")
    path.rename(aside)
    path.mkdir()
    yield "no regular file"
    path.rmdir()
    aside.rename(path)


@contextlib.contextmanager
def of_a_stranger(path):
    os.chown(path, NOBODY, NOBODY)
    yield "belongs to uid 65534"
    os.chown(path, os.geteuid(), os.getegid())


FAULTS = (symlink, writable_by_everybody, in_a_directory_for_everybody, pipe, directory)


class GuardedTestCase(LoopTestCase):
    """A promotion that was proposed and approved; every guarded file in a directory of its own."""

    def setUp(self):
        super().setUp()
        for name in ("env_file", "allowlist", "rules", "approvers"):
            path = getattr(self.ws, name)
            moved = self.ws.dir / name / path.name
            moved.parent.mkdir()
            path.rename(moved)
            setattr(self.ws, name, moved)
            self.ws.configure({"policy": {name: str(moved)}})
        self.keys = self.ws.dir / "keys"
        self.keys.mkdir()
        self.key = self.keys / "alice.key"
        self.ws.key_of("alice").rename(self.key)
        self.quiet_day()
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", stamp(T0)), 0)
        self.check_code(self.ws.tool("decide_dag_policy", *self.report()), 0)
        self.check_code(self.ws.propose(), 0)
        self.check_code(self.approve(), 0)
        # A state that is there, with its lock.
        refused = self.ws.tool("apply_dag_policy", "--apply", "--decision", self.ws.decision_file)
        self.check_code(refused, 5)
        self.before = self.ws.fingerprint()

    def report(self):
        return ["--report", self.ws.reports / "dag_quality_latest.json"]

    def decide(self):
        return self.ws.tool("decide_dag_policy", *self.report(), "--json")

    def approve(self):
        return self.ws.tool("approve_dag_policy", "--decision", self.ws.decision_file, "--as",
                            "alice", "--key", self.key, "--yes", "--out", self.ws.approvals)

    def apply(self, *arguments):
        return self.ws.tool("apply_dag_policy", "--decision", self.ws.decision_file, "--approval",
                            self.ws.approval_file, *arguments)

    def really_apply(self):
        return self.apply("--apply")

    def rollback(self):
        return self.ws.tool("apply_dag_policy", "--rollback", "--apply")

    def status(self):
        return self.ws.tool("apply_dag_policy", "--status")

    def verify_journal(self):
        return self.ws.tool("apply_dag_policy", "--verify-journal")

    def dry_tick(self):
        return self.ws.tick(T0, "--out", self.ws.dir / "other_reports")

    def tick(self):
        return self.ws.tick(T0, "--apply", "--out", self.ws.dir / "other_reports")

    def check_refused(self, path, code, runs, faults=FAULTS, named=None):
        """Runs each of `runs` over each fault of the file at `path`."""
        before = self.ws.fingerprint()
        if os.geteuid() == 0 and faults is FAULTS and path not in (self.ws.env_file,
                                                                  self.ws.approval_file):
            faults = (*faults, of_a_stranger)
        for fault in faults:
            for run in runs:
                with self.subTest(fault=fault.__name__, file=path.name, run=run.__name__):
                    with fault(path) as words:
                        started = time.monotonic()
                        result = run()
                        self.assertLess(time.monotonic() - started, MAX_SECONDS)
                    self.check_code(result, code)
                    self.assertIn(words, result.stderr)
                    self.assertIn(str(named or path), result.stderr)
                    shutil.rmtree(self.ws.dir / "other_reports", ignore_errors=True)
                    self.assertEqual(self.ws.fingerprint(), before)


class RefusedTest(GuardedTestCase):
    def test_the_env_file(self):
        self.check_refused(self.ws.env_file, 4, (self.decide, self.apply, self.really_apply,
                                                 self.rollback, self.dry_tick, self.tick))

    def test_the_allowlist(self):
        self.check_refused(self.ws.allowlist, 4, (self.decide, self.apply, self.really_apply,
                                                  self.rollback, self.dry_tick, self.tick))

    def test_the_rules(self):
        self.check_refused(self.ws.rules, 4, (self.decide, self.dry_tick))

    def test_the_rules_or_approvers_and_a_tick_proposes_nothing(self):
        env = self.ws.env_file.read_bytes()
        for path in (self.ws.rules, self.ws.approvers):
            for fault in FAULTS:
                with self.subTest(fault=fault.__name__, file=path.name), fault(path) as words:
                    result = self.check_code(self.tick(), 4)
                    self.assertIn(words, result.stderr)
                    self.assertIn(str(path), result.stderr)
                    self.assertEqual(self.ws.events().count("proposed"), 1)  # of setUp
                    self.assertEqual(self.ws.env_file.read_bytes(), env)

    def test_the_approvers(self):
        self.check_refused(self.ws.approvers, 4, (self.apply,))

    def test_the_approval(self):
        self.check_refused(self.ws.approval_file, 5, (self.apply, self.really_apply))

    def test_the_state_file(self):
        self.check_refused(self.ws.state, 4,
                           (self.decide, self.apply, self.really_apply, self.rollback, self.status,
                            self.verify_journal, self.dry_tick, self.tick))

    def test_the_logs_of_the_state_file(self):
        for ending in ("-journal", "-wal", "-shm"):
            log = self.ws.state.with_name(self.ws.state.name + ending)
            log.write_text("")
            self.check_refused(log, 4, (self.decide, self.status, self.really_apply, self.tick),
                               (symlink, writable_by_everybody, pipe, directory))
            log.unlink()

    def test_the_lock_of_the_state_file(self):
        lock = self.ws.state.with_name(self.ws.state.name + ".lock")
        self.check_refused(lock, 4, (self.really_apply, self.rollback, self.tick),
                           (symlink, writable_by_everybody, pipe, directory))

    def test_the_private_key(self):
        self.check_refused(self.key, 5, (self.approve,))

    def test_a_new_private_key_where_everybody_may_replace_it(self):
        self.keys.chmod(0o777)
        made = self.ws.tool("approve_dag_policy", "--init-key", "--as", "bob", "--key",
                            self.keys / "bob.key")
        self.check_code(made, 5)
        self.assertFalse((self.keys / "bob.key").exists())

    def test_a_new_private_key_in_a_directory_that_is_made_for_it(self):
        key = self.ws.dir / "new" / "deep" / "bob.key"
        made = self.ws.tool("approve_dag_policy", "--init-key", "--as", "bob", "--key", key)
        self.check_code(made, 0)
        for path, mode in ((key.parents[1], 0o700), (key.parent, 0o700), (key, 0o600)):
            self.assertEqual(path.stat().st_mode & 0o777, mode, path)

    def test_a_new_private_key_through_a_link(self):
        (self.keys / "bob.key").symlink_to(self.ws.dir / "elsewhere")
        made = self.ws.tool("approve_dag_policy", "--init-key", "--as", "bob", "--key",
                            self.keys / "bob.key")
        self.check_code(made, 2)
        self.assertFalse((self.ws.dir / "elsewhere").exists())

    def test_the_configuration_where_a_change_is_made(self):
        self.ws.config = self.ws.dir / "conf" / "dagloop.json"
        self.ws.config.parent.mkdir()
        self.ws.configure({})
        self.before = self.ws.fingerprint()
        self.check_refused(self.ws.config, 4, (self.really_apply, self.rollback, self.tick),
                           (writable_by_everybody, in_a_directory_for_everybody))
        with writable_by_everybody(self.ws.config):
            self.check_code(self.status(), 0)


class AcceptedTest(GuardedTestCase):
    def test_files_that_the_group_may_write(self):
        for path in (self.ws.env_file, self.ws.allowlist, self.ws.rules, self.ws.approvers,
                     self.ws.approval_file, self.ws.state):
            path.chmod(0o660)
            path.parent.chmod(0o770)
        self.check_code(self.really_apply(), 0)
        self.assertEqual(self.ws.env_file.stat().st_mode & 0o777, 0o660)

    @unittest.skipIf(os.geteuid() != 0, "only root gives files away")
    def test_an_env_file_of_the_service_and_an_approval_of_its_approver(self):
        for path in (self.ws.env_file, self.ws.env_file.parent, self.ws.approval_file):
            os.chown(path, NOBODY, NOBODY)
        self.check_code(self.really_apply(), 0)
        self.assertEqual(self.ws.env_file.stat().st_uid, NOBODY)

    def test_an_approval_that_is_refused_does_not_hide_the_one_beside_it(self):
        bad = self.ws.approvals / "dag_policy_approval_0.json"
        os.mkfifo(bad)
        document = self.check_tick(T0, 0)
        self.assertEqual(document["phase"], "verifying")
        self.check_note(document, "passed over an approval: approval: %s" % bad)

    def test_a_configuration_through_a_pipe(self):
        shown = subprocess.run(
            ["bash", "-c", 'exec "$0" --status --config <(cat "$1")',
             str(self.binary("apply_dag_policy")), str(self.ws.config)],
            cwd=self.ws.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=MAX_SECONDS,
            check=False)
        self.assertEqual(shown.returncode, 0, shown.stderr)

    @staticmethod
    def binary(name):
        from support import BIN_DIR  # pylint: disable=import-outside-toplevel
        return BIN_DIR / name


class SameTreeTest(GuardedTestCase):
    """policy.symlinks: "same_tree", with the links of a mounted Kubernetes volume."""

    def setUp(self):
        super().setUp()
        self.ws.configure({"policy": {"symlinks": "same_tree"}})

    @staticmethod
    def mount(path):
        """Makes path -> ..data/NAME, ..data -> ..2025_06_02; returns the file itself."""
        real = path.parent / "..2025_06_02" / path.name
        real.parent.mkdir(exist_ok=True)
        path.rename(real)
        data = path.parent / "..data"
        if not data.is_symlink():
            data.symlink_to("..2025_06_02")
        path.symlink_to(pathlib.Path("..data") / path.name)
        return real

    def test_the_target_is_replaced_and_the_links_stay(self):
        for path in (self.ws.allowlist, self.ws.rules, self.ws.approvers, self.ws.approval_file):
            self.mount(path)
        env_file = self.mount(self.ws.env_file)
        state = self.mount(self.ws.state)
        self.check_code(self.really_apply(), 0)
        self.assertEqual(env_file.read_text(), ENV_TEXT.replace("'0'", "'10'"))
        for path in (self.ws.env_file, self.ws.state):
            self.assertTrue(path.is_symlink())
        self.assertFalse(env_file.is_symlink() or state.is_symlink())
        self.assertEqual(sorted(each.name for each in self.ws.env_file.parent.iterdir()),
                         ["..2025_06_02", "..data", "service.env"])
        self.assertEqual(self.ws.percent(), 10)
        self.check_code(self.verify_journal(), 0)
        self.check_code(self.rollback(), 0)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.assertTrue(self.ws.env_file.is_symlink())

    def test_a_private_key(self):
        self.mount(self.key)
        self.check_code(self.approve(), 0)

    def test_a_link_that_leads_out_of_its_directory_is_refused(self):
        for path, code, run in ((self.ws.env_file, 4, self.tick),
                                (self.ws.allowlist, 4, self.decide),
                                (self.ws.state, 4, self.status), (self.key, 5, self.approve),
                                (self.ws.approval_file, 5, self.apply)):
            self.check_refused(path, code, (run,), (symlink,))


class TemporaryFileTest(GuardedTestCase):
    """Reports are not guarded, but what was planted in their place is not written into."""

    def test_links_and_pipes_planted_in_the_report_directory(self):
        victim = self.ws.dir / "victim"
        victim.write_text("whole")
        archive = self.ws.reports / "archive"
        shutil.rmtree(archive)
        archive.mkdir()
        for stem in ("dag_quality", "dag_quality_gate", "dag_policy_decision"):
            (self.ws.reports / (stem + "_latest.json.tmp")).symlink_to(victim)
            (self.ws.reports / (stem + "_latest.json")).unlink(missing_ok=True)
            (self.ws.reports / (stem + "_latest.json")).symlink_to(victim)
            os.mkfifo(archive / (stem + "_20250602T000000Z.json.tmp"))
        self.check_code(self.ws.tick(T0), 0)
        self.assertEqual(victim.read_text(), "whole")
        for path in self.ws.reports.rglob("*.json"):
            self.assertTrue(path.is_file() and not path.is_symlink(), path)
        # Nobody writes under those names: each writer has one of its own.
        self.assertEqual(len(list(self.ws.reports.rglob("*.tmp"))), 6)

    def test_links_and_pipes_planted_beside_the_env_file(self):
        victim = self.ws.dir / "victim"
        victim.write_text("whole")
        temporary = self.ws.env_file.with_name("service.env.tmp")
        temporary.symlink_to(victim)
        self.check_code(self.really_apply(), 0)
        os.mkfifo(temporary)
        self.check_code(self.rollback(), 0)
        os.link(victim, temporary)
        self.assertEqual(victim.read_text(), "whole")
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)


if __name__ == "__main__":
    unittest.main()
