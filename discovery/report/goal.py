"""The goal of a campaign in words."""

from __future__ import annotations

from superion.discovery.goal import Goal

__all__ = ["goal_text"]


def goal_text(goal: Goal) -> str:
    """Say what a campaign seeks, under which conditions and how it chooses."""
    sought = [f"a high lithium-ion conductivity at {goal.temperature_C:g} °C"]
    conditions = []
    if goal.stability == "objective":
        sought.append("stability against lithium metal")
    elif goal.stability == "constraint":
        conditions.append(
            f"be stable against lithium metal (a reaction energy above {goal.reaction_energy_above:g} eV per atom)"
        )
    if goal.cost == "objective":
        sought.append("a low price of the elements")
    elif goal.cost == "constraint" and goal.cost_below is not None:
        conditions.append(f"consist of elements for at most {goal.cost_below:,g} US dollars per kg")
    if goal.avoid:
        conditions.append(f"hold no {' or '.join(goal.avoid)}")
    sentences = [f"{_list(sought)}.", *([f"A material is to {_list(conditions)}."] if conditions else [])]
    sentences.append(f"Chosen by {_how(goal)}.")
    text = " ".join(sentences)
    return text[:1].upper() + text[1:]


def _how(goal: Goal) -> str:
    return {
        "ucb": f"an upper confidence bound, {goal.kappa:g} standard deviations above the mean",
        "log_ei": "expected improvement over the best so far",
        "noisy_ei": "expected improvement, with the noise of measurements allowed for",
        "thompson": "draws of what could be true, one for each place in a batch",
        "variance": "what the model would learn most from",
    }[goal.acquisition]


def _list(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
