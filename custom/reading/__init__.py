"""A path becomes a CT in HU with its affine, or a refusal that says why: all that parses the bytes of an image.

It runs in the process of `custom.apart`, under limits of time and memory; so neither torch nor monai is imported here,
in `custom.dicom`'s reading, or in what they use. `kinds` tells files apart, `archives` opens a zip, `case` chooses the
reader: `custom.dicom`, `nifti`, `nrrd` or `meta_image`, the last three by `voxels`. `hounsfield` checks what was read.
"""
