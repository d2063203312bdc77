"""The cluster configurations are what Ray itself takes, and say what our nodes need."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

FOLDER = Path(__file__).parents[2] / "cluster" / "ray"
FILES = sorted(FOLDER.glob("*.yaml"))


def read(file: Path) -> dict[str, Any]:
    whole = yaml.safe_load(file.read_text())
    assert isinstance(whole, dict)
    return whole


def test_there_is_one_for_a_cloud_and_one_for_trying_it_out() -> None:
    assert [file.stem for file in FILES] == ["aws", "local-fake"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_ray_takes_it_by_its_own_schema(file: Path) -> None:
    cluster = read(file)
    # The fake provider has no defaults: its file has to say everything.
    validate_config(prepare_config(copy.deepcopy(cluster)) if file.stem != "local-fake" else cluster)
    assert cluster["head_node_type"] in cluster["available_node_types"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda cluster: cluster.pop("cluster_name"),
        lambda cluster: cluster.update(max_worker=1),
        lambda cluster: cluster.update(head_node_type="nobody"),
        lambda cluster: cluster.update(idle_timeout_minutes="five"),
    ],
)
def test_that_check_can_fail(file: Path, spoil: Any) -> None:
    cluster = read(file)
    spoil(cluster)
    with pytest.raises(Exception, match=r".+"):
        validate_config(cluster)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nodes_with_gpus_come_when_they_are_needed_and_not_before(file: Path) -> None:
    cluster = read(file)
    head = cluster["available_node_types"][cluster["head_node_type"]]
    # Control takes a share of a logical processor; the head has more of those than a small machine.
    assert head["resources"]["CPU"] >= 8
    others = [
        kind for name, kind in cluster["available_node_types"].items() if name != cluster["head_node_type"]
    ]
    assert all(kind["resources"]["GPU"] >= 1 and kind["min_workers"] == 0 for kind in others)
    assert sum(kind["max_workers"] for kind in others) >= 1


def test_no_secret_and_no_address_of_ours_is_in_it() -> None:
    for file in FILES:
        text = file.read_text()
        assert "TOKEN=" not in text
        assert "example" in text or file.stem == "local-fake"
