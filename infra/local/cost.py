"""What Lethe costs a month, and how long its purge runs take: from figures that were measured, assumptions that are named, and list
prices. cost.py FILE prints a table; cost.py FILE --small CALLS OBJECTS HIT SUBJECTS holds the counts against those of a small case
that was run (tests/tests/e2e/cost.rs).
"""

import json
import sys
from pathlib import Path

TB, MB, GB = 1e12, 1e6, 1e9
TOLERANCE = 0.25


def counts(case, figures):
    """How much of each unit that AWS bills a month takes. A case says how much there is and how much is asked."""
    value = {name: one["value"] for kind in ("measured", "assumed") for name, one in figures[kind].items()}
    regulations = case["deletions"] / case["subjects_per_regulation"]
    objects, runs, deletions = case["objects"], case["runs"], case["deletions"]
    # Objects that hold one person are many others', too: a run rewrites each once.
    per_run = deletions / runs * case["objects_per_person"]
    hit = runs * (objects * (1 - (1 - 1 / objects) ** per_run) if objects > 1e6 else min(objects, per_run))
    looked_at = objects * runs
    in_batches = value["objects_per_batch"]
    # Found in one pass, rewritten and looked at again in two more.
    batches = runs * max(1, objects / in_batches) + 2 * max(runs, hit / in_batches)
    size, first = case["bytes"] / objects, case.get("first_scan", 0)

    per_core = value["scan_mb_per_core"] / value["compression"]
    rate = min(per_core * value["purge_cores"], value["s3_mb_per_function"]) * MB
    first_scan = case["bytes"] / rate
    rewritten = hit * size * 3 / rate  # found, rewritten and looked at again
    filters = looked_at * value["seconds_per_filter"] / value["purge_cores"]
    purging = first * first_scan + filters + rewritten
    units = {
        "transitions": regulations * value["transitions_per_regulation"] + runs * value["transitions_per_run"]
        + batches * value["transitions_per_batch"],
        "writes": regulations * value["writes_per_regulation"] + deletions * value["writes_per_subject"]
        + runs * value["writes_per_run"] + batches * value["writes_per_batch"],
        "reads": regulations * value["reads_per_regulation"] + deletions * value["reads_per_subject"]
        + runs * value["reads_per_run"] + batches * value["reads_per_batch"],
        "gets": looked_at * value["gets_per_object"] + first * objects * value["gets_per_new_object"] + hit * value["gets_per_hit"]
        + regulations * value["gets_per_regulation"] + runs * value["gets_per_run"] + batches * value["gets_per_batch"],
        "puts": first * objects * value["puts_per_new_object"] + hit * value["puts_per_hit"] + looked_at / 1_000
        + regulations * value["puts_per_regulation"] + runs * value["puts_per_run"] + batches * value["puts_per_batch"],
        "signatures": regulations,
        "secrets": regulations * value["secrets_per_regulation"],
        "kms": regulations * value["kms_per_regulation"] + (looked_at + hit) * value["kms_per_object"],
        "requests": regulations * value["invocations_per_regulation"] + batches + runs * 6,
        "gb_seconds": purging * value["purge_gb"] + regulations * value["gb_seconds_per_regulation"],
        "months": 1,
    }  # fmt: skip
    hours = {
        "first run": first_scan / case["concurrency"] / 3600,
        "a later run": (filters + rewritten) / runs / case["concurrency"] / 3600,
    }
    return units, hours


def dollars(units, prices):
    return {name: many * prices[name]["usd"] / prices[name]["per"] for name, many in units.items()}


def table(figures):
    print(f"List prices of {figures['region']}, as of {figures['date']}, in dollars a month; without what you have already: S3, warehouses.")
    for company in figures["companies"]:
        case = {**company, "bytes": company["terabytes"] * TB, "objects": company["terabytes"] * TB / (company["megabytes_per_object"] * MB)}
        units, hours = counts(case, figures)
        spent = dollars(units, figures["prices"])
        first, _ = counts({**case, "first_scan": 1}, figures)
        once = sum(dollars(first, figures["prices"]).values()) - sum(spent.values())
        print(
            f"\n{company['name']}: {company['terabytes']:,} TB in {case['objects']:,.0f} objects, {company['deletions']:,} people and "
            f"{company['runs']} runs a month, {company['concurrency']} batches at once"
        )
        for name, many in units.items():
            if spent[name] >= 0.005:
                print(f"  {figures['prices'][name]['what']:<44}{many:>18,.0f}{spent[name]:>14,.2f}")
        print(f"  {'all':<44}{'':>18}{sum(spent.values()):>14,.2f}")
        print(f"  {'once, to read everything for the first time':<44}{'':>18}{once:>14,.2f}")
        print("  " + ", ".join(f"{name}: {time:,.1f} h" for name, time in hours.items()))


def small(figures, calls, objects, hit, subjects):
    """The counts of a case that was run, beside those that the formulas give."""
    case = {
        "deletions": subjects, "subjects_per_regulation": subjects, "objects": objects, "bytes": objects * MB, "runs": 1,
        "objects_per_person": hit / subjects, "concurrency": 2, "first_scan": 1,
    }  # fmt: skip
    units, _ = counts(case, figures)
    wrong = 0
    calls["puts"] += calls.pop("lists")
    # Reads are not held: whoever waits for the case asks how far it is, and the slower the machine, the more often.
    for name in ("writes", "gets", "puts"):
        off = units[name] / max(calls[name], 1) - 1
        wrong += abs(off) > TOLERANCE
        print(f"{name:<12} measured {calls[name]:>6}, computed {units[name]:>8.0f}, {off:+.0%}")
    return bool(wrong)


def main(file, *arguments):
    figures = json.loads(Path(file).read_text())
    if arguments:
        _, calls, *sizes = arguments
        return small(figures, json.loads(Path(calls).read_text()), *map(int, sizes))
    return table(figures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
