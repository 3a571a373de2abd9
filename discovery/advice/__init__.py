"""What a chemist is told of a suggested material: hazards, prices, and the reasons in words."""
