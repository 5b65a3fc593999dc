#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: compile_case.py accept|refuse COMPILER INCLUDE_DIRECTORY SOURCE

`accept`: the source compiles without a warning. `refuse`: with MUST_NOT_COMPILE defined it does
not, and the compiler's words match the regular expression of the line `// expect: ...`.
"""

import pathlib
import re
import subprocess
import sys


def main():
    wanted, compiler, include, source = sys.argv[1:]
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
               f"-I{include}", "-x", "c++", "-"]
    if wanted == "refuse":
        command.insert(1, "-DMUST_NOT_COMPILE")
    # Included, for a header that is compiled as the main file is warned about.
    result = subprocess.run(command, input=f'#include "{source}"\n', capture_output=True,
                            text=True, check=False)
    print(" ".join(command), result.stderr, sep="\n")
    if wanted == "accept":
        return result.returncode

    expected = re.search(r"^// expect: (.+)$", pathlib.Path(source).read_text(), re.MULTILINE)
    if not expected:
        print(f"{source}: the line `// expect: REGEX` is missing")
        return 1
    if result.returncode == 0:
        print(f"{source}: was accepted, but must not compile")
        return 1
    if not re.search(expected[1], result.stderr):
        print(f"{source}: was refused, but not because of: {expected[1]}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
