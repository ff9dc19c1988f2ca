"""A daemon whose metrics can be read."""

import time

from . import exposition
from .daemon import PATIENCE, Daemon
from .network import free_port


def free_address():
    return f"127.0.0.1:{free_port()}"


class Measured(Daemon):
    def __init__(self, program, more="", **options):
        self.address = free_address()
        super().__init__(program, more=f'{more}[metrics]\nlisten = "{self.address}"\n', **options)

    def series(self):
        return exposition.series(exposition.read(self.address))

    def wait_for_series(self, name, value, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while (found := self.series().get(name)) != value and time.monotonic() < end:
            time.sleep(0.05)
        assert found == value, f"{name} is {found}, not {value}"
