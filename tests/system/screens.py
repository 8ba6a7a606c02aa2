# SPDX-License-Identifier: MIT
"""Compares what tables show on a terminal with what the same commands say in JSON.

  screens.py DIRECTORY

The directory has for each case a file NAME.case: the locale, the columns, how to look, and arguments of that, a line each; NAME.screen, what
on_terminal printed; and NAME.json.

  table LIST KEY [TREE]   a table with headings; LIST is the array in JSON, KEY the heading of the first column. A heading is the same in JSON in
                          small letters. Each row of the screen has what the row of JSON has, whole, in its columns; only the last column may
                          have more lines. A row of one of them alone is fine: programs come and go.
  listing                 the same for ls -l, which has no headings
  facts LABEL...          each line has one of the labels, or goes on with the one before
  words                   every line has as many words as the first, or three: figures that are not there
"""
import json
import os
import re
import sys
import unicodedata

# Of one moment only.
CHANGING = {"AGE", "FDS", "MEMORY", "CALLS", "CALLS/s", "BYTES/s", "PARKED", "STATE", "ALLOCATED", "LIMIT", "PEAK", "USED", "REFUSED", "SIZE", "HOSTPID",
            "USER"}


def escape(character):
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"


def expected(text, ascii):
    """What is to be seen of text that has been made printable, without its spaces: a break stands for a space."""
    if ascii:
        text = "".join(c if c.isascii() else escape(c) for c in text)
    elif text and unicodedata.combining(text[0]):
        text = escape(text[0]) + text[1:]
    return "".join(text.split(" "))


def cells(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fail(what, *lines):
    sys.exit("\n".join([what, *lines]))


def rows_of(lines, begin):
    """Rows, each with the text of its last column, which begins at `begin`."""
    rows = []
    for line in lines:
        head, text = line[:begin], line[begin:]
        if head.strip():
            rows.append([head, text, 1])
        elif not rows or not text.strip():
            fail("a line of no row", line)
        else:
            rows[-1][1] += "\n" + text
            rows[-1][2] += 1
    return rows


def joined(text, tree):
    lines = text.split("\n")
    if tree:
        lines = [re.sub(r"^[│├└─|`\s-]*", "", line) for line in lines]
    return "".join("".join(lines).split(" "))


def wrapped_well(text, room):
    for line in text.split("\n")[1:]:
        if line and unicodedata.combining(line.lstrip()[:1] or " "):
            fail("a combining character begins a line", text)
    for line in text.split("\n"):
        if cells(line) > room:
            fail("a line is too long", line)


def check_table(columns, screen, listed, key, tree, ascii):
    lines = screen.split("\n")[:-1]
    heading = lines[0].replace("OF LIMIT", "OF-LIMIT")  # a bar, which JSON has not
    names = heading.split()
    if names[0] != key or cells(heading) > columns:
        fail("headings", heading)
    wanted = {(str(row[key.lower()]), row.get("resource")): row for row in listed}
    last = names[-1] if names[-1] in ("COMMAND", "TITLE") else None
    begin = heading.index(last) if last else columns
    n_seen = 0
    for head, text, n_lines in rows_of(lines[1:], begin) if last else [(line, "", 1) for line in lines[1:]]:
        values = head.split()
        if len(values) != len(names) - bool(last):
            fail("a figure is missing or broken", heading, head)
        row = wanted.get((values[0], values[names.index("RESOURCE")] if "RESOURCE" in names else None))
        if row is None:
            continue
        n_seen += 1
        for name, value in zip(names, values):
            if name in CHANGING or name == "OF-LIMIT":
                if re.search(r"[^\w.:\-\[#\]]", value):
                    fail(f"{name} {value}", head)
            elif str(row[name.lower()]) != value:
                fail(f"{name} is {row[name.lower()]}, not {value}", head)
        if last:
            wrapped_well(text, columns - begin)
            name = row[last.lower()] or ("-" if last == "TITLE" else "")
            if joined(text, tree) != expected(name, ascii):
                fail("the last column", text, name)
            if n_lines > 1 and not tree and cells(name) <= columns - begin and name.isascii():
                fail("broken in vain", text)
    if n_seen == 0:
        fail("nothing to compare", screen)


def check_listing(columns, screen, listed, ascii):
    lines = screen.split("\n")[:-1]
    begin = min(len(line) - len(line.lstrip(" ")) for line in lines if line.startswith(" ")) if any(
        line.startswith(" ") for line in lines) else None
    wanted = []
    for row in listed:
        target = row.get("target")
        text = shown(row["name"]) + (f" -> {shown(target)}" if target else "")
        wanted.append((row["mode"], str(row["size"]), expected(text, ascii)))
    found = []
    for line in lines:
        if re.match(r"[-dl][-rwxsStT]{9} ", line):
            found.append([line[:begin] if begin else line, line[begin:] if begin else ""])
        elif not line.startswith(" "):
            fail("a line of no file", line)
        else:
            found[-1][1] += "\n" + line[begin:]
    if len(found) != len(wanted):
        fail(f"{len(found)} files of {len(wanted)}", screen)
    for (head, text), (_, size, name) in zip(found, wanted):
        if begin:
            wrapped_well(text, columns - begin)
            if joined(text, False) != name:
                fail("a name", text, name)
        elif not "".join(head.split(" ")).endswith(name):
            fail("a name", head, name)
        if begin and begin > 20 and size not in head.split():
            fail("a size", head, size)


def shown(name):
    """A name of JSON, where it is what it is, made printable; those of the tests are UTF-8."""
    result = ""
    for position, character in enumerate(name):
        code = ord(character)
        if character in "\n\t\r\\":
            result += {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}[character]
        elif code < 0x20 or code == 0x7F:
            result += f"\\x{code:02x}"
        elif unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cn") or (position == 0 and unicodedata.combining(character)):
            result += escape(character)
        else:
            result += character
    return result


def check_facts(columns, screen, labels):
    seen = set()
    for line in screen.split("\n")[:-1]:
        if cells(line) > columns:
            fail("too long", line)
        label = next((label for label in labels if line.startswith(label + " ")), None)
        if label:
            seen.add(label)
        elif not line.startswith("     "):
            fail("a line without a label", line)
    if seen != set(labels):
        fail(f"missing: {set(labels) - seen}", screen)


def check_words(lines):
    for line in lines:
        if len(line.split()) not in (3, len(lines[0].split())):
            fail("a figure is missing or broken", line)


def check(stem):
    locale, columns, how, *arguments = open(stem + ".case", encoding="utf-8").read().split("\n")[:-1]
    screen = open(stem + ".screen", encoding="utf-8").read()
    columns = int(columns)
    if how == "facts":
        check_facts(columns, screen, arguments)
        return
    if how == "words":
        check_words(screen.split("\n")[:-1])
        return
    with open(stem + ".json", encoding="utf-8") as file:
        listed = json.load(file)
    if how == "table":
        check_table(columns, screen, listed[arguments[0]], arguments[1], "TREE" in arguments, locale == "C")
    else:
        check_listing(columns, screen, listed["files"], locale == "C")


def main(directory):
    stems = [os.path.join(directory, name)[:-5] for name in sorted(os.listdir(directory)) if name.endswith(".case")]
    for stem in stems:
        try:
            check(stem)
        except SystemExit as error:
            case = open(stem + ".case", encoding="utf-8").read().replace("\n", " ")
            sys.exit(f"{case}: {error}\n{open(stem + '.screen', encoding='utf-8').read()}")
    print(len(stems))


main(*sys.argv[1:])
