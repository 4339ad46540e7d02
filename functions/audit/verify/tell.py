"""What a certificate says, in plain words."""

from datetime import datetime, timedelta, timezone

ASKED = {
    "SUPPRESS_WITH_DELETE": "delete everywhere, and drop new events from now on",
    "DELETE_ONLY": "delete everywhere",
    "SUPPRESS_WITH_DELETE_INTERNAL": "delete from archives and warehouses, and drop new events from now on",
    "DELETE_INTERNAL": "delete from archives and warehouses",
    "DELETE_ARCHIVE_ONLY": "delete from archives",
    "SUPPRESS_ONLY": "drop new events from now on; delete nothing",
    "UNSUPPRESS": "let new events in again; delete nothing",
}
OUTCOME = {
    "FINISHED": "nothing failed",
    "PARTIAL_SUCCESS": "done in some places, FAILED in others",
    "FAILED": "FAILED everywhere",
    "NOT_SUPPORTED": "no place could be asked to delete",
}
STEPS = ["resolve", "find", "forget", "verify", "forward"]
OWN, VENDOR = "a second look found nothing left", "the vendor confirmed it"
PLACE = {
    "CONFIRMED": "deleted",
    "NO_DATA_FOUND": "nothing was there",
    "NO_ACTION": "nothing to do",
    "ACCEPTED": "asked to delete, NOT confirmed",
    "NOT_SUPPORTED": "NOT deleted: it has no way to ask",
    "NO_IDENTIFIER": "NOT looked for: it knows none of the identifiers given of somebody",
    "FAILED": "FAILED",
}
LIMITS = [
    "that somebody is among these people, without a proof of it from the issuer (--proof).",
    "that places which were not connected hold nothing: backups, copies elsewhere, printed lists.",
    "that a vendor did what it said it did.",
    "that new data has not come in since. A suppression drops events; it deletes nothing.",
    "that no other certificate exists: each attempt has its own, and without the log of all (--log) none is missed here.",
    "whose key this is. Fetch the key set from the issuer yourself, and compare the key's id.",
]


def tell(claims, kid):
    """The lines under a certificate that holds."""
    regulation, count = claims["regulation"], claims["regulation"]["subjectCount"]
    lines = [
        ("Certificate", f"{claims['jti']}, issued {when(claims['iat'])}"),
        ("Signed by", f"key {kid}"),
        ("Asked", f"{ASKED[regulation['regulationType']]} ({regulation['regulationType']})"),
        ("For", f"{count:,} {'person' if count == 1 else 'people'}, under {len(claims['subjects']):,} pseudonyms{others(claims)}"),
        ("Received", when(regulation["createdAt"])),
        ("Ended", f"{when(regulation['finishedAt'])}, after {took(regulation)}"),
        ("Outcome", f"{regulation['status']}: {OUTCOME[regulation['status']]}"),
    ]
    if part := regulation.get("part"):
        lines.insert(3, ("Only", " / ".join(["source", *(str(part[key]) for key in ("sourceId", "collection") if key in part)])))
    text = [f"  {name + ':':<13}{safe(value)}" for name, value in lines]
    places = claims["destinations"]
    text += section("Places", [line for place in places for line in outcome(place, claims["evidence"])] or ["none"])
    text += section("Not confirmed", [f"{place['name']}: it accepted the request and does not tell when it has deleted." for place in places if place["status"] == "ACCEPTED"])
    text += section("What stayed", [line for place in places for line in stayed(place, claims["evidence"])])
    return "\n".join(text + section("What this does not prove", LIMITS))


def section(title, lines):
    return [f"  {title}", *(f"    {safe(line)}" for line in lines)] if lines else []


def outcome(place, evidence):
    """How a place ended, since when, and what each step there counted."""
    confirmed = {"CONFIRMED": f", {VENDOR if place['kind'] == 'CLOUD' else OWN}"}.get(place["status"], "")
    since = f", since {when(place['finishedAt'])}" if "finishedAt" in place else ""
    yield f"{place['name']} ({place['vendor']}): {PLACE[place['status']]}{confirmed}{since}"
    for link in last_attempt(place, evidence):
        yield f"  {link['step']:<8} {when(link['at'])}  {counts(link['counts'])}"


def stayed(place, evidence):
    """What is known to be left at a place."""
    if place["status"] in ("FAILED", "NOT_SUPPORTED", "NO_IDENTIFIER"):
        yield f"{place['name']}: {PLACE[place['status']]}. What it held may still be there."
    for link in last_attempt(place, evidence):
        for reason, amount in link.get("residuals", {}).items():
            yield f"{place['name']}: {reason}, {amount:,}"
        for one in link.get("exceptions", []):
            yield f"{place['name']}: {one['objects']:,} objects that nobody can read ({one['kind']}), excepted by {one['createdBy']} until {when(one['until'])}: {one['reason']}"


def last_attempt(place, evidence):
    """In the order of the steps: those of one second are chained by chance."""
    here = [link for link in evidence if link.get("destinationId") == place["id"]]
    last = [link for link in here if link["attempt"] == max(one["attempt"] for one in here)]
    return sorted(last, key=lambda link: STEPS.index(link["step"]) if link["step"] in STEPS else len(STEPS))


def counts(values):
    if len(values) > 1 and all("." in name for name in values):
        tables = [rows for rows in values.values() if rows]
        return f"{sum(tables):,} rows in {len(tables)} tables" if tables else "nothing"
    told = ", ".join(f"{name} {count:,}" for name, count in values.items() if count)
    return told or "nothing"


def others(claims):
    more = [("linkedSubjects", "linked to them"), ("resolvedSubjects", "found in their own data"), ("leftOut", "left out")]
    told = [f"{len(claims[name]):,} {what}" for name, what in more if claims.get(name)]
    return f"; {', '.join(told)}" if told else ""


def moment(at):
    return datetime.fromtimestamp(at, timezone.utc) if isinstance(at, int) else datetime.fromisoformat(at)


def when(at):
    return f"{moment(at):%Y-%m-%d %H:%M:%S} UTC"


def took(regulation):
    passed = moment(regulation["finishedAt"]) - moment(regulation["createdAt"])
    days = -(-passed // timedelta(days=1))
    return f"{passed.total_seconds():,.0f} seconds" if passed < timedelta(minutes=2) else f"{days} {'day' if days == 1 else 'days'} begun"


def safe(text):
    """A name may hold anything: nothing of it moves the reader's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
