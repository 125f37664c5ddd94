"""What a party says: bytes, statements, logs, letters, receipts (ENC, STM, LOG, LTR, RCP)."""

import base64
import datetime
import hashlib
import json
import os
import re
import struct
import unicodedata

from signatures import ed25519, mldsa44

HERE = os.path.dirname(os.path.abspath(__file__))


class Refused(Exception):
    """What was read does not hold. It names the clause, as every refusal does."""

    def __init__(self, clause, why):
        super().__init__(f"{clause}: {why}")
        self.clause, self.why = clause, why


def need(holds, clause, why):
    if not holds:
        raise Refused(clause, why)


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# --- ENC: bytes, names, times -----------------------------------------------------------------------------------

BIG = 2**53 - 1
CODE = r"[A-Z][A-Z0-9]{1,11}(\.[a-z][a-z0-9-]{0,15}){0,2}"
KIND = r"[a-z]{2,16}\.[a-z]{2,16}(-[a-z]{2,16}){0,2}"
IDENTIFIER = r"[A-Za-z0-9][A-Za-z0-9+._:/-]{0,127}"
SERIAL = r"[1-9][0-9]{0,3}"


def is_match(pattern, value):
    return isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def is_code(v):
    return is_match(CODE, v)


def is_identifier(v):
    return is_match(IDENTIFIER, v)


def is_hex32(v):
    return is_match(r"[0-9a-f]{64}", v)


def is_number(v, low=-BIG, high=BIG):
    return type(v) is int and low <= v <= high


def is_list(v, low, high, each, distinct=True):
    return (isinstance(v, list) and low <= len(v) <= high and all(each(x) for x in v)
            and (not distinct or len(set(v)) == len(v)))


def is_time(v):
    """ENC-5. Times of this form compare as strings."""
    if not is_match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", v) or not "2020" <= v[:4] <= "2199":
        return False
    try:
        return bool(milliseconds(v))
    except ValueError:
        return False


def milliseconds(v):
    at = datetime.datetime.strptime(v[:-1] + "000", "%Y-%m-%dT%H:%M:%S.%f")
    return (at - datetime.datetime(1970, 1, 1)) // datetime.timedelta(milliseconds=1)


def as_time(ms):
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def principal(code):
    return code.split(".")[0]


def unbase64(text, size=None, url=False):
    """The bytes, or None: one spelling only, so that what is signed has one form (ENC-4)."""
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        raw = base64.b64decode(text + "==", b"-_") if url else base64.b64decode(text, validate=True)
    except ValueError:
        return None
    again = (base64.urlsafe_b64encode(raw).rstrip(b"=") if url else base64.b64encode(raw)).decode()
    return raw if again == text and (size is None or len(raw) == size) else None


def is_nonce(v):
    return unbase64(v, 16, url=True) is not None


def parse_json(raw, compact=True):
    """ENC-1, ENC-2: the object that one JSON text is."""
    need(raw[:1] == b"{" or not compact, "ENC-1", "not a JSON object")
    need(not raw.startswith(b"\xef\xbb\xbf"), "ENC-1", "begins with a byte order mark")

    def members(pairs):
        out = dict(pairs)
        need(len(out) == len(pairs), "ENC-2", "a member name is repeated")
        return out

    def no(what):
        raise Refused("ENC-2", f"{what} is no JSON")

    def integer(digits):
        n = int(digits) if len(digits) < 20 else BIG + 1
        return n if abs(n) <= BIG else float(n)  # a number, but none that a member of ours may be

    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=members, parse_int=integer, parse_constant=no)
        walk(value, lambda v: v.encode() if isinstance(v, str) else None)
    except ValueError as e:
        raise Refused("ENC-2", f"not JSON ({e.__class__.__name__})") from None
    need(isinstance(value, dict), "ENC-1", "not a JSON object")
    need(depth(value) <= 10000, "ENC-2", "nested too deeply")
    walk(value, lambda v: need(v is not None, "ENC-2", "null is not used"))
    if compact:
        bare = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", raw)
        need(not re.search(rb"[ \t\r\n]", bare), "ENC-1", "white space outside strings")
    return value


def walk(value, visit):
    """Visits every value and member name, at any depth."""
    visit(value)
    if isinstance(value, dict):
        for name, v in value.items():
            visit(name)
            walk(v, visit)
    elif isinstance(value, list):
        for v in value:
            walk(v, visit)


def check_members(obj, spec, clause, optional=()):
    """Every member is defined and of its form, every required one is there. A form with a clause of its own is refused by that."""
    need(isinstance(obj, dict), clause, "not an object")
    for name in obj:
        need(name in spec, clause, f"a member that is not defined: {name[:40]!r}")
    for name, form in spec.items():
        need(name in obj or name in optional, clause, f"{name} is missing")
        own = FORMS.get(form, clause) if isinstance(obj.get(name), str) else clause
        need(name not in obj or form(obj[name]), own, f"{name} is not as it must be")


def plain(low, high):
    """A test for strings of low to high bytes that show as one line: no control characters, none that turn the direction."""
    return lambda v: (isinstance(v, str) and low <= len(v.encode()) <= high
                      and not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", v))


def is_origin(v):
    return is_match(CODE + "/" + SERIAL, v)


def is_kind(v):
    return is_match(KIND, v)


FORMS = {is_hex32: "ENC-4", is_nonce: "ENC-4", is_time: "ENC-5", is_code: "ENC-6", is_origin: "ENC-7", is_kind: "ENC-8"}
LANGUAGE = r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}"


def strict_lines(raw, clause):
    need(raw.endswith(b"\n"), clause, "does not end with a line feed")
    return raw[:-1].split(b"\n")


# --- STM: statements --------------------------------------------------------------------------------------------

TLP = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
PAP = ["CLEAR", "GREEN", "AMBER", "RED"]
PERSONAL = ["none", "minimised", "allowed"]
TRACKS = ["technical", "diplomatic", "leadership"]
PRECEDENCES = ["flash", "immediate", "priority", "routine"]
AGREEMENT = {"id": is_hex32, "digest": is_hex32, "at": lambda v: is_list(v, 0, 64, is_hex32)}
MARKING = {"tlp": TLP.__contains__, "pap": PAP.__contains__, "handling": lambda v: is_list(v, 0, 16, is_identifier),
           "personal_data": PERSONAL.__contains__, "retain_until": lambda v: is_time(v)}
BY = {"role": is_identifier, "officer": lambda v: is_match(r"[0-9a-f]{16,64}", v)}
BODY_OF_HEAD = {"sha256": is_hex32, "size": lambda v: is_number(v, 2, 1 << 20), "blobs": lambda v: is_number(v, 0, 256),
                "blob_bytes": lambda v: is_number(v, 0, 1 << 50)}
HEAD = {"v": lambda v: v == 1 and is_number(v), "nonce": is_nonce, "from": is_code, "to": lambda v: is_list(v, 0, 255, is_code),
        "thread": is_hex32, "after": lambda v: is_list(v, 1, 16, is_hex32), "kind": is_kind,
        "agreement": lambda v: isinstance(v, dict), "marking": lambda v: isinstance(v, dict), "track": TRACKS.__contains__,
        "precedence": PRECEDENCES.__contains__, "exercise": lambda v: isinstance(v, bool), "time": is_time,
        "by": lambda v: isinstance(v, dict), "facts": lambda v: isinstance(v, dict), "body": lambda v: isinstance(v, dict)}


class Head:
    """A checked head (STM-1 to STM-5): its members as h["kind"], its bytes and its id."""

    def __init__(self, raw):
        need(len(raw) <= 16384, "STM-1", "a head has at most 16,384 bytes")
        m = parse_json(raw)
        walk({n: v for n, v in m.items() if n != "facts"}, lambda v: need(v != "", "STM-1", "an empty string"))
        check_members(m, HEAD, "STM-1", ("thread", "after", "agreement", "body"))
        need(m["from"] not in m["to"], "STM-1", "from is among to")
        if "agreement" in m:
            check_members(m["agreement"], AGREEMENT, "STM-1")
        check_members(m["marking"], MARKING, "STM-5", ("pap", "handling", "personal_data", "retain_until"))
        check_members(m["by"], BY, "STM-1", ("officer",))
        if "body" in m:
            check_members(m["body"], BODY_OF_HEAD, "STM-3")
        need(("after" in m) == ("thread" in m), "STM-1", "after is there if and only if thread is")
        need(len(facts_bytes(raw)) <= 12288, "STM-4", "facts have at most 12,288 bytes")
        walk(m["facts"], self.check_fact)
        need(depth(m["facts"]) <= 16, "STM-4", "facts are nested too deeply")
        self.members, self.raw, self.digest = m, raw, H(raw)
        self.id, self.place = self.digest.hex(), None
        self.desk = m["kind"].split(".")[0]

    def stands(self, origin, index):
        """Its place in its author's logs (THR-3): the origin's serial, then the leaf."""
        self.place = (int(origin.split("/")[1]), index)

    @staticmethod
    def check_fact(v):
        """STM-4: what may stand in facts at any depth, names of members included."""
        need(not isinstance(v, float), "ENC-2", "a number in facts is no integer in the safe range")
        need(not isinstance(v, str) or v == "" or is_identifier(v), "STM-4", "free text in facts")

    def __getitem__(self, name):
        return self.members[name]

    def get(self, name, default=None):
        return self.members.get(name, default)


def facts_bytes(raw):
    """The bytes of the top-level member facts as written: of compact JSON, found by counting brackets."""
    depth, start = 0, None
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', raw):
        t = token.group()
        if t in (b"{", b"["):
            depth += 1
        elif t in (b"}", b"]"):
            depth -= 1
            if start is not None and depth == 1:
                return raw[start:token.end()]
        elif depth == 1 and raw[token.end():token.end() + 1] == b":" and json.loads(t) == "facts":
            start = token.end() + 1
    return b""


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


MEDIA = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-zA-Z0-9!#$&^_.+;= -]{1,127}"
BLOB = {"name": lambda v: (isinstance(v, str) and 1 <= len(v.encode()) <= 255 and v not in (".", "..") and not re.search(r"[/\\]", v)
                           and not any(unicodedata.category(c) in ("Cc", "Cf") for c in v)),
        "type": lambda v: is_match(MEDIA, v), "size": lambda v: is_number(v, 0, 1 << 50), "sha256": is_hex32}


def check_body(head, raw):
    """STM-3: the body is the one that the head names."""
    need("body" in head.members, "STM-3", "the head has no body")
    need(len(raw) <= 1 << 20, "STM-3", "a body has at most 1,048,576 bytes")
    want = head["body"]
    need(H(raw).hex() == want["sha256"], "STM-3", "not the body of this head")
    m = parse_json(raw)
    need(isinstance(m, dict) and is_nonce(m.get("nonce")), "STM-3", "nonce is missing")
    for name in ("title", "text"):
        need(isinstance(m.get(name, ""), str), "STM-3", f"{name} is not a string")
    blobs = m.get("blobs", [])
    need(isinstance(blobs, list) and len(blobs) <= 256, "STM-3", "blobs is not an array of at most 256")
    for blob in blobs:
        check_members(blob, BLOB, "STM-3")
    need(want["size"] == len(raw) and want["blobs"] == len(blobs)
         and want["blob_bytes"] == sum(b["size"] for b in blobs), "STM-3", "size or blobs are not as the head says")
    return m


# --- LOG: trees, checkpoints, cosignatures -----------------------------------------------------------------------

LIMIT = 1 << 40


def leaf_hash(head_id):
    return H(b"\x00", head_id)


def node_hash(left, right):
    return H(b"\x01", left, right)


def split(n):
    """The largest power of two below n: where RFC 6962 divides a tree."""
    return 1 << (n - 1).bit_length() - 1


def tree_hash(hashes):
    if not hashes:
        return H(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return node_hash(tree_hash(hashes[:k]), tree_hash(hashes[k:]))


def fold_path(low, high, size, inner, path, clause):
    """The root of a tree of that size in which [low, high) is a node, from its hash and its siblings, lowest first."""
    path = list(path)

    def descend(lo, hi):
        if (lo, hi) == (low, high):
            return inner
        need(path and lo <= low and high <= hi and hi - lo > 1, clause, "the path does not fit the tree")
        k, sibling = lo + split(hi - lo), path.pop()
        return node_hash(descend(lo, k), sibling) if high <= k else node_hash(sibling, descend(k, hi))

    root = descend(0, size)
    need(not path, clause, "the path is too long")
    return root


def check_inclusion(leaf, index, size, path, root, clause):
    need(0 <= index < size <= LIMIT, "LOG-1", "no such leaf")
    need(len(path) <= 40, "LOG-13", "a path has at most 40 hashes")
    need(fold_path(index, index + 1, size, leaf, path, clause) == root, clause, "the path does not lead to the root")


def grown(old_size, old_root, size, path, clause="LOG-8"):
    """RFC 6962, section 2.1.2: the root at size of a tree that began with old_size leaves under old_root."""
    need(0 < old_size <= size <= LIMIT and len(path) <= 41, clause, "the sizes do not fit")
    path = list(path)

    def pop():
        need(path, clause, "the proof is too short")
        return path.pop()

    def descend(lo, hi, m, whole):
        """The hashes of [lo, m) and of [lo, hi); whole while [lo, m) is the old tree itself."""
        if m == hi:
            h = old_root if whole else pop()
            return h, h
        k, sibling = lo + split(hi - lo), pop()
        if m <= k:
            old, new = descend(lo, k, m, whole)
            return old, node_hash(new, sibling)
        old, new = descend(k, hi, m, False)
        return node_hash(sibling, old), node_hash(sibling, new)

    old, new = descend(0, size, old_size, True)
    need(not path and old == old_root, clause, "the proof does not lead to the old root")
    return new


def check_tile(line, size, root):
    """PKT-5: the leaf hashes that a tile line proves, with the index of the first."""
    m = parse_json(line)
    check_members(m, {"n": lambda v: is_number(v, 0), "hashes": lambda v: unbase64(v) is not None,
                      "path": lambda v: isinstance(v, list) and len(v) <= 40}, "PKT-5")
    need(256 * m["n"] < size, "PKT-5", "the tile is outside the tree")
    low, hashes = 256 * m["n"], unbase64(m["hashes"])
    width = min(256, size - low)
    need(len(hashes) == 32 * width, "PKT-5", "the tile has not as many hashes as leaves")
    hashes = [hashes[i:i + 32] for i in range(0, len(hashes), 32)]
    path = [unbase64(h, 32) for h in m["path"]]
    need(None not in path, "PKT-5", "a hash of the path is not 32 bytes")
    found = fold_path(low, low + width, size, tree_hash(hashes), path, "PKT-5")
    need(found == root, "PKT-5", "the tile does not fold to the checkpoint's root")
    return low, hashes


def root_before(line, size, old_size):
    """LOG-8: the root that the tree had at old_size, from a checked tile line that holds its last leaf; None from another."""
    m = json.loads(line)
    low, hashes, path = 256 * m["n"], unbase64(m["hashes"]), [unbase64(h, 32) for h in m["path"]]
    if not low < old_size <= low + len(hashes) // 32:
        return None
    lefts, lo, hi = [], 0, size
    while path and hi - lo > 256:
        k, sibling = lo + split(hi - lo), path.pop()
        if low >= k:
            lefts.append(sibling)
            lo = k
        else:
            hi = k
    root = tree_hash([hashes[i:i + 32] for i in range(0, 32 * (old_size - low), 32)])
    for left in reversed(lefts):
        root = node_hash(left, root)
    return root


class Note:
    """A C2SP signed note that is a checkpoint without extension lines (LOG-3); signatures not yet checked."""

    def __init__(self, raw):
        need(len(raw) <= 65536, "LOG-5", "a note has at most 65,536 bytes")
        try:
            whole = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("LOG-3", "not UTF-8") from None
        need(not re.search(r"[\x00-\x09\x0b-\x1f]", whole), "LOG-3", "a control character")
        text, gap, signatures = whole.rpartition("\n\n")
        need(gap and (not signatures or signatures.endswith("\n")), "LOG-3", "not a signed note")
        self.raw, self.text, lines = raw, (text + "\n").encode(), text.split("\n")
        need(len(lines) == 3 and is_match(CODE + "/" + SERIAL, lines[0]) and is_match(r"0|[1-9]\d{0,12}", lines[1]),
             "LOG-3", "not an origin, a size and a root")
        self.origin, self.size, self.root = lines[0], int(lines[1]), unbase64(lines[2], 32)
        need(self.root is not None and self.size <= LIMIT, "LOG-3", "not an origin, a size and a root")
        need(self.size or self.root == H(b""), "LOG-3", "the empty tree has another root")
        self.signatures = []
        for line in signatures.split("\n")[:-1]:
            part = line.split(" ")
            value = unbase64(part[2]) if len(part) == 3 and part[0] == "\u2014" and part[1] else None
            need(value is not None and len(value) > 4, "LOG-3", "a signature line is malformed")
            self.signatures.append((part[1], value[:4], value[4:]))
        need(len(self.signatures) <= 64, "LOG-5", "a note has at most 64 signature lines")

    def by(self, name, kind, key):
        """What the lines by one key carry."""
        key_id = H(name.encode(), b"\n", bytes([kind]), key)[:4]
        return [value for n, i, value in self.signatures if (n, i) == (name, key_id)]

    def subtree(self, name, stamp):
        """The message of a type 0x06 signature over the whole tree (C2SP tlog-cosignature)."""
        n, o = name.encode(), self.origin.encode()
        return b"".join((b"subtree/v1\n\x00", bytes([len(n)]), n, stamp, bytes([len(o)]), o,
                         struct.pack(">QQ", 0, self.size), self.root))

    def mldsa_times(self, name, key):
        """Time stamps of the ML-DSA-44 lines by a key, None for one that does not verify."""
        return [struct.unpack(">Q", v[:8])[0] if mldsa44(key, self.subtree(name, v[:8]), v[8:]) else None
                for v in self.by(name, 6, key)]


def open_checkpoint(note, origin, keys):
    """LOG-4, LOG-5: both signatures of the log. Gives the checkpoint's time in Unix seconds."""
    need(note.origin == origin, "LOG-4", "another origin")
    first = note.by(origin, 1, keys["ed25519"])
    times = note.mldsa_times(origin, keys["mldsa44"])
    need(first, "LOG-4", "the Ed25519 signature is missing")
    need(times, "LOG-4", "the ML-DSA-44 signature is missing")
    need(all(ed25519(keys["ed25519"], note.text, s) for s in first) and None not in times,
         "LOG-5", "a signature by the log does not verify")
    need(all(FIRST <= t < END for t in times), "ENC-5", "a signature's time is not from 2020 to 2199")
    return min(times)


FIRST, END = 1577836800, 7258118400  # the beginnings of 2020 and 2200, in Unix seconds


def cosigned_at(note, witness):
    """LOG-11: the time at which a witness cosigned, or None where its lines do not count."""
    name, key = witness["name"], witness["ed25519"]
    classic = {struct.unpack(">Q", v[:8])[0] for v in note.by(name, 4, key) if len(v) == 72 and ed25519(
        key, b"cosignature/v1\ntime %d\n" % struct.unpack(">Q", v[:8]) + note.text, v[8:])}
    both = classic.intersection(note.mldsa_times(name, witness["mldsa44"])) if classic else ()
    return min((t for t in both if FIRST <= t < END), default=None)


def hash_lines(lines, clause):
    out = [unbase64(line.decode("latin-1"), 32) for line in lines]
    need(None not in out, clause, "a hash is not base64 of 32 bytes")
    return out


def parse_consistency(raw):
    """PKT-2, member consistency: the old size and the proof."""
    first, *rest = strict_lines(raw, "PKT-2")
    need(re.fullmatch(rb"0|[1-9]\d{0,12}", first), "PKT-2", "no old size")
    return int(first), hash_lines(rest, "PKT-2")


def follow(held, note, proof):
    """LOG-8, LOG-9: what a receiver that holds one checkpoint of an origin makes of another, both verified."""
    if note.size == held.size:
        need(note.root == held.root, "LOG-9", "a fork: one size, two roots")
        return "same"
    older, newer = sorted((held, note), key=lambda n: n.size)
    if older.size == 0:
        return "newer" if newer is note else "older"
    need(proof is not None and proof[0] == older.size, "LOG-8", "parked: no proof from the size that is held")
    need(grown(older.size, older.root, newer.size, proof[1]) == newer.root, "LOG-8", "parked: the proof does not lead to both")
    return "newer" if newer is note else "older"


# --- LTR: letters of credence -------------------------------------------------------------------------------------

LETTER_CONTEXT = b"comity/letter/v1"
KEYS = {"ed25519": lambda v: unbase64(v, 32) is not None, "mldsa44": lambda v: unbase64(v, 1312) is not None}
SIGNATURES = {"ed25519": lambda v: unbase64(v, 64) is not None, "mldsa44": lambda v: unbase64(v, 2420) is not None}
ROLES = ["technical", "diplomatic", "law-enforcement", "leadership"]
CONTACT = {"role": ROLES.__contains__, "name": plain(0, 200), "email": plain(0, 200), "phone": plain(0, 200),
           "hours": plain(0, 200), "languages": lambda v: isinstance(v, list) and all(is_match(LANGUAGE, x) for x in v)}
CLOSING = {"origin": is_origin, "size": lambda v: is_number(v, 0, LIMIT),
           "root": lambda v: unbase64(v, 32) is not None}


def is_endpoint(v):
    m = re.fullmatch(r"https://(\[[0-9a-f:.]{2,45}\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):([1-9]\d{0,4})", v, re.ASCII)
    return m is not None and int(m[3]) <= 65535


LETTER = {
    "v": lambda v: v == 1 and is_number(v), "code": is_code,
    "names": lambda v: isinstance(v, dict) and len(v) > 0 and all(is_match(LANGUAGE, t) and plain(1, 200)(x) for t, x in v.items()),
    "serial": lambda v: is_number(v, 1), "origin": is_origin,
    "log": lambda v: isinstance(v, dict), "witness": lambda v: isinstance(v, dict),
    "seal": lambda v: is_match(r"age1pq1[a-z0-9]+", v), "tls": is_hex32,
    "endpoints": lambda v: isinstance(v, list) and len(v) <= 8 and all(map(is_endpoint, v)),
    "contacts": lambda v: isinstance(v, list) and len(v) <= 32, "recovery": is_hex32, "issued": is_time,
    "previous": is_hex32, "closing": lambda v: isinstance(v, dict), "revokes": lambda v: v is True}


def binary(keys):
    return {n: unbase64(v) if n != "name" else v for n, v in keys.items()}


class Letter:
    """A letter that holds by itself (LTR-1 to LTR-5); whether it follows another is for check_succession."""

    def __init__(self, raw):
        lines = strict_lines(raw, "LTR-1")
        need(2 <= len(lines) <= 3 and len(lines[0]) <= 32768, "LTR-1", "not two or three lines of the right size")
        m = parse_json(lines[0])
        check_members(m, LETTER, "LTR-3", ("previous", "closing", "revokes"))
        check_members(m["log"], KEYS, "LTR-3")
        check_members(m["witness"], dict(KEYS, name=lambda v: is_match(re.escape(m["code"]) + "/witness/" + SERIAL, v)), "LTR-3")
        for c in m["contacts"]:
            check_members(c, CONTACT, "LTR-3", ("name", "email", "phone", "hours", "languages"))
        if "closing" in m:
            check_members(m["closing"], CLOSING, "LTR-3")
        need(m["origin"].split("/")[0] == m["code"], "LTR-3", "the origin is another party's")
        need(("previous" in m) == (m["serial"] > 1), "LTR-3", "previous is there from serial 2 on")
        need("closing" not in m or m["serial"] > 1, "LTR-7", "a first letter closes nothing")
        need("revokes" not in m or "closing" in m, "LTR-7", "revokes without closing")
        need(len(lines) == 2 or m["serial"] > 1, "LTR-1", "a first letter has no recovery signature")
        self.members, self.raw, self.line, self.digest = m, raw, lines[0], H(lines[0])
        self.code, self.origin, self.log, self.witness = m["code"], m["origin"], binary(m["log"]), binary(m["witness"])
        self.recovery_key = None
        self.check_signature(lines[1], "log", self.log)
        if len(lines) == 3:
            self.recovery_key = self.check_signature(lines[2], "recovery", None)
        held = [self.log, self.witness] + ([self.recovery_key] if self.recovery_key else [])
        for name in ("ed25519", "mldsa44"):
            need(len({k[name] for k in held}) == len(held), "LTR-3", "log, witness and recovery share a key")
        need(H(self.log["ed25519"], self.log["mldsa44"]).hex() != m["recovery"]
             and H(self.witness["ed25519"], self.witness["mldsa44"]).hex() != m["recovery"], "LTR-3", "a shared recovery key")

    def check_signature(self, line, by, keys):
        """LTR-4, LTR-5."""
        m = parse_json(line)
        form = dict(SIGNATURES, by=lambda v: v == by)
        if keys is None:
            form["key"] = lambda v: isinstance(v, dict)
        check_members(m, form, "LTR-4")
        if keys is None:
            check_members(m["key"], KEYS, "LTR-4")
            keys = binary(m["key"])
        message = LETTER_CONTEXT + b"\n" + self.line
        need(ed25519(keys["ed25519"], message, unbase64(m["ed25519"]))
             and mldsa44(keys["mldsa44"], message, unbase64(m["mldsa44"]), LETTER_CONTEXT),
             "LTR-5" if by == "log" else "LTR-4", f"the signature by {by} does not verify")
        return keys

    def words(self):
        """LTR-9."""
        with open(os.path.join(HERE, "words.txt"), encoding="utf-8") as f:
            words = f.read().split()
        return [words[b] for b in H(b"comity/words/v1\n", self.digest)[:10]]


def check_succession(old, new):
    """LTR-6, LTR-7: new follows old, which may be None."""
    m = new.members
    if old is None:
        need(m["serial"] == 1 and new.recovery_key is None, "LTR-6", "not a first letter")
        return
    o = old.members
    need(m["code"] == o["code"] and m["serial"] == o["serial"] + 1 and m["previous"] == old.digest.hex(),
         "LTR-6", "does not follow from the letter that is held")
    changed = {n for n in ("origin", "log", "witness", "seal", "tls", "recovery") if m[n] != o[n]}
    check_origin(m, o, changed)
    need(not changed or new.recovery_key, "LTR-6", "the recovery key's signature is missing")
    if new.recovery_key:
        key = new.recovery_key
        need(H(key["ed25519"], key["mldsa44"]).hex() == o["recovery"], "LTR-6", "signed by another recovery key")


def check_origin(m, o, changed):
    """LTR-7."""
    need(("closing" in m) == ("origin" in changed), "LTR-7", "closing is there if and only if the origin changes")
    if "origin" not in changed:
        need("log" not in changed, "LTR-7", "log keys changed without the origin")
        return
    need(int(m["origin"].split("/")[1]) == int(o["origin"].split("/")[1]) + 1, "LTR-7", "the origin's serial rises by one")
    need(m["closing"]["origin"] == o["origin"], "LTR-7", "closing names another origin")
    if "revokes" in m:
        need(not set(m["log"].values()) & set(o["log"].values()), "LTR-7", "a revoked key is used again")


# --- RCP: receipts ---------------------------------------------------------------------------------------------------


def check_delivered(head):
    """RCP-1: one that is not so says nothing."""
    f = head["facts"]
    ranges = lambda v: isinstance(v, list)
    check_members(f, {"origin": is_origin, "size": lambda v: is_number(v, 0, LIMIT), "root": is_hex32, "heads": ranges,
                      "bodies": ranges, "blobs": ranges}, "RCP-1", ("heads", "bodies", "blobs"))
    for name in ("heads", "bodies"):
        end = 0
        for r in f.get(name, []):
            need(is_list(r, 2, 2, is_number) and end <= r[0] < r[1] <= f["size"], "RCP-1", "ranges fall or overlap")
            end = r[1]
    last = -1
    for b in f.get("blobs", []):
        check_members(b, {"index": lambda v: is_number(v, 0, f["size"] - 1), "arrived": lambda v: is_number(v, 1, 256)}, "RCP-1")
        need(b["index"] > last, "RCP-1", "blobs are not by index")
        last = b["index"]
    need(head["to"] == [f["origin"].split("/")[0]], "RCP-1", "a receipt goes to the author alone")


def delivered(heads):
    """The receipts among heads that say something."""
    out = []
    for h in heads:
        if h["kind"] == "receipt.delivered":
            try:
                check_delivered(h)
                out.append(h)
            except Refused:
                pass
    return out


def covers(receipt, index):
    """What a receipt.delivered says of one leaf: head, body, and how many whole blobs."""
    f = receipt["facts"]
    within = lambda ranges: any(lo <= index < hi for lo, hi in ranges)
    blobs = next((b["arrived"] for b in f.get("blobs", []) if b["index"] == index), 0)
    return within(f.get("heads", [])), within(f.get("bodies", [])), blobs
