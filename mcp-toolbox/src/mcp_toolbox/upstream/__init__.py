"""Other MCP servers, whose tools are offered beside our own.

servers_file.py  what the operator wrote             manager.py     all servers, and the file's changes
spec.py          one server as it is to be run       upstream.py    one server: connect, watch, connect again
references.py    ${VARIABLES}                        connection.py  one client's life, in one task
stdio.py http.py the ways to reach a server          child.py       a server's process and its family
forward.py       a call, passed on                   launcher.py    the process between, which outlives us
translate.py     a tool of theirs as one of ours     pins.py        what their tools looked like at first
"""
