"""A trained model as a folder: configuration, weights, calibration, domain and model card; no pickle in it."""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from superion.errors import InvalidArtefact, NotFound
from superion.featurizers import schema
from superion.featurizers.element_data import magpie_table
from superion.models.calibration import Calibration
from superion.models.domain import Domain, KnownMaterial
from superion.models.ensemble import Ensemble
from superion.models.forest import Forest
from superion.models.meyer_neldel import MeyerNeldel
from superion.models.network import NetworkConfig, SuperionNetwork
from superion.models.process_ensemble import ProcessEnsemble
from superion.models.targets import CONDUCTIVITY, TARGETS
from superion.models.tree_ensemble import KINDS, TreeEnsemble

FORMAT_VERSION = 5
"""Raise when the files change their meaning; older versions stay readable or are refused by number.

2: the quantiles of a calibration are positions in the pooled distribution of the members. In 1 they were residuals over
the spread that the networks expect, and such an ensemble is read as one that does not pool.
3: the Gaussian processes say which kernel they have.
4: what the processes say of the formula alone counts beside the rest, which an older ensemble is read without.
5: there may be a hurdle among the processes, and a line between conductivity and activation energy; what is reserved
for an unknown cell goes with the square of what is unknown.
"""
OLDEST_FORMAT = 1
ADDED = {2: ("n_corrections", "pools"), 4: ("formula_processes",), 5: ("squared_reserve", "meyer_neldel")}
"""What the configuration holds from a format version on."""

CONFIG, WEIGHTS, CALIBRATION = "config.json", "weights.safetensors", "calibration.json"
DOMAIN, CARD = "domain.npz", "MODEL_CARD.md"
CHECKED = (WEIGHTS, CALIBRATION, DOMAIN)
TREE_ARRAYS = ("feature", "threshold", "right", "value", "roots")
PROCESSES = "processes."
"""What the names of the processes' arrays begin with."""
CORRECTIONS = "corrections."
"""What those of the corrections begin with, before their number."""
NOVELTY = "novelty_threshold"
"""Array that is absent where the domain is judged by distance."""
KNOWN_DATASET = "known_dataset"
"""Array that says which uploaded data set each known material is from, "" for none; absent where none is."""


@dataclass(frozen=True)
class Artefact:
    """Hold everything that a prediction needs."""

    name: str
    ensemble: Ensemble
    calibrations: Mapping[str, Calibration]
    """By target; a target without one has no honest interval, so it is not answered."""
    domain: Domain
    card: str
    """Markdown."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """How it was trained: data digest, counts, seeds, metrics of cross-validation."""

    def save(self, folder: Path) -> None:
        """Write the artefact into `folder`, which is made; the configuration is written last."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {
            f"member.{index}.{key}": tensor.contiguous()
            for index, network in enumerate(self.ensemble.networks)
            for key, tensor in network.state_dict().items()
        }
        tensors |= _tree_tensors(self.ensemble.trees) | _process_tensors(self.ensemble.processes, PROCESSES)
        for index, correction in enumerate(self.ensemble.corrections):
            tensors |= _process_tensors(correction, f"{CORRECTIONS}{index}.")
        save_file(tensors, folder / WEIGHTS)
        # safetensors makes its file readable by the owner alone; a shared model folder must be readable by all.
        (folder / WEIGHTS).chmod(0o644)
        calibrations = {name: calibration.as_dict() for name, calibration in self.calibrations.items()}
        _write_json(folder / CALIBRATION, calibrations)
        _save_domain(folder / DOMAIN, self.domain)
        (folder / CARD).write_text(self.card, encoding="utf-8")
        config = {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "featuriser": featuriser_fingerprint(),
            "network": asdict(self.ensemble.config),
            "n_members": len(self.ensemble.networks),
            "n_corrections": len(self.ensemble.corrections),
            "pools": self.ensemble.pools,
            "formula_processes": self.ensemble.formula_processes,
            "squared_reserve": self.ensemble.squared_reserve,
            "meyer_neldel": None if self.ensemble.meyer_neldel is None else asdict(self.ensemble.meyer_neldel),
            "training": dict(self.training),
            "sha256": {file: _digest(folder / file) for file in CHECKED},
        }
        _write_json(folder / CONFIG, config)

    @classmethod
    def load(cls, folder: Path) -> Artefact:
        """Read an artefact.

        Raises NotFound without a folder or a configuration, InvalidArtefact for another format version, another
        featuriser, or a file that is damaged.
        """
        config = _read_config(folder)
        return cls(
            name=str(config["name"]),
            ensemble=_load_ensemble(folder, config),
            calibrations=_load_calibrations(folder / CALIBRATION),
            domain=_load_domain(folder / DOMAIN),
            card=(folder / CARD).read_text(encoding="utf-8") if (folder / CARD).exists() else "",
            training=config.get("training", {}),
        )


def featuriser_fingerprint() -> str:
    """Return what identifies the featuriser: its version, the names of its arrays and the element table."""
    digest = hashlib.sha256()
    digest.update(f"{schema.FEATURISER_VERSION} {schema.CONTEXT_NAMES}".encode())
    digest.update(np.nan_to_num(magpie_table().values, nan=-1.0).tobytes())
    return digest.hexdigest()[:16]


def _read_config(folder: Path) -> dict[str, Any]:
    if not (folder / CONFIG).is_file():
        raise NotFound(f"no model artefact at {folder.name!r}: it has no {CONFIG}", field="model", value=folder.name)
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        version, fingerprint, sums = config["format_version"], config["featuriser"], dict(config["sha256"])
        _ = config["name"], config["network"], config["n_members"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidArtefact(f"{CONFIG} cannot be read: {error!r}", field=CONFIG) from error
    if version not in range(OLDEST_FORMAT, FORMAT_VERSION + 1):
        raise InvalidArtefact(
            f"the artefact has format version {version}; this superion reads versions {OLDEST_FORMAT} to "
            f"{FORMAT_VERSION}: train it again, or use the superion that made it",
            field="format_version",
            value=version,
        )
    missing = [key for since, keys in ADDED.items() if version >= since for key in keys if key not in config]
    if missing:
        raise InvalidArtefact(f"{CONFIG} cannot be read: it lacks {', '.join(missing)}", field=CONFIG)
    if fingerprint != featuriser_fingerprint():
        raise InvalidArtefact(
            f"the artefact was trained with featuriser {fingerprint}, this superion has {featuriser_fingerprint()}: "
            "train it again, or use the superion that made it",
            field="featuriser",
            value=fingerprint,
        )
    _check_sums(folder, sums)
    return config


def check_files(folder: Path) -> None:
    """Hold that the files of an artefact are all there and whole, whatever version they are of.

    Raises InvalidArtefact when they are not.
    """
    try:
        sums = dict(json.loads((folder / CONFIG).read_text(encoding="utf-8"))["sha256"])
    except FileNotFoundError as error:
        raise InvalidArtefact(f"the artefact lacks {CONFIG}", field=CONFIG) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidArtefact(f"{CONFIG} cannot be read: {error!r}", field=CONFIG) from error
    _check_sums(folder, sums)


def _check_sums(folder: Path, sums: Mapping[str, str]) -> None:
    for file in CHECKED:
        if not (folder / file).is_file():
            raise InvalidArtefact(f"the artefact lacks {file}", field=file)
        if _digest(folder / file) != sums.get(file):
            raise InvalidArtefact(f"{file} is damaged: its SHA-256 is not the one in {CONFIG}", field=file)


def _load_ensemble(folder: Path, config: Mapping[str, Any]) -> Ensemble:
    try:
        network_config = NetworkConfig(**config["network"])
        tensors = load_file(folder / WEIGHTS)
        networks = []
        for index in range(int(config["n_members"])):
            prefix = f"member.{index}."
            network = SuperionNetwork(network_config)
            own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            network.load_state_dict(own)
            networks.append(network.eval().requires_grad_(False))
        if not networks:
            raise ValueError("there is no network")
    except (SafetensorError, RuntimeError, TypeError, KeyError, ValueError) as error:
        raise InvalidArtefact(f"the weights do not fit the configuration: {error}", field=WEIGHTS) from error
    corrections = [_load_processes(tensors, f"{CORRECTIONS}{index}.") for index in range(_n_corrections(config))]
    return Ensemble(
        config=network_config,
        networks=tuple(networks),
        trees=_load_trees(tensors),
        processes=_load_processes(tensors, PROCESSES),
        corrections=tuple(corrections),
        pools=config["format_version"] > 1 and bool(config["pools"]),
        formula_processes=config["format_version"] > 3 and bool(config["formula_processes"]),
        squared_reserve=config["format_version"] > 4 and bool(config["squared_reserve"]),
        meyer_neldel=_meyer_neldel(config),
    )


def _n_corrections(config: Mapping[str, Any]) -> int:
    return int(config["n_corrections"]) if config["format_version"] > 1 else 0


def _meyer_neldel(config: Mapping[str, Any]) -> MeyerNeldel | None:
    line = config["meyer_neldel"] if config["format_version"] > 4 else None
    if line is None:
        return None
    try:
        found = MeyerNeldel(**{name: float(value) for name, value in line.items()})
        if not all(math.isfinite(value) for value in asdict(found).values()):
            raise ValueError("a number of it is not finite")
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidArtefact(f"the line of {CONFIG} between conductivity and energy: {error}", field=CONFIG) from error
    return found


def _load_calibrations(path: Path) -> dict[str, Calibration]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = {name: Calibration.from_dict(part) for name, part in data.items()}
        if CONDUCTIVITY not in found:
            raise ValueError(f"it lacks {CONDUCTIVITY}")
        return found
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArtefact(f"{CALIBRATION} cannot be read: {error!r}", field=CALIBRATION) from error


def _tree_tensors(trees: TreeEnsemble) -> dict[str, torch.Tensor]:
    return {
        f"trees.{target}.{kind}.{name}": torch.from_numpy(np.ascontiguousarray(getattr(forest, name)))
        for (target, kind), forest in trees.forests.items()
        for name in TREE_ARRAYS
    }


def _load_trees(tensors: Mapping[str, torch.Tensor]) -> TreeEnsemble:
    forests = {}
    for target in (target.name for target in TARGETS):
        for kind in KINDS:
            prefix = f"trees.{target}.{kind}."
            if prefix + TREE_ARRAYS[0] in tensors:
                arrays = {name: tensors[prefix + name].numpy() for name in TREE_ARRAYS}
                forests[target, kind] = Forest(**arrays)
    return TreeEnsemble(forests)


def _process_tensors(processes: ProcessEnsemble, prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in processes.tensors().items()}


def _load_processes(tensors: Mapping[str, torch.Tensor], prefix: str) -> ProcessEnsemble:
    own = {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
    return ProcessEnsemble.from_tensors({name: tensor.numpy() for name, tensor in own.items()})


def _save_domain(path: Path, domain: Domain) -> None:
    known = domain.known
    arrays: dict[str, Any] = {
        "fractions": domain.fractions,
        "threshold": np.float64(domain.threshold),
        "known_formula": np.array([one.formula for one in known], dtype=np.str_),
        "known_measured": np.array([np.nan if one.measured is None else one.measured for one in known], dtype=float),
        "known_source": np.array([one.source for one in known], dtype=np.str_),
    }
    if domain.novelty_threshold is not None:
        arrays[NOVELTY] = np.float64(domain.novelty_threshold)
    if domain.datasets:
        # Left out where all is public, so that such an artefact is what it was before there were data sets of a group.
        arrays[KNOWN_DATASET] = np.array([one.dataset or "" for one in known], dtype=np.str_)
    np.savez_compressed(path, **arrays)


def _load_domain(path: Path) -> Domain:
    try:
        # Opened here: NumPy leaves the file of a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            formulas = data["known_formula"]
            of_dataset = data[KNOWN_DATASET] if KNOWN_DATASET in data else [""] * len(formulas)
            columns = zip(formulas, data["known_measured"], data["known_source"], of_dataset, strict=True)
            known = tuple(
                KnownMaterial(
                    str(formula), None if np.isnan(measured) else float(measured), str(source), str(dataset) or None
                )
                for formula, measured, source, dataset in columns
            )
            novelty = float(data[NOVELTY]) if NOVELTY in data else None
            return Domain(data["fractions"], float(data["threshold"]), known, novelty)
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidArtefact(f"{DOMAIN} cannot be read: {error}", field=DOMAIN) from error


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
