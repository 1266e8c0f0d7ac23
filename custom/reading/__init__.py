"""A path becomes a CT in HU with its affine, or a refusal that says why: all that parses the bytes of an image.

`discovery` finds the cases that a call means, and `loading` reads one, as a transform of MONAI. The rest runs in the
process of `custom.runtime.isolation`, under limits of time and memory; so it imports neither torch nor monai, and nor
does what it uses of `custom.dicom`. There, `kinds` tells files apart, `archives` opens a zip, `ct` chooses the reader:
`custom.dicom`, `nifti`, `nrrd` or `meta_image`, the last three by `voxels`. `hounsfield` checks what was read.
"""
