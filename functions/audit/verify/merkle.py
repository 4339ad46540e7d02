"""A Merkle tree as certificate transparency keeps it (RFC 9162, section 2.1). What does not hold is a `ValueError`."""

from hashlib import sha256


def leaf(certificate):
    """The hash of a certificate in compact form."""
    return sha256(b"\0" + certificate.encode()).digest()


def node(left, right):
    """The hash of two subtrees."""
    return sha256(b"\1" + left + right).digest()


def root(leaves):
    """The root of a tree (section 2.1.1)."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:left]), root(leaves[left:]))


def root_of_path(index, size, hash_, path):
    """The root to which the path from a leaf leads (section 2.1.3.2)."""
    if not 0 <= index < size:
        raise ValueError("the receipt's place is outside the log")
    at, last = index, size - 1
    for other in path:
        if last == 0:
            raise ValueError("the receipt's path is too long")
        if at & 1 or at == last:
            hash_ = node(other, hash_)
            while at & 1 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            hash_ = node(hash_, other)
        at, last = at >> 1, last >> 1
    if last:
        raise ValueError("the receipt's path is too short")
    return hash_


def check_roots(before, after, proof):
    """The later tree begins with the earlier one (section 2.1.4.2). Each tree is its size and its root."""
    (first, first_root), (second, second_root) = before, after
    if first == second and not proof and first_root == second_root:
        return
    proof = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    at, last = first - 1, second - 1
    if not 0 < first < second or not proof:
        raise ValueError("there is no proof that the log only grew")
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = proof[0]
    for other in proof[1:]:
        if last == 0:
            raise ValueError("the proof that the log only grew is too long")
        if at & 1 or at == last:
            old, new = node(other, old), node(other, new)
            while at & 1 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node(new, other)
        at, last = at >> 1, last >> 1
    if (old, new, last) != (first_root, second_root, 0):
        raise ValueError("the log did not only grow: something was dropped, changed or moved")
