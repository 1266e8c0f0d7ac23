"""What tests of several folders share; this folder is on the path of them all."""
