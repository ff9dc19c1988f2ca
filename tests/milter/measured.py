"""A daemon whose metrics can be read."""

import pathlib
import socket
import sys
import time

from daemon import Daemon

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import exposition  # noqa: E402


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{s.getsockname()[1]}"


class Measured(Daemon):
    def __init__(self, program, more="", **options):
        self.address = free_address()
        super().__init__(program, more=f'{more}[metrics]\nlisten = "{self.address}"\n', **options)

    def series(self):
        return exposition.series(exposition.read(self.address))

    def wait_for_series(self, name, value, seconds=10):
        end = time.monotonic() + seconds
        while (found := self.series().get(name)) != value and time.monotonic() < end:
            time.sleep(0.05)
        assert found == value, f"{name} is {found}, not {value}"
