"""Composed elevations, one house a file: what the page shows as examples."""
