"""`make cost` computes what can be computed by hand."""

import json
import subprocess
import sys
from pathlib import Path

LOCAL = Path(__file__).parents[2] / "infra/local"
sys.path.insert(0, str(LOCAL))

from cost import counts, dollars  # noqa: E402

FIGURES = json.loads((LOCAL / "cost.json").read_text())
CASE = {
    "deletions": 10, "subjects_per_regulation": 5, "objects": 4_000, "bytes": 4e9, "objects_per_person": 20, "runs": 2,
    "concurrency": 10,
}  # fmt: skip


def value(name):
    return (FIGURES["measured"].get(name) or FIGURES["assumed"][name])["value"]


def test_a_small_case_by_hand():
    units, hours = counts(CASE, FIGURES)
    # Two regulations; two runs of 4,000 objects in two batches, and of 100 with hits in one, twice.
    batches = 2 * 2 + 2 * 2
    by_hand = 2 * value("transitions_per_regulation") + 2 * value("transitions_per_run") + batches * value("transitions_per_batch")
    assert abs(units["transitions"] - by_hand) < 1e-6
    assert units["signatures"] == 2
    rate = min(value("scan_mb_per_core") / value("compression") * value("purge_cores"), value("s3_mb_per_function"))
    assert abs(hours["first run"] - 4_000 / rate / 10 / 3_600) < 1e-9
    assert dollars({"gets": 2_500_000}, FIGURES["prices"]) == {"gets": 1.0}


def test_more_costs_more_and_the_first_look_at_everything_most():
    units, _ = counts(CASE, FIGURES)
    for change in ({"deletions": 20}, {"runs": 4}, {"objects": 8_000}, {"first_scan": 1}):
        more, _ = counts({**CASE, **change}, FIGURES)
        assert sum(dollars(more, FIGURES["prices"]).values()) > sum(dollars(units, FIGURES["prices"]).values()), change


def test_every_price_has_its_page_and_every_figure_its_place():
    assert all(one["page"].startswith("https://aws.amazon.com/") for one in FIGURES["prices"].values())
    assert all(one["where"] for kind in ("measured", "assumed") for one in FIGURES[kind].values())
    root = LOCAL.parents[1]
    assert all((root / one["where"].partition(":")[0]).exists() for one in FIGURES["measured"].values())


def test_the_table_has_the_three_companies():
    said = subprocess.run([sys.executable, LOCAL / "cost.py", LOCAL / "cost.json"], capture_output=True, text=True, check=True).stdout
    assert all(f"\n{company['name']}: " in said for company in FIGURES["companies"])
