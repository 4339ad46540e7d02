"""The log of certificates, its signed heads, and what shows that a certificate is in it."""

from merkle import check_roots, leaf, root, root_of_path
from signature import Refused, signed

TYPE = "lethe-log+jwt"


def check_growth(kept, keys):
    """A later log begins with an earlier one. `kept` holds both signed heads and the API's consistency proof."""
    heads = [signed(kept[name], keys, TYPE)[0] for name in ("before", "after")]
    before, after = ((head["size"], bytes.fromhex(head["root"])) for head in heads)
    check_roots(before, after, [bytes.fromhex(hash_) for hash_ in kept["hashes"]])
    return f"the log of {after[0]} begins with the log of {before[0]}: nothing was dropped or changed"


def check_receipt(text, receipt, keys):
    """The certificate is in the log of the receipt's head."""
    head, _ = signed(receipt["head"], keys, TYPE)
    path = [bytes.fromhex(hash_) for hash_ in receipt["path"]]
    if root_of_path(receipt["index"], head["size"], leaf(text), path).hex() != head["root"]:
        raise Refused("its receipt leads to another log")


class Log:
    """The log of all certificates, of one or several parts, each with a signed head."""

    def __init__(self, parts, keys):
        heads = [signed(part["head"], keys, TYPE)[0] for part in parts if part.get("head")]
        self.entries = {entry["index"]: entry for part in parts for entry in part.get("entries", [])}
        self.size = max((head["size"] for head in heads), default=0)
        missing = next((index for index in range(self.size) if index not in self.entries), None)
        if missing is not None:
            raise Refused(f"entry {missing} is missing")
        leaves = [bytes.fromhex(self.entries[index]["leaf"]) for index in range(self.size)]
        for head in heads:
            if root(leaves[: head["size"]]).hex() != head["root"]:
                raise Refused(f"its entries are not those that its head of {head['size']} commits to")
        ids = [self.entries[index]["jti"] for index in range(self.size)]
        if len(set(ids)) < len(ids) or len(set(leaves)) < len(leaves):
            raise Refused("a certificate stands twice in it")
        # What commits is the leaf: an entry may lie about its certificate's id.
        self.jtis = {leaf_: self.entries[index]["jti"] for index, leaf_ in enumerate(leaves)}

    def check(self, text, claims):
        """The log holds this certificate."""
        if leaf(text) not in self.jtis:
            other = claims["jti"] in self.jtis.values()
            raise Refused("the log holds another certificate of this id: it was swapped" if other else "it is not in the log")
        if self.jtis[leaf(text)] != claims["jti"]:
            raise Refused("the log has it by another id")

    def check_all(self, held):
        """Every certificate of the log is among the leaves that were held."""
        missing = [jti for leaf_, jti in self.jtis.items() if leaf_ not in held]
        if missing:
            raise Refused(f"{len(missing)} certificates of the log are not here, among them {', '.join(sorted(missing)[:5])}")
