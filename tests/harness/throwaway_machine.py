"""A copy of this machine that can be installed on, booted and thrown away.

Its file system is an overlay over that of this machine, written to memory; it has its own processes,
network, host name and, if it boots systemd, control groups. Nothing in it reaches the original. Needs
root and a kernel that allows all this; `Unavailable` says what is missing.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

# $1: the folder for the copy, $2: what it is a copy of; the rest is its first process.
SETUP = r"""
set -e
folder=$1 base=$2
shift 2
mount --make-rprivate /
mount -t tmpfs tmpfs "$folder"
mkdir "$folder"/changed "$folder"/work "$folder"/root
mount -t overlay overlay \
  -o "lowerdir=$base,upperdir=$folder/changed,workdir=$folder/work" "$folder"/root
cd "$folder"/root
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
# What the kernel has once, for this machine and the copy.
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
for place in run tmp dev; do mount -t tmpfs tmpfs $place; done
chmod 1777 tmp
for device in null zero full random urandom; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
[ "$1" = sleep ] || mount -t cgroup2 cgroup2 sys/fs/cgroup
: >etc/fstab
# A minute of indexing after each installation; a refusal to start what is installed.
rm -f var/lib/man-db/auto-update usr/sbin/policy-rc.d
echo 0123456789abcdef0123456789abcdef >etc/machine-id
echo mx.example.net >etc/hostname
hostname mx.example.net
# Where to see what has changed.
mount --bind "$folder"/changed mnt
mkdir run/old
pivot_root . run/old
umount --lazy /run/old
rmdir /run/old
# As systemd has it outside of containers: credentials need it.
mount --make-rshared /
echo ready
exec env -i container=throwaway PATH="$PATH" \
  setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-sys_boot "$@"
"""

INIT = {
    "none": ("sleep", "infinity"),
    "systemd": ("/lib/systemd/systemd", "--unit=sysinit.target", "--log-target=journal"),
}
NAMESPACES = ("--mount", "--pid", "--net", "--uts", "--ipc")


class Unavailable(Exception):
    """This machine cannot be copied."""


def own_control_group():
    """A new one below that of this process, in the unified hierarchy."""
    mounts = [line.split() for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    unified = [mount[4] for mount in mounts if mount[mount.index("-") + 1] == "cgroup2"]
    current = [line[3:] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines()
               if line.startswith("0::")]
    if not unified or not current:
        raise Unavailable("no unified control group hierarchy")
    try:
        return tempfile.mkdtemp(prefix="throwaway-", dir=unified[0] + current[0])
    except OSError as error:
        raise Unavailable(f"no control group of our own: {error}") from error


def enter(group):
    with open(f"{group}/cgroup.procs", "w", encoding="ascii") as file:
        file.write("0")


def check(init, base):
    """Says early what would only be seen later."""
    if os.geteuid() != 0:
        raise Unavailable("only root may make namespaces")
    if len({os.stat(f"{base}/{folder}").st_dev for folder in (".", "etc", "usr", "var/lib/dpkg")}) > 1:
        raise Unavailable("the system is not on one file system")
    if init == "systemd" and not os.path.exists(f"{base}/{INIT[init][0]}"):
        raise Unavailable("systemd is not installed")


class Machine:
    """With `init` "systemd" it is booted; otherwise nothing runs in it but what is told to."""

    def __init__(self, init="none", base="/"):
        check(init, base)
        self.base = base.rstrip("/")
        self.process = self.group = None
        self.folder = tempfile.mkdtemp(prefix="authmilter-machine-")
        try:
            if init == "systemd":
                self.group = own_control_group()
            self.start(init, base)
        except BaseException:
            self.close()
            raise

    def start(self, init, base):
        namespaces = [*NAMESPACES, *(["--cgroup"] if self.group else [])]
        try:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", *namespaces, "--fork", "--kill-child",
                 "bash", "-c", SETUP, "bash", self.folder, base, *INIT[init]],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                preexec_fn=(lambda: enter(self.group)) if self.group else None)
        except subprocess.SubprocessError as error:
            raise Unavailable("cannot enter a control group of our own") from error
        said = self.process.stdout.readline()
        if said != "ready\n":
            raise Unavailable(f"no copy of this machine: {said.strip()}")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.first = children.read_text().strip()
        if init == "systemd":
            try:
                self.wait_for(self.systemd_is_up, "systemd", seconds=120)
            except AssertionError as error:
                raise Unavailable(f"systemd does not start in a namespace here: {error}") from error

    def systemd_is_up(self):
        assert self.process.poll() is None, "it has ended"
        return self.run("systemctl", "is-system-running", check=False) in ("running", "degraded")

    def wait_for(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited {seconds} s for {what}"
            time.sleep(0.05)

    def path(self, name):
        """A file of the copy, as it is called outside."""
        return pathlib.Path(f"/proc/{self.first}/root{name}")

    def command(self, *command):
        """What runs `command` in the copy."""
        return ["nsenter", "--target", self.first, "--mount", "--pid", "--net", "--uts", "--ipc",
                *(["--cgroup"] if self.group else []), "--root", "--wd", "--",
                "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                "DEBIAN_FRONTEND=noninteractive", *command]

    def add(self, tree):
        """Unpacked packages, where they belong."""
        with subprocess.Popen(["tar", "-C", tree, "-cf", "-", "."], stdout=subprocess.PIPE) as archive:
            subprocess.run(self.command("tar", "-C", "/", "--keep-directory-symlink", "--no-same-owner", "-xf", "-"),
                           stdin=archive.stdout, check=True)
        self.run("ldconfig")

    def run(self, *command, check=True):
        """What `command` says."""
        done = subprocess.run(self.command(*command), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=120, check=False)
        said = (done.stdout + done.stderr).strip()
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: status {done.returncode}: {said}")
        return said

    def succeeds(self, *command):
        return subprocess.run(self.command(*command), stdin=subprocess.DEVNULL, timeout=120,
                              capture_output=True, check=False).returncode == 0

    def added(self):
        """The files and folders that the copy has, and the original has not."""
        names = self.run("find", "/mnt", "-printf", "/%P\n").splitlines()
        return {name for name in names if not os.path.lexists(self.base + name)}

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.group:
            # The kernel may take a moment to bury the dead.
            events = pathlib.Path(self.group, "cgroup.events")
            self.wait_for(lambda: "populated 0" in events.read_text(), "an empty control group")
            for folder, _, _ in os.walk(self.group, topdown=False):
                os.rmdir(folder)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
