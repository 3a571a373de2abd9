"""What the documentation calls the operations of the application, by method and path: `list_jobs`, `get_job_log`."""

from __future__ import annotations

from typing import Any

COLLECTIONS = frozenset({"campaigns", "candidates", "datasets", "events", "jobs", "models", "suggestions"})
"""Segments of a path that stand for many of a kind, and with a name behind them for one."""

NAMES = {
    ("POST", "/candidates/enumerate"): "enumerate_candidates",
    ("POST", "/campaigns/{name}/suggestions"): "suggest_experiments",
    ("POST", "/campaigns/{name}/observations"): "record_observations",
    ("POST", "/campaigns/{name}/withdraw"): "withdraw_suggestions",
    ("POST", "/campaigns/{name}/undo"): "undo_step",
    ("POST", "/campaigns/simulate"): "simulate_campaigns",
    ("POST", "/campaigns/{name}/retrain"): "retrain_on_campaign",
}
"""Operations whose path does not say what they do, or to what."""

VERBS = {"GET": "get", "DELETE": "delete", "PUT": "set"}


def operation_id(method: str, path: str) -> str:
    """Return the name of an operation, which generated clients call their functions by."""
    if (method, path) in NAMES:
        return NAMES[method, path]
    words: list[str] = []
    for segment in path.removesuffix(".json").strip("/").split("/"):
        if segment.startswith("{"):
            words[-1] = words[-1].removesuffix("s")
        else:
            words.append(segment)
    if method == "POST":
        if words[-1] in COLLECTIONS:
            return f"create_{words[-1].removesuffix('s')}"
        if len(words) > 1 and words[0].removesuffix("s") + "s" in COLLECTIONS:
            return f"{words[-1]}_{words[0].removesuffix('s')}"
        return "_".join(words)
    verb = "list" if method == "GET" and words[-1] in COLLECTIONS else VERBS[method]
    return "_".join([verb, *words])


def unique_id(route: Any) -> str:
    """Return the name of a FastAPI route's operation."""
    (method,) = route.methods
    return operation_id(method, route.path_format)
