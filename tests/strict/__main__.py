"""The local AWS, strict: MiniStack, refusing what AWS would refuse. `python tests/strict`; see README.md beside this.

MiniStack (pinned) brings the IAM evaluator, signatures and the sessions of execution roles, behind AUTH=true; `grants`
notes who uses which grant, `implied` asks for what a call needs beside its own action, and `rules`
holds the quotas and S3's rules that MiniStack does not know.
"""

import os

os.environ["AUTH"] = "true"

import layer  # noqa: E402
from ministack import app  # noqa: E402

layer.install(app)
app.main()
