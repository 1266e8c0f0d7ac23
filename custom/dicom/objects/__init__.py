"""DICOM objects that are made of a series: SEG and Encapsulated STL, of the same patient and study."""
