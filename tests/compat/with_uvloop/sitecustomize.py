"""uvloop's loop is asyncio's, without a word in the program."""

import uvloop

uvloop.install()
