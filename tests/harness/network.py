"""Ports that are free, and a network that is this process's own."""

import ctypes
import fcntl
import os
import random
import socket
import struct
import subprocess

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP, IFF_RUNNING = 0x8914, 0x8916, 0x1, 0x40


class Unavailable(Exception):
    """This machine does not allow it; the text says what."""


# Below those that the kernel gives to clients (net.ipv4.ip_local_port_range), so that none of them takes it first.
PORTS = range(12000, 32000)
_taken = []


def free_port():
    """A port that nobody listens at, and that no other test is told of until this process ends."""
    for port in random.sample(PORTS, len(PORTS)):
        taken = socket.socket(socket.AF_UNIX)
        try:
            # A name that the kernel forgets with the process.
            taken.bind(f"\0authmilter-test-port-{port}")
            with socket.socket() as one:
                one.bind(("127.0.0.1", port))
        except OSError:
            taken.close()
            continue
        _taken.append(taken)
        return port
    raise OSError("no port is free")


def own_network(addresses=()):
    """Puts this process into a network with nothing but a loopback interface, which has these `addresses` too, each
    with all of its class."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise Unavailable(f"no network of its own: {os.strerror(ctypes.get_errno())}")
    loopback_up(addresses)


def loopback_up(addresses=()):
    with socket.socket() as one:
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP | IFF_RUNNING))
        for number, address in enumerate(addresses):
            # On an alias: the network's class says /24, and all of it is local on lo.
            fcntl.ioctl(one, SIOCSIFADDR, struct.pack("16sHH4s8x", f"lo:{number}".encode(), socket.AF_INET, 0,
                                                      socket.inet_aton(address)))


def own_mounts():
    """Puts this process into a view of the file system of its own."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise Unavailable(f"no file system of its own: {os.strerror(ctypes.get_errno())}")
    if subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, check=False).returncode != 0:
        raise Unavailable("mounts are not allowed")


def put_over(source, place):
    """Within a view of one's own."""
    subprocess.run(["mount", "--bind", source, place], check=True)
