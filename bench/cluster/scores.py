"""How well a clustering matches labels: BCubed (Bagga and Baldwin 1998; Amigo et al. 2009) and pairs."""

import numpy as np


def compact(a):
    return np.unique(a, return_inverse=True)[1]


def alone(clusters):
    """Faces without a person (negative) count as a person each."""
    p = np.array(clusters, dtype=np.int64)
    free = p < 0
    p[free] = p.max(initial=0) + 1 + np.arange(free.sum())
    return compact(p)


def scores(labels, clusters):
    """-> BCubed F, precision, recall and pairwise precision, recall, all in percent."""
    y, p = compact(labels), alone(clusters)
    both, where, count = np.unique(y * (p.max() + 1) + p, return_inverse=True, return_counts=True)
    of_y, of_p = np.bincount(y), np.bincount(p)
    precision, recall = (count[where] / of_p[p]).mean(), (count[where] / of_y[y]).mean()
    pairs = [int((c * (c - 1) // 2).sum()) for c in (count, of_p, of_y)]
    return {
        "F": 200 * precision * recall / (precision + recall),
        "P": 100 * precision,
        "R": 100 * recall,
        "pair_P": 100 * pairs[0] / max(pairs[1], 1),
        "pair_R": 100 * pairs[0] / max(pairs[2], 1),
    }
