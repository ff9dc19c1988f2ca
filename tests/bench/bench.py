"""The benchmark as a whole: what is measured, and in which order."""

import json
import os
import pathlib
import sys
import time

import counting
import filters
import loads
import parts
import peers
import scale
import scenario
import world


# What --quick leaves of them.
QUICK = {"verify 10 kB c=8", "verify 10 kB c=64", "verify 1 MB", "sign 10 kB c=8", "sign 10 kB RSA+Ed25519",
         "count verify 10 kB c=1", "count sign 10 kB c=1", scale.MEMORY, scale.SLOW, "part body hash",
         "part verify", "part sign"}


def names():
    return [*(load.title for load in loads.LOADS), *counting.NAMES, *scale.NAMES, *parts.NAMES]


def run(options):
    """The figures; nothing where they cannot be had."""
    try:
        if world.INSIDE not in os.environ:
            options.work.mkdir(mode=0o700, parents=True, exist_ok=True)
            world.lock(options.work)
            every = peers.FEW if options.quick else peers.NAMES
            programs, absent = peers.found(every if options.peers else ())
            scenario.make(options.work / "scenario")
            world.enter(json.dumps([programs, absent]))
        programs, absent = json.loads(os.environ[world.INSIDE])
        world.set_up(options.work, [one["share"] for one in programs.values() if "share" in one])
        return Bench(options, programs).run(absent)
    except world.Unavailable as error:
        print(f"bench: needs {error}", file=sys.stderr)
        return None
    except (filters.NotStarted, loads.DriverFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        return None


class Bench:
    def __init__(self, options, programs):
        self.options, self.programs, self.began = options, programs, time.monotonic()
        self.work = options.work.resolve()
        self.scenario = self.work / "scenario"
        build = options.build_folder.resolve()
        self.ours = build / "milter/authmilterd"
        self.old = pathlib.Path(options.old).resolve() if options.old else None
        self.bench = build / "tests/bench"
        self.driver = loads.Driver(self.bench / "bench_driver")

    def wants(self, name):
        words = [word.strip() for word in self.options.only.split(",") if word.strip()]
        if not words:
            return name in QUICK or not self.options.quick
        return any(word in name for word in words)

    def say(self, text):
        print(f"{time.monotonic() - self.began:4.0f} s  {text}", file=sys.stderr, flush=True)

    def run(self, absent):
        figures = {"system": loads.system(), "absent": absent, "cells": [], "counts": [], "scale": [],
                     "parts": []}
        with world.NameServer(self.work / "dns", self.scenario):
            every = self.filters(absent)
            if wanted := [load for load in loads.LOADS if self.wants(load.title)]:
                self.play_loads(wanted, every, figures)
            figures["counts"] = list(counting.Counting(self, self.bench / "libbench_allocations.so").run(every))
            figures["scale"] = scale.Scale(self).run(every)
        if any(self.wants(name) for name in parts.NAMES):
            self.say("   parts")
            figures["parts"] = parts.run(self.bench / "bench_parts", self.scenario, self.options, self.wants)
        return figures

    def filters(self, absent):
        """Those that serve here, each tried once; why others do not, into `absent`."""
        ours = [filters.ours("authmilter", self.ours)]
        ours.append(filters.with_reports(self.ours))
        if self.old:
            ours.append(filters.ours("old", self.old))
        ours[0].start(self.work)
        try:
            negotiated = self.driver("--filter", ours[0].processes[0].socket)
        finally:
            ours[0].stop()
        every = [*ours, *filters.floors(self.bench / "bench_floor", negotiated)]
        for one in filters.peers(self.programs):
            try:
                one.start(self.work)
                one.stop()
                every.append(one)
            except filters.NotStarted as error:
                absent[one.name] = str(error)
        return every

    def play_loads(self, wanted, every, figures):
        for repetition in range(self.options.repeat):
            running = []
            try:
                for one in every:
                    one.start(self.work)
                    running.append(one)
                for turn, load in enumerate(wanted):
                    figures["cells"] += self.play(load, running, repetition, repetition + turn)
            finally:
                for one in running:
                    one.stop()

    def play(self, load, running, repetition, turn):
        """One load for all, who begin in turn."""
        players = [one for one in running if load.role in one.roles and (one.loads is None or one.loads(load))]
        turn %= max(1, len(players))
        for one in players[turn:] + players[:turn]:
            try:
                cell = loads.play(self.driver, self.scenario, one, load, self.options.seconds, self.options.messages)
            except loads.DriverFailed as error:
                cell = {"filter": one.name, "load": load.title, "cpu_us": None, "problem": str(error)}
            cell["repetition"] = repetition
            shown = f"{cell['cpu_us']:8.0f} us" if cell["cpu_us"] is not None else ""
            self.say(f"{repetition + 1}  {load.title:28} {one.name:20} {shown}  {cell['problem']}")
            yield cell
