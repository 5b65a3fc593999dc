#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the test cases of a module, one a line, as `python3 -m unittest` takes them."""

import sys
import unittest


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test.id()


def main():
    module = sys.argv[1]
    loader = unittest.TestLoader()
    found = sorted(cases(loader.loadTestsFromName(module)))
    if loader.errors:
        found = [module]  # It cannot be imported: run as a whole it fails, and shows why.
    print("\n".join(found))


if __name__ == "__main__":
    main()
