"""Other MCP servers, whose tools are offered beside the toolbox's own.

servers_file.py   the operator's file              manager.py     all servers, and changes of the file
spec.py           one server of the file           upstream.py    one server: connect, watch, reconnect
references.py     ${VARIABLES}                     connection.py  one client, from start to end, in one task
stdio.py http.py  the transports                   child.py       a server's process and its descendants
forward.py        a call to a server               launcher.py    the process between, which ends them
translate.py      a server's tool as a Tool        pins.py        digests of the tools as first seen
schema_check.py   checks with bounded work         self_contained.py  schemas that every client compiles
"""
