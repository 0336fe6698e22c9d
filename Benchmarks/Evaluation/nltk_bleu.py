"""Scores hypotheses with NLTK's sentence_bleu as GumbelGan.Evaluation.Bleu does, one process a core, and prints JSON: scores and seconds.

python3 nltk_bleu.py HYPOTHESES REFERENCES COUNT PROCESSES    (REFERENCES "-": each hypothesis against the others)
"""
import json
import multiprocessing
import sys
import time

from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

WEIGHTS = [tuple([1 / order] * order) for order in range(2, 6)]


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [line.split() for line in lines.read().split("\n") if line]


def score(index):
    others = REFERENCES if REFERENCES is not None else HYPOTHESES[:index] + HYPOTHESES[index + 1 :]
    return sentence_bleu(others, HYPOTHESES[index], WEIGHTS, SmoothingFunction().method1)


HYPOTHESES = read(sys.argv[1])[: int(sys.argv[3])]
REFERENCES = None if sys.argv[2] == "-" else read(sys.argv[2])
if __name__ == "__main__":
    began = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(int(sys.argv[4])) as pool:
        scores = pool.map(score, range(len(HYPOTHESES)), chunksize=1)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "bleu": [sum(column) / len(scores) for column in zip(*scores)]}))
