"""The places of the world: one function per scene, painted in units of a 256-pixel picture."""
