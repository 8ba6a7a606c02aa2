# SPDX-License-Identifier: MIT
"""Prints the declarations of a C header, or of a manual page's SYNOPSIS, one a line and each written the same way: without comments, tokens apart by
one blank. What is not a declaration or a definition of a macro is left out."""
import re
import sys

text = sys.stdin.read()
text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
text = re.sub(r"^\s*#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL | re.MULTILINE)
macros = re.findall(r"^\s*(#define .*)$", text, flags=re.MULTILINE)
text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)

tokens = re.findall(r"\w+|[^\w\s]", text)
for macro in macros:
    print(*re.findall(r"\w+|[^\w\s]", macro))
declaration, depth = [], 0
for token in tokens:
    declaration.append(token)
    depth += {"{": 1, "}": -1}.get(token, 0)
    if token == ";" and depth == 0:
        print(*declaration)
        declaration = []
