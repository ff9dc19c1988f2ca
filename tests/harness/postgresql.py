"""A private PostgreSQL of Debian's package: data and Unix socket in a folder of its own."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time


def programs():
    """The folder of the newest version that is installed; None where there is none."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


class Postgresql:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="authmilter-pg-"))
        self.user = None
        if os.geteuid() == 0:
            # It refuses to be root.
            nobody = pwd.getpwnam("nobody")
            self.user = (nobody.pw_uid, nobody.pw_gid)
            os.chown(self.dir, *self.user)
            self.dir.chmod(0o755)
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", "reports", "-E", "UTF8", "--no-sync", "--locale=C")
        self.start()

    @property
    def data(self):
        return str(self.dir / "data")

    @property
    def uri(self):
        return f"postgresql://reports@/postgres?host={self.dir}"

    def start(self):
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", str(self.dir / "log"), "-o",
                  f"-c listen_addresses= -c fsync=off -k {self.dir}", "start")

    def stop(self, mode="immediate"):
        """`immediate` is as a power cut."""
        self._run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def signal(self, number):
        """To all of its processes."""
        parent = int((pathlib.Path(self.data) / "postmaster.pid").read_text().split()[0])
        children = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in [*children, parent]:
            os.kill(int(pid), number)

    def kill(self):
        """SIGKILL to all of its processes, the parent first, so that no more come."""
        parent = int((pathlib.Path(self.data) / "postmaster.pid").read_text().split()[0])
        os.kill(parent, signal.SIGSTOP)
        children = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in (parent, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 60
        while any(_lives(pid) for pid in (parent, *children)) and time.monotonic() < end:
            time.sleep(0.01)
        # Whoever is dead and not yet reaped would be taken for a server by the next one.
        for file in (pathlib.Path(self.data) / "postmaster.pid", *self.dir.glob(".s.PGSQL.*.lock")):
            file.unlink()

    def query(self, sql):
        """Rows of texts."""
        done = subprocess.run([programs() / "psql", "-X", "-A", "-t", "-F", "\t", "-d", self.uri, "-c", sql],
                              capture_output=True, text=True, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        try:
            self.signal(signal.SIGCONT)
            self.stop()
        except (OSError, subprocess.CalledProcessError):
            pass
        shutil.rmtree(self.dir, ignore_errors=True)

    def _run(self, program, *arguments):
        as_user = {"user": self.user[0], "group": self.user[1], "extra_groups": []} if self.user else {}
        subprocess.run([str(programs() / program), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/",
                       **as_user)
