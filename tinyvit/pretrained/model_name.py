"""Names of models at huggingface.co."""

import re

# "owner/name", "owner/name@revision": nothing in it can lead out of a folder or to another server.
_WORD = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
NAME = re.compile(rf"(?P<repository>{_WORD}/{_WORD})(?:@(?P<revision>{_WORD}(?:/{_WORD})*))?")
