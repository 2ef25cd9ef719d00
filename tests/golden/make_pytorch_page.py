"""Fills in the third column of nn/from_pytorch.md with what PyTorch prints for the first.

    python3 tests/golden/make_pytorch_page.py

heed must print the same: tests/pages/from_pytorch_test.cpp runs the second column.
"""
import pathlib
import re

import torch
import torch.nn.functional as F

PAGE = pathlib.Path(__file__).parents[2] / "nn" / "from_pytorch.md"


def names():
    x = torch.tensor([[1.0, 2, 3], [4, 5, 6]])
    return {
        "torch": torch, "F": F, "x": x, "y": x * 10, "v": torch.tensor([1.0, 2, 3]), "ids": torch.tensor([2, 0]),
        "mask": x > 2, "g": torch.Generator(), "training": True,
        "a": torch.ones(2, 3, 4), "b": torch.ones(2, 4, 5),
    }


def printed(value):
    if isinstance(value, torch.Size):
        return "(" + ", ".join(map(str, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, torch.dtype):
        return str(value).replace("torch.", "")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return re.sub(r"\s+", " ", str(value)).replace("torch.", "")


def filled(line):
    cells = re.split(r"(?<!\\)\|", line)
    if len(cells) != 5 or "`" not in cells[1]:
        return line
    code = re.findall(r"`([^`]*)`", cells[1])[-1].replace(r"\|", "|")
    heed = re.findall(r"`([^`]*)`", cells[2])[0]
    if heed.endswith((";", "}")):
        return line  # a statement: it gives nothing
    cells[3] = f" `{printed(eval(code, names()))}` "
    return "|".join(cells)


lines = PAGE.read_text().split("\n")
PAGE.write_text("\n".join(filled(line) if line.startswith("| `") else line for line in lines))
