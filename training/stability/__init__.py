"""Learning what happens against lithium metal: labels from the hull, networks, cross-validation, the shipped model."""
