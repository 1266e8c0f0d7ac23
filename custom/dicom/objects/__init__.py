"""DICOM objects that are made of a series: SEG, Encapsulated STL, SR and a secondary capture, of the same patient and
study."""
