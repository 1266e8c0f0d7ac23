"""How far each surface is to be trusted: what is measured of it, and the verdict."""
