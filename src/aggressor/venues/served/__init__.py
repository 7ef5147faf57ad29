"""A venue's own side of the wire: what every local venue does alike."""
