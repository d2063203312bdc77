"""Signs in with an account elsewhere as a person does: `python -m tests.auth.oauth.in_browser`.

Chromium, the page, a gateway of its own beside those of the running instance (named by HEADRACE_TEST_URL and
HEADRACE_VAR_DIR), and an identity provider on loopback. What is looked at is in frontend/e2e/oidc.spec.ts.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from cluster.local.page import npm
from tests.auth.oauth.provider import CLIENT_ID, CLIENT_SECRET, OidcServer, serving
from tests.drills.instance import Instance
from tests.stack.conftest import ROOT, Stack


async def main() -> int:
    """The exit status of the browser's tests."""
    running = Stack(os.environ["HEADRACE_TEST_URL"].rstrip("/"), Path(os.environ["HEADRACE_VAR_DIR"]))
    async with serving(OidcServer) as provider:
        company = {
            "id": "company",
            "title": "The company",
            "issuer": provider.issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "registration": True,
        }
        settings = {"HEADRACE_OAUTH_PROVIDERS": json.dumps([company])}
        async with Instance(running).another_gateway(settings, own_address=True) as url:
            environment = {
                **os.environ,
                "HEADRACE_URL": url,
                "HEADRACE_E2E_OIDC": provider.someone.email or "",
            }
            tests = await asyncio.create_subprocess_exec(
                *npm("run", "e2e", "--", "oidc.spec.ts"), cwd=ROOT / "frontend", env=environment
            )
            return await tests.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
