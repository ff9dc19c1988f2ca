#!/usr/bin/env bash
# libunbound 1.17.1: its first question makes the buffers of all outgoing-num-tcp connections, whoever answers it
#
# A daemon that sets outgoing-num-tcp high, so that slow TCP servers do not wait for each other, asks itself what that costs.
# Guess: a buffer is made when a connection is opened, and a number that is never reached costs a pointer each.
# Seen, libunbound8 1.17.1-2+deb12u4 of Debian 12: a context with 2048 instead of 10 takes over 100 MiB more of address space
# and over 8 MiB more of memory with its first question, here one that its own local data answers, without any network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
apt-get -q download libunbound8=1.17.1-2+deb12u4 libunbound-dev=1.17.1-2+deb12u4 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done

cat >ask.c <<'C'
#include <stdio.h>
#include <string.h>
#include <unbound.h>

static long status(const char *field) {
  char line[256];
  long octets = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, file))
    if (!strncmp(line, field, strlen(field))) sscanf(line + strlen(field), " %ld", &octets);
  fclose(file);
  return octets;
}

int main(int count, char **words) {
  struct ub_result *result;
  struct ub_ctx *context = ub_ctx_create();
  if (count != 2 || ub_ctx_set_option(context, "outgoing-num-tcp:", words[1]) ||
      ub_ctx_data_add(context, "name.test. TXT \"text\"")) return 1;
  long size = status("VmData:"), memory = status("RssAnon:");
  if (ub_resolve(context, "name.test", 16, 1, &result) || !result->havedata) return 1;
  printf("%ld %ld\n", (status("VmData:") - size) / 1024, (status("RssAnon:") - memory) / 1024);
  return 0;
}
C
libraries=$(echo usr/lib/*-linux-gnu)
cc -Iusr/include ask.c -o ask "$libraries"/libunbound.so.8
for places in 10 2048; do
  read -r size memory < <(LD_LIBRARY_PATH=$libraries ./ask $places)
  echo "outgoing-num-tcp: $places: the first question takes $size MiB of address space, $memory MiB of memory" | tee -a seen
  sizes+=("$size") memories+=("$memory")
done
[ $((sizes[1] - sizes[0])) -ge 100 ] && [ $((memories[1] - memories[0])) -ge 8 ]
