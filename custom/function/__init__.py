"""What the phases of a beat tell together: one periodic motion of the surfaces, and the function of the chambers.

`motion` smooths positions over the beat and `sliding` keeps vertices from sliding along their surface; `volumes` makes
measures of function of volumes and `excursion` of landmarks, `files` writes these as JSON and CSV, and `curves` draws
them.
"""
