"""Asks the server, whose socket lies beside this file, for a command in this process's stead, and ends as it ends."""

import json
import os
import signal
import socket
import sys

with socket.socket(socket.AF_UNIX) as connection, connection.makefile() as answers:
    connection.connect(os.path.join(os.path.dirname(os.path.abspath(__file__)), "socket"))
    socket.send_fds(connection, [b"."], [0, 1, 2])
    request = {"words": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}
    connection.sendall(json.dumps(request).encode() + b"\n")
    process = int(answers.readline())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: os.kill(process, number))
    code = int(answers.readline())
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
os._exit(code)
