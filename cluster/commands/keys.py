"""`headrace keys`: the keys that sign access tokens."""

import time

from rich.console import Console

from auth.sessions.key_rotation import add_next_key, sign_with_next_key, withdraw_old_keys
from auth.upkeep import ROUND_SECONDS
from cluster.local.errors import ClusterError
from cluster.local.instance_settings import instance_settings
from core.errors import HeadraceError

# Every process has read the file again by then, also one that is late.
KNOWN_EVERYWHERE_SECONDS = 2 * ROUND_SECONDS


def rotate(*, withdraw: bool) -> None:
    """Sign with a new key; tokens of the old one stay good, unless it is withdrawn. Raises ClusterError."""
    console = Console(highlight=False)
    path = instance_settings().signing_key_file
    try:
        if withdraw:
            # Whoever has stolen the key must not sign for another moment: nobody waits for anybody.
            add_next_key(path)
            sign_with_next_key(path)
            withdraw_old_keys(path)
            console.print("A new key signs now. Whoever was signed in has to sign in again.")
            return
        add_next_key(path)
        console.print(
            f"A new key was made. Waiting {KNOWN_EVERYWHERE_SECONDS:.0f} s until everybody knows it."
        )
        time.sleep(KNOWN_EVERYWHERE_SECONDS)
        sign_with_next_key(path)
    except HeadraceError as error:
        raise ClusterError(error.detail) from error
    console.print("The new key signs now. Tokens of the former one stay good until they expire.")
