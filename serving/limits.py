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
MAX_UNPACKED_BYTES = 8 * MAX_BODY_BYTES
"""Most bytes that an uploaded archive may hold, unpacked; 413 above it."""
MAX_UNPACKED_TABLE_BYTES = 16 * 1024 * 1024
"""Most bytes of XML in a workbook of materials to predict, of which reading makes ten times as many; 400 above it."""
MAX_UPLOAD_BYTES = 4 * MAX_BODY_BYTES
"""Longest upload of a data set with its structures; 413 above it."""
MAX_UNPACKED_UPLOAD_BYTES = 512 * 1024 * 1024
"""Most bytes that the structures of a data set may hold, unpacked; 413 above it."""
MAX_STRUCTURES = 10_000
"""Most structures of a data set; 413 above it."""
MAX_BUFFERED_BYTES = 8 * MAX_BODY_BYTES
"""Most bytes of bodies that one worker holds at a time; 429 above it."""

BACKLOG = 1024
"""Most connections that wait at a socket until a worker takes them."""
THREADS = 4
"""Requests that one worker computes at a time, besides predictions: windows, interfaces, figures."""
MAX_BATCH_MATERIALS = 48
"""Most materials of one batch; more bring little, and a request that comes meanwhile waits for all of it."""
MAX_BATCH_ATOMS = 1200
"""Atoms in the cells of a batch at which it is full; one crystal may be above it."""
MAX_WAITING_MATERIALS = 20_000
"""Most materials that wait in one worker; 429 above it, unless nothing else waits."""
MAX_WAITING_REQUESTS = 512
"""Most requests for predictions that wait in one worker; 429 above it."""
CACHED_PREDICTIONS = 2_000
"""Predictions that one worker remembers, of about 10 kB each."""
READ_IN_PLACE_BYTES = 64 * 1024
"""Longest body that is read in the event loop; a longer one goes to a thread, which costs a millisecond."""
MAX_SHADOW_WAITING = 256
"""Most materials of one worker that wait for the shadow; it is not asked for those above."""
MAX_SHADOW_BATCH = 32
"""Most materials that the shadow is asked for at a time."""
MAX_SHADOW_ATOMS = 400
"""Atoms in the cells of a batch of the shadow at which it is full; a request that comes meanwhile shares the worker."""
SHADOW_SECONDS = 1.0
"""Time that a batch of the shadow is left to fill."""
SHADOWED_MATERIALS = 10_000
"""Materials of which one worker remembers, by a digest, that the shadow was asked for them."""
DEADLINE_SECONDS = 240.0
"""Time from a request's arrival after which its computation is given up with 504."""
TIMEOUT_SECONDS = DEADLINE_SECONDS + 60.0
"""Time after which 504 is answered whatever the computation does; it cannot be stopped within a chunk."""

MAX_CAMPAIGN_CANDIDATES = 20_000
"""Most candidates of a campaign that is made over HTTP, and as many measurements from before; 413 above it."""
MAX_BATCH_SUGGESTIONS = 200
"""Most experiments that are suggested at a time; 400 above it."""
MAX_OBSERVATIONS = 1000
"""Most observations of one request; 413 above it."""
MAX_SERIES = 20_000
"""Most combinations of a doping series; 400 above it."""
MAX_SERIES_SITES = 2_000_000
"""Most sites of a doping series of a structure, which is carried over to each of its compositions; 413 above it."""
MAX_PAGE = 10_000
"""Most candidates of a campaign that are answered at a time; 400 above it."""
SUGGEST_WAIT_SECONDS = 30.0
"""Time that a request for suggestions waits for those before it, of which one is worked on at a time; then 503."""

RATE_PER_MINUTE = 30_000.0
"""Requests that a key may make in a minute where it has no rate of its own; 429 above it."""
FAILURES_PER_MINUTE = 60.0
"""Requests with a wrong key that one address may make in a minute; 429 in place of 401 above it."""
MAX_RATES = 10_000
"""Keys, and addresses with wrong keys, that one worker counts the requests of at a time."""
KEYS_SECONDS = 1.0
"""Time between two looks at which keys there are."""

POLL_SECONDS = 5.0
"""Time between two looks at which version is champion."""
RETRY_SECONDS = 60.0
"""Time before a champion that failed to load is tried again."""
SHUTDOWN_SECONDS = 10
"""Time that requests in work have to end after a stop signal."""
