"""The places of a C++ source that can be made wrong by one change, found by its text alone."""
import collections
import hashlib
import re

Mutant = collections.namedtuple("Mutant", "path line start end text change was new id")

# How work is cut into pieces and when memory is asked for: another number gives the same answers, only slower.
TUNING = re.compile(
    r"prefetch|\bgrain\b|_grain\b|constexpr \w+ (max_depth|block_rows|block_columns|max_columns|task_work|many_additions|height|"
    r"column_width|sum_chunk|norm_block|block|sequences_at_a_time|sum_block|few_sums|together|is_short|chunk_blocks|line_bytes|"
    r"turned_bytes|sum_depth|depth|rows|columns|rows_at_once)\b|parallel_for\([^,]*, \d+,")
# What is read by the compiler only.
NO_CODE = re.compile(r"^\s*(#|template\b|using\b|namespace\b|static_assert\b|friend\b|\[\[gnu)|static_assert|= delete|= default")

# What a message says comes after its words; names of ops are one word.
MESSAGE = re.compile(r'^\s*"|"[^"]*[: ][^"]*"')

NAME = r"[A-Za-z_]\w*(?:(?:\.|->|::)\w+)*(?:\((?:[\w.]*)\))?(?:\[[\w.+ -]*\])?"
OPERAND = rf"(?:{NAME}|\d[\w.]*)"
# (what changes, what is looked for in the line, what it becomes); group 1 alone is replaced where there is one.
CHANGES = [
    ("comparison", r" (==) ", ["!="]), ("comparison", r" (!=) ", ["=="]),
    ("comparison", r" (<) ", ["<=", ">="]), ("comparison", r" (>) ", [">=", "<="]),
    ("comparison", r" (<=) ", ["<", ">"]), ("comparison", r" (>=) ", [">", "<"]),
    ("sign", r"[\w)\]] (\+) ", ["-"]), ("sign", r"[\w)\]] (-) ", ["+"]),
    ("sign", r"(?:[(,=?:{] |[(\[{]|return )(-)[\w(]", [""]),
    ("sign", r" (\+=) ", ["-="]), ("sign", r" (-=) ", ["+="]),
    ("operator", r"[\w)\]] (\*) ", ["/"]), ("operator", r"[\w)\]] (/) ", ["*"]),
    ("operator", r"[\w)\]] (%) ", ["/"]), ("operator", r" (\*=) ", ["/="]), ("operator", r" (/=) ", ["*="]),
    ("logic", r" (&&) ", ["||"]), ("logic", r" (\|\|) ", ["&&"]), ("logic", r"(!)[\w(]", [""]),
    ("logic", r"\b(true)\b", ["false"]), ("logic", r"\b(false)\b", ["true"]),
    ("extremum", r"\b(max)\(", ["min"]), ("extremum", r"\b(min)\(", ["max"]),
    ("extremum", r"\b(maximum)\(", ["minimum"]), ("extremum", r"\b(minimum)\(", ["maximum"]),
]


DECLARATION = re.compile(r"\s*(?:alignas\(\d+\) |const |constexpr |static )*(?!return\b)[\w:]+(?:<[^>]*>)? \w+\[")


def code_of(text):
    """text with comments, strings and characters blanked, as long as before."""
    def blank(found):
        return re.sub(r"[^\n]", " ", found[0])
    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?<![\w])'(?:\\.|[^'\\\n])'", blank, text, flags=re.S)


def number_after(number):
    """Wrong constants in place of one."""
    if re.fullmatch(r"\d+", number):
        n = int(number)
        return ["1"] if n == 0 else [str(n + 1), str(n - 1)]
    if re.fullmatch(r"\d+\.\d*", number):
        return ["1.0"] if float(number) == 0 else [str(float(number) + 1), str(float(number) / 2)]
    return []


def changes_of(line):
    """(start, end, text, kind) of a line of code."""
    found = []
    for kind, pattern, others in CHANGES:
        at = 0
        while match := re.compile(pattern).search(line, at):
            found += [(match.start(1), match.end(1), other, kind) for other in others]
            at = match.end(1)
    for match in re.finditer(r"(?<![\w.])(\d+\.\d*|\d+)(?![\w.])", line):
        found += [(match.start(1), match.end(1), other, "constant") for other in number_after(match[1])]
    # An index: [i] and (b, h, i) of the next.
    for match in re.finditer(r"(?<=[\w)\]])\[(\w+)\]", line):
        if not match[1].isdigit() and not DECLARATION.match(line):
            found.append((match.start(1), match.end(1), match[1] + " + 1", "index"))
    # a - b for b - a, a / b for b / a, and f(a, b) for f(b, a).
    for match in re.finditer(rf"(?<![\w.)\]*/] )(?<![\w.])({OPERAND}) ([-/]) ({OPERAND})(?![\w.(\[])", line):
        found.append((match.start(), match.end(), f"{match[3]} {match[2]} {match[1]}", "order"))
    for match in re.finditer(rf"\b\w+\(({NAME}), ({NAME})\)", line):
        if match[1] != match[2] and not re.match(r"(min|max|check|keep|if|for|void|explicit)\b|std::", match[0]):
            found.append((match.start(1), match.end(2), f"{match[2]}, {match[1]}", "order"))
    # A term or a factor that goes.
    for match in re.finditer(rf"(?<=[\w)\]]) [-+*/] {OPERAND}(?=[;,)\]]| [-+<>=?:]| \*(?!\w))", line):
        found.append((match.start(), match.end(), "", "term"))
    # c ? a : b for c ? b : a.
    for match in re.finditer(rf"\? ({OPERAND}) : ({OPERAND})(?=[;,)])", line):
        found.append((match.start(), match.end(), f"? {match[2]} : {match[1]}", "order"))
    return found


class Place(Mutant):
    def applied(self, text):
        lines = text.split("\n")
        lines[self.line - 1] = self.new
        return "\n".join(lines)


def mutants_of(path, text):
    """All mutants of a source, in its order."""
    found, seen = [], set()
    lines = text.split("\n")
    times = collections.Counter()
    for number, (line, code) in enumerate(zip(lines, code_of(text).split("\n")), 1):
        times[line] += 1
        if not code.strip() or NO_CODE.search(code) or TUNING.search(code):
            continue
        if re.match(r"(?:const |inline |static |constexpr )*[A-Za-z_][\w:<>]*&? [\w:]+\([^;]*$", code) and "{" not in code:
            continue  # the first line of a declaration
        for start, end, other, change in changes_of(code):
            new = line[:start] + other + line[end:]
            if (number, new) in seen or new == line or MESSAGE.search(line[:start]):
                continue
            seen.add((number, new))
            name = hashlib.sha256(f"{path}\n{line}\n{times[line]}\n{new}".encode()).hexdigest()[:12]
            found.append(Place(path, number, start, end, other, change, line, new, name))
    return found
