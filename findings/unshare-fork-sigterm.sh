#!/usr/bin/env bash
# unshare 2.38: "timeout 50 unshare --pid --fork --kill-child ..." sets no limit of time
#
# Tests of mail servers run in namespaces of their own, with a limit around them.
# Guess: the SIGTERM ends unshare, and with --kill-child what it has started.
# Seen, util-linux 2.38.1-5+deb12u3 of Debian 12: unshare lives on, as the shell does that is the first process of its
# namespace, --kill-child or not, and timeout waits for both; only then it says 124. Nor are the shell's own commands
# safe: the signal goes to the whole group, so each that runs then is cut short. With SIGKILL (timeout -k) all end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download util-linux=2.38.1-5+deb12u3 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done

run() {
  status=0
  rm -f finished
  timeout $1 usr/bin/unshare --map-root-user --pid $2 \
    sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.3 || echo "a sleep ended early"; done; : >finished' 2>/dev/null ||
    status=$?
  [ -e finished ] && end='ran to its end' || end='was ended'
  echo "timeout $1 unshare $2: status $status, the command $end"
}
seen=$(
  run 1 '--kill-child'
  run 1 '--fork'
  run 1 '--fork --kill-child'
  run '-k 0.1 1' '--fork --kill-child'
)
echo "$seen"
[ "$seen" = 'a sleep ended early
timeout 1 unshare --kill-child: status 124, the command ran to its end
a sleep ended early
timeout 1 unshare --fork: status 124, the command ran to its end
a sleep ended early
timeout 1 unshare --fork --kill-child: status 124, the command ran to its end
a sleep ended early
timeout -k 0.1 1 unshare --fork --kill-child: status 137, the command was ended' ]
