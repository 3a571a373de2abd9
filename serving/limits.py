"""The bounds of the service, in one place: what a request may hold and how long it may take."""

from __future__ import annotations

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Longest request body; 413 above it."""
MAX_MATERIALS = 10_000
"""Most materials of one request; 413 above it."""
MAX_PREDICTIONS = 200_000
"""Most materials times temperatures of one request, which bounds the answer's size; 413 above it."""
MAX_ID_LENGTH = 256
"""Longest identifier, which is repeated in the answer [characters]."""
MAX_BUFFERED_BYTES = 8 * MAX_BODY_BYTES
"""Most bytes of bodies that one worker holds at a time; 429 above it."""

THREADS = 4
"""Requests that one worker computes at a time.

Most of the work holds the interpreter lock, so more threads bring no more throughput; but with a single one a request
for a formula, 15 ms of work, would wait for a whole batch of structures before it.
"""
CHUNK_MATERIALS = 64
"""Materials predicted before the deadline is looked at again."""
DEADLINE_SECONDS = 240.0
"""Time from a request's arrival after which its computation is given up with 504."""
TIMEOUT_SECONDS = DEADLINE_SECONDS + 60.0
"""Time after which 504 is answered whatever the computation does; it cannot be stopped within a chunk."""

POLL_SECONDS = 5.0
"""Time between two looks at which version is champion."""
RETRY_SECONDS = 60.0
"""Time before a champion that failed to load is tried again."""
SHUTDOWN_SECONDS = 10
"""Time that requests in work have to end after a stop signal."""
