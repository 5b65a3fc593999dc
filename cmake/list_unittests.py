#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the test cases of a module, one a line, as `python3 -m unittest` takes them."""

import ast
import importlib.util
import pathlib
import sys
import unittest


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test.id()


def written(module):
    """The same by its text alone: methods `test...` of its classes."""
    found = importlib.util.find_spec(module)
    tree = ast.parse(pathlib.Path(found.origin).read_text(encoding="utf-8"))
    for item in tree.body:
        if isinstance(item, ast.ClassDef):
            for part in item.body:
                if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)) and part.name.startswith("test"):
                    yield f"{module}.{item.name}.{part.name}"


def main():
    module = sys.argv[1]
    loader = unittest.TestLoader()
    found = sorted(cases(loader.loadTestsFromName(module)))
    if loader.errors:
        found = sorted(written(module))  # It cannot be imported, perhaps not yet.
    print("\n".join(found))


if __name__ == "__main__":
    main()
