"""What follows from heads: threads, two desks, decisions, the ledger (THR, AST, AGR, DEC, LED). No clock and no body."""

import heapq
import json

from protocol import (H, KIND, LANGUAGE, PAP, PERSONAL, PRECEDENCES, TLP, TRACKS, Refused, as_time, check_members, covers, delivered, is_code,
                      is_hex32, is_identifier, is_list, is_match, is_number, is_time, milliseconds, need, parse_json, principal)

# --- THR: threads -----------------------------------------------------------------------------------------------------

IDS = lambda low, high: lambda v: is_list(v, low, high, is_hex32)
WORD = lambda v: v == "" or is_identifier(v)  # where it may be absent, an empty one is absent
NAMES = lambda low, high: lambda v: is_list(v, low, high, is_identifier, distinct=False)
ANY = 1 << 20


class Kind:
    """How a kind is declared: rank, whether it opens, its facts and which of them may be absent."""

    def __init__(self, rank, opens, facts, optional=()):
        self.rank, self.opens, self.facts, self.optional = rank, opens, facts, optional

    def check(self, facts):
        check_members(facts, self.facts, "THR-6", self.optional)


COMMON = {
    "receipt.delivered": None,  # belongs to no thread
    "receipt.retrieved": Kind(10, False, {"ids": IDS(1, ANY)}),
    "receipt.refused": Kind(10, False, {"id": is_hex32, "clause": is_identifier, "reason": is_identifier,
                                        "articles": NAMES(0, ANY)}, ("articles",)),
    "receipt.recalled": Kind(10, False, {"ids": IDS(1, ANY), "erased": lambda v: v is True}),
    "thread.admit": Kind(10, False, {"party": is_code, "heads": IDS(1, ANY)}),
}


class Thread:
    """One thread, folded (THR-3 to THR-6). order holds ids as taken, void the reasons, state what the desk makes of it."""

    def __init__(self, heads, authors=None):
        heads = {h.id: h for h in heads if authors is None or h["from"] in authors}
        openers = [h for h in heads.values() if "thread" not in h.members]
        need(len(openers) == 1, "THR-5", "the thread's opener is not here")
        self.opener = openers[0]
        self.heads = {i: h for i, h in heads.items() if h is self.opener or h.get("thread") == self.opener.id}
        desk = DESKS.get(self.opener.desk)
        self.kinds = dict(COMMON, **(desk.kinds if desk else {}))
        self.desk = desk(self.opener) if desk else None
        self.parties = [self.opener["from"], *self.opener["to"]]
        self.participants = set(self.parties)
        self.order, self.void, self.opened = [], {}, False
        self.fold(lambda ids: [i for i in ids if authors is None or i in self.heads])
        taken = set(self.order)
        self.waiting = sorted(set(self.heads) - taken)
        self.missing = sorted({a for i in self.waiting for a in self.heads[i].get("after", []) if a not in self.heads})

    def fold(self, known):
        after = {i: set(known(h.get("after", []))) for i, h in self.heads.items()}
        for i, ids in after.items():
            if i != self.opener.id:
                ids.add(self.opener.id)
        said = {}
        for i, h in self.heads.items():
            if h.place and i != self.opener.id:
                said.setdefault(h["from"], []).append((h.place, i))
        for own in said.values():
            own.sort()
            for (_, before), (_, i) in zip(own, own[1:]):
                after[i].add(before)
        children = {}
        for i, ids in after.items():
            for a in ids:
                children.setdefault(a, []).append(i)
        ready, self.last, self.past = [(0, self.opener.digest, self.opener)], {}, {}
        while ready:
            _, _, h = heapq.heappop(ready)
            why = self.judge(h)
            if why:
                self.void[h.id] = why
            self.order.append(h.id)
            self.last[h["from"]] = h.id
            for child in children.get(h.id, ()):
                after[child].discard(h.id)
                if not after[child]:
                    c = self.heads[child]
                    kind = self.kinds.get(c["kind"])
                    rank = kind.rank if kind else 10 if c.desk in ("receipt", "thread") else 50
                    heapq.heappush(ready, (rank, c.digest, c))

    def judge(self, h):
        """The reason why a head is void, in the order of THR-6, or None; what is admissible changes the state."""
        kind, opener = self.kinds.get(h["kind"]), h is self.opener
        if not opener:
            if h["from"] not in self.participants:
                return "not-a-participant"
            allowed = set(self.participants)
            if h["kind"] == "thread.admit" and admission(h):
                allowed.add(h["facts"]["party"])
            if not set(self.parties) - {h["from"]} <= set(h["to"]) or not set(h["to"]) <= allowed:
                return "wrong-recipients"
            if self.last.get(h["from"]) not in (None, *h.get("after", [])):
                return "omits-own-ancestor"
        if h["kind"] not in self.kinds:
            return "unknown-kind"
        if opener and (kind is None or not kind.opens):
            return "not-admissible"
        if not opener and h.get("agreement", {}).get("id") != self.opener.get("agreement", {}).get("id"):
            return "other-agreement"
        try:
            must(kind)
            kind.check(h["facts"])
            if h["kind"] in COMMON:
                self.common(h)
            else:
                must(opener or self.opened)
                self.desk.check_facts(h)
                self.desk.apply(h, opener)
                self.opened = True
        except NotAdmissible:
            return "not-admissible"
        except Refused:
            return "bad-facts"
        return None

    def common(self, h):
        """Receipts and admissions, which every desk's threads have."""
        if h["kind"] == "thread.admit":
            need(self.opener.id in h["facts"]["heads"], "THR-8", "the opener is not listed")
            must(self.opener["to"] and h["facts"]["party"] not in self.participants and len(self.participants) < 65)
            self.participants.add(h["facts"]["party"])
        elif h["kind"] == "receipt.refused" and self.desk and self.opened:
            self.desk.refused(h)


def admission(h):
    """True for facts that name a party as THR-8 has them: then the head may go to that party."""
    try:
        COMMON["thread.admit"].check(h["facts"])
        return True
    except Refused:
        return False


class NotAdmissible(Exception):
    """The desk does not admit this head from that party in that state (THR-6 e)."""


def must(holds):
    if not holds:
        raise NotAdmissible


# --- AST: requests for assistance ------------------------------------------------------------------------------------

TYPES = ["information", "analysis", "preservation", "disclosure", "technical-assistance", "takedown", "other"]
YEAR = 31536000


def is_clock(v):
    return isinstance(v, dict) and set(v) == {"acknowledge", "answer"} and all(is_number(s, 1, YEAR) for s in v.values())


class Asked:
    """The status of one asked party (AST-4), and what the ledger needs to know of it."""

    def __init__(self):
        self.status, self.before, self.asks = "open", None, None
        self.final, self.grants, self.grounds, self.asked_use = False, {}, [], set()
        self.latest = self.partly = self.full = self.refusal = None  # grants, and what refused
        self.acknowledged_at = self.until = None

    def answer(self):
        """The head that gave the outcome (LED-4): of several grants in part the first."""
        return {"granted-on-conditions": self.latest, "partly-granted": self.partly, "granted": self.full,
                "refused": self.refusal, "refused-by-rule": self.refusal}.get(self.status)


class Assist:
    kinds = {
        "assist.request": Kind(50, True, {"type": TYPES.__contains__, "purpose": WORD, "sector": WORD,
                                          "authority": WORD, "clock": is_clock},
                               ("purpose", "sector", "authority", "clock")),
        "assist.acknowledge": Kind(40, False, {}),
        "assist.clarify": Kind(50, False, {"wanted": NAMES(1, ANY)}),
        "assist.supplement": Kind(50, False, {"for": is_hex32}, ("for",)),
        "assist.postpone": Kind(50, False, {"reason": is_identifier, "until": is_time}),
        "assist.grant": Kind(60, False, {"extent": ["part", "full"].__contains__, "conditions": NAMES(0, ANY)}, ("conditions",)),
        "assist.accept": Kind(50, False, {"answer": is_hex32}),
        "assist.refuse": Kind(60, False, {"grounds": NAMES(1, ANY)}),
        "assist.withdraw": Kind(70, False, {"reason": WORD}, ("reason",)),
        "assist.ask-use": Kind(50, False, {"answer": is_hex32}),
        "assist.report-use": Kind(50, False, {"answer": is_hex32, "use": NAMES(1, ANY)}),
    }

    def __init__(self, opener):
        self.opener, self.asker = opener, opener["from"]
        self.asked = {p: Asked() for p in opener["to"]}

    def check_facts(self, h):
        """What the facts owe to the rest of the head (AST-4, AST-6)."""
        if h["kind"] == "assist.request":
            need(h["to"], "AST-4", "a request asks at least one party")
        if h["kind"] == "assist.postpone":
            need(h["facts"]["until"] > h["time"], "AST-6", "a postponement names a later date")

    def apply(self, h, opener):
        """AST-4 to AST-7: takes the head's effect, or raises NotAdmissible."""
        verb = h["kind"].split(".")[1].replace("-", "_")
        if opener:
            return
        must(verb != "request")
        if verb in ("supplement", "accept", "withdraw", "report_use"):
            must(h["from"] == self.asker)
            getattr(self, verb)(h)
        else:
            must(h["from"] in self.asked)
            getattr(self, verb)(h, self.asked[h["from"]])

    def acknowledge(self, h, a):
        must(a.status == "open")
        a.status, a.acknowledged_at = "acknowledged", h["time"]

    def clarify(self, h, a):
        must(not a.final and a.status not in ("partly-granted", "granted-on-conditions"))
        if a.status != "clarification-asked":
            a.before = a.status
        a.asks = h.id
        a.status = "clarification-asked"

    def supplement(self, h):
        must(any(not a.final for a in self.asked.values()))
        answered = h["facts"].get("for")
        for a in self.asked.values():
            if a.status == "clarification-asked" and answered in (None, a.asks):
                a.status = a.before

    def postpone(self, h, a):
        must(not a.final and a.status != "granted-on-conditions")
        a.status, a.until = "postponed", h["facts"]["until"]

    def grant(self, h, a):
        must(not a.final and len(a.grants) < 64)
        a.grants[h.id] = a.latest = h
        if h["facts"].get("conditions"):
            a.status = "granted-on-conditions"
        else:
            self.settle(a, h)

    def settle(self, a, grant):
        """A grant that stands: it had no conditions, or they were accepted."""
        if grant["facts"]["extent"] == "full":
            a.status, a.final, a.full = "granted", True, grant
        else:
            a.status, a.partly = "partly-granted", a.partly or grant

    def accept(self, h):
        for a in self.asked.values():
            if a.status == "granted-on-conditions" and a.latest.id == h["facts"]["answer"]:
                return self.settle(a, a.latest)
        raise NotAdmissible

    def refuse(self, h, a):
        must(not a.final)
        a.grounds, a.final, a.refusal = h["facts"]["grounds"], True, h
        a.status = "partly-granted" if a.partly else "refused"

    def refused(self, h):
        """A receipt.refused for the opener, by the rule of an asked party (AST-4, AST-5)."""
        a = self.asked.get(h["from"])
        if a and h["facts"]["id"] == self.opener.id and not a.final and not a.grants:
            a.status, a.final, a.refusal, a.grounds = "refused-by-rule", True, h, h["facts"].get("articles", [])

    def withdraw(self, h):
        waiting = [a for a in self.asked.values() if not a.final]
        must(waiting)
        for a in waiting:
            a.status, a.final = "withdrawn", True

    def ask_use(self, h, a):
        must(h["facts"]["answer"] in a.grants)
        a.asked_use.add(h["facts"]["answer"])

    def report_use(self, h):
        must(any(h["facts"]["answer"] in a.asked_use for a in self.asked.values()))

    def state(self):
        return {p: a.status for p, a in self.asked.items()}


# --- AGR: making, and what an agreement decides ---------------------------------------------------------------------------


class Instrument:
    """AGR-7, AGR-8: the making of an agreement."""

    kinds = {"instrument.deposit": Kind(50, True, {"digest": is_hex32, "parties": lambda v: is_list(v, 2, 64, is_code)}),
             "instrument.sign": Kind(50, False, {"digest": is_hex32})}

    def __init__(self, opener):
        self.opener, self.signed = opener, {}

    def check_facts(self, h):
        if h["kind"] == "instrument.deposit":
            need(set(h["facts"]["parties"]) == {h["from"], *h["to"]}, "AGR-7", "a deposit goes to all the other parties alone")

    def apply(self, h, opener):
        if opener:
            self.digest, self.parties = h["facts"]["digest"], h["facts"]["parties"]
            return
        must(h["kind"] == "instrument.sign" and h["from"] in self.parties and h["from"] not in self.signed)
        must(h["facts"]["digest"] == self.digest)
        self.signed[h["from"]] = h["time"]

    def refused(self, h):
        """A refusal by rule changes nothing here: who has not signed has not signed."""

    def in_force(self):
        return max(self.signed.values()) if set(self.signed) == set(self.parties) else None

    def state(self):
        since = {"in_force": self.in_force()} if self.in_force() else {}
        return {"digest": self.digest, "signed": self.signed, **since}


DESKS = {"assist": Assist, "instrument": Instrument}


class Agreement:
    """AGR-1 to AGR-6: a document, and what its rules decide. The rules are read as AGR-3 words them, without Cedar."""

    def __init__(self, raw):
        need(len(raw) <= 524288, "AGR-1", "a document has at most 524,288 bytes")
        m = parse_json(raw, compact=False)
        texts = lambda v: (isinstance(v, dict) and bool(v) and set(v) <= set(m.get("languages", []))
                           and all(isinstance(t, str) and t.strip() for t in v.values()))
        check_members(m, {"v": lambda v: v == 1 and is_number(v), "title": texts, "parties": lambda v: is_list(v, 2, 64, is_code),
                          "languages": lambda v: is_list(v, 1, 64, lambda t: is_match(LANGUAGE, t)),
                          "in_force": lambda v: v == {"when": "all"}, "articles": lambda v: isinstance(v, list)}, "AGR-1")
        need(1 <= len(m["articles"]) <= 200, "AGR-1", "1 to 200 articles")
        self.parties, self.digest = m["parties"], H(raw).hex()
        self.rules, self.clocks, self.grounds, numbers = [], {}, None, set()
        for a in m["articles"]:
            check_members(a, {"number": is_identifier, "title": texts, "text": texts, "rules": lambda v: isinstance(v, list),
                              "clocks": lambda v: isinstance(v, dict), "grounds": lambda v: isinstance(v, list)}, "AGR-2",
                          ("rules", "clocks", "grounds"))
            need(a["number"] not in numbers, "AGR-2", "an article's number is repeated")
            need(set(m["languages"]) <= set(a["text"]), "AGR-2", "an article lacks its text in a language")
            need(len(a.get("rules", [])) <= 32, "AGR-2", "at most 32 rules")
            numbers.add(a["number"])
            need(a.get("clocks") != {}, "AGR-4", "clocks without a precedence")
            for rule in a.get("rules", []):
                self.check_rule(rule)
                self.rules.append((a["number"], rule))
            for precedence, clock in a.get("clocks", {}).items():
                need(precedence in PRECEDENCES and precedence not in self.clocks and is_clock(clock)
                     and clock["acknowledge"] <= clock["answer"], "AGR-4", "a clock is not as it must be")
                self.clocks[precedence] = dict(clock, article=a["number"])
            if "grounds" in a:
                need(is_list(a["grounds"], 1, 64, is_identifier), "AGR-5", "grounds are not 1 to 64 distinct identifiers")
                self.grounds = (self.grounds or {"other"}) | set(a["grounds"])

    def check_rule(self, rule):
        lists = lambda each: lambda v: is_list(v, 1, 64, each)
        party = lambda v: is_code(v) and (v in self.parties or principal(v) in self.parties) or (
            isinstance(v, str) and v.endswith(".*") and "." not in v[:-2] and v[:-2] in self.parties)
        check_members(rule, {
            "effect": ["permit", "forbid"].__contains__, "kinds": lists(lambda v: is_match(KIND + r"|[a-z]{2,16}\.\*", v)),
            "from": lists(party), "to": lists(party), "tlp_max": TLP.__contains__, "tlp_min": TLP.__contains__,
            "pap_max": PAP.__contains__, "personal_data": PERSONAL.__contains__, "precedence": lists(PRECEDENCES.__contains__),
            "tracks": lists(TRACKS.__contains__), "exercise": lambda v: isinstance(v, bool), "purposes": lists(is_identifier),
            "sectors": lists(is_identifier), "types": lists(is_identifier), "handling": lists(is_identifier),
            "body_max": lambda v: is_number(v, 0)}, "AGR-3", ("kinds", "from", "to", "tlp_max", "tlp_min", "pap_max",
            "personal_data", "precedence", "tracks", "exercise", "purposes", "sectors", "types", "handling", "body_max"))
        need(TLP.index(rule.get("tlp_min", "CLEAR")) <= TLP.index(rule.get("tlp_max", "RED")), "AGR-3", "tlp_min is above tlp_max")

    def holds(self, r, h, to):
        """All conditions that are present (AGR-3)."""
        m, f, body = h["marking"], h["facts"], h.get("body", {"size": 0, "blob_bytes": 0})
        rank = lambda order, name, limit: order.index(m.get(name, order[0])) <= order.index(limit)
        data = PERSONAL.index(m.get("personal_data", "none")) - PERSONAL.index(r.get("personal_data", "allowed"))
        named = lambda name, code: name not in r or is_named(code, r[name])
        fact = lambda name, of: name not in r or f.get(of) in r[name]
        return (("kinds" not in r or h["kind"] in r["kinds"] or h.desk + ".*" in r["kinds"])
                and named("from", h["from"]) and named("to", to)
                and rank(TLP, "tlp", r.get("tlp_max", "RED")) and TLP.index(r.get("tlp_min", "CLEAR")) <= TLP.index(m["tlp"])
                and rank(PAP, "pap", r.get("pap_max", "RED"))
                and ("personal_data" not in r or (data >= 0 if r["effect"] == "forbid" else data <= 0))
                and ("precedence" not in r or h["precedence"] in r["precedence"])
                and ("tracks" not in r or h["track"] in r["tracks"])
                and ("exercise" not in r or h["exercise"] == r["exercise"])
                and fact("purposes", "purpose") and fact("sectors", "sector") and fact("types", "type")
                and set(r.get("handling", [])) <= set(m.get("handling", []))
                and ("body_max" not in r or body["size"] + body["blob_bytes"] <= r["body_max"]))

    def decide(self, h):
        """DEC-1, DEC-2 (parties and offices), DEC-6: the articles whose policies permit, or Denied with those that forbid."""
        permitting, forbidding, clause = set(), set(), None
        for to in h["to"]:
            matched = [(n, r["effect"]) for n, r in self.rules if self.holds(r, h, to)]
            if not (self.admits(h["from"], "from") and self.admits(to, "to")):
                clause = clause or "DEC-2"
            elif matched and all(effect == "permit" for _, effect in matched):
                permitting |= {n for n, _ in matched}
            else:
                clause = clause or "DEC-1"
                forbidding |= {n for n, effect in matched if effect == "forbid"}
        if clause:
            raise Denied(clause, "not permitted for every recipient", forbidding)
        self.check_facts(h)
        return sorted(permitting)

    def admits(self, code, side):
        """DEC-2: a party, or an office that some permitting rule names on that side."""
        return code in self.parties or any(r["effect"] == "permit" and is_named(code, r.get(side, [])) for _, r in self.rules)

    def check_facts(self, h):
        """DEC-6."""
        owed, clock = self.clocks.get(h["precedence"]), h["facts"].get("clock")
        if owed and clock is not None:
            for name in ("acknowledge", "answer"):
                given = clock.get(name) if isinstance(clock, dict) else None
                if not is_number(given) or given < owed[name]:
                    raise Denied("DEC-6", "a clock is shorter than the agreement's", [owed["article"]])
        grounds = h["facts"].get("grounds")
        if self.grounds is not None and grounds is not None:
            if not isinstance(grounds, list) or not all(isinstance(g, str) and g in self.grounds for g in grounds):
                raise Denied("DEC-6", "a ground that is not on the agreement's list", [])


def is_named(code, patterns):
    """AGR-3: XA.* is XA and all its offices."""
    return code in patterns or principal(code) + ".*" in patterns


class Denied(Refused):
    def __init__(self, clause, why, articles):
        super().__init__(clause, why)
        self.articles = sorted(set(articles))


CHARTER = ["credence", "instrument", "receipt", "thread", "recall", "fork"]


def decide(h, document=None, making=()):
    """The verdict on a head: DEC-1 to DEC-6, CHR-1, CHR-2. making are the heads of the agreement's making that are held."""
    if not h["to"]:
        return []
    if "agreement" not in h.members or h.desk in ("receipt", "thread"):
        body = h.get("body", {"size": 0, "blob_bytes": 0})
        if h.desk not in CHARTER or h.desk != "receipt" and body["size"] + body["blob_bytes"] > 1 << 20:
            raise Denied("DEC-1", "the charter does not permit it", [])
        return [f"charter-{CHARTER.index(h.desk) + 1}"]
    made, held, todo = {}, {m.id: m for m in making}, list(h["agreement"]["at"])
    while todo:
        i = todo.pop()
        need(i in held, "DEC-2", "a head of the making is not known")
        if i not in made:
            made[i] = held[i]
            todo += held[i].get("after", [])
    need(h["agreement"]["id"] in made, "DEC-2", "the heads named do not make this agreement")
    t = Thread(list(made.values()))
    ok = isinstance(t.desk, Instrument) and t.opened and t.opener.id == h["agreement"]["id"] and t.desk.in_force()
    need(ok and t.desk.in_force() <= h["time"], "DEC-2", "not in force as made by the heads named")
    need(document and document.digest == h["agreement"]["digest"] == t.desk.digest, "DEC-2", "another document")
    need(set(document.parties) == set(t.desk.parties), "AGR-7", "the deposit's parties are not the document's")
    return document.decide(h)


# --- LED: the ledger ---------------------------------------------------------------------------------------------------------


def arrival(receipts, origin, index, body=None):
    """RCP-6: the earliest time by which receipts have covered a head, and its body and blobs where it has them."""
    seen = [False, False, 0]
    for r in sorted(receipts, key=lambda r: (r["time"], r.id)):
        if r["facts"]["origin"] == origin:
            head, whole, blobs = covers(r, index)
            seen = [seen[0] or head, seen[1] or whole, max(seen[2], blobs)]
            if seen[0] and (body is None or seen[1] and seen[2] >= body["blobs"]):
                return r["time"]
    return None


def ledger(parties, start, end, origins, logs):
    """LED-1 to LED-6: the bytes that both sides compute. logs[i] are the heads of the i-th party, in the order of its log."""
    place = {h.id: (origins[side], index) for side in (0, 1) for index, h in enumerate(logs[side])}
    for h in logs[0] + logs[1]:
        h.stands(*place[h.id])
    everything = logs[0] + logs[1]
    receipts = {p: delivered(logs[i]) for i, p in enumerate(parties)}
    openers = [h for h in everything if h["kind"] == "assist.request" and "thread" not in h.members
               and start <= h["time"] < end and {h["from"], *h["to"]} >= set(parties)]
    entries = []
    for o in sorted(openers, key=lambda h: (h["time"], h.digest)):
        t = Thread([h for h in everything if h is o or h.get("thread") == o.id], set(parties))
        if not t.opened:
            continue
        asked = parties[1] if o["from"] == parties[0] else parties[0]
        a, at = t.desk.asked[asked], arrival(receipts[asked], *place[o.id])
        answer = a.answer()
        e = {"id": o.id, "asker": o["from"], "asked": asked, "agreement": o.get("agreement", {}).get("id"), "kind": o["kind"],
             "precedence": o["precedence"], "exercise": o["exercise"], "asked_at": o["time"], "arrived_at": at,
             "acknowledged_at": a.acknowledged_at, "answered_at": answer and answer["time"],
             "answer_arrived_at": answer and arrival(receipts[o["from"]], *place[answer.id], answer.get("body")),
             "outcome": a.status, "grounds": a.grounds or None}
        clock = o["facts"].get("clock")
        if clock and at:
            for name in ("acknowledge", "answer"):
                e["due_" + name] = as_time(milliseconds(at) + 1000 * clock[name])
        if a.until:
            e["due_answer"] = a.until
        if answer and e.get("due_answer"):
            e["kept"] = bool(e["answer_arrived_at"]) and e["answer_arrived_at"] <= e["due_answer"]
        entries.append({n: v for n, v in e.items() if v is not None})
    totals = []
    for p in parties:
        own = [e for e in entries if e["asker"] == p and not e["exercise"]]
        count = lambda *outcomes: sum(e["outcome"] in outcomes for e in own)
        totals.append({"asker": p, "asked": len(own), "acknowledged": sum("acknowledged_at" in e for e in own),
                       "granted": count("granted"), "partly_granted": count("partly-granted"),
                       "granted_on_conditions": count("granted-on-conditions"), "postponed": count("postponed"),
                       "refused": count("refused", "refused-by-rule"), "withdrawn": count("withdrawn"),
                       "open": count("open", "acknowledged", "clarification-asked"),
                       "kept": sum(e.get("kept") is True for e in own), "late": sum(e.get("kept") is False for e in own)})
    whole = {"v": 1, "parties": parties, "from": start, "to": end, "sizes": [len(logs[0]), len(logs[1])],
             "entries": entries, "totals": totals}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
