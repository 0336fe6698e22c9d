#!/usr/bin/python3
"""The yardstick of docs/benchmarks.md: the models and steps of `gumbelgan bench`, in plain eager PyTorch, tuned as an expert would.

eager.py iteration|mle|sample|reinforce [--vocab N ...]: takes the options of `gumbelgan bench` and prints JSON of the same form.
Needs Debian's python3-torch, or any PyTorch from 1.13 on.
"""
import argparse
import json
import os
import resource
import sys
import time

# Read by the C library and by OpenBLAS as they start, so they must stand in the environment before Python does. OpenBLAS 0.3.21 does not know
# newer AMD processors and would take AVX2 kernels; fresh pages for every large tensor would cost eager code up to three times its time.
TUNING = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_TOP_PAD_": str(1 << 26)}


def flags():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        return next((line for line in file if line.startswith("flags")), "").split()


if "GUMBELGAN_PEER" not in os.environ and "--untuned" not in sys.argv:
    if "GUMBELGAN_NARROW" in os.environ:  # as on a processor without AVX-512
        TUNING |= {"OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    elif {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"} <= set(flags()):
        TUNING["OPENBLAS_CORETYPE"] = "SkylakeX"
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **TUNING, "GUMBELGAN_PEER": "1"})

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

LEARNING_RATE, CLIP_NORM, TEMPERATURE = 1e-4, 5.0, 0.9
WARM_UP_SECONDS, LEAST_WARM_UP = 2.0, 3


def negative_gumbel(logits):
    """Half the time of exponential_(), which draws on one core and takes its logarithm one number at a time."""
    return torch.rand_like(logits).log_().neg_().log_()


class Generator(nn.Module):
    def __init__(self, vocabulary, length, embedding, hidden):
        super().__init__()
        self.length = length
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.cell = nn.LSTMCell(embedding, hidden)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)  # the same recurrence where the inputs are known, in one call
        self.output = nn.Linear(hidden, vocabulary)

    def start(self, batch):
        state = torch.zeros(batch, self.cell.hidden_size), torch.zeros(batch, self.cell.hidden_size)
        return self.embedding(torch.zeros(batch, dtype=torch.long)), state  # [B, E]

    def relax(self, batch):
        """Relaxed one-hots [B, T, V], each row fed back as a mixture of embeddings."""
        step, state = self.start(batch)
        rows = []
        for _ in range(self.length):
            state = self.cell(step, state)
            logits = self.output(state[0])  # [B, V]
            row = torch.softmax((logits - negative_gumbel(logits)) / TEMPERATURE, -1)
            rows.append(row)
            step = row @ self.embedding.weight  # [B, E]
        return torch.stack(rows, 1)

    def losses(self, ids, reduction):
        begin = torch.zeros(ids.shape[0], 1, dtype=torch.long)
        inputs = self.embedding(torch.cat([begin, ids[:, :-1]], 1))  # [B, T, E]
        hidden, _ = self.lstm(inputs)  # [B, T, H]
        logits = self.output(hidden)  # [B, T, V]
        return functional.cross_entropy(logits.flatten(0, 1), ids.flatten(), reduction=reduction)

    @torch.no_grad()
    def sample(self, batch, multinomial):
        step, state = self.start(batch)
        tokens = []
        for _ in range(self.length):
            state = self.cell(step, state)
            logits = self.output(state[0])  # [B, V]
            if multinomial:
                token = torch.multinomial(torch.softmax(logits, -1), 1).squeeze(1)
            else:
                token = logits.sub_(negative_gumbel(logits)).argmax(-1)
            tokens.append(token)
            step = self.embedding(token)
        return torch.stack(tokens, 1)  # [B, T]

    @torch.no_grad()
    def complete(self, ids, copies):
        """The completions of every proper prefix, one tensor [copies * B, T] a prefix length; each prefix is read once."""
        step, state = self.start(ids.shape[0])
        for length in range(1, ids.shape[1]):
            state = self.cell(step, state)
            step = self.embedding(ids[:, length - 1])
            now, h, c = step.repeat(copies, 1), state[0].repeat(copies, 1), state[1].repeat(copies, 1)
            tokens = [ids[:, :length].repeat(copies, 1)]
            for _ in range(length, ids.shape[1]):
                h, c = self.cell(now, (h, c))
                logits = self.output(h)  # [copies * B, V]
                token = logits.sub_(negative_gumbel(logits)).argmax(-1)
                tokens.append(token.unsqueeze(1))
                now = self.embedding(token)
            yield torch.cat(tokens, 1)


class LstmDiscriminator(nn.Module):
    def __init__(self, vocabulary, embedding, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.output = nn.Linear(hidden, 1)

    def forward(self, sequences):
        embedded = sequences @ self.embedding.weight if sequences.is_floating_point() else self.embedding(sequences)  # [B, T, E]
        _, (hidden, _) = self.lstm(embedded)
        return self.output(hidden[0]).squeeze(1)  # [B]


class CnnDiscriminator(nn.Module):
    def __init__(self, vocabulary, embedding):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.convolutions = nn.ModuleList(nn.Conv1d(embedding, 64, width) for width in (2, 3, 4, 5))
        self.output = nn.Linear(4 * 64, 1)

    def forward(self, sequences):
        embedded = sequences @ self.embedding.weight if sequences.is_floating_point() else self.embedding(sequences)  # [B, T, E]
        channels = embedded.transpose(1, 2)  # [B, E, T]
        features = [convolution(channels).relu().amax(2) for convolution in self.convolutions]
        return self.output(torch.cat(features, 1)).squeeze(1)  # [B]


def update(optimizer, module, loss):
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(module.parameters(), CLIP_NORM)
    loss.item()
    optimizer.step()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("subject", choices=["iteration", "mle", "sample", "reinforce"])
    for name, value in (("vocab", 5000), ("length", 20), ("embedding", 32), ("hidden", 32), ("count", 10000), ("rollouts", 16), ("threads", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--discriminator", choices=["lstm", "cnn"], default="lstm")
    parser.add_argument("--multinomial", action="store_true", help="sample with torch.multinomial instead of Gumbel-max")
    parser.add_argument("--untuned", action="store_true", help="leave kernels, allocator and denormals as they are")
    parser.add_argument("--json", action="store_true", help="accepted for symmetry: the output is always JSON")
    options = parser.parse_args()
    sampling = options.subject == "sample"
    batch = options.batch or (256 if sampling else 64)
    repeats = options.repeats or (3 if sampling else 20)

    torch.set_num_threads(options.threads or os.cpu_count())
    if not options.untuned:
        torch.set_flush_denormal(True)
    torch.manual_seed(1)
    generator = Generator(options.vocab, options.length, options.embedding, options.hidden)
    judge = CnnDiscriminator(options.vocab, options.embedding) if options.discriminator == "cnn" else LstmDiscriminator(options.vocab, options.embedding, options.hidden)
    # Only the recurrence that a subject uses has gradients, and Adam passes over parameters without one.
    generator_optimizer = torch.optim.Adam(generator.parameters(), LEARNING_RATE)
    judge_optimizer = torch.optim.Adam(judge.parameters(), LEARNING_RATE)
    real = torch.randint(options.vocab, (batch, options.length))
    times = {}

    def timed(phase, action):
        start = time.perf_counter()
        result = action()
        times.setdefault(phase, []).append((time.perf_counter() - start) * 1e3)
        return result

    def judge_step(fake):
        loss = functional.softplus(-judge(real)).mean() + functional.softplus(judge(fake.detach())).mean()
        update(judge_optimizer, judge, loss)

    def generator_step(fake):
        judge.requires_grad_(False)
        update(generator_optimizer, generator, functional.softplus(-judge(fake)).mean())
        judge.requires_grad_(True)

    def iteration():
        fake = timed("generator_forward", lambda: generator.relax(batch))
        timed("discriminator_step", lambda: judge_step(fake))
        timed("generator_step", lambda: generator_step(fake))

    def likelihood():
        update(generator_optimizer, generator, generator.losses(real, "mean"))

    def samples():
        for drawn in range(0, options.count, batch):
            generator.sample(min(batch, options.count - drawn), options.multinomial)

    def policy_gradient():
        """SeqGAN's step: a token's reward is the mean score of the completions of the sequence up to it, the last one's the sequence's own."""
        ids = generator.sample(batch, options.multinomial)  # [B, T]
        with torch.no_grad():
            rewards = [judge(whole).sigmoid().view(options.rollouts, -1).mean(0) for whole in generator.complete(ids, options.rollouts)]
            returns = torch.stack([*rewards, judge(ids).sigmoid()], 1)  # [B, T]
        update(generator_optimizer, generator, ((returns - returns.mean()) * generator.losses(ids, "none").view_as(ids)).sum() / batch)

    subjects = {"iteration": iteration, "mle": likelihood, "sample": samples, "reinforce": policy_gradient}
    subject = subjects[options.subject]
    start, rounds = time.perf_counter(), 0
    while rounds < (1 if sampling or options.subject == "reinforce" else LEAST_WARM_UP) or time.perf_counter() - start < WARM_UP_SECONDS:
        subject()
        rounds += 1
    times.clear()
    for _ in range(repeats):
        timed("iteration", subject)

    def median(values):
        values = sorted(values)
        middle = len(values) // 2
        return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2

    names = ["iteration", *(name for name in times if name != "iteration")]
    summaries = (("median_ms", median), ("min_ms", min), ("max_ms", max))
    document = {key: {name: round(summary(times[name]), 4) for name in names} for key, summary in summaries}
    document["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    document["threads"] = torch.get_num_threads()
    print(json.dumps(document, indent=2))


main()
