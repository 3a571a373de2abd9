"""The documented metrics and the rules over them, held against the metrics that there are."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from superion.serving import metrics, record_metrics

SUFFIXES = ("_bucket", "_count", "_sum")


def existing() -> dict[str, str]:
    """Return the kind of each metric, by the name that Prometheus shows."""
    assert metrics.route("/metrics")
    families = [*REGISTRY.collect(), *text_string_to_metric_families(record_metrics.text())]
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: family.type
        for family in families
        if family.name.startswith("superion_")
    }


def test_each_metric_is_documented(root: Path) -> None:
    section = (root / "docs" / "http.md").read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]
    documented = {
        name: kind
        for cells, kind in re.findall(r"^\| (`superion_[^|]*) \| (\w+) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cells)
    }
    assert documented == existing()


def test_rules_ask_for_metrics_that_there_are(root: Path) -> None:
    (group,) = yaml.safe_load((root / "deploy" / "alerts.yaml").read_text())["groups"]
    found = existing()
    for rule in group["rules"]:
        assert {"alert", "expr", "labels", "annotations"} <= set(rule)
        asked = set(re.findall(r"superion_\w+", rule["expr"]))
        assert asked
        for name in asked:
            base = next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)
            assert base in found, f"{rule['alert']} asks for {name}"
            assert (base != name) == (found[base] == "histogram"), name
