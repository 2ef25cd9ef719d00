"""States both ways between heed and PyTorch, for every module of nn that has a PyTorch twin. By hand, after a build:

    python3 tests/exchange/exchange.py build/test/bin/heed_exchange        needs PyTorch 2.x, safetensors

heed -> PyTorch -> heed: heed saves random states, PyTorch's modules take them with load_state_dict(strict=True) and
save them, heed loads them strictly and saves them: names, shapes and bits are those of the beginning.
PyTorch -> heed -> PyTorch: the same from the other side. Models of tokens also compute heed's logits. Prints what was
compared; exits with 1 if anything differs.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples" / "outgrow"))
import heed_checkpoint
from gpt import GPT, GPTOptions
from llama import Llama, LlamaOptions

layer = dict(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
encoder_layer = lambda **o: nn.TransformerEncoderLayer(**layer, **o)
decoder_layer = lambda **o: nn.TransformerDecoderLayer(**layer, **o)
transformer = lambda encoders, decoders, **o: nn.Transformer(
    8, 2, encoders, decoders, dim_feedforward=16, batch_first=True, **o)
mha = lambda **o: nn.MultiheadAttention(8, 2, batch_first=True, **o)
gpt = dict(vocab=23, context=16, width=24, heads=3, layers=2)
llama = dict(vocab=23, context=16, width=24, hidden=40, layers=2, heads=6)

# The names are those of tests/exchange/heed_exchange.cpp.
MODULES = {
    "linear": lambda: nn.Linear(5, 3),
    "linear_no_bias": lambda: nn.Linear(5, 3, bias=False),
    "embedding": lambda: nn.Embedding(7, 3),
    "embedding_padding": lambda: nn.Embedding(7, 3, padding_idx=2),
    "layer_norm": lambda: nn.LayerNorm(6),
    "layer_norm_no_bias": lambda: nn.LayerNorm(6, bias=False),
    "layer_norm_plain": lambda: nn.LayerNorm(6, elementwise_affine=False),
    "rms_norm": lambda: nn.RMSNorm(6),
    "activations": lambda: nn.Sequential(nn.ReLU(), nn.SiLU(), nn.Tanh(), nn.Sigmoid(), nn.Softplus(), nn.GELU(),
                                         nn.LeakyReLU(), nn.ELU()),
    "sequential": lambda: nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 2)),
    "sequential_nested": lambda: nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 2))),
    "rnn": lambda: nn.RNN(3, 4),
    "rnn_relu_deep": lambda: nn.RNN(3, 4, num_layers=2, nonlinearity="relu", bidirectional=True),
    "gru": lambda: nn.GRU(3, 4),
    "gru_deep": lambda: nn.GRU(3, 4, num_layers=3, bias=False, bidirectional=True),
    "lstm": lambda: nn.LSTM(3, 4),
    "lstm_deep": lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True),
    "rnn_cell": lambda: nn.RNNCell(3, 4),
    "gru_cell": lambda: nn.GRUCell(3, 4),
    "lstm_cell": lambda: nn.LSTMCell(3, 4),
    "lstm_cell_no_bias": lambda: nn.LSTMCell(3, 4, bias=False),
    "mha": mha,
    "mha_no_bias": lambda: mha(bias=False),
    "mha_kdim": lambda: mha(kdim=5, vdim=6),
    "mha_bias_kv": lambda: mha(add_bias_kv=True),
    "mha_zero_attn": lambda: mha(add_zero_attn=True),
    "mha_everything": lambda: mha(kdim=5, vdim=6, add_bias_kv=True, add_zero_attn=True),
    "encoder_layer": encoder_layer,
    "encoder_layer_no_bias": lambda: encoder_layer(bias=False),
    "decoder_layer": decoder_layer,
    "decoder_layer_no_bias": lambda: decoder_layer(bias=False),
    "encoder": lambda: nn.TransformerEncoder(encoder_layer(), 2),
    "encoder_norm": lambda: nn.TransformerEncoder(encoder_layer(), 2, nn.LayerNorm(8)),
    "decoder": lambda: nn.TransformerDecoder(decoder_layer(), 2),
    "decoder_norm": lambda: nn.TransformerDecoder(decoder_layer(), 2, nn.LayerNorm(8)),
    "transformer": lambda: transformer(2, 3),
    "transformer_no_bias": lambda: transformer(1, 1, bias=False),
    "gpt": lambda: GPT(GPTOptions(**gpt)),
    "gpt_bias_gelu_tanh": lambda: GPT(GPTOptions(**gpt, bias=True, gelu_tanh=True)),
    "llama": lambda: Llama(LlamaOptions(**llama)),
    "llama_grouped_interleaved": lambda: Llama(LlamaOptions(**llama, kv_heads=2, rope_interleaved=True)),
    "llama_tied_bias": lambda: Llama(LlamaOptions(**llama, head_dim=8, tied=True, attention_bias=True)),
}


def randomize(module):
    with torch.no_grad():
        for x in module.state_dict().values():
            x.copy_(torch.randn_like(x))


def same_bits(a, b):
    bits = lambda x: (x.dtype, x.shape, x.contiguous().numpy().tobytes())
    return a.keys() == b.keys() and all(bits(a[name]) == bits(b[name]) for name in a)


def not_covered():
    """The modules of nn, by their names, that PyTorch has and MODULES does not."""
    ours = {name for header in (ROOT / "nn").rglob("*.h")
            for name in re.findall(r"^(?:struct|class) (\w+)(?: final)? (?:: |\{)", header.read_text(), re.M)}
    kinds = {name: getattr(nn, name, None) for name in ours}
    theirs = {name for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, nn.Module)}
    covered = {type(m).__name__ for make in MODULES.values() for m in make().modules()}
    return sorted(theirs - covered - {"Module"})


def exchange(program, folder):
    """The number of states that came through, of tensors in them, and what was wrong."""
    heed = lambda *words: subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True).stdout
    names = heed("list").split()
    wrong = [f"{name}: has no PyTorch module here" for name in names if name not in MODULES]
    wrong += [f"{name}: is in nn and in torch.nn, but not exchanged: add it on both sides" for name in not_covered()]
    passed_over = [name for name in MODULES if name not in names]
    if passed_over:
        print(f"not in this heed_exchange, so not compared: {', '.join(passed_over)}")
    names = [name for name in names if name in MODULES]
    file = lambda where, name: folder / where / f"{name}.safetensors"
    for where in ("through_torch", "torch"):
        (folder / where).mkdir()

    heed("write", folder / "heed")
    tensors = 0
    for name in names:
        module = MODULES[name]()
        state, _ = heed_checkpoint.read(file("heed", name))
        module.load_state_dict(state, strict=True)
        heed_checkpoint.write(file("through_torch", name), module.state_dict(), {})
        randomize(module)
        heed_checkpoint.write(file("torch", name), module.state_dict(), {})
        tensors += len(state)
    heed("pass", folder / "through_torch", folder / "back_in_heed")
    heed("pass", folder / "torch", folder / "through_heed")
    for name in names:
        at_first, at_last = (heed_checkpoint.read(file(where, name))[0] for where in ("heed", "back_in_heed"))
        if not same_bits(at_first, at_last):
            wrong.append(f"{name}: heed -> PyTorch -> heed: changed")
        module = MODULES[name]()
        module.load_state_dict(heed_checkpoint.read(file("through_heed", name))[0], strict=True)
        if not same_bits(module.state_dict(), heed_checkpoint.read(file("torch", name))[0]):
            wrong.append(f"{name}: PyTorch -> heed -> PyTorch: changed")
    return names, tensors, wrong


def compare_logits(folder, names):
    """{model: largest |difference| / largest |logit|} of heed's logits and the twin's."""
    apart = {}
    for name in names:
        answer = folder / "heed" / f"{name}.logits.safetensors"
        if not answer.exists():
            continue
        state, config, _ = heed_checkpoint.load_model(folder / "heed" / f"{name}.safetensors")
        module = MODULES[name]().eval()
        if config:  # what heed says of the model makes the same one
            assert type(module.options).from_config(config) == module.options, f"{name}: {config}"
            assert config == json.loads(json.dumps(module.options.to_config())), f"{name}: {config}"
        module.load_state_dict(state, strict=True)
        heeds, _ = heed_checkpoint.read(answer)
        with torch.no_grad():
            apart[name] = ((module(heeds["tokens"]) - heeds["logits"]).abs().max() / heeds["logits"].abs().max()).item()
    return apart


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        names, tensors, wrong = exchange(sys.argv[1], pathlib.Path(folder))
        apart = compare_logits(pathlib.Path(folder), names)
    wrong += [f"{name}: logits differ by {d:.1e} of the largest" for name, d in apart.items() if not d < 1e-5]
    print(f"{len(names)} modules, {tensors} tensors, heed -> PyTorch -> heed and PyTorch -> heed -> PyTorch: "
          + ("equal bits" if not wrong else "DIFFERENT"))
    for name, d in apart.items():
        print(f"{name}: logits agree to {d:.1e} of the largest")
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
