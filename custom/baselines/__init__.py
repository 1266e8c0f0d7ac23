"""The systems that the paper compares with, on the same data, augmentation, engine and U-Net."""
