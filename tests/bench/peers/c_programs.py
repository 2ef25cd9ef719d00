"""What llm_c.py and llama2_c.py share: options, random weights, compilation, and the JSON line."""
import argparse, array, json, random, statistics, subprocess, sys
from pathlib import Path


def options(description, shapes):
    """The arguments, and the shapes that --only selects; with --list, prints their names and exits."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path, help="your copy of the program's repository")
    parser.add_argument("--only", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    only = args.only
    chosen = {name: shape for name, shape in shapes.items() if (name == only[1:] if only.startswith("=") else only in name)}
    if args.list:
        print(*chosen, sep="\n")
        sys.exit()
    return args, chosen


def make(folder, target):
    """Runs the program's own Makefile, with its own flags; output goes to stderr."""
    subprocess.run(["make", "-C", str(folder), target], check=True, stdout=sys.stderr)


def constant(file, count, value):
    (array.array("f", [value]) * count).tofile(file)


draw = random.Random(1)
# A prime number of draws, repeated: no two rows of a matrix are equal, without drawing millions of values.
normals = array.array("f", (draw.gauss(0.0, 0.02) for _ in range(65537)))


def normal(file, count):
    for start in range(0, count, len(normals)):
        normals[:count - start].tofile(file)


def show(name, peer, threads, unit, values):
    print(json.dumps(dict(name=name, peer=peer, threads=threads, value=statistics.median(values), unit=unit,
                          low=min(values), high=max(values))), flush=True)
