#!/usr/bin/env python3
"""Writes unicode_tables.inc from Python's unicodedata: python3 make_unicode_tables.py > unicode_tables.inc

A table is a string of numbers: five bits per character, '0' + bits + (32 if more follow), lowest bits first. Signed
differences are folded (0, -1, 1, -2 … -> 0, 1, 2, 3 …). unicode.cpp reads them. Code points that this Unicode
version leaves unassigned have class 0.
"""
import unicodedata as u

WHITE = [*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
CLASSES = {"L": 1, "N": 2, "P": 3}  # 4: Mn that is reordered, 5: other Mn, 6: Cc, Cf, Co, 7: white space
LAST = 0x110000


def class_of(code):
    c = chr(code)
    category = u.category(c)
    if code in WHITE:
        return 7
    if category == "Mn":
        return 4 if u.combining(c) else 5
    if category in ("Cc", "Cf", "Co"):
        return 6
    return CLASSES.get(category[0], 0)


def number(n):
    text = ""
    while True:
        n, bits = n >> 5, n & 31
        text += chr(48 + bits + (32 if n else 0))
        if not n:
            return text


def folded(n):
    return number(2 * n if n >= 0 else -2 * n - 1)


def classes():
    """The runs of equal class: 8 · length + class."""
    text, start = "", 0
    for code in range(1, LAST + 1):
        if code == LAST or class_of(code) != class_of(start):
            text += number((code - start) * 8 + class_of(start))
            start = code
    return text


def lower():
    """Runs of capitals at equal steps and distances: gap after the last, step, count, distance."""
    pairs = [(c, ord(chr(c).lower())) for c in range(LAST) if len(chr(c).lower()) == 1 and ord(chr(c).lower()) != c]
    text, last = "", 0
    while pairs:
        (first, low), step, count = pairs[0], 1, 1
        for step in (1, 2):
            count = 1
            while count < len(pairs) and pairs[count] == (first + count * step, low + count * step):
                count += 1
            if count > 1:
                break
        text += number(first - last) + number(step) + number(count) + folded(low - first)
        last = pairs[count - 1][0]
        pairs = pairs[count:]
    return text


def decompositions():
    """NFD without its Mn, 1 … 3 code points: gap, 4 · folded difference to the last first + how many follow, these."""
    text, last, first, second = "", 0, 0, 0
    for code in range(LAST):
        c = chr(code)
        parts = [ord(x) for x in u.normalize("NFD", c) if u.category(x) != "Mn"]
        if parts == [code] or not parts or 0xAC00 <= code < 0xD7A4:
            continue
        assert len(parts) <= 3 and u.category(c) != "Mn", hex(code)
        difference = parts[0] - first
        text += number(code - last)
        text += number(4 * (2 * difference if difference >= 0 else -2 * difference - 1) + len(parts) - 1)
        for part in parts[1:]:
            text += folded(part - second)
            second = part
        last, first = code, parts[0]
    return text


def reordered():
    """Code points other than Mn with a combining class: gap, class."""
    text, last = "", 0
    for code in range(LAST):
        if u.combining(chr(code)) and u.category(chr(code)) != "Mn":
            text += number(code - last) + number(u.combining(chr(code)))
            last = code
    return text


print(f"// Unicode {u.unidata_version}, made by make_unicode_tables.py.")
for name, table in (("class_runs", classes()), ("lower_runs", lower()), ("decompositions", decompositions()),
                    ("reordered", reordered())):
    lines = [table[i:i + 112] for i in range(0, len(table), 112)]
    print(f"constexpr std::string_view {name}_text =\n    " + "\n    ".join(f'R"({line})"' for line in lines) + ";")
