"""Clients of /metrics that say nothing, little or late do not keep the others waiting.

    metrics_faults.py AUTHMILTERD [unittest arguments]
"""

import os
import socket
import sys
import threading
import time

from harness import ran
from harness.faults import TestCase, Watched

PROGRAM = os.path.abspath(sys.argv[1])
# Prometheus' own limit is 10 seconds. Ten clients have a thread each and cost nothing; this is for a busy machine.
AT_ONCE, IN_TIME = 5, 10
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 10000


class Crowd:
    """`count` clients who come again whenever they are sent away. `talk` says what each has to say."""

    def __init__(self, port, count, talk):
        self.port, self.talk, self.over = port, talk, threading.Event()
        self.reached = threading.Semaphore(0)
        self.threads = [threading.Thread(target=self.stay, daemon=True) for _ in range(count)]

    def stay(self):
        first = True
        while not self.over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
                    connection.settimeout(0.2)
                    if first:
                        self.reached.release()
                        first = False
                    self.talk(connection, self.over)
            except OSError:
                self.over.wait(0.05)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        # As many as the server lets in at once; the others wait in its queues or before them.
        end = time.monotonic() + 60
        for _ in self.threads[:150]:
            if not self.reached.acquire(timeout=max(0, end - time.monotonic())):
                self.__exit__()
                raise AssertionError("the clients do not come in")
        return self

    def __exit__(self, *unused):
        self.over.set()
        for thread in self.threads:
            thread.join(60)


def until_closed(connection, over):
    while not over.is_set():
        try:
            if not connection.recv(4096):
                return
        except TimeoutError:
            pass


def silent(connection, over):
    until_closed(connection, over)


def a_byte_a_second(connection, over):
    for octet in REQUEST:
        connection.sendall(bytes([octet]))
        if over.wait(1):
            return


def half_a_request(connection, over):
    connection.sendall(REQUEST[:40])
    until_closed(connection, over)


def a_body_a_byte_at_a_time(connection, over):
    connection.sendall(b"POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"x")
        if over.wait(0.4):
            return


def never_read(connection, over):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    over.wait(3)


class Metrics(TestCase):
    def test_slow_clients(self):
        with Watched(PROGRAM) as daemon:
            for talk in (silent, half_a_request, a_byte_a_second, a_body_a_byte_at_a_time, never_read):
                for count, most in ((10, AT_ONCE), (200, IN_TIME)):
                    with self.subTest(talk.__name__, count=count), Crowd(daemon.metrics_port, count, talk):
                        for _ in range(3):
                            start = time.monotonic()
                            self.assertEqual(daemon.metrics()["authmilter_open_connections"], 0)
                            seconds = time.monotonic() - start
                            print(f"{count} clients, {talk.__name__}: {seconds:.2f} s", flush=True)
                            self.assertLess(seconds, most)
            # What they took is given back.
            self.wait_until(lambda: self.assertLess(daemon.descriptors(), 60), 30)
            self.check_judges(daemon)


if __name__ == "__main__":
    ran.main(argv=[sys.argv[0], *sys.argv[2:]])
