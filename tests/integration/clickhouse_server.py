"""Real ClickHouse servers on loopback: shards of one cluster, free ports, temporary directories,
stopped afterwards."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from postgres_server import free_port

PASSWORD = "pw-Secret-88"
START_TIMEOUT_S = 60

CONFIG = """<yandex>
  <logger><level>warning</level><log>{dir}/server.log</log><errorlog>{dir}/error.log</errorlog></logger>
  <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
  <interserver_http_port>{inter}</interserver_http_port>
  <interserver_http_host>127.0.0.1</interserver_http_host>
  <path>{dir}/data/</path><tmp_path>{dir}/tmp/</tmp_path>
  <user_files_path>{dir}/files/</user_files_path>
  <format_schema_path>{dir}/formats/</format_schema_path>
  <users_config>{dir}/users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
  <mark_cache_size>100000000</mark_cache_size><max_connections>64</max_connections>
  <remote_servers><cluster>{shards}</cluster></remote_servers>
</yandex>
"""
SHARD = """<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host>
<port>{tcp}</port><user>default</user><password>{password}</password></replica></shard>"""
USERS = """<yandex>
  <profiles><default><max_memory_usage>4000000000</max_memory_usage></default></profiles>
  <users><default><password>{password}</password><networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota></default></users>
  <quotas><default/></quotas>
</yandex>
"""


class Shard:
    def __init__(self, directory):
        self.dir = directory
        self.http, self.tcp, self.inter = free_port(), free_port(), free_port()
        self.process = None

    def write(self, shards):
        for name in ("data", "tmp", "files", "formats"):
            (self.dir / name).mkdir(parents=True)
        (self.dir / "config.xml").write_text(CONFIG.format(
            dir=self.dir, http=self.http, tcp=self.tcp, inter=self.inter, shards="".join(
                SHARD.format(tcp=shard.tcp, password=PASSWORD) for shard in shards)))
        (self.dir / "users.xml").write_text(USERS.format(password=PASSWORD))

    def start(self):
        binary = shutil.which("clickhouse-server", path=os.environ["PATH"] + ":/usr/sbin")
        if not binary:
            raise AssertionError("ClickHouse is not installed: run scripts/install_packages.sh test")
        self.process = subprocess.Popen(
            [binary, "--config-file", str(self.dir / "config.xml")], cwd=self.dir,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self.sql("SELECT 1")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((self.dir / "error.log").read_text()[-2000:]) from None
                time.sleep(0.05)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def sql(self, text, data=b"", **settings):
        """Runs one statement and returns what it prints."""
        query = urllib.parse.urlencode({"query": text, **settings}) if data else \
            urllib.parse.urlencode(settings)
        request = urllib.request.Request(
            "http://127.0.0.1:%d/?%s" % (self.http, query), data=data or text.encode(),
            headers={"X-ClickHouse-User": "default", "X-ClickHouse-Key": PASSWORD})
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None


class ClickHouseCluster:
    """Shards that know one another as the cluster `cluster`."""

    def __init__(self, shards=2):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dagloop_ch_"))
        self.shards = [Shard(self.dir / str(i)) for i in range(shards)]
        for shard in self.shards:
            shard.write(self.shards)
        for shard in self.shards:
            shard.start()

    def uri(self, database="default", parameters="", user="default", password=PASSWORD, shard=0):
        return "clickhouse://%s:%s@127.0.0.1:%d/%s%s" % (
            user, password, self.shards[shard].http, database, parameters)

    def sql(self, text, **settings):
        """Runs one statement on every shard."""
        return [shard.sql(text, **settings) for shard in self.shards]

    def close(self):
        for shard in self.shards:
            if shard.process.poll() is None:
                shard.kill()
        shutil.rmtree(self.dir, ignore_errors=True)
