"""The benchmark as a whole: what is measured, in which order, and what is printed."""

import json
import os
import pathlib
import sys

import filters
import loads
import parts
import peers
import report
import scenario
import world


def names():
    return [*(load.title for load in loads.LOADS), *parts.NAMES]


def run(options):
    """The figures, printed and returned; nothing where they cannot be had."""
    try:
        if world.INSIDE not in os.environ:
            programs = {} if options.no_peers or options.quick else peers.found()
            scenario.make(options.work / "scenario")
            world.enter(json.dumps(programs))
        world.set_up(options.work)
        return Bench(options, json.loads(os.environ[world.INSIDE])).run()
    except (world.Unavailable, filters.NotStarted, loads.DriverFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        return None


class Bench:
    def __init__(self, options, programs):
        self.options, self.programs = options, programs
        self.work = options.work.resolve()
        self.scenario = self.work / "scenario"
        build = options.build_folder.resolve()
        self.ours = build / "milter/authmilterd"
        self.bench = build / "tests/bench"
        self.driver = loads.Driver(self.bench / "bench_driver")

    def wants(self, name):
        words = [word.strip() for word in self.options.only.split(",") if word.strip()]
        return not words or any(word in name for word in words)

    def run(self):
        figures = {"system": loads.system(), "absent": {}, "cells": [], "parts": []}
        with world.NameServer(self.work / "dns", self.scenario):
            self.play_loads(figures)
        if any(self.wants(name) for name in parts.NAMES):
            figures["parts"] = parts.run(self.bench / "bench_parts", self.scenario, self.options, self.wants)
        print(report.whole(figures, self.options))
        return figures

    def chosen_filters(self, absent):
        """Those that can be started, each tried once; why not, into `absent`."""
        ours = [filters.ours("authmilter", self.ours)]
        if self.options.old:
            ours.append(filters.ours("old", pathlib.Path(self.options.old).resolve()))
        ours[0].start(self.work)
        try:
            negotiated = self.driver("--filter", ours[0].processes[0].socket)
        finally:
            ours[0].stop()
        others = peers.absent(self.programs)
        absent.update(others)
        return [*ours, *filters.floors(self.bench / "bench_floor", negotiated), *filters.peers(self.programs)]

    def play_loads(self, figures):
        wanted = [load for load in loads.LOADS if self.wants(load.title)]
        if not wanted:
            return
        every = self.chosen_filters(figures["absent"])
        for repetition in range(self.options.repeat):
            running = []
            try:
                for one in every:
                    try:
                        one.start(self.work)
                        running.append(one)
                    except filters.NotStarted as error:
                        figures["absent"][one.name] = str(error)
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
            print(f"{repetition + 1}  {load.title:28} {one.name:20} {shown}  {cell['problem']}", file=sys.stderr, flush=True)
            yield cell
