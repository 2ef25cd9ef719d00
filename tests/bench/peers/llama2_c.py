"""llama2.c's side of heed_bench: its run.c writes 256 tokens, greedily, with random weights; one JSON line per shape.

    git clone https://github.com/karpathy/llama2.c
    python3 tests/bench/peers/llama2_c.py llama2.c [--threads 1] [--only TEXT or =NAME] [--seconds 1] [--list]

It is compiled as its README recommends for speed (make runomp), in a temporary folder; tokens/s are the figure that
it prints, from the second token on. compare.py --llama2-c runs it beside heed_bench.
"""
import os, re, shutil, struct, subprocess, sys, tempfile, time
from pathlib import Path
from c_programs import constant, make, normal, options, show

VOCAB, CONTEXT = 32000, 256
SHAPES = {"generate_llama_15M": (288, 6, 6, 768), "generate_llama_110M": (768, 12, 12, 2048)}  # width, layers, heads, hidden
args, chosen = options(__doc__.splitlines()[0], SHAPES)


def write_model(path, width, layers, heads, hidden):
    with open(path, "wb") as file:
        file.write(struct.pack("7i", width, hidden, layers, heads, heads, VOCAB, CONTEXT))  # VOCAB > 0: the classifier is tied
        normal(file, width)
        constant(file, width, 1e-4)  # token 1 begins and ends a text: its weights are too small for it to be the likeliest
        normal(file, (VOCAB - 2) * width)
        constant(file, layers * width, 1.0)
        normal(file, 4 * layers * width * width)  # queries, keys, values, output
        constant(file, layers * width, 1.0)
        normal(file, 3 * layers * width * hidden)
        constant(file, width, 1.0)
        constant(file, CONTEXT * width // heads, 0.0)  # angles, which run.c no longer reads


def write_tokenizer(path):
    with open(path, "wb") as file:
        file.write(struct.pack("i", 1))
        file.write(struct.pack("=fi1s", 0.0, 1, b"a") * VOCAB)


def rate(folder):
    done = subprocess.run(["./run", "model.bin", "-t", "0", "-n", str(CONTEXT)], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": str(args.threads)})
    found = re.search(r"achieved tok/s: ([\d.]+)", done.stderr)
    if not found:
        sys.exit(f"llama2_c.py: run: {done.stderr.strip()}")
    return float(found[1])


with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    if chosen:
        for file in ("Makefile", "run.c", "runq.c"):  # later versions compile both
            if (args.folder / file).exists():
                shutil.copy(args.folder / file, folder)
        make(folder, "runomp")
        write_tokenizer(folder / "tokenizer.bin")
    for name, shape in chosen.items():
        write_model(folder / "model.bin", *shape)
        rate(folder)
        rates, end = [], time.perf_counter() + args.seconds
        while len(rates) < 5 or time.perf_counter() < end:
            rates.append(rate(folder))
        show(name, "llama2.c", args.threads, "tokens/s", rates)
