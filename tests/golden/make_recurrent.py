"""PyTorch's answers for the recurrent layers and cells: writes recurrent.safetensors, which
recurrent_test.cpp compares with.

    python3 make_recurrent.py     needs PyTorch 2.x

Inputs and parameters are float32 numbers, answers are computed in float64, so that one file serves
both types. A case is a set of names:
    case/in/x   case/in/hidden   case/in/cell   case/in/lengths   case/param/weight_ih_l0
    case/out/output   case/out/hidden   case/out/cell   case/seed/output … (the gradients that arrive)
    case/grad/x   case/grad/weight_ih_l0   …
"""
import os

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from safetensors_io import save

torch.manual_seed(0)
saved = {}
B, L, I, H = 3, 4, 3, 4


def rand(*shape):
    return torch.randn(shape, dtype=torch.float32).double()


def put(name, tensor):
    saved[name] = tensor.detach().contiguous().numpy().copy()


def case(name, m, f, inputs, names):
    """f(m, **inputs) -> the outputs named; stores them and the gradients of Σ <output, seed>."""
    m = m.double()
    with torch.no_grad():
        for p in m.parameters():
            p.copy_((0.6 * rand(*p.shape)).float())
    for key, p in m.state_dict().items():
        put(f"{name}/param/{key}", p)
    leaves = {}
    for key, x in inputs.items():
        put(f"{name}/in/{key}", x)
        if x.is_floating_point():
            inputs[key] = leaves[key] = x.clone().requires_grad_()
    leaves.update(dict(m.named_parameters()))
    total = 0
    for key, out in zip(names, f(m, **inputs)):
        seed = rand(*out.shape)
        put(f"{name}/out/{key}", out)
        put(f"{name}/seed/{key}", seed)
        total = total + (out * seed).sum()
    for key, g in zip(leaves, torch.autograd.grad(total, list(leaves.values()))):
        put(f"{name}/grad/{key}", g)


def whole(m, x, hidden=None, cell=None, lengths=None):
    state = hidden if cell is None else (hidden, cell)
    if lengths is None:
        output, last = m(x, state)
    else:
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        output, last = m(packed, state)
        output, _ = pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])
    return (output, *last) if isinstance(last, tuple) else (output, last)


KINDS = {"rnn": (nn.RNN, {}), "rnn_relu": (nn.RNN, {"nonlinearity": "relu"}), "gru": (nn.GRU, {}),
         "lstm": (nn.LSTM, {})}
for kind, (make, options) in KINDS.items():
    names = ["output", "hidden"] + (["cell"] if kind == "lstm" else [])

    def layer(label, start=False, lengths=None, **more):
        m = make(I, H, batch_first=True, **options, **more)
        inputs = {"x": rand(B, L, I)}
        if start:
            for state in names[1:]:
                inputs[state] = rand(m.num_layers * (2 if m.bidirectional else 1), B, H)
        if lengths:
            inputs["lengths"] = torch.tensor(lengths)
        case(f"{kind}/{label}", m, whole, inputs, names)

    layer("plain")
    layer("no_bias", bias=False)
    layer("start", start=True)
    layer("deep", num_layers=2)
    layer("both_ways", bidirectional=True, start=True)
    layer("all", num_layers=2, bidirectional=True, start=True, lengths=[2, 4, 1])

CELLS = {"rnn": (nn.RNNCell, {}), "rnn_relu": (nn.RNNCell, {"nonlinearity": "relu"}),
         "gru": (nn.GRUCell, {}), "lstm": (nn.LSTMCell, {})}
for kind, (make, options) in CELLS.items():
    lstm = kind == "lstm"
    for label, bias in (("cell", True), ("cell_no_bias", False)):
        inputs = {"x": rand(B, I), "hidden": rand(B, H)}
        if lstm:
            inputs["cell"] = rand(B, H)
        case(f"{kind}/{label}", make(I, H, bias=bias, **options),
             (lambda m, x, hidden, cell: m(x, (hidden, cell))) if lstm else
             (lambda m, x, hidden: (m(x, hidden),)), inputs, ["hidden", "cell"][:1 + lstm])

save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "recurrent.safetensors"), saved,
     {"torch": torch.__version__, "script": "make_recurrent.py"})
print(len(saved), "tensors,", sum(a.nbytes for a in saved.values()), "bytes")
