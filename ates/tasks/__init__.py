"""Tasks: owns tasks, the lot and the shuffles; says tasks.*; hears people and money."""
