"""A minimal Debian of any suite in a folder, to build and to test in; kept for the next time.

It comes from the archive that this machine's own apt uses, by debootstrap, and is checked with this machine's
keys. What runs in it has mounts, processes, a host name and a /dev of its own, and the network of this
machine. The mounts belong to its namespace alone and go with its last process, whatever happens. Needs root.
"""

import os
import pathlib
import re
import shutil
import subprocess

# What a Debian machine has before anybody installs anything, as the README's reader finds it: git and systemd.
FIRST_PACKAGES = "git,ca-certificates,systemd-sysv"
TREE = "/build/authmilter"
TEST_DATA = "/build/shared/testdata"
COMPILER_CACHE = "/var/cache/ccache"
UNSTABLE = ("sid", "unstable", "experimental")

# $1: the root, $2: the folder for the compiler's cache, $3: published suites or nothing; the rest is what runs.
ENTER = r"""
set -e
root=$1 compiler_cache=$2 test_data=$3
shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount --rbind /sys sys
mount -t tmpfs -o mode=755 tmpfs dev
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/lock
for device in null zero full random urandom tty; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s fd/${number%%:*} dev/${number#*:}; done
mkdir -p ./var/cache/ccache
mount --bind "$compiler_cache" ./var/cache/ccache
if [ -n "$test_data" ]; then
  mkdir -p ./build/shared/testdata
  mount --bind -o ro "$test_data" ./build/shared/testdata
fi
cp --remove-destination /etc/resolv.conf etc/resolv.conf
mkdir run/old
pivot_root . run/old
umount --lazy /run/old
rmdir /run/old
cd "$HERE"
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
  DEBIAN_FRONTEND=noninteractive CCACHE_DIR=/var/cache/ccache "$@"
"""
# Dies with us, and with it all that it has started.
NAMESPACES = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork",
              "--kill-child")
# Debian's archive has this long to send a minimal root.
DEBOOTSTRAP_SECONDS = 900


class Unavailable(Exception):
    """A suite cannot be had here; the text says why."""


def apt_archives():
    """The addresses of Debian's archive and, where apt has it, of its security updates."""
    found = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=False).stdout
    archives = dict(line.split(" ", 1) for line in found.splitlines() if line.startswith("Debian"))
    if "Debian" not in archives:
        raise Unavailable("apt has no archive of Debian, or no lists yet (apt-get update)")
    return archives["Debian"].rstrip("/"), archives.get("Debian-Security", "").rstrip("/")


def apt_acquire_settings():
    """How this machine's apt reaches it: proxies and the like, and how old its lists may be."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    wanted = re.compile(r'Acquire::(https?|Retries|Check-Valid-Until|Check-Date)\b.* ".+";')
    return [line for line in dump.splitlines() if wanted.match(line)]


class DebianRoot:
    """The root of `suite` below `folder`, made if it is not there yet."""

    def __init__(self, suite, folder, test_data=None):
        self.suite = suite
        self.root = pathlib.Path(folder) / suite
        self.compiler_cache = pathlib.Path(folder) / f"ccache-{suite}"
        self.test_data = test_data if test_data and test_data.is_dir() else None
        self.compiler_cache.mkdir(parents=True, exist_ok=True)

    def exists(self):
        return self.root.exists()

    def remove(self):
        # Other namespaces' mounts do not show here, so only the root's own files go.
        shutil.rmtree(self.root, ignore_errors=True)

    def make(self, log, seconds=DEBOOTSTRAP_SECONDS):
        """Makes the root, whole or not at all, in this time at most. What debootstrap says goes to `log`."""
        if self.exists():
            return
        if subprocess.run([*NAMESPACES, "true"], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                          check=False).returncode != 0:
            raise Unavailable("no mounts of one's own here, as in a container without privileges")
        archive, security = apt_archives()
        # debootstrap itself tries for a quarter of an hour.
        asked = subprocess.run(["wget", "-q", "--tries=2", "--timeout=30", "-O", "/dev/null",
                                f"{archive}/dists/{self.suite}/Release"], check=False).returncode
        if asked != 0:
            answered = asked == 8  # wget's word for an answer that says no
            raise Unavailable(f"{archive} {f'has no {self.suite}' if answered else 'cannot be reached'}")
        fresh = self.root.with_name(f"{self.suite}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        seconds = max(1, min(seconds, DEBOOTSTRAP_SECONDS))
        made = subprocess.run(
            [*NAMESPACES, "--propagation", "private", "--mount-proc", "timeout", str(seconds), "debootstrap",
             "--variant=minbase", f"--include={FIRST_PACKAGES}", self.suite, str(fresh), archive],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False)
        if made.returncode != 0:
            said = pathlib.Path(log.name).read_text(errors="replace").splitlines()
            raise Unavailable(f"debootstrap ended with {made.returncode}: {said[-1] if said else ''} ({log.name})")
        if security and self.suite not in UNSTABLE:
            with open(fresh / "etc/apt/sources.list", "a", encoding="utf-8") as sources:
                sources.write(f"deb {security} {self.suite}-security main\n")
        (fresh / "etc/apt/apt.conf.d/90host").write_text("\n".join(apt_acquire_settings()) + "\n")
        # It can be made again: no need to wait for the disk at each file.
        (fresh / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")
        fresh.rename(self.root)

    def clone(self, tree):
        """What is committed in `tree`, beside what was built of it before; options of CMake's start anew."""
        place = str(self.root) + TREE
        git = ["git", "-C", place]
        if not os.path.isdir(f"{place}/.git"):
            subprocess.run(["git", "init", "-q", place], check=True)
        for left_behind in pathlib.Path(place, ".git").glob("*.lock"):  # by a run that was killed
            left_behind.unlink()
        subprocess.run([*git, "fetch", "-q", "--depth", "1", f"file://{tree}", "HEAD"], check=True)
        subprocess.run([*git, "-c", "advice.detachedHead=false", "checkout", "-q", "-f", "FETCH_HEAD"], check=True)
        subprocess.run([*git, "clean", "-q", "-f", "-d", "-x", "-e", "/build"], check=True)
        for cached in pathlib.Path(place).glob("build/*/CMakeCache.txt"):
            cached.unlink()

    def command(self, *command, here=TREE, **environment):
        """What runs a command in the root."""
        settings = [f"{name}={value}" for name, value in environment.items()]
        return ["env", f"HERE={here}", *NAMESPACES, "bash", "-c", ENTER, "bash", str(self.root),
                str(self.compiler_cache), str(self.test_data or ""), *settings, *command]

    def run(self, *command, log, seconds, **environment):
        """The exit status; output goes to `log`. 124 when it takes longer than `seconds`."""
        with subprocess.Popen(self.command(*command, **environment), stdin=subprocess.DEVNULL, stdout=log,
                              stderr=subprocess.STDOUT) as process:
            try:
                return process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                log.write(f"\nended after {seconds} s\n".encode())
                return 124

    def said_by(self, *command):
        """What a command writes to standard output, nothing where it fails."""
        done = subprocess.run(self.command(*command, here="/"), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""
