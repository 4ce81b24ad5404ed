"""Pages in Markdown: sections, tables, fenced blocks, links."""
import dataclasses
import pathlib
import re


@dataclasses.dataclass
class Block:
    info: str  # behind the opening fence
    line: int  # of the opening fence, from 1
    lines: list
    heading: str = ""


@dataclasses.dataclass
class Row:
    cells: list
    line: int
    heading: str

    @property
    def key(self):
        found = re.match(r"`([^`]+)`", self.cells[0])
        return found.group(1) if found else ""


def cells_of(line):
    """The cells of a line of a table; bars in code and behind a backslash do not divide."""
    cells, cell, code = [], "", False
    inner = line.strip().strip("|")
    for i, c in enumerate(inner):
        code ^= c == "`"
        if c == "|" and not code and inner[i - 1:i] != "\\":
            cells.append(cell.strip())
            cell = ""
        else:
            cell += c
    return cells + [cell.strip()]


class Page:
    def __init__(self, path, name):
        self.path, self.name = pathlib.Path(path), name
        self.blocks, self.rows, self.headings, self.plain = [], [], [], []
        block, heading, in_table = None, "", False
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            fence = re.match(r"\s*(```+|~~~+)\s*(.*?)\s*$", line)
            if block is not None:
                if fence and fence.group(1).startswith(block.fence) and not fence.group(2):
                    block = None
                else:
                    block.lines.append(line)
                continue
            if fence:
                block = Block(fence.group(2), number, [], heading)
                block.fence = fence.group(1)
                self.blocks.append(block)
                in_table = False
                continue
            self.plain.append((number, line))
            title = re.match(r"#+\s+(.*?)\s*$", line)
            if title:
                heading = title.group(1)
                self.headings.append((heading, number))
            if line.startswith("|"):
                cells = cells_of(line)
                if in_table and not re.fullmatch(r"[-: |]+", line):
                    self.rows.append(Row(cells, number, heading))
                in_table = True
            else:
                in_table = False

    def rows_of(self, heading):
        return [row for row in self.rows if row.heading == heading]

    def anchors(self):
        """As they are made of headings: lower case, without punctuation, a dash for each blank."""
        return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower())) for heading, _ in self.headings}

    def links(self):
        for number, line in self.plain:
            for target in re.findall(r"\]\(([^()\s]+)\)", line):
                yield number, target


def all_pages(root):
    """README.md, CONTRIBUTING.md and everything below docs/."""
    names = ["README.md", "CONTRIBUTING.md"]
    names += sorted(str(path.relative_to(root)) for path in (root / "docs").rglob("*.md"))
    return [Page(root / name, name) for name in names if (root / name).is_file()]
