#!/usr/bin/env python3
"""Checks what a Comity node says, with nothing but the Python 3.11 standard library.

    verify.py vectors spec/vectors                       every vector must come out as it says
    verify.py evidence FILE [--letter FILE ...]          what a bundle proves, and whose letters that rests on
    verify.py words LETTER                               the ten words to compare on the telephone

It was written from the clauses in this folder and from the standards that README.md names, not from the
Go code, so that the clauses are known to say enough. Each function names its clause. It checks and never
signs; it is slow, and its arithmetic is not meant for secrets.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True  # nothing but sources belongs in this folder

from protocol import (LIMIT, PRECEDENCES, H, Head, Letter, Note, Refused, as_time, check_body, check_inclusion,
                      check_members, check_succession, check_tile, cosigned_at, covers, delivered, follow, grown, hash_lines,
                      is_list, is_number, leaf_hash, milliseconds, need, open_checkpoint, parse_consistency, parse_json,
                      root_before, strict_lines, unbase64)
from rules import COMMON, DESKS, Agreement, Denied, Thread, arrival, decide, ledger

# --- EVD: evidence -----------------------------------------------------------------------------------------------------------


class Letters:
    """The letters of each party in the order of their serials (EVD-6)."""

    def __init__(self, given, embedded):
        self.given, self.by_party, self.broken = {x.digest for x in given}, {}, {}
        for x in {x.digest: x for x in given + embedded}.values():
            self.by_party.setdefault(x.code, []).append(x)
        for code, letters in self.by_party.items():
            letters.sort(key=lambda x: x.members["serial"])
            try:
                if letters[0].members["serial"] == 1:
                    check_succession(None, letters[0])
                for old, new in zip(letters, letters[1:]):
                    check_succession(old, new)
            except Refused as e:
                self.broken[code] = e

    def keys(self, code, origin):
        """The log's keys for an origin, and what closes it, if anything does."""
        if code in self.broken:
            raise Refused("EVD-6", f"the letters of {code} do not follow from one another ({self.broken[code]})")
        letters = self.by_party.get(code, [])
        own = [x for x in letters if x.origin == origin]
        need(own, "LTR-8", f"no letter of {code} names {origin}")
        closing = next((x.members for x in letters if x.members.get("closing", {}).get("origin") == origin), None)
        return own[-1].log, closing


def parse_proof(text):
    """EVD-2: a C2SP tlog-proof without extra data."""
    front, gap, note = text.partition("\n\n")
    lines = front.split("\n")
    need(gap and lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) > 1, "EVD-2", "not a tlog-proof")
    index = re.fullmatch(r"index (0|[1-9]\d{0,12})", lines[1], re.ASCII)
    need(index, "EVD-2", "no index")
    return int(index[1]), hash_lines([x.encode() for x in lines[2:]], "EVD-2"), Note(note.encode())


STEP = {"from": lambda v: is_number(v, 1), "to": lambda v: is_number(v, 1, LIMIT), "hashes": lambda v: isinstance(v, list)}
ITEM = {"head": lambda v: isinstance(v, str), "body": lambda v: isinstance(v, str), "proof": lambda v: isinstance(v, str),
        "consistency": lambda v: isinstance(v, list) and len(v) <= 64, "cosigned": lambda v: isinstance(v, str)}


class Item:
    """One item of a bundle, and what it proves (EVD-3 to EVD-5)."""

    def __init__(self, m):
        check_members(m, ITEM, "EVD-2", ("body", "consistency", "cosigned"))
        self.members, self.steps = m, m.get("consistency", [])
        need(not self.steps or "cosigned" in m, "EVD-2", "steps that lead to nothing")
        self.index, self.path, self.note = parse_proof(m["proof"])
        for step in self.steps:
            check_members(step, STEP, "EVD-2")
            step["hashes"] = hash_lines([str(h).encode() for h in step["hashes"]], "EVD-2")
        self.origin = self.note.origin
        self.refused = self.head = self.end = None
        self.withheld, self.witnessed, self.arrived = False, [], []

    def check(self, letters):
        try:
            self.prove(letters)
        except Refused as e:
            self.refused = e
            return
        try:
            self.witness(letters)
        except Refused:
            pass  # the item is proven all the same, and witnessed by nobody

    def prove(self, letters):
        """EVD-3."""
        self.head = Head(self.members["head"].encode())
        if "body" in self.members:
            check_body(self.head, self.members["body"].encode())
        self.withheld = "body" not in self.members and "body" in self.head.members
        need(self.origin.split("/")[0] == self.head["from"], "LOG-6", "the log is not the author's")
        self.time, closing = self.open(self.note, letters)
        note = self.note
        ahead = milliseconds(self.head["time"]) - self.time * 1000
        need(ahead <= 60000, "LOG-7", "the statement is dated after the checkpoint that proves it")
        check_inclusion(leaf_hash(self.head.digest), self.index, note.size, self.path, note.root, "LOG-6")
        if closing and "revokes" in closing:
            try:
                leads = self.walk() == (closing["closing"]["size"], unbase64(closing["closing"]["root"]))
            except Refused:
                leads = False
            need(leads, "LTR-7", "nothing leads to the closing of a log whose keys were revoked")

    def open(self, note, letters):
        """A checkpoint under its party's letters, and within what closes the log (LTR-7)."""
        keys, closing = letters.keys(self.head["from"], note.origin)
        at = open_checkpoint(note, note.origin, keys)
        if closing:
            last = (closing["closing"]["size"], unbase64(closing["closing"]["root"]))
            past = note.size > last[0] and "revokes" not in closing  # closing short takes nothing back
            need(past or note.size < last[0] or (note.size, note.root) == last, "LTR-7", "not what closes this log")
        return at, closing

    def walk(self):
        """The size and root that the steps lead to."""
        end = (self.note.size, self.note.root)
        for step in self.steps:
            need(step["from"] == end[0] < step["to"], "EVD-4", "a step does not begin where the one before ends")
            end = (step["to"], grown(*end, step["to"], step["hashes"]))
        return end

    def witness(self, letters):
        """EVD-4: who cosigned a checkpoint that the steps lead to."""
        if "cosigned" not in self.members:
            return
        note = Note(self.members["cosigned"].encode())
        need(note.origin == self.origin, "EVD-4", "the cosigned checkpoint is another log's")
        self.open(note, letters)
        need((note.size, note.root) == self.walk(), "EVD-4", "nothing leads to the cosigned checkpoint")
        self.end = (note.size, note.root)
        for code, own in sorted(letters.by_party.items()):
            times = [t for x in own if (t := cosigned_at(note, x.witness)) is not None]
            if code != self.head["from"] and code not in letters.broken and times:
                self.witnessed.append((code, min(times)))

    def arrive(self, receipts):
        """EVD-5. A receipt that names another tree of a size that is proven here is one of another history."""
        roots = dict([(self.note.size, self.note.root)] + ([self.end] if self.end else []))
        for r in sorted(receipts, key=lambda r: (r["time"], r.id)):
            f = r["facts"]
            if r["from"] in self.head["to"] and f["origin"] == self.origin and roots.get(f["size"], unhex(f["root"])) == unhex(f["root"]):
                head, body, blobs = covers(r, self.index)
                if head or body or blobs:
                    self.arrived.append((r["from"], r["time"], head, body, blobs))


def unhex(text):
    return bytes.fromhex(text)


def check_evidence(raw, given):
    """EVD-1: the letters and the items of a bundle, each item with its verdict."""
    raw = raw.removesuffix(b"\n")
    need(len(raw) <= 1 << 26, "EVD-1", "a bundle has at most 67,108,864 bytes")
    m = parse_json(raw)
    check_members(m, {"v": lambda v: v == 1 and is_number(v), "items": lambda v: isinstance(v, list) and len(v) <= 4096,
                      "letters": lambda v: is_list(v, 0, 256, lambda x: isinstance(x, str), distinct=False)}, "EVD-1")
    items, embedded = [Item(i) for i in m["items"]], []
    for text in m["letters"]:
        try:
            embedded.append(Letter(text.encode()))
        except Refused:
            pass  # nothing rests on it
    letters = Letters(given, embedded)
    for i in items:
        i.check(letters)
    receipts = delivered(i.head for i in items if i.refused is None)
    for i in items:
        if i.refused is None:
            i.arrive(receipts)
    return letters, items


# --- PKT: packets ---------------------------------------------------------------------------------------------------------

WHOLE = 1 << 23
MEMBERS = ["checkpoint", "consistency", "heads.jsonl", "tiles", "witnessed.jsonl", "want", "bodies.jsonl"]


class Skip(Exception):
    """This machine lacks a program that the vector needs."""


def run(program, args, data, clause, why):
    if not shutil.which(program):
        raise Skip(f"no {program} here")
    done = subprocess.run([program, *args], input=data, capture_output=True, check=False)
    need(done.returncode == 0, clause, why)
    return done.stdout


def unseal(raw, identity):
    """PKT-1: age, then zstd, by the programs of those names."""
    need(len(raw) <= 1 << 24, "PKT-3", "a sealed packet has at most 16,777,216 bytes")
    stanzas = [line for line in raw.split(b"\n---", 1)[0].split(b"\n") if line.startswith(b"-> ")]
    need(raw.startswith(b"age-encryption.org/v1\n") and len(stanzas) == 1
         and stanzas[0].startswith(b"-> mlkem768x25519 "), "PKT-1", "not sealed to one recipient by age's hybrid recipient")
    with tempfile.TemporaryDirectory() as folder:
        key = os.path.join(folder, "key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(identity + "\n")
        if shutil.which("age"):
            probe = subprocess.run(["age-keygen", "-y", key], capture_output=True, check=False) if shutil.which("age-keygen") else None
            if probe is None or not probe.stdout.startswith(b"age1pq1"):
                raise Skip("the age here knows no hybrid recipients")
        zipped = run("age", ["-d", "-i", key], raw, "PKT-1", "not sealed to this recipient, or cut short")
    return unzip(zipped)


def unzip(raw):
    """One frame without dictionary, never more than a packet may have (PKT-1, PKT-3)."""
    if not shutil.which("zstd"):
        raise Skip("no zstd here")
    with tempfile.TemporaryFile() as f:
        f.write(raw)
        f.seek(0)
        with subprocess.Popen(["zstd", "-dcq", "-M8MiB"], stdin=f, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
            out = p.stdout.read(WHOLE + 1)
            p.stdout.close()
        need(len(out) <= WHOLE, "PKT-3", "unpacks to more than 8,388,608 bytes")
        need(p.returncode == 0, "PKT-1", "not one whole zstd frame")
    return out


def tar_members(raw):
    """PKT-4: names and contents, of regular files with ustar headers alone."""
    need(len(raw) <= WHOLE, "PKT-3", "a packet has at most 8,388,608 bytes")
    at = 0
    while True:
        header = raw[at:at + 512]
        need(len(header) == 512, "PKT-1", "cut short")
        if not any(header):
            need(len(raw) >= at + 1024 and not any(raw[at:]), "PKT-4", "the tar does not end with zeros")
            return
        need(header[257:265] in (b"ustar\x0000", b"ustar  \x00") and header[156:157] == b"0", "PKT-4", "not a regular file of ustar")
        octal = lambda field: int(m[1], 8) if (m := re.fullmatch(rb" *([0-7]+)[ \0]*", field)) else None
        size, checksum = octal(header[124:136]), octal(header[148:156])
        need(size is not None and checksum == sum(header[:148] + b" " * 8 + header[156:]), "PKT-4", "a header is not as ustar says")
        need(not any(header[345:500]) and not any(header[157:257]), "PKT-4", "a prefix or a link")
        name = header[:100].rstrip(b"\0").decode("latin-1")
        need(at + 512 + size <= len(raw), "PKT-1", "cut short")
        yield name, raw[at + 512:at + 512 + size]
        at += 512 + (size + 511) // 512 * 512


class Receiver:
    """Who takes packets of one author, one after the other (PKT-2 to PKT-8), and judges heads by what verify.py knows."""

    def __init__(self, code, author, now, erased):
        self.code, self.author, self.now, self.erased = code, author, milliseconds(now), erased
        self.held, self.heads, self.bodies, self.blobs = None, {}, {}, {}
        self.new, self.refused, self.dropped = [], {}, []

    def take(self, raw):
        found = self.members(raw)
        note = Note(found["checkpoint"])
        seconds = open_checkpoint(note, self.author.origin, self.author.log)
        need(seconds * 1000 <= self.now + 300000, "LOG-10", "parked: one of two clocks is wrong")
        proof = parse_consistency(found["consistency"]) if "consistency" in found else None
        heads = self.locate(found, note)
        if self.held is None or self.bridged(found, note, proof) or follow(self.held, note, proof) == "newer":
            self.held = note
        for index, h in sorted(heads.items()):
            if index not in self.heads:
                self.new.append(h.id)
                self.judge(index, h, seconds)
        for body in listed(found, "bodies.jsonl"):
            self.take_body(body, heads.values())
        for name, content in found.items():
            if name.startswith("blobs/"):
                digest, _, offset = name[6:].partition("@")
                self.take_blob(digest, int(offset or 0), content)

    def bridged(self, found, note, proof):
        """LOG-8: a tile of the packet stands for the proof that it lacks."""
        if note.size <= self.held.size or proof and proof[0] == self.held.size:
            return False
        return any(root_before(line, note.size, self.held.size) == self.held.root for line in listed(found, "tiles"))

    @staticmethod
    def members(raw):
        found, place = {}, -1
        for name, content in tar_members(raw):
            blob = re.fullmatch(r"blobs/[0-9a-f]{64}(@[1-9]\d{0,15})?", name, re.ASCII)
            need(name in MEMBERS or blob, "PKT-4", "a member that is not defined")
            now = MEMBERS.index(name) if name in MEMBERS else len(MEMBERS)
            need(name not in found and now >= place and (found or now == 0), "PKT-2", "a member out of its order")
            need(name not in COUNTS or content.count(b"\n") <= COUNTS[name], "PKT-3", "too many lines")
            found[name], place = content, now
        need(found, "PKT-2", "no checkpoint")
        return found

    def locate(self, found, note):
        """PKT-5, PKT-6, PKT-7: the heads by their proven indexes."""
        leaves = {}
        for line in listed(found, "tiles"):
            low, hashes = check_tile(line, note.size, note.root)
            leaves.update((h, low + i) for i, h in enumerate(hashes))
        heads, order = {}, []
        for line in listed(found, "heads.jsonl"):
            h = Head(line)
            index = leaves.get(leaf_hash(h.digest))
            need(index is not None, "PKT-6", "a head that stands in no tile was never said")
            need(h["from"] == self.author.code, "PKT-7", "a head of another author")
            need(self.code in h["to"], "PKT-7", "not addressed to the receiver")
            heads[index] = h
            order.append((PRECEDENCES.index(h["precedence"]), index))
        need(order == sorted(order), "PKT-2", "heads are not by precedence and index")
        return heads

    def judge(self, index, h, seconds):
        """What is refused stays, and loses its body (RCP-4). Every new head is in the log, so its place counts."""
        at = milliseconds(h["time"])
        falls = any(at < milliseconds(o["time"]) - 60000 for i, o in self.heads.items() if i < index)
        if falls or at > seconds * 1000 + 60000:
            self.refused[h.id] = "LOG-7"
        elif h["kind"] not in KINDS:
            self.refused[h.id] = "STM-8"
        self.heads[index] = h

    def take_body(self, body, heads):
        owners = [h for h in heads if h.get("body", {}).get("sha256") == H(body).hex()]
        need(owners, "PKT-8", "a body that belongs to no head of its packet")
        for h in owners:
            if h.id in self.bodies and h.id == self.erased:
                self.dropped.append(h.id)  # STM-7
            elif h.id not in self.refused:
                try:
                    self.bodies[h.id] = check_body(h, body)
                except Refused as e:
                    self.refused[h.id] = e.clause


    def take_blob(self, digest, offset, content):
        """PKT-8: bytes count as arrived where they continue what is here, and in the end when the whole has its digest."""
        sizes = [b["size"] for m in self.bodies.values() for b in m.get("blobs", []) if b["sha256"] == digest]
        need(sizes, "PKT-8", "a blob that belongs to no body")
        here = self.blobs.get(digest, b"")
        if offset <= len(here):
            here += content[len(here) - offset:]
        need(len(here) <= sizes[0], "PKT-8", "a blob is longer than its body says")
        self.blobs[digest] = here if len(here) < sizes[0] or H(here).hex() == digest else b""


COUNTS = {"heads.jsonl": 4096, "tiles": 4096, "witnessed.jsonl": 64, "want": 256, "bodies.jsonl": 4096}
KINDS = {name for desk in DESKS.values() for name in desk.kinds} | set(COMMON)


def listed(found, name):
    return strict_lines(found[name], "PKT-2") if found.get(name) else []


# --- vectors ------------------------------------------------------------------------------------------------------------------


def made(value, folder):
    """Bytes of a vector: a text, base64, a file of the folder, or pieces repeated by rule."""
    if isinstance(value, str):
        return value.encode()
    if "base64" in value:
        return base64.b64decode(value["base64"])
    if "file" in value:
        return read(os.path.join(folder, value["file"]))
    return b"".join(text.encode() * times for text, times in value["repeat"])


def heads_of(texts, folder):
    return [Head(made(x, folder)) for x in texts]


def v_statement(v, folder):
    h = Head(made(v["head"], folder))
    return {"id": h.id}


def v_body(v, folder):
    check_body(Head(made(v["head"], folder)), made(v["body"], folder))
    return {}


def v_letter(v, folder):
    held = None
    for raw in v["letters"]:
        new = Letter(made(raw, folder))
        check_succession(held, new)
        held = new
    return {"digest": held.digest.hex(), "words": held.words(), "origin": held.origin}


def v_checkpoint(v, folder):
    note, letter = Note(made(v["note"], folder)), Letter(made(v["letter"], folder))
    seconds = open_checkpoint(note, letter.origin, letter.log)
    if "now" in v:
        need(seconds * 1000 <= milliseconds(v["now"]) + 300000, "LOG-10", "parked: one of two clocks is wrong")
    return {"origin": note.origin, "size": note.size, "root": note.root.hex(), "time": seconds}


def v_cosignature(v, folder):
    seconds = cosigned_at(Note(made(v["note"], folder)), Letter(made(v["letter"], folder)).witness)
    need(seconds is not None, "LOG-11", "the cosignature does not count")
    return {"time": seconds}


def v_tile(v, folder):
    low, hashes = check_tile(made(v["line"], folder), v["size"], bytes.fromhex(v["root"]))
    found = []
    for i in v.get("ids", []):
        leaf = leaf_hash(bytes.fromhex(i))
        need(leaf in hashes, "PKT-6", "it was never said")
        found.append(low + hashes.index(leaf))
    return {"indexes": found}


def v_inclusion(v, folder):
    path = [bytes.fromhex(h) for h in v["path"]]
    check_inclusion(leaf_hash(bytes.fromhex(v["id"])), v["index"], v["size"], path, bytes.fromhex(v["root"]), "LOG-6")
    return {}


def v_consistency(v, folder):
    letter = Letter(made(v["letter"], folder))
    held, note = Note(made(v["held"], folder)), Note(made(v["note"], folder))
    for n in (held, note):
        open_checkpoint(n, letter.origin, letter.log)
    return {"found": follow(held, note, parse_consistency(made(v["consistency"], folder)) if "consistency" in v else None)}


def v_receipt(v, folder):
    receipts = heads_of(v["receipts"], folder)
    receipts = delivered(receipts)
    at = arrival(receipts, v["origin"], v["index"], v.get("body"))
    return {"arrived_at": at or ""}


def v_thread(v, folder):
    heads = heads_of(v["heads"], folder)
    for h, place in zip(heads, v.get("places", [])):
        h.stands(place["origin"], place["index"])
    seen = None
    for order in v.get("orders", [range(len(heads))]):
        t = Thread([heads[i] for i in order])
        now = {"order": t.order, "void": t.void, "waiting": t.waiting, "missing": t.missing,
               "state": t.desk.state() if t.desk and t.opened else None}
        need(seen in (None, now), "THR-4", "the order of arrival changed the state")
        seen = now
    return seen


def v_agreement(v, folder):
    return {"digest": Agreement(made(v["document"], folder)).digest}


def v_decision(v, folder):
    document = Agreement(made(v["document"], folder)) if "document" in v else None
    return {"articles": decide(Head(made(v["head"], folder)), document, heads_of(v.get("making", []), folder))}


def v_verdict(v, folder):
    document = Agreement(made(v["document"], folder))
    articles = document.decide(Head(made(v["head"], folder)), v.get("reserved", {}), v.get("joined", ()), v.get("today", {}))
    return {"articles": articles, "approval": document.approval}


def v_ledger(v, folder):
    found = ledger(v["parties"], v["from"], v["to"], v["origins"], [heads_of(x, folder) for x in v["logs"]])
    return {"digest": H(found).hex(), "ledger": found.decode()}


def v_evidence(v, folder):
    letters, items = check_evidence(made(v["bundle"], folder), [Letter(made(x, folder)) for x in v["letters"]])
    return {"items": [describe(i) for i in items]}


def describe(i):
    if i.refused:
        return {"verdict": "not proven", "clause": i.refused.clause}
    return {"verdict": "proven", "id": i.head.id, "origin": i.origin, "index": i.index,
            "witnessed": [{"party": c, "time": t} for c, t in i.witnessed],
            "arrived": [{"party": p, "time": t, "head": h, "body": b, "blobs": n} for p, t, h, b, n in i.arrived]}


def v_packet(v, folder):
    r = Receiver(v["receiver"], Letter(made(v["letter"], folder)), v["now"], v.get("erased"))
    for name in v["packets"]:
        raw = read(os.path.join(folder, name))
        r.take(unzip(raw) if name.endswith(".zst") else unseal(raw, v["identity"]))
    return {"new": r.new, "refused": r.refused, "dropped": r.dropped,
            "blobs": {digest: len(here) for digest, here in r.blobs.items()}}


def check_vector(family, v, folder):
    """None where the vector comes out as it says, else what came out."""
    try:
        found = dict(globals()["v_" + family](v["input"], folder), ok=True)
    except Refused as e:
        found = {"ok": False, "clause": e.clause, "why": e.why}
        if isinstance(e, Denied):
            found["articles"] = e.articles
    return None if all(found.get(name) == want for name, want in v["want"].items()) else found


def vectors(folder):
    """Runs every vector of a folder; a family that this program does not know is named, not passed over."""
    counts = {"as it says": 0, "otherwise": 0, "skipped": 0}
    for file in sorted(os.listdir(folder)):
        family, ext = os.path.splitext(file)
        if ext != ".json":
            continue
        with open(os.path.join(folder, file), encoding="utf-8") as f:
            for v in json.load(f):
                name = f"{family}/{v['name']}"
                try:
                    wrong = check_vector(family, v, folder)
                except Skip as e:
                    counts["skipped"] += 1
                    print(f"skipped  {name}: {e}")
                    continue
                counts["otherwise" if wrong else "as it says"] += 1
                print(f"WRONG    {name}: {wrong}, wanted {v['want']}" if wrong else f"ok       {name}")
    print(", ".join(f"{n} {what}" for what, n in counts.items()))
    return 1 if counts["otherwise"] or not counts["as it says"] else 0


# --- what a person asks -----------------------------------------------------------------------------------------------------------


def read(path):
    with open(path, "rb") as f:
        return f.read()


def evidence(path, letter_paths):
    """Prints what a bundle proves, and never more (EVD-8)."""
    given = [Letter(read(p)) for p in letter_paths]
    letters, items = check_evidence(read(path), given)
    for code, own in sorted(letters.by_party.items()):
        for x in own:
            print(f"letter of {code}, serial {x.members['serial']}, origin {x.origin}: "
                  + ("given by you" if x.digest in letters.given else "came with the evidence")
                  + "; its words: " + " ".join(x.words()))
        if code in letters.broken:
            print(f"  these letters do not follow from one another: {letters.broken[code]}")
    for n, i in enumerate(items, 1):
        print(f"item {n}: " + (f"not proven, {i.refused}" if i.refused else "proven"))
        if i.refused:
            continue
        h = i.head
        print(f"  {h['from']} said to {', '.join(h['to']) or 'nobody'}: {h['kind']} at {h['time']}, id {h.id}")
        print(f"  leaf {i.index} of {i.origin}, checkpoint of {as_time(i.time * 1000)}"
              + ("; the body is withheld, what it says is not shown" if i.withheld else ""))
        for code, t in i.witnessed:
            print(f"  witnessed by {code} at {as_time(t * 1000)}")
        for code, t, head, body, blobs in i.arrived:
            what = [w for w, yes in (("head", head), ("body", body), (f"{blobs} blobs", blobs)) if yes]
            print(f"  arrived at {code} by {t}: {', '.join(what)}")
    return 1 if any(i.refused for i in items) else 0


def main(args):
    try:
        if len(args) == 2 and args[0] == "vectors":
            return vectors(args[1])
        if len(args) >= 2 and args[0] == "evidence" and all(a == "--letter" for a in args[2::2]) and len(args) % 2 == 0:
            return evidence(args[1], args[3::2])
        if len(args) == 2 and args[0] == "words":
            x = Letter(read(args[1]))
            print(f"{x.code}, serial {x.members['serial']}, digest {x.digest.hex()}\n" + " ".join(x.words()))
            return 0
    except Refused as e:
        print(f"not proven, {e}", file=sys.stderr)
        return 1
    except OSError as e:
        print(e, file=sys.stderr)
        return 2
    print(__doc__.strip(), file=sys.stderr)
    return 2


def deep(run):
    """Runs with room for JSON texts that nest as deep as ENC-2 lets them."""
    sys.setrecursionlimit(50000)
    threading.stack_size(1 << 28)
    done = []
    t = threading.Thread(target=lambda: done.append(run()))
    t.start()
    t.join()
    return done[0] if done else 2


if __name__ == "__main__":
    sys.exit(deep(lambda: main(sys.argv[1:])))
