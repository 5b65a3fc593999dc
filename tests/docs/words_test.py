# SPDX-License-Identifier: Apache-2.0
"""What the documents say of the code is so: links, options, error codes, rooms, functions."""

import re
import subprocess
import unittest

import pages

README = pages.ROOT / "README.md"
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def read(name):
    return (pages.ROOT / name).read_text(encoding="utf-8")


def struct_fields(header, struct):
    """The names of the data members of a struct in a public header."""
    body = re.search(rf"^struct {struct} {{(.*?)^}};", read(f"include/seekable/{header}"),
                     re.MULTILINE | re.DOTALL)[1]
    body = re.sub(r"//.*", "", body)
    return re.findall(r"\b(\w+)(?: = [^;]*|\{[^;]*\})?;", body)


def enumerators(header, enum):
    body = re.search(rf"enum class {enum}\b[^{{]*{{(.*?)}};", read(f"include/seekable/{header}"),
                     re.DOTALL)[1]
    return re.findall(r"^\s*(\w+)", body, re.MULTILINE)


def help_of(*command):
    return subprocess.run([pages.COMMAND, *command, "--help"], capture_output=True, text=True,
                          check=True).stdout


def backticked(cells):
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


class Links(unittest.TestCase):
    def test_every_relative_link_leads_somewhere(self):
        broken = []
        for page in pages.pages():
            for target in LINK.findall(pages.without_blocks(page.read_text(encoding="utf-8"))):
                if "://" in target:
                    continue
                path, _, anchor = target.partition("#")
                there = (page.parent / path).resolve() if path else page
                if not there.exists() or (anchor and anchor not in pages.anchors(there)):
                    broken.append(f"{pages.name_of(page)}: {target}")
        self.assertEqual(broken, [])

    def test_every_page_can_be_reached_from_the_readme(self):
        reached, todo = set(), [README]
        while todo:
            page = todo.pop()
            if page in reached or page.suffix != ".md" or not page.is_file():
                continue
            reached.add(page)
            text = page.read_text(encoding="utf-8")
            todo += [(page.parent / target.partition("#")[0]).resolve()
                     for target in LINK.findall(text) if "://" not in target]
        self.assertEqual([pages.name_of(page) for page in pages.pages() if page not in reached], [])


class Options(unittest.TestCase):
    def test_the_table_of_options_has_the_fields_of_the_struct(self):
        table = backticked(pages.first_cells(pages.section(README.read_text(), "Options")))
        self.assertEqual(table, struct_fields("options.hpp", "Options"))

    def test_the_table_of_a_url_has_the_fields_of_its_options(self):
        rows = pages.first_cells(pages.section(read("docs/guide.md"), "URLs"))
        table = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
        self.assertEqual(sorted(table), sorted(struct_fields("http.hpp", "HttpOptions")))

    def test_the_table_of_the_command_has_its_options(self):
        table = " ".join(pages.first_cells(pages.section(README.read_text(), "The command")))
        told = {option for command in ("run", "cat", "get", "stat")
                for option in OPTION.findall(help_of(command).split("Examples:")[0])}
        told -= {"--help", "--version"}
        self.assertEqual(set(OPTION.findall(table)), told)

    def test_no_page_speaks_of_an_option_that_is_not_there(self):
        known = {option for command in ([], ["run"], ["cat"], ["get"], ["stat"])
                 for option in OPTION.findall(help_of(*command))} | {"--window", "--lazy"}
        others = {"--quick", "--build", "--preset", "--install", "--prefix", "--cflags", "--libs",
                  "--workflow", "--check"}
        for page in pages.pages():
            text = re.sub(r"<!--.*?-->|```cpp.*?```", "", page.read_text(encoding="utf-8"),
                          flags=re.DOTALL)
            for option in OPTION.findall(text):
                self.assertIn(option, known | others, pages.name_of(page))


class Errors(unittest.TestCase):
    def test_every_code_has_its_section(self):
        text = pages.section(read("docs/errors.md"), "Codes of seekable")
        told = re.findall(r"^### `Errc::(\w+)`$", text, re.MULTILINE)
        self.assertEqual(told, enumerators("error.hpp", "Errc"))


class Code(unittest.TestCase):
    def test_every_room_has_its_line(self):
        rooms = {path.name for path in (pages.ROOT / "src").iterdir() if path.is_dir()}
        cells = backticked(pages.first_cells(read("src/README.md")))
        told = {name.removeprefix("src/").rstrip("/") for name in cells if name.startswith("src/")}
        self.assertEqual(told, rooms)

    def test_every_kind_of_test_has_its_line(self):
        kinds = {path.name for path in (pages.ROOT / "tests").iterdir()
                 if path.is_dir() and any(path.iterdir())} - {"__pycache__", "support"}
        told = set(backticked(pages.first_cells(read("tests/README.md"))))
        self.assertLessEqual(kinds, told)

    def test_the_functions_that_the_design_names_are_there(self):
        source = "".join(path.read_text() for path in sorted((pages.ROOT / "src").rglob("*.?pp")))
        design = pages.without_blocks(read("docs/design.md"))
        named = set(re.findall(r"`(\w+(?:::\w+)+)`", design))
        self.assertGreater(len(named), 15)
        lost = []
        for name in sorted(named):
            last = name.rpartition("::")[2]
            if name.startswith(("std::", "seekable::")):
                continue
            if not re.search(rf"\b{last}\b", source):
                lost.append(name)
        self.assertEqual(lost, [])

    def test_the_files_that_the_documents_name_are_there(self):
        lost = []
        for page in pages.pages():
            text = page.read_text(encoding="utf-8")
            for name in re.findall(r"`((?:src|include|cli|tests|docs|script|cmake)/[\w./-]+)`", text):
                if not (pages.ROOT / name).exists():
                    lost.append(f"{pages.name_of(page)}: {name}")
        self.assertEqual(lost, [])


if __name__ == "__main__":
    unittest.main()
