"""Which keys the readers in the sources take, and in which table of which kind of file.

Files are looked through wherever they lie below framework/. A TOML file is read through a TableReader (toml_reader.h):
the place of a key is what names its table in messages, the second argument of the reader: "the suite", "threat '". Where
that is no text in the code it is the function that makes the reader, "read_groups()", and where a list of tables is read
by a lambda it is the call, 'for_each_table("files")'. A reader that is handed to a function takes its place along. JSON
files are read by visit_fields(), options of architectures and of inner attacks by fields(): their place is the type.
"""
import dataclasses
import pathlib
import re

TAKES = ("read", "require", "choose", "any", "table", "list")
WORD = r"[A-Za-z_]\w*"
STRING = r'"((?:[^"\\]|\\.)*)"'


@dataclasses.dataclass(frozen=True)
class Taken:
    place: str
    key: str
    where: str  # file:line
    kind: str  # "reader", "find", "fields", "json"


@dataclasses.dataclass
class Scope:
    kind: str  # "function", "lambda", "class", "other"
    name: str
    head: str
    begin: int
    end: int = 0
    outer: "Scope" = None


def without_comments(text):
    """Comments become spaces; literals and line breaks stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'', re.S)

    def blank(match):
        found = match.group()
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found

    return pattern.sub(blank, text)


def masked(text):
    """The same length, without what literals hold: brackets and commas in them do not count."""
    pattern = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'')
    return pattern.sub(lambda match: match.group()[0] + "_" * (len(match.group()) - 2) + match.group()[-1], text)


def closing(mask, opening):
    """Where the bracket at `opening` is closed."""
    depth = 0
    for i in range(opening, len(mask)):
        depth += mask[i] in "([{"
        depth -= mask[i] in ")]}"
        if depth == 0:
            return i
    return len(mask)


def arguments(text, mask, opening):
    """The parts between the commas of the brackets at `opening`, with where each begins."""
    end, parts, begin, depth, angle = closing(mask, opening), [], opening + 1, 0, 0
    for i in range(opening + 1, end + 1):
        depth += mask[i] in "([{"
        depth -= mask[i] in ")]}" and i < end
        angle += mask[i] == "<" and re.search(r"\w$", mask[:i][-1:] or " ") is not None
        angle -= mask[i] == ">" and angle > 0 and mask[i - 1] != "-"
        if i == end or (mask[i] == "," and depth == 0 and angle == 0):
            part = text[begin:i]
            if part.strip():
                parts.append((part.strip(), begin + len(part) - len(part.lstrip())))
            begin = i + 1
    return parts


class File:
    def __init__(self, text, name):
        self.name = name
        self.text = without_comments(text)
        self.mask = masked(self.text)
        self.scopes, self.known = [], {}  # known: what was asked before
        self.find_scopes()
        self.constants = dict(re.findall(rf"\b(k[A-Z]\w*)\s*=\s*{STRING}", self.text))

    def where(self, offset):
        return f"{self.name}:{self.text.count(chr(10), 0, offset) + 1}"

    def find_scopes(self):
        open_scopes, head_begin = [], 0
        for i, c in enumerate(self.mask):
            if c in ";":
                head_begin = i + 1
            elif c == "{":
                head = self.text[head_begin:i]
                kind, name = self.kind_of(head, self.mask[head_begin:i])
                scope = Scope(kind, name, head, i, len(self.mask), open_scopes[-1] if open_scopes else None)
                open_scopes.append(scope)
                self.scopes.append(scope)
                head_begin = i + 1
            elif c == "}" and open_scopes:
                open_scopes.pop().end = i
                head_begin = i + 1

    @staticmethod
    def kind_of(head, mask):
        head = re.sub(r"^\s*((public|private|protected):\s*)+", "", head)
        found = re.search(rf"\b(?:class|struct)\s+({WORD})[^()]*$", head)
        if found:
            return "class", found.group(1)
        if re.search(r"\[[^\[\]]*\]\s*(\([^()]*\))?\s*(mutable|->[^{]*)?\s*$", head):
            return "lambda", ""
        if re.search(r"(^|\W)(if|for|while|switch|catch|return|do|else)\b[^;]*$", mask) and not re.search(
                r"\)\s*(const)?\s*try\s*$", mask):
            return "other", ""
        found = re.search(rf"({WORD}(?:::~?{WORD})*)\s*\(", mask)
        if found and re.search(r"\)\s*(const|override|final|noexcept|try|\s|:[^:].*)*$", mask, re.S) and "=" not in mask[:found.start()]:
            return "function", head[found.start(1):found.end(1)] if len(head) == len(mask) else found.group(1)
        return "other", ""

    def around(self, offset):
        """Scopes that hold a place, innermost first."""
        if offset not in self.known:
            inside = [scope for scope in self.scopes if scope.begin < offset <= scope.end]
            self.known[offset] = sorted(inside, key=lambda scope: -scope.begin)
        return self.known[offset]

    def function_at(self, offset):
        return next((scope for scope in self.around(offset) if scope.kind == "function"), None)

    def class_at(self, offset):
        return next((scope for scope in self.around(offset) if scope.kind == "class"), None)


def parameters(head):
    """The names of a function's parameters, with their types."""
    mask = masked(head)
    opening = mask.find("(")
    out = []
    for part, _ in arguments(head, mask, opening) if opening >= 0 else []:
        part = part.split("=")[0]
        name = re.search(rf"({WORD})\s*$", part)
        out.append((part[:name.start()].strip() if name else part, name.group(1) if name else ""))
    return out


class Sources:
    """`changed`: texts of files that are read in place of what lies below the root, or beside it; None: absent."""

    parsed = {}  # (name, text) -> File

    def __init__(self, root, changed=None):
        texts = {str(path.relative_to(root)): path.read_text(encoding="utf-8")
                 for path in sorted((root / "framework").rglob("*")) if path.suffix in (".cc", ".h")}
        texts.update(changed or {})
        self.files, self.taken, self.unresolved = [], [], []
        self.text = ""  # of all files
        for name, text in texts.items():
            if text is None:
                continue
            self.text += text
            if re.search(r"\b(TableReader|Toml|JsonReader|visit)\b", text):
                if (name, text) not in self.parsed:
                    self.parsed[name, text] = File(text, name)
                self.files.append(self.parsed[name, text])
        self.functions = {}  # name -> [(file, scope)]
        for file in self.files:
            for scope in file.scopes:
                if scope.kind == "function":
                    self.functions.setdefault(scope.name.split("::")[-1], []).append((file, scope))
        self.key_parameters = set()  # (function's name, number of the reader, number of the key)
        self.places_known = {}
        self.find_key_parameters()
        for file in self.files:
            self.scan_readers(file)
            self.scan_finds(file)
            self.scan_fields(file)
            self.scan_json(file)

    # ---- Readers of TOML ----------------------------------------------------------------------------

    def reader_calls(self, file):
        """(variable, offset, argument) of every call of a reader that takes a key."""
        for call in re.finditer(rf"\b({WORD})\s*(?:\.|->)\s*({'|'.join(TAKES)})\s*\(", file.mask):
            parts = arguments(file.text, file.mask, call.end() - 1)
            if parts and self.declaration(file, call.group(1), call.start()):
                yield call.group(1), call.start(), parts[0][0]

    def declaration(self, file, variable, offset):
        if (variable, offset) not in file.known:
            file.known[variable, offset] = self.find_declaration(file, variable, offset)
        return file.known[variable, offset]

    def find_declaration(self, file, variable, offset):
        """Where a variable is made a reader: ("local", what, offset), ("member", what, class), ("parameter", number,
        function) or ("lambda", number, lambda); None: it is no reader."""
        for scope in file.around(offset):
            if scope.kind in ("function", "lambda"):
                for number, (kind, name) in enumerate(self.lambda_parameters(scope)):
                    if name == variable and "TableReader" in kind:
                        return (scope.kind if scope.kind == "lambda" else "parameter", number, scope)
            local = [found for found in re.finditer(rf"\bTableReader\s+{variable}\s*\(", file.mask)
                     if scope.begin < found.start() < min(offset, scope.end)]
            if local and scope.kind != "class":
                parts = arguments(file.text, file.mask, local[-1].end() - 1)
                return ("local", parts[1][0] if len(parts) > 1 else "", local[-1].start())
            if scope.kind == "class" and re.search(rf"\bTableReader\s+{variable}\s*;", file.mask[scope.begin:scope.end]):
                made = re.search(rf"\b{variable}\s*\(", file.mask[scope.begin:scope.end])
                parts = arguments(file.text, file.mask, scope.begin + made.end() - 1) if made else []
                return ("member", parts[1][0] if len(parts) > 1 else "", scope.begin)
        return None

    @staticmethod
    def lambda_parameters(scope):
        if scope.kind != "lambda":
            return parameters(scope.head)
        found = re.search(r"\[[^\[\]]*\]\s*(\([^()]*\))[^()]*$", scope.head)
        return parameters(found.group(1)) if found else []

    def find_key_parameters(self):
        """Functions that take a key from whoever calls them: read_hash(table, "sha256", …)."""
        for file in self.files:
            for variable, offset, argument in self.reader_calls(file):
                function = file.function_at(offset)
                if not function or not re.fullmatch(WORD, argument):
                    continue
                names = [name for _, name in parameters(function.head)]
                if argument in names and variable in names:
                    self.key_parameters.add(
                        (function.name.split("::")[-1], names.index(variable), names.index(argument)))

    def places(self, file, variable, offset, open_calls=()):
        """The places of a reader."""
        found = self.declaration(file, variable, offset)
        if not found:
            return set()
        how, what, scope = found
        if how in ("local", "member"):
            text = re.match(STRING, what)
            if text:
                return {text.group(1)}
            inside = file.class_at(scope + 1) if how == "member" else file.function_at(scope)
            return {f"{inside.name.split('::')[-1]}()" if inside else "?"}
        if how == "lambda":
            return {self.call_around(file, scope.begin)}
        name = scope.name.split("::")[-1]
        if (file.name, name) in open_calls:
            return set()
        if (file.name, name, what) not in self.places_known:
            self.places_known[file.name, name, what] = self.places_of_calls(
                file, name, what, open_calls + ((file.name, name),))
        return self.places_known[file.name, name, what]

    def places_of_calls(self, file, name, number, open_calls):
        """Of a reader that callers of a function hand to it."""
        own = [other for other, scope in self.functions[name] if other is not file]
        callers = self.files if not own or not self.is_local(file, name) else [file]
        out = set()
        for caller in callers:
            if caller is not file and any(other is caller for other in own):
                continue  # it calls a function of its own by that name
            for call in re.finditer(rf"\b{name}\s*\(", caller.mask):
                parts = arguments(caller.text, caller.mask, call.end() - 1)
                if len(parts) <= number or not re.fullmatch(WORD, parts[number][0]):
                    continue
                out |= self.places(caller, parts[number][0], call.start(), open_calls)
        return out

    @staticmethod
    def is_local(file, name):
        """Whether a function stands in the file alone, in its unnamed namespace."""
        scope = next((s for s in file.scopes if s.kind == "function" and s.name == name), None)
        return bool(scope) and any(re.search(r"namespace\s*$", outer.head) for outer in file.around(scope.begin))

    @staticmethod
    def call_around(file, offset):
        """'name("text")' of the call whose brackets hold a lambda."""
        depth = 0
        for i in range(offset - 1, -1, -1):
            depth += file.mask[i] in ")]}"
            depth -= file.mask[i] in "([{"
            if depth < 0:
                name = re.search(rf"({WORD})\s*$", file.mask[:i])
                text = re.search(STRING, file.text[i:offset])
                return f'{name.group(1)}("{text.group(1)}")' if name and text else "?"
        return "?"

    def scan_readers(self, file):
        for variable, offset, argument in self.reader_calls(file):
            self.take(file, variable, offset, argument)
        for function, reader, key in self.key_parameters:
            for call in re.finditer(rf"\b{function}\s*\(", file.mask):
                parts = arguments(file.text, file.mask, call.end() - 1)
                if len(parts) <= max(reader, key) or not self.declaration(file, parts[reader][0], call.start()):
                    continue
                self.take(file, parts[reader][0], call.start(), parts[key][0])

    def take(self, file, variable, offset, argument):
        keys = self.keys(file, offset, argument)
        function = file.function_at(offset)
        if function and function.name.startswith("TableReader::") or file.class_at(offset) and file.class_at(
                offset).name == "TableReader":
            return  # the reader itself
        if keys is None:
            names = [name for _, name in parameters(function.head)] if function else []
            if argument not in names:
                self.unresolved.append((file.where(offset), f"{variable}: key {argument}"))
            return
        places = self.places(file, variable, offset)
        if not places or "?" in places:
            self.unresolved.append((file.where(offset), f"{variable}: the table of key {', '.join(keys)}"))
        for place in places:
            for key in keys:
                self.taken.append(Taken(place, key, file.where(offset), "reader"))

    @staticmethod
    def keys(file, offset, argument):
        """The keys that an argument stands for; None where that cannot be told."""
        text = re.fullmatch(STRING, argument)
        if text:
            return [text.group(1)]
        if argument in file.constants:
            return [file.constants[argument]]
        for scope in file.around(offset):
            # for (const char* key : {"cross", "zip"})
            before = file.text[scope.begin:offset]
            loops = re.findall(rf"for\s*\(\s*const\s+char\s*\*\s*{re.escape(argument)}\s*:\s*\{{([^{{}}]*)\}}", before)
            if loops:
                return re.findall(STRING, loops[-1])
            if scope.kind == "function":
                break
        return None

    # ---- Look-ups in a table without a reader --------------------------------------------------------

    def scan_finds(self, file):
        if not re.search(r"\bToml\b", file.mask):
            return
        names = set(re.findall(rf"\bToml\s*[*&]?\s*({WORD})\s*[=;,){{:(]", file.mask))
        for call in re.finditer(rf"\b({WORD})\s*(?:\.|->)\s*find\s*\(", file.mask):
            if call.group(1).rstrip("_") not in names | {name.rstrip("_") for name in names}:
                continue
            function = file.function_at(call.start())
            parts = arguments(file.text, file.mask, call.end() - 1)
            if not parts or not function or function.name.startswith(("Toml::", "TableReader::")):
                continue
            for key in self.keys(file, call.start(), parts[0][0]) or []:
                self.taken.append(Taken(f"{function.name.split('::')[-1]}()", key, file.where(call.start()), "find"))

    # ---- Parameters that are declared by fields(visit) ----------------------------------------------

    def scan_fields(self, file):
        for call in re.finditer(r"\bvisit\s*\(", file.mask):
            function, owner = file.function_at(call.start()), file.class_at(call.start())
            parts = arguments(file.text, file.mask, call.end() - 1)
            if not function or function.name != "fields" or not owner or len(parts) < 3:
                continue
            text = re.fullmatch(STRING, parts[1][0])
            key = text.group(1) if text else file.constants.get(parts[1][0])
            if key is None:
                self.unresolved.append((file.where(call.start()), f"{owner.name}: key {parts[1][0]}"))
            else:
                self.taken.append(Taken(owner.name, key, file.where(call.start()), "fields"))

    # ---- JSON ---------------------------------------------------------------------------------------

    def scan_json(self, file):
        for call in re.finditer(r"\bvisit(?:\s*\.\s*(?:optional|rows))?\s*\(", file.mask):
            function = file.function_at(call.start())
            if not function or function.name not in ("visit_fields", "visit_columns"):
                continue
            owner = re.search(r"\bIs<(?:results::)?([\w:]+)>", function.head)
            parts = arguments(file.text, file.mask, call.end() - 1)
            text = re.fullmatch(STRING, parts[0][0]) if parts else None
            if text and owner:
                place = owner.group(1) + (" of columns" if function.name == "visit_columns" else "")
                self.taken.append(Taken(place, text.group(1), file.where(call.start()), "json"))
        for reader in re.finditer(rf"\bJsonReader\s+({WORD})\s*\(", file.mask):
            for call in re.finditer(rf"\b{reader.group(1)}\s*\(", file.mask[reader.end():]):
                offset = reader.end() + call.start()
                function = file.function_at(offset)
                parts = arguments(file.text, file.mask, reader.end() + call.end() - 1)
                text = re.fullmatch(STRING, parts[0][0]) if parts else None
                if text and function and function is file.function_at(reader.start()):
                    self.taken.append(Taken(f"{function.name}()", text.group(1), file.where(offset), "json"))


if __name__ == "__main__":
    sources = Sources(pathlib.Path(__file__).resolve().parents[2])
    for taken in sorted(set(sources.taken), key=lambda t: (t.kind, t.place, t.where)):
        print(f"{taken.kind:7} {taken.place:28} {taken.key:24} {taken.where}")
    for where, what in sources.unresolved:
        print("unresolved:", where, what)
