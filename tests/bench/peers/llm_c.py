"""llm.c's side of heed_bench: training steps of its train_gpt2.c from random weights; one JSON line per shape.

    git clone https://github.com/karpathy/llm.c
    python3 tests/bench/peers/llm_c.py llm.c [--threads 1] [--only TEXT or =NAME] [--seconds 1] [--list]

Batch and length are constants of train_gpt2.c: a copy in a temporary folder is changed to the shape, to an unlimited
number of training steps, and to no validation or samples between them. Its own Makefile compiles it, and it prints the
times. Its model has biases, the tanh GELU and a padded vocabulary; it neither decays weights nor clips gradients.
compare.py --llm-c runs it beside heed_bench.
"""
import array, os, random, re, shutil, struct, subprocess, sys, tempfile, time
from pathlib import Path
from c_programs import constant, make, normal, options, show

SHAPES = {  # layers, heads, width, context, vocabulary, batch
    "gpt_train_S": (4, 4, 128, 64, 65, 12),
    "gpt_train_M": (6, 6, 384, 256, 65, 8),
    "gpt_train_G124": (12, 12, 768, 64, 50257, 4),
}
args, chosen = options(__doc__.splitlines()[0], SHAPES)


def write_header(file, *numbers):
    file.write(struct.pack("256i", *numbers, *[0] * (256 - len(numbers))))


def norm(file, layers, width):
    constant(file, layers * width, 1.0)
    constant(file, layers * width, 0.0)


def linear(file, layers, columns, rows):
    normal(file, layers * rows * columns)
    constant(file, layers * rows, 0.0)


def write_model(path, layers, heads, width, context, vocab):
    padded = -(-vocab // 128) * 128
    with open(path, "wb") as file:
        write_header(file, 20240326, 3, context, vocab, layers, heads, width, padded)
        normal(file, (padded + context) * width)
        norm(file, layers, width)
        linear(file, layers, width, 3 * width)
        linear(file, layers, width, width)
        norm(file, layers, width)
        linear(file, layers, width, 4 * width)
        linear(file, layers, 4 * width, width)
        norm(file, 1, width)


def write_tokens(path, vocab, count):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        write_header(file, 20240520, 1, count)
        array.array("H", random.choices(range(vocab), k=count)).tofile(file)


def changed(source, batch, context):
    changes = {"int B = 4;": f"int B = {batch};", "int T = 64;": f"int T = {context};", "step <= 40": "1",
               "step % 10 == 0": "0", "step % 20 == 0": "0", 'printf("step %d': 'fprintf(stderr, "step %d'}
    for old, new in changes.items():
        if source.count(old) != 1:
            sys.exit(f"llm_c.py: train_gpt2.c: {old}: expected once, found {source.count(old)} times: another version?")
        source = source.replace(old, new)
    return source


def step_times(folder):
    """Milliseconds of each step after the first, which allocates: for --seconds, but at least five steps."""
    times, spoken, end = [], [], None
    with subprocess.Popen(["./train_gpt2"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": str(args.threads)}) as run:
        for line in run.stdout:
            spoken.append(line.strip())
            took = re.search(r"train loss [\d.]+ \(took ([\d.]+) ms\)", line)
            if took and end is None:
                end = time.perf_counter() + args.seconds
            elif took:
                times.append(float(took[1]))
            if len(times) >= 5 and time.perf_counter() > end:
                break
        run.kill()
    if len(times) < 5:
        sys.exit(f"llm_c.py: train_gpt2: {spoken[-3:]}")
    return times


for name, (layers, heads, width, context, vocab, batch) in chosen.items():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        shutil.copy(args.folder / "Makefile", folder)
        (folder / "llmc").symlink_to((args.folder / "llmc").resolve())
        (folder / "train_gpt2.c").write_text(changed((args.folder / "train_gpt2.c").read_text(), batch, context))
        make(folder, "train_gpt2")
        write_model(folder / "gpt2_124M.bin", layers, heads, width, context, vocab)
        for split in ("train", "val"):
            write_tokens(folder / f"dev/data/tinyshakespeare/tiny_shakespeare_{split}.bin", vocab, 8 * batch * context + 1)
        show(name, "llm.c", args.threads, "ms", step_times(folder))
