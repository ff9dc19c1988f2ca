#!/usr/bin/env python3
"""The container file names what exists, and what the image adds works: configuration and health check.

usage: container.py REPOSITORY AUTHMILTERD
"""

import pathlib
import re
import socket
import subprocess
import sys

from harness.daemon import Daemon

INSTRUCTIONS = {"FROM", "RUN", "COPY", "WORKDIR", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT"}


def instructions(text):
    """Pairs of a name and what follows it, with continued lines joined."""
    text = re.sub(r"(?m)^#.*\n", "", text).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def container_file(repository):
    stages = set()
    for name, rest in instructions((repository / "contrib/container/Containerfile").read_text()):
        if name not in INSTRUCTIONS:
            yield f"unknown instruction {name}"
        if name == "FROM":
            stages.update(re.findall(r" AS (\w+)$", rest))
        if name == "RUN" and subprocess.run(["bash", "-n"], input=rest, text=True, check=False).returncode:
            yield f"not a command: {rest}"
        if name == "COPY":
            *sources, _ = [word for word in rest.split() if not word.startswith("--")]
            stage = re.search(r"--from=(\w+)", rest)
            if stage and stage[1] not in stages:
                yield f"no stage {stage[1]}"
            yield from (f"nothing to copy: {source}" for source in sources
                        if not stage and not (repository / source).exists())


def health(repository, program):
    """The health check says what is so."""
    check = [repository / "contrib/container/healthcheck"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if subprocess.run([*check, str(port)], capture_output=True, check=False).returncode == 0:
            yield "healthy where nobody answers"
    if subprocess.run([*check, str(port)], capture_output=True, check=False).returncode == 0:
        yield "healthy where nobody listens"

    def by_tcp(daemon):
        daemon.sockets = [f"inet:{port}@0.0.0.0"]
        daemon.write_config()

    with Daemon(program, prepare=by_tcp) as daemon:
        said = subprocess.run([*check, str(port)], capture_output=True, text=True, check=False)
        if said.returncode != 0:
            yield f"not healthy where the daemon serves: {said.stderr}"
        daemon.stop()


def main():
    repository, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    problems = list(container_file(repository)) + list(health(repository, program))
    configuration = repository / "contrib/container/authmilter.toml"
    checked = subprocess.run([program, "--check-config", "--config", configuration], capture_output=True,
                             text=True, check=False)
    if checked.returncode != 0:
        problems.append(checked.stderr)
    for problem in problems:
        print(f"FAIL {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
