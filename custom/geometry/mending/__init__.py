"""Surfaces made better: fair, free of outliers, free of crossings."""
