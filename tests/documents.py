#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what the documents say of the repository.

usage: documents.py [DIRECTORY]

Each rule that code or a test cites by its number (P1, S3, M5 …) has exactly one row in
axebergd/README.md, and each test that is named there exists. Links between the documents lead to files.
"""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
complaints = []


def files(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns], cwd=root,
                            check=True, capture_output=True, text=True).stdout
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def check_rules():
    readme = (root / "axebergd/README.md").read_text()
    sources = {file: file.read_text() for file in files("axebergd/*.[ch]", "libaxeberg-client/*.[ch]", "tests/*.[ch]")}
    rows = re.findall(r"^\| ([A-Z]\d) \|", readme, re.M)
    letters = "".join(sorted({row[0] for row in rows}))
    cited = {}
    for file, text in sources.items():
        for comment in re.findall(r"/\*.*?\*/|test_[A-Z]\d\w*", text, re.S):
            for rule in re.findall(rf"(?<![A-Za-z0-9])[{letters}]\d(?![A-Za-z0-9])", comment):
                cited.setdefault(rule, file)
    for rule, file in sorted(cited.items()):
        if rule not in rows:
            complaints.append(f"{file.relative_to(root)} cites {rule}, which axebergd/README.md does not define")
    for rule in sorted({row for row in rows if rows.count(row) > 1}):
        complaints.append(f"axebergd/README.md defines {rule} more than once")
    tests = "\n".join(text for file, text in sources.items() if "tests" in file.parts)
    for name in re.findall(r"`(test_\w+)`", readme):
        if f"({name})" not in tests:
            complaints.append(f"axebergd/README.md names {name}, which does not exist")


def check_links():
    for file in files("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text()):
            if not (file.parent / target).exists():
                complaints.append(f"{file.relative_to(root)}: {target} does not exist")


check_rules()
check_links()
if complaints:
    sys.exit("\n".join(complaints))
