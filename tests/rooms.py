#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that include arrows run one way: which room of the house may know which.

usage: rooms.py [DIRECTORY]

A room is a directory of axebergd; a module is NAME.c with NAME.h. A room knows itself and the rooms
below it, and no others. Modules that include each other in a circle are at most two, and in one
room. Below all lies proto; all but the library itself know of the library only its public header.
"""
import pathlib
import re
import sys

# From the ground up.
ROOMS = ["util", "account", "trace", "memory", "object", "process", "vfs", "window", "kernel", "synthetic",
         "syscalls", "server", "bus", "main"]

# Modules that lie in axebergd itself.
TOP = {"config": "kernel", "config_file": "kernel", "kernel": "kernel",
       "loop": "main", "main": "main", "mounter": "main", "service": "main"}

# What the programs may include beside what is their own.
PARTS = {"proto": ["public"], "libaxeberg-client": ["proto"],
         "axebergd": ["proto", "public"], "axfs": ["proto", "public"], "cli": ["proto", "public"]}

PUBLIC = "libaxeberg-client/axeberg.h"
GENERATED = re.compile(r"\.pb-c\.h$|^handlers\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def find(root, source, name):
    """The file that an include means: beside its source, or where the part's include paths lead."""
    part = source.relative_to(root).parts[0]
    for directory in (source.parent, root / part, root / "proto", root / "libaxeberg-client", root / "cli", root / "axfs",
                      root / "axebergd"):
        if (directory / name).is_file():
            return directory / name
    return None


def module_of(root, file):
    return str(file.relative_to(root).with_suffix(""))


def room_of(module):
    """The place of a module of axebergd in ROOMS."""
    parts = module.split("/")[1:]
    room = parts[0] if len(parts) > 1 else TOP.get(parts[0])
    return ROOMS.index(room) if room in ROOMS else None


def check_part(root, source, target):
    """Whether the part that source belongs to may include target at all."""
    own, other = (file.relative_to(root).parts[0] for file in (source, target))
    allowed = PARTS[own]
    if own == other or other in allowed:
        return None
    if "public" in allowed and str(target.relative_to(root)) == PUBLIC:
        return None
    return f"{own} must not know {other}"


def check_rooms(source, target):
    """Whether an arrow between two modules of axebergd goes down."""
    if not (source.startswith("axebergd/") and target.startswith("axebergd/")):
        return None
    above, below = room_of(source), room_of(target)
    for module, room in ((source, above), (target, below)):
        if room is None:
            return f"{module} is in no room that {pathlib.Path(__file__).name} knows"
    if below > above:
        return f"{ROOMS[above]} lies below {ROOMS[below]}"
    return None


def circles(edges):
    """Circles of three modules and more, each once: it begins at its least module."""
    found = []

    def walk(start, module, path):
        for target in sorted(edges.get(module, ())):
            if target == start and len(path) > 2:
                found.append(path)
            elif target > start and target not in path:
                walk(start, target, path + [target])

    for module in knotted(edges):
        walk(module, module, [module])
    return found


def knotted(edges):
    """The modules that may lie in a circle: what leads nowhere, or is reached from nowhere, does not."""
    modules = set(edges) | {target for targets in edges.values() for target in targets}
    while True:
        kept = {module for module in modules
                if edges.get(module, set()) & modules and any(module in edges.get(other, ()) for other in modules)}
        if kept == modules:
            return sorted(kept)
        modules = kept


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    edges, complaints = {}, []
    for part in PARTS:
        for source in sorted((root / part).rglob("*.[ch]")):
            for name in INCLUDE.findall(source.read_text()):
                target = find(root, source, name)
                if not target:
                    if not GENERATED.search(name):
                        complaints.append(f"{source.relative_to(root)}: {name} is nowhere")
                    continue
                a, b = module_of(root, source), module_of(root, target)
                complaint = check_part(root, source, target) or check_rooms(a, b)
                if complaint:
                    complaints.append(f"{source.relative_to(root)} includes {name}: {complaint}")
                if a != b:
                    edges.setdefault(a, set()).add(b)
    complaints += [f"a circle of {len(path)}: {' -> '.join(path + path[:1])}" for path in circles(edges)]
    print("\n".join(complaints) or f"{sum(map(len, edges.values()))} arrows run one way")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
