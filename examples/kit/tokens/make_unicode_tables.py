#!/usr/bin/env python3
"""Writes unicode_tables.inc and normal_form_tables.inc: python3 make_unicode_tables.py

Needs `pip install tokenizers unicodedata2==16.0.0`. Ids should be those of Hugging Face's tokenizers, which take letters
and numbers from Unicode 16 (as regular expressions know them), but marks, punctuation and format characters from
Unicode 8, and normal forms from Unicode 10: younger code points are none of these for them. Therefore categories come
from unicodedata2, and what tokenizers makes of them is tried out, code point by code point.

A table is a string of numbers: five bits per character, '0' + bits + (32 if more follow), lowest bits first. Signed
differences are folded (0, -1, 1, -2 … -> 0, 1, 2, 3 …). table_numbers.h reads them. Code points that Unicode 16 leaves
unassigned have class 0.
"""
import os

import unicodedata2 as u
from tokenizers import normalizers, pre_tokenizers

WHITE = [*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
LAST = 0x110000
ALL = [c for c in range(LAST) if not 0xD800 <= c < 0xE000]
CLEAN = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
STRIP = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
BERT_WORDS = pre_tokenizers.BertPreTokenizer()
NFC, NFD, LOWER = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str, normalizers.Lowercase().normalize_str


def class_of(code):
    c = chr(code)
    category = u.category(c)
    if code in WHITE:
        return 6
    if category[0] == "L":
        return 1
    if category[0] == "N":
        return 2
    if category in ("Cn", "Cs"):
        return 0
    if code < 128:
        return {"P": 3, "C": 5}.get(category[0], 0)
    if len(BERT_WORDS.pre_tokenize_str(f"a{c}b")) == 3:
        return 3
    if STRIP.normalize_str(f"a{c}b") == "ab":
        return 4
    return 5 if CLEAN.normalize_str(f"a{c}b") == "ab" and code != 0xFFFD else 0


def number(n):
    text = ""
    while True:
        n, bits = n >> 5, n & 31
        text += chr(48 + bits + (32 if n else 0))
        if not n:
            return text


def fold(n):
    return 2 * n if n >= 0 else -2 * n - 1


def classes():
    """The runs of equal class: 8 · length + class."""
    text, start, kinds = "", 0, [class_of(code) for code in range(LAST)]
    for code in range(1, LAST + 1):
        if code == LAST or kinds[code] != kinds[start]:
            text += number((code - start) * 8 + kinds[start])
            start = code
    return text


def runs(of):
    """Runs of (code point, value) at steps of 1 or 2, with equal values: first, step, count, value."""
    while of:
        (first, value), step, count = of[0], 1, 1
        for step in (1, 2):
            count = 1
            while count < len(of) and of[count] == (first + count * step, value):
                count += 1
            if count > 1:
                break
        yield first, step, count, value
        of = of[count:]


def run_table(of, write_value):
    """Gap after the last, step, count, value."""
    text, last = "", 0
    for first, step, count, value in runs(of):
        text += number(first - last) + number(step) + number(count) + write_value(value)
        last = first + step * (count - 1)
    return text


def lower():
    """Capitals, and the distance to their small letters."""
    pairs = [(c, LOWER(chr(c))) for c in ALL]
    assert [c for c, low in pairs if len(low) != 1] == [0x130]
    return run_table([(c, ord(low) - c) for c, low in pairs if len(low) == 1 and ord(low) != c],
                     lambda value: number(fold(value)))


def capital():
    return run_table([(c, 0) for c in ALL if u.category(chr(c)) in ("Lu", "Lt")], lambda _: "")


def uncased():
    return run_table([(c, 0) for c in ALL if u.category(chr(c)) in ("Lm", "Lo", "Mn", "Mc", "Me")], lambda _: "")


def combining(code):
    """The combining class, 0 if tokenizers does not reorder it."""
    c = chr(code)
    known = all(NFD(text) == u.normalize("NFD", text)
                for mark in "\u0334\u0301\u0345" for text in (f"a{c}{mark}", f"a{mark}{c}"))
    return u.combining(c) if known else 0


def combining_classes():
    return run_table([(c, combining(c)) for c in ALL if u.combining(chr(c)) and combining(c)], number)


def decompositions():
    """One step: gap, 4 · folded difference to the last first + 2 if the two compose again + 1 if there is a second,
    folded difference to the last second."""
    text, last, first, second = "", 0, 0, 0
    for code in ALL:
        c = chr(code)
        if NFD(c) == c or 0xAC00 <= code < 0xD7A4:
            continue
        parts = [int(x, 16) for x in u.decomposition(c).split()]
        composes = NFC(c) == c
        assert 1 <= len(parts) <= 2 and (not composes or len(parts) == 2), hex(code)
        text += number(code - last) + number(4 * fold(parts[0] - first) + 2 * composes + len(parts) - 1)
        if len(parts) == 2:
            text += number(fold(parts[1] - second))
            second = parts[1]
        last, first = code, parts[0]
    return text


def write(name, **tables):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "w", encoding="ascii") as file:
        file.write(f"// Unicode {u.unidata_version}, made by make_unicode_tables.py.\n")
        for table, text in tables.items():
            lines = [text[i:i + 112] for i in range(0, len(text), 112)]
            file.write(f"constexpr std::string_view {table}_text =\n    "
                       + "\n    ".join(f'R"({line})"' for line in lines) + ";\n")
        print(name, {table: len(text) for table, text in tables.items()})


write("unicode_tables.inc", class_runs=classes(), lower_runs=lower(), capitals=capital(), uncased=uncased())
write("normal_form_tables.inc", combining=combining_classes(), decompositions=decompositions())
