"""A node beside the PACS: a routed CT study in, its surfaces back into the same study. `python -m deploy.node CONFIG`.

============ =================================================================================================
`config`     the config file, checked before anything starts
`queue`      studies on disk and how far each is: what survives a crash, and the only thing the parts share
`receiving`  C-STORE in: who may call, how much, and which instances are kept
`fetching`   the same from a PACS that is asked by DICOMweb
`processing` the bundle's inference, loaded once, on a study that is complete
`sending`    results out, by C-STORE or DICOMweb
`service`    the threads of these, and their end
`status`     numbers of the queue for monitoring, without names
`tls`        contexts of TLS
============ =================================================================================================

A study walks `receiving` -> `sending` -> `done`, or is put `aside` with a reason. Each step is one transaction, after
the files that it tells of are safe on disk.
"""
