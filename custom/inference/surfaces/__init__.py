"""From what the network gave to closed surfaces in mm that do not cross."""
