"""What the networks are made of: the U-Net, graph convolutions, and the parts of the shape network."""
