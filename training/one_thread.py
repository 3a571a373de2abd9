"""Work in one thread: what comes out then has the same bytes wherever it was worked out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold torch, and the linear algebra of numpy, to one thread; after it they have as many as before.

    Sums that threads share are rounded otherwise than those of one. Nor are threads of use where tables are so small.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(n_threads)
