"""The LSTM's gradients as a well-known course printed them, mended, and in a plainer form.

One step, the course's letters, equations (7) to (16): Gu is also written i, c is c_next where not marked, `*`
is elementwise. Rows here, columns there: the matrices stand on the other side, transposed.
As printed three things are wrong, and a gradient check finds them in a second:
    (8) to (10) lack the parentheses around their sums, so the gate's own derivative reaches one term only;
    (8) has a factor c~ too many: with parentheses alone it is still wrong;
    (10) has c~_prev, the candidate of the step before, where c_prev belongs.
All functions give what `musicgen.neural.reference.lstm_step_backward` gives, or would, were they right.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicgen.neural.reference import Weights
from musicgen.neural.reference.lstm_cell import LSTMCache

Array = NDArray[Any]
Gradients = tuple[Array, Array, Array, Weights]  # dx, da_prev, dc_prev, dweights


def lstm_gradients_as_printed(da: Array, dc: Array, cache: LSTMCache, candidate_prev: Array) -> Gradients:
    """Equations (7) to (16) to the letter: wrong.

    (7)  dGo = da * tanh(c) * Go * (1 - Go)
    (8)  dc~ = dc * Gu + Go (1 - tanh(c)^2) * Gu * da * c~ * (1 - c~^2)
    (9)  dGu = dc * c~ + Go (1 - tanh(c)^2) * c~ * da * Gu * (1 - Gu)
    (10) dGf = dc * c~_prev + Go (1 - tanh(c)^2) * c_prev * da * Gf * (1 - Gf)

    Args:
        da, dc: upstream gradients of the step's a and c, `(B, H)` each.
        cache: what `lstm_step` kept.
        candidate_prev: c~ of the step before, `(B, H)`, which (10) asks for.
    """
    Gu, Gf, Go, candidate = cache.i, cache.f, cache.o, cache.g
    slope = Go * (1 - cache.tanh_c**2)
    dGo = da * cache.tanh_c * Go * (1 - Go)
    dcandidate = dc * Gu + slope * Gu * da * candidate * (1 - candidate**2)
    dGu = dc * candidate + slope * candidate * da * Gu * (1 - Gu)
    dGf = dc * candidate_prev + slope * cache.c_prev * da * Gf * (1 - Gf)
    return _through_the_matrices(dGu, dGf, dcandidate, dGo, dc * Gf + slope * Gf * da, cache)


def lstm_gradients_with_parentheses(da: Array, dc: Array, cache: LSTMCache) -> Gradients:
    """As printed, with parentheses added and c_prev in (10), and nothing else: (8) is still wrong.

    (8)  dc~ = (dc * Gu + Go (1 - tanh(c)^2) * Gu * da) * c~ * (1 - c~^2)
    """
    Gu, Gf, Go, candidate = cache.i, cache.f, cache.o, cache.g
    slope = Go * (1 - cache.tanh_c**2)
    dGo = da * cache.tanh_c * Go * (1 - Go)
    dcandidate = (dc * Gu + slope * Gu * da) * candidate * (1 - candidate**2)
    dGu = (dc * candidate + slope * candidate * da) * Gu * (1 - Gu)
    dGf = (dc * cache.c_prev + slope * cache.c_prev * da) * Gf * (1 - Gf)
    return _through_the_matrices(dGu, dGf, dcandidate, dGo, dc * Gf + slope * Gf * da, cache)


def lstm_gradients_corrected(da: Array, dc: Array, cache: LSTMCache) -> Gradients:
    """Equations (7) to (16), right.

    (8)  dc~ = (dc * Gu + Go (1 - tanh(c)^2) * Gu * da) * (1 - c~^2)
    (9)  dGu = (dc * c~ + Go (1 - tanh(c)^2) * c~ * da) * Gu * (1 - Gu)
    (10) dGf = (dc * c_prev + Go (1 - tanh(c)^2) * c_prev * da) * Gf * (1 - Gf)
    (7) and (11) to (16) as printed.
    """
    Gu, Gf, Go, candidate = cache.i, cache.f, cache.o, cache.g
    slope = Go * (1 - cache.tanh_c**2)
    dGo = da * cache.tanh_c * Go * (1 - Go)
    dcandidate = (dc * Gu + slope * Gu * da) * (1 - candidate**2)
    dGu = (dc * candidate + slope * candidate * da) * Gu * (1 - Gu)
    dGf = (dc * cache.c_prev + slope * cache.c_prev * da) * Gf * (1 - Gf)
    return _through_the_matrices(dGu, dGf, dcandidate, dGo, dc * Gf + slope * Gf * da, cache)


def lstm_gradients_plainer(da: Array, dc: Array, cache: LSTMCache) -> Gradients:
    """The same result by smaller steps: first the gradient of each gate's value, then through the gate.

    dc <- dc + da * Go (1 - tanh(c)^2)           all that reaches the cell state
    dGu = dc * c~     dGf = dc * c_prev     dc~ = dc * Gu     dGo = da * tanh(c)
    dW_f = dGf * Gf (1 - Gf) x [a_prev, x], and so on; dW_c with dc~ * (1 - c~^2)
    da_prev = W_f^T (dGf * Gf (1 - Gf)) + ... + W_c^T (dc~ * (1 - c~^2))
    dc_prev = dc * Gf
    """
    Gu, Gf, Go, candidate = cache.i, cache.f, cache.o, cache.g
    dc = dc + da * Go * (1 - cache.tanh_c**2)
    dGu, dGf, dcandidate, dGo = dc * candidate, dc * cache.c_prev, dc * Gu, da * cache.tanh_c
    return _through_the_matrices(
        dGu * Gu * (1 - Gu), dGf * Gf * (1 - Gf), dcandidate * (1 - candidate**2), dGo * Go * (1 - Go), dc * Gf, cache
    )


def _through_the_matrices(
    dGu: Array, dGf: Array, dcandidate: Array, dGo: Array, dc_prev: Array, cache: LSTMCache
) -> Gradients:
    """(11) to (14): dW_g = dG_g [a_prev; x]^T, db_g the sum over the batch. (15): da_prev = sum of W_g^T dG_g."""
    dG = np.concatenate([dGu, dGf, dcandidate, dGo], axis=1)  # (B, 4H), Keras's order
    dweights = Weights(cache.x.T @ dG, cache.h_prev.T @ dG, dG.sum(axis=0))
    return dG @ cache.weights.kernel.T, dG @ cache.weights.recurrent_kernel.T, dc_prev, dweights
