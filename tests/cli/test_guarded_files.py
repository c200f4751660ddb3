"""Files that somebody else may have written are refused by every executable that trusts them."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from support import (BIN_DIR, ENV_TEXT, T0, LoopTestCase, Result, clean_environment, hours,
                     run_tool, stamp)

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


class ClosedDirectoryTest(GuardedTestCase):
    """Directories where somebody else can put a file: forward is refused, a way back goes through."""

    def guarded(self):
        return [self.ws.env_file, self.ws.allowlist, self.ws.rules, self.ws.approvers, self.ws.state]

    def check_forward(self, words, path):
        before = self.ws.fingerprint()
        for run in (self.tick, self.dry_tick, self.apply, self.really_apply, self.drill):
            result = run()
            self.assertEqual(result.code, 4, "%s: %s" % (run.__name__, result))
            self.assertIn(words, result.stderr)
            self.assertIn(str(path), result.stderr)
            self.assertRegex(result.stderr, "; .*(chmod|mkdir|chown)")
            shutil.rmtree(self.ws.dir / "other_reports", ignore_errors=True)
        after = self.ws.fingerprint()
        if "belongs to" in words and path == self.ws.approvers:
            before["state/loop.db"] = after["state/loop.db"]  # that the approval was refused
        self.assertEqual(after, before)

    def drill(self):
        return self.ws.tool("dag_optimization_cycle", "--drill", "--out", self.ws.dir / "other_reports")

    def test_a_sticky_directory_like_tmp_is_no_place_for_a_guarded_file(self):
        for path in self.guarded():
            with self.subTest(path=path.name):
                path.parent.chmod(0o1777)
                self.check_forward("where everybody may put files beside it", path)
                path.parent.chmod(0o755)

    def test_a_directory_further_up_that_everybody_may_write_is_refused_unless_it_is_sticky(self):
        up = self.ws.dir / "up"
        up.mkdir()
        moved = up / "env"
        self.ws.env_file.parent.rename(moved)
        self.ws.env_file = moved / "service.env"
        self.ws.configure({"policy": {"env_file": str(self.ws.env_file)}})
        up.chmod(0o777)
        self.check_forward("everybody may write to %s" % up, self.ws.env_file)
        up.chmod(0o1777)
        self.check_code(self.tick(), 0)

    @unittest.skipIf(os.geteuid() != 0, "a user's private group holds nobody else")
    def test_a_group_is_somebody_else_unless_it_is_the_trusted_one(self):
        for path in self.guarded():
            with self.subTest(path=path.name):
                os.chown(path.parent, 0, NOBODY)
                path.parent.chmod(0o775)
                self.check_forward("may be replaced by the group", path)
                self.ws.configure({"policy": {"trusted_group": str(NOBODY)}})
                self.check_code(self.apply(), 0)
                self.ws.configure({"policy": {"trusted_group": None}})
                path.parent.chmod(0o755)

    @unittest.skipIf(os.geteuid() != 0, "only root gives files away")
    def test_a_strangers_directory_further_up_is_refused(self):
        for path in self.guarded():
            if path == self.ws.env_file:
                continue  # its own owner may write it anyway
            with self.subTest(path=path.name):
                os.chown(path.parent, NOBODY, NOBODY)
                self.check_forward("belongs to uid 65534", path)
                os.chown(path.parent, 0, 0)

    def test_the_configuration_is_not_made_trusted_by_the_group_that_it_names(self):
        if os.geteuid() != 0:
            self.skipTest("a user's private group holds nobody else")
        self.ws.configure({"policy": {"trusted_group": "0"}})
        self.ws.config.chmod(0o664)
        self.check_forward("may be written by the group root", self.ws.config)

    def test_a_private_key(self):
        self.keys.chmod(0o1777)
        result = self.check_code(self.approve(), 5)
        self.assertIn("where everybody may put files beside it", result.stderr)

    def test_a_new_state_is_not_made_where_everybody_may_put_files(self):
        new = self.ws.dir / "sticky" / "loop.db"
        new.parent.mkdir()
        new.parent.chmod(0o1777)
        self.ws.configure({"state": "sqlite:%s" % new})
        result = self.check_code(self.tick(), 4)
        self.assertIn("where everybody may put files beside it", result.stderr)
        self.assertEqual(list(new.parent.iterdir()), [])

    def test_a_rollup_store_is_passed_over(self):
        store = self.ws.dir / "rollup" / "rollup.db"
        store.parent.mkdir()
        self.ws.configure({"input": {"rollup": "sqlite:%s" % store}})
        self.check_code(self.ws.tool("eval_dag_quality", "--as-of", stamp(T0)), 0)
        self.assertTrue(store.exists())
        store.parent.chmod(0o1777)
        result = self.check_code(self.ws.tool("eval_dag_quality", "--as-of", stamp(T0)), 0)
        self.assertIn("the rollup store lies in", result.stderr)
        self.assertIn("the log is read without it", result.stderr)

    def test_a_way_back_by_hand_goes_through_and_says_what_is_wrong(self):
        self.check_code(self.really_apply(), 0)
        for path in self.guarded():
            path.parent.chmod(0o1777)
        result = self.check_code(self.rollback(), 0)
        self.assertIn("all else is held up: ", result.stdout)
        self.assertIn("where everybody may put files beside it", result.stdout)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_a_way_back_by_a_tick_goes_through(self):
        self.check_code(self.really_apply(), 0)
        for cohort, failed in (("canary", 60), ("control", 0)):
            self.ws.log.runs(T0, hours(2), 100, cohort=cohort, failed=failed)
        for path in self.guarded():
            path.parent.chmod(0o1777)
        result = self.ws.tick(T0 + hours(2), "--apply", "--out", self.ws.dir / "other_reports")
        self.check_code(result, 7)
        self.assertIn("all else is held up: ", result.stdout)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        # Nothing else does.
        self.check_code(self.ws.tick(T0 + hours(3), "--apply", "--out", self.ws.dir / "other_reports"), 4)


class ReplaceableTest(GuardedTestCase):
    """An env file that cannot be replaced, or would lose something by it."""

    def check_found(self, words, remedy, wrap=()):
        before = self.ws.fingerprint()
        beside = sorted(each.name for each in self.ws.env_file.parent.iterdir())
        out = ["--out", self.ws.dir / "other_reports"]
        tick = ["dag_optimization_cycle", "--config", self.ws.config, "--as-of", stamp(T0), *out]
        apply = ["apply_dag_policy", "--config", self.ws.config, "--decision", self.ws.decision_file,
                 "--approval", self.ws.approval_file]
        for command in (tick, [*tick, "--apply"], apply, [*apply, "--apply"],
                        ["dag_optimization_cycle", "--config", self.ws.config, "--drill", *out]):
            result = self.wrapped(wrap, command)
            self.assertEqual(result.code, 4, "%s: %s" % (command, result))
            self.assertIn(words, result.stderr)
            self.assertIn(remedy, result.stderr)
            shutil.rmtree(self.ws.dir / "other_reports", ignore_errors=True)
            self.assertEqual(sorted(each.name for each in self.ws.env_file.parent.iterdir()), beside)
        self.assertEqual(self.ws.fingerprint(), before)

    def wrapped(self, wrap, command):
        done = subprocess.run([*wrap, str(BIN_DIR / command[0]), *map(str, command[1:])],
                              cwd=self.ws.dir, env=clean_environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        return Result(done)

    def test_an_env_file_that_is_mounted_by_itself(self):
        enter = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        mount = [*enter, "sh", "-c", 'mount --bind "$0" "$0" || exit 77; exec "$@"', self.ws.env_file]
        probe = subprocess.run([*mount, "true"], capture_output=True, check=False)
        if probe.returncode != 0:
            self.skipTest("no mount namespaces here")
        self.check_found("is mounted by itself and cannot be replaced", "mount the directory", mount)
        # Nor does a way back that fails leave anything.
        self.check_code(self.really_apply(), 0)
        result = self.wrapped(mount, ["apply_dag_policy", "--config", self.ws.config, "--rollback", "--apply"])
        self.assertEqual(result.code, 4, str(result))
        self.assertIn("mount the directory", result.stderr)
        self.assertEqual([each.name for each in self.ws.env_file.parent.iterdir()], ["service.env"])
        self.check_code(self.rollback(), 0)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    def test_an_env_file_with_a_second_name(self):
        other = self.ws.dir / "other.env"
        os.link(self.ws.env_file, other)
        self.check_found("has 2 names (hard links)", "-samefile")
        other.unlink()
        self.check_code(self.really_apply(), 0)
        os.link(self.ws.env_file, other)
        result = self.check_code(self.rollback(), 0)
        self.assertIn("has 2 names (hard links)", result.stdout)
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)

    @unittest.skipIf(os.geteuid() != 0 or not shutil.which("setpriv"), "needs root and setpriv")
    def test_a_directory_and_an_owner_without_rights(self):
        for path in [self.ws.dir, *self.ws.dir.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        if subprocess.run([*as_nobody, str(BIN_DIR / "apply_dag_policy"), "--version"],
                          capture_output=True, check=False).returncode != 0:
            self.skipTest("others cannot run what was built")
        os.chown(self.ws.env_file.parent, 0, 0)
        self.check_found("the env file's directory is not writable", "write permission", as_nobody)
        os.chown(self.ws.env_file.parent, NOBODY, NOBODY)
        os.chown(self.ws.env_file, 0, NOBODY)
        self.ws.env_file.chmod(0o664)
        self.check_found("to whom this user can give no new file", "run the loop as", as_nobody)


class AcceptedTest(GuardedTestCase):
    def test_files_that_a_trusted_group_may_write(self):
        self.ws.configure({"policy": {"trusted_group": str(os.getegid())}})
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

    def test_what_lies_beside_the_env_file_is_left_as_it_is(self):
        victim = self.ws.dir / "victim"
        victim.write_text("whole")
        temporary = self.ws.env_file.with_name("service.env.tmp")
        temporary.symlink_to(victim)
        self.check_code(self.really_apply(), 0)
        self.assertTrue(temporary.is_symlink())
        temporary.unlink()
        temporary.write_text("another tool's, half written")
        self.check_code(self.rollback(), 0)
        self.assertEqual(temporary.read_text(), "another tool's, half written")
        self.assertEqual(victim.read_text(), "whole")
        self.assertEqual(self.ws.env_file.read_text(), ENV_TEXT)
        self.assertEqual(len(list(self.ws.env_file.parent.iterdir())), 2)

    def interrupt(self):
        """Kills an apply while its reload hook runs: the new values stand, the intent too."""
        self.ws.configure({"policy": {"reload": ["/bin/sh", "-c", "kill -9 $PPID"]}})
        self.check_code(self.really_apply(), -signal.SIGKILL)
        self.ws.configure({"policy": {"reload": ["/bin/true"]}})
        self.assertEqual(self.ws.percent(), 10)
        self.assertEqual(self.ws.status()["phase"], "applying")

    def test_what_was_planted_after_a_kill_is_neither_used_waited_for_nor_deleted(self):
        self.interrupt()
        planted = ["file", "pipe", "link", "stranger"] if os.geteuid() == 0 else ["file", "pipe", "link"]
        for kind in planted:
            with self.subTest(kind=kind):
                saved = shutil.copytree(self.ws.dir, str(self.ws.dir) + kind)
                self.addCleanup(shutil.rmtree, saved)
                env_file = pathlib.Path(str(self.ws.env_file).replace(str(self.ws.dir), saved))
                temporary = env_file.with_name("service.env.tmp")
                if kind == "pipe":
                    os.mkfifo(temporary)
                elif kind == "link":
                    temporary.symlink_to("/etc/hostname")
                else:
                    temporary.write_text("LD_PRELOAD=/tmp/x.so\nDAG_ROLLOUT_PERCENT=100\n")
                if kind == "stranger":
                    os.chown(temporary, NOBODY, NOBODY)
                before = temporary.lstat()
                config = pathlib.Path(saved) / "config.json"
                config.write_text(config.read_text().replace(str(self.ws.dir), saved))
                started = time.monotonic()
                self.check_code(run_tool("apply_dag_policy", "--rollback", "--apply", "--config",
                                         config, cwd=saved), 0)
                self.assertLess(time.monotonic() - started, MAX_SECONDS)
                after = temporary.lstat()
                self.assertEqual((after.st_ino, after.st_mtime_ns), (before.st_ino, before.st_mtime_ns))
                self.assertEqual(env_file.read_text(), ENV_TEXT)


if __name__ == "__main__":
    unittest.main()
