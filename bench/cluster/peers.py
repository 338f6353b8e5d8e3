"""The peers, over unit embeddings: DBSCAN, HDBSCAN and Chinese whispers, each with a grid of settings. In what they
return, -1 is a face in no cluster."""

import hdbscan
import numpy as np
import scipy.sparse
from sklearn.cluster import DBSCAN


def close_pairs(e, least):
    """Sparse matrix of cosines of at least `least`, without the diagonal."""
    parts = []
    for a in range(0, len(e), 2048):
        s = e[a : a + 2048] @ e.T
        s[np.arange(len(s)), a + np.arange(len(s))] = -1
        i, j = np.nonzero(s >= least)
        parts.append(scipy.sparse.csr_matrix((s[i, j], (i, j)), shape=(len(s), len(e))))
    return scipy.sparse.vstack(parts).tocsr()


def above(g, least):
    near = g.copy()
    near.data[near.data < least] = 0
    near.eliminate_zeros()
    return near


def run_dbscan(e, g, setting):
    eps, core = setting
    near = above(g, 1 - eps)
    near.data = np.maximum(1 - near.data, 1e-7)
    return DBSCAN(eps=eps, min_samples=core, metric="precomputed").fit_predict(near)


def run_hdbscan(e, g, setting):
    size, samples, method, eps = setting
    h = hdbscan.HDBSCAN(size, min_samples=samples, cluster_selection_method=method, cluster_selection_epsilon=eps,
                        core_dist_n_jobs=1)
    return h.fit_predict(e.astype(np.float64))


def run_whispers(e, g, least, rounds=30, seed=1):
    """Biemann 2006 as dlib has it: edges above a threshold, weighted by the cosine."""
    near, label = above(g, least), np.arange(g.shape[0])
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        changed = False
        for i in rng.permutation(len(label)):
            a, b = near.indptr[i], near.indptr[i + 1]
            if a == b:
                continue
            names, at = np.unique(label[near.indices[a:b]], return_inverse=True)
            best = names[np.argmax(np.bincount(at, near.data[a:b]))]
            changed |= bool(best != label[i])
            label[i] = best
        if not changed:
            break
    return label


RUN = {"DBSCAN": run_dbscan, "HDBSCAN": run_hdbscan, "Chinese whispers": run_whispers}
# Immich's rule is (0.5, 3), that of InsightFace's GUI (0.52, 2).
GRID = {
    "DBSCAN": [(round(eps, 2), core) for eps in np.arange(0.36, 0.65, 0.02) for core in (1, 2, 3, 4)],
    "HDBSCAN": [(n, 1, method, eps) for n in (2, 3) for method in ("eom", "leaf") for eps in (0.0, 0.85, 0.9, 0.95)],
    "Chinese whispers": [round(x, 2) for x in np.arange(0.36, 0.65, 0.02)],
}


def grid(name):
    def run(e, g):
        for setting in GRID[name]:
            yield setting, RUN[name](e, g, setting)

    return run


def one(name, setting, e):
    return RUN[name](e, close_pairs(e, 0.3), setting)


PEERS = {name: grid(name) for name in RUN}
