"""Generated hearts: a seed becomes a patient, a patient a structure map, a structure map as many scans as wanted."""
