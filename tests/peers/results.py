"""Tables of results, as text and as data."""
import json
from dataclasses import dataclass, field


@dataclass
class Table:
    name: str
    title: str
    columns: list
    note: str = ""
    rows: list = field(default_factory=list)

    def add(self, *values):
        assert len(values) == len(self.columns), values
        self.rows.append(list(values))

    def markdown(self):
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        body = "\n".join("| " + " | ".join(map(shown, line)) + " |" for line in lines)
        return f"## {self.title}\n\n{self.note}\n\n{body}\n"


def shown(value):
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def write(folder, tables):
    """Writes results.json and results.md. Tables of earlier calls stay where no new one has their name."""
    file = folder / "results.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept.update({table.name: vars(table) for table in tables})
    file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    text = "# Gauntlet beside other implementations\n\n" + "\n".join(Table(**kept[name]).markdown() for name in kept)
    (folder / "results.md").write_text(text, encoding="utf-8")
