"""Command lines and measures: segment pictures from a shell, score label maps against ground truth."""
