"""PyTorch's answers for recurrent encoders and decoders, composed from torch.nn's parts: writes
seq2seq.safetensors, which seq2seq_test.cpp compares with.

    python3 make_seq2seq.py       needs PyTorch 2.x

Inputs and parameters are float32 numbers, answers are computed in float64, so that one file serves
both types. A case is a set of names:
    case/in/source   case/in/target   case/in/lengths   case/encoder/…   case/decoder/… (parameters)
    case/out/logits  case/out/weights   case/seed/logits   case/seed/weights
    case/grad/encoder/…   case/grad/decoder/…
"""
import os

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from safetensors_io import save

torch.manual_seed(0)
saved = {}
B, S, T, E, H, V, W = 3, 4, 3, 3, 4, 5, 6


def rand(*shape):
    return torch.randn(shape, dtype=torch.float32).double()


def put(name, tensor):
    saved[name] = tensor.detach().contiguous().numpy().copy()


class Encoder(nn.Module):
    def __init__(self, embed, layers, bidirectional):
        super().__init__()
        self.embedding = nn.Embedding(V, embed)
        self.gru = nn.GRU(embed, H, layers, batch_first=True, bidirectional=bidirectional)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        outputs, hidden = self.gru(packed)
        outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=tokens.shape[1])
        if self.gru.bidirectional:
            hidden = torch.cat([hidden[0::2], hidden[1::2]], dim=-1)
        return outputs, hidden


class Decoder(nn.Module):
    """step(embedded (B, 1, embed), hidden, outputs, mask) -> features (B, 1, H), hidden, weights (B, 1, S)"""

    def __init__(self, embed, width, given, layers):
        super().__init__()
        self.embedding = nn.Embedding(W, embed)
        if width != H:
            self.bridge = nn.Linear(width, H)
        self.gru = nn.GRU(given, H, layers, batch_first=True)
        self.out = nn.Linear(H, W)

    def forward(self, target, outputs, hidden, mask):
        self.context = hidden[-1].unsqueeze(1)
        if hasattr(self, "bridge"):
            hidden = torch.tanh(self.bridge(hidden))
        steps, weights = [], []
        for t in range(target.shape[1]):
            y, hidden, w = self.step(self.embedding(target[:, t:t + 1]), hidden, outputs, mask)
            steps.append(y)
            weights.append(w)
        logits = self.last(self.out(torch.cat(steps, 1)))
        return logits, None if weights[0] is None else torch.cat(weights, 1)

    def last(self, logits):
        return logits


class Plain(Decoder):
    def step(self, embedded, hidden, outputs, mask):
        y, hidden = self.gru(torch.relu(embedded), hidden)
        return y, hidden, None


class WithContext(Decoder):
    def step(self, embedded, hidden, outputs, mask):
        y, hidden = self.gru(torch.cat([embedded, self.context], -1), hidden)
        return y, hidden, None


class Bahdanau(Decoder):
    def __init__(self, embed, width, layers, attention):
        super().__init__(embed, width, embed + width, layers)
        self.score = nn.ModuleDict({"query_layer": nn.Linear(H, attention, bias=False),
                                    "key_layer": nn.Linear(width, attention, bias=False),
                                    "energy_layer": nn.Linear(attention, 1, bias=False)})

    def step(self, embedded, hidden, outputs, mask):
        sums = self.score["query_layer"](hidden[-1]).unsqueeze(1) + self.score["key_layer"](outputs)
        scores = self.score["energy_layer"](torch.tanh(sums)).squeeze(-1).masked_fill(~mask, float("-inf"))
        weights = torch.softmax(scores, -1).unsqueeze(1)
        y, hidden = self.gru(torch.cat([weights @ outputs, embedded], -1), hidden)
        return y, hidden, weights


class LocationOnly(Decoder):
    """The tutorial's AttnDecoderRNN for any batch."""

    def __init__(self, max_length):
        super().__init__(H, H, H, 1)
        self.attn, self.attn_combine = nn.Linear(2 * H, max_length), nn.Linear(2 * H, H)

    def step(self, embedded, hidden, outputs, mask):
        weights = torch.softmax(self.attn(torch.cat([embedded[:, 0], hidden[0]], 1)), 1).unsqueeze(1)
        padded = torch.zeros(outputs.shape[0], weights.shape[2], H, dtype=outputs.dtype)
        padded[:, :outputs.shape[1]] = outputs
        x = torch.relu(self.attn_combine(torch.cat([embedded, weights @ padded], -1)))
        y, hidden = self.gru(x, hidden)
        return y, hidden, weights

    def last(self, logits):
        return torch.log_softmax(logits, -1)


def case(name, encoder, decoder, lengths):
    encoder, decoder = encoder.double(), decoder.double()
    leaves = {}
    for side, m in (("encoder", encoder), ("decoder", decoder)):
        with torch.no_grad():
            for p in m.parameters():
                p.copy_((0.7 * rand(*p.shape)).float())
        for key, p in m.named_parameters():
            put(f"{name}/{side}/{key}", p)
            leaves[f"{side}/{key}"] = p
    source, target = torch.randint(V, (B, S)), torch.randint(W, (B, T))
    put(f"{name}/in/source", source)
    put(f"{name}/in/target", target)
    put(f"{name}/in/lengths", torch.tensor(lengths))
    mask = torch.arange(S) < torch.tensor(lengths).unsqueeze(1)
    logits, weights = decoder(target, *encoder(source, lengths), mask)
    total = 0
    for key, out in (("logits", logits), ("weights", weights)):
        if out is None:
            continue
        seed = rand(*out.shape)
        put(f"{name}/out/{key}", out)
        put(f"{name}/seed/{key}", seed)
        total = total + (out * seed).sum()
    grads = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    for key, p, g in zip(leaves, leaves.values(), grads):
        put(f"{name}/grad/{key}", torch.zeros_like(p) if g is None else g)


case("plain", Encoder(H, 2, False), Plain(H, H, H, 2), [4, 2, 3])
case("context", Encoder(E, 1, True), WithContext(E, 2 * H, E + 2 * H, 1), [4, 2, 3])
case("bahdanau", Encoder(E, 2, True), Bahdanau(E, 2 * H, 2, 5), [4, 2, 3])
case("bahdanau_small", Encoder(H, 1, False), Bahdanau(H, H, 1, H), [4, 4, 4])
case("location", Encoder(H, 1, False), LocationOnly(6), [4, 2, 3])
save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "seq2seq.safetensors"), saved,
     {"torch": torch.__version__, "script": "make_seq2seq.py"})
print(len(saved), "tensors,", sum(a.nbytes for a in saved.values()), "bytes")
