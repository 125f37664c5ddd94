"""What follows from heads: threads, two desks, decisions, the ledger (THR, AST, AGR, DEC, LED). No clock and no body."""

import datetime
import heapq
import json

from protocol import (H, KIND, LANGUAGE, PAP, PERSONAL, PRECEDENCES, TLP, TRACKS, Refused, as_time, check_members, covers, delivered, is_code,
                      is_hex32, is_identifier, is_list, is_match, is_number, is_time, milliseconds, need, parse_json, principal)

# --- THR: threads -----------------------------------------------------------------------------------------------------

IDS = lambda low, high: lambda v: is_list(v, low, high, is_hex32)
WORD = lambda v: v == "" or is_identifier(v)  # where it may be absent, an empty one is absent
NAMES = lambda low, high: lambda v: is_list(v, low, high, is_identifier, distinct=False)
ANY = 1 << 20
MOST = (1 << 53) - 1


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
        if desk is Instrument:
            self.desk.thread = self
        self.parties = [self.opener["from"], *self.opener["to"]]
        self.participants = set(self.parties)
        self.order, self.void, self.opened, self.pasts, self.within = [], {}, False, {}, authors is not None
        self.fold(lambda ids: [i for i in ids if authors is None or i in self.heads])
        taken = set(self.order) | set(self.outside)
        self.waiting = sorted(set(self.heads) - taken)
        self.missing = sorted({a for i in self.waiting for a in self.heads[i].get("after", []) if a not in self.heads})

    def fold(self, known):
        self.last, self.outside = {}, []
        self.place()
        after = {i: set(known(h.get("after", []))) for i, h in self.heads.items() if i not in self.outside}
        for i, ids in after.items():
            if i != self.opener.id:
                ids.add(self.opener.id)
        said = {}
        for i, h in self.heads.items():
            if h.place and i != self.opener.id and i not in self.outside:
                said.setdefault(h["from"], []).append((h.place, i))
        for own in said.values():
            own.sort()
            for (_, before), (_, i) in zip(own, own[1:]):
                after[i].add(before)
        children = {}
        for i, ids in after.items():
            for a in ids:
                children.setdefault(a, []).append(i)
        ready = [(0, self.opener.digest, self.opener)]
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
            if self.last.get(h["from"]) not in (None, *h.get("after", [])) and h["kind"] != "thread.admit":
                return "omits-own-ancestor"
        if h["kind"] not in self.kinds:
            return "unknown-kind"
        if opener and (kind is None or not kind.opens):
            return "not-admissible"
        if not opener and self.other_agreement(h):
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

    def knew(self, h, i):
        """True when h comes after the taken head i: its author had folded it."""
        if self.within:
            return i != h.id
        if h.id not in self.pasts:
            seen, todo = set(), list(h.get("after", []))
            while todo:
                a = todo.pop()
                if a not in seen and a in self.heads:
                    seen.add(a)
                    todo += self.heads[a].get("after", [])
            self.pasts[h.id] = seen
        return i in self.pasts[h.id]

    def takes_part(self, h, party):
        """True when party took part in the thread as h's author had folded it (THR-6)."""
        if party in self.parties:
            return True
        known = sorted(i for i in self.lets if self.knew(h, i))[:None if self.within else 256]
        return any(self.lets[i] == party for i in known)

    def place(self):
        """The heads that have no place, found along what they come after; those that wait for an ancestor stay undecided."""
        self.lets, waiting, ready = {}, {i: h for i, h in self.heads.items() if h is not self.opener}, True
        while ready:
            ready = [h for h in waiting.values() if not any(a in waiting or a not in self.heads and not self.within for a in h.get("after", []))]
            for h in ready:
                del waiting[h.id]
                why = self.no_place(h)
                if why:
                    self.void[h.id] = why
                    self.outside.append(h.id)
                elif h["kind"] == "thread.admit" and admission(h) and self.opener.id in h["facts"]["heads"] and self.opener["to"] and "agreement" not in {**self.opener.members, **h.members}:
                    self.lets[h.id] = h["facts"]["party"]

    def no_place(self, h):
        if not self.takes_part(h, h["from"]):
            return "not-a-participant"
        own = h["facts"]["party"] if h["kind"] == "thread.admit" and admission(h) else None
        if not set(self.parties) - {h["from"]} <= set(h["to"]) or not all(c == own or self.takes_part(h, c) for c in h["to"]):
            return "wrong-recipients"

    def other_agreement(self, h):
        return h.get("agreement", {}).get("id") != self.opener.get("agreement", {}).get("id")

    def common(self, h):
        """Receipts and admissions, which every desk's threads have."""
        if h["kind"] == "thread.admit":
            need(self.opener.id in h["facts"]["heads"], "THR-8", "the opener is not listed")
            party = h["facts"]["party"]
            must(self.opener["to"] and "agreement" not in self.opener.members and not self.takes_part(h, party))
            if len(self.participants) < 256:
                self.participants.add(party)
        elif h["kind"] == "receipt.refused" and self.desk and self.opened:
            self.desk.refused(h)
        elif h["kind"] == "receipt.recalled" and isinstance(self.desk, Recall) and self.opened:
            self.desk.recalled(h)


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
        "assist.supplement": Kind(50, False, {"for": is_hex32, "purpose": WORD}, ("for", "purpose")),
        "assist.postpone": Kind(50, False, {"reason": is_identifier, "until": is_time}),
        "assist.grant": Kind(60, False, {"extent": ["part", "full"].__contains__, "conditions": NAMES(0, ANY), "purpose": WORD}, ("conditions", "purpose")),
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


def later(time, seconds):
    """A time so many seconds after another, both in the form of ENC-5."""
    at = datetime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ") + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def entry(terms, given):
    """AGR-8: from when a text is in force for whom, by who has consented when."""
    when, times = terms["in_force"], sorted(t for p, t in given.items() if p in terms["parties"])
    least = {"all": len(terms["parties"]), "count": when.get("count"), "date": 2}[when["when"]]
    if len(times) < least:
        return {}
    first = max(times[least - 1], when["date"]) if when["when"] == "date" else times[least - 1]
    return {p: min(later(max(t, first), 86400 * when.get("days", 0)), "2199-12-31T23:59:59.999Z") for p, t in given.items()}


class Instrument:
    """AGR-7 to AGR-9, AGR-11 to AGR-16: the making of an agreement."""

    IN_FORCE = {"when": lambda v: v in ("all", "count", "date"), "count": lambda v: is_number(v, 0), "days": lambda v: is_number(v, 0, 3650),
                "date": lambda v: v == "" or is_time(v)}
    TERMS = {"digest": is_hex32, "parties": lambda v: is_list(v, 2, 256, is_code) and v == sorted(v), "in_force": lambda v: isinstance(v, dict),
             "consent": lambda v: v in ("", "ratification"), "notice": lambda v: is_number(v, 0, 31_536_000),
             "accession": lambda v: v in ("", "open", "invitation"), "articles": lambda v: is_list(v, 1, 512, lambda n: isinstance(n, str)),
             "no_reservations": lambda v: is_list(v, 1, 512, lambda n: isinstance(n, str))}
    MAY_LACK = ("consent", "notice", "accession", "no_reservations")
    SIGN = Kind(50, False, {"digest": is_hex32, "reservations": NAMES(1, ANY)}, ("reservations",))
    TEXT, OF, NOTHING = {"digest": is_hex32}, {"of": is_hex32}, {}
    kinds = {
        "instrument.propose": Kind(50, True, dict(TERMS, chair=lambda v: v == "" or is_code(v)), (*MAY_LACK, "chair")),
        "instrument.deposit": Kind(50, True, TERMS, MAY_LACK),
        "instrument.comment": Kind(45, False, dict(TEXT, article=WORD), ("article",)),
        "instrument.amend": Kind(40, False, dict(TERMS, base=is_hex32), MAY_LACK),
        "instrument.circulate": Kind(50, False, TEXT), "instrument.silence": Kind(50, False, dict(TEXT, expires=is_time)),
        "instrument.object": Kind(0, False, OF), "instrument.heard": Kind(5, False, OF),
        "instrument.close": Kind(55, False, {"silence": is_hex32, "outcome": lambda v: v in ("adopted", "broken")}),
        "instrument.contest": Kind(90, False, OF), "instrument.adopt": Kind(50, False, TEXT), "instrument.open": Kind(50, False, TEXT),
        "instrument.sign": SIGN, "instrument.accede": Kind(60, False, SIGN.facts, SIGN.optional),
        "instrument.ratify": Kind(55, False, dict(TEXT, **{"as": lambda v: v in ("ratification", "acceptance", "approval")})),
        "instrument.invite": Kind(50, False, {"party": is_code}), "instrument.suspend": Kind(20, False, {"until": lambda v: v == "" or is_time(v)}, ("until",)),
        "instrument.resume": Kind(50, False, NOTHING), "instrument.withdraw": Kind(50, False, {"at": is_time}),
        "instrument.terminate": Kind(50, False, NOTHING), "instrument.publish": Kind(50, False, dict(TEXT, at=is_time)),
        "instrument.chair": Kind(50, False, {"party": is_code}),
    }

    def __init__(self, opener):
        self.stage, self.hand, self.table, self.adopted, self.silence = "", None, [], set(), None
        self.versions, self.invited, self.exits, self.published, self.basis, self.ended = [], {}, {}, {}, [], None
        self.chairs, self.spoke = {}, {}

    def check_facts(self, h):
        f, everybody = h["facts"], {h["from"], *h["to"]}
        if "parties" in f:
            self.check_terms(f)
        if h["kind"] == "instrument.deposit":
            need(set(f["parties"]) == everybody, "AGR-7", "a deposit goes to all the other parties alone")
        if h["kind"] == "instrument.propose":
            need(set(f["parties"]) <= everybody and f.get("chair", "") in {"", *everybody}, "AGR-7", "a draft goes to all its parties and its chair")
        need(f.get("base") != f.get("digest") or "base" not in f, "AGR-7", "an amendment is of another text")
        later_than = f.get("expires") or (h["kind"] == "instrument.suspend" and f.get("until"))
        need(not later_than or later_than > h["time"], "AGR-11", "it ends after it began")
        need(h["kind"] != "instrument.publish" or f["at"] >= h["time"], "AGR-16", "it is not published before that is said")

    def check_terms(self, f):
        when = f["in_force"]
        check_members(when, self.IN_FORCE, "AGR-7", ("count", "days", "date"))
        dated, count = when["when"] == "date", when.get("count", 0)
        need(bool(when.get("date")) == dated and not (dated and when.get("days")), "AGR-7", "a date goes with date alone")
        need(2 <= count <= len(f["parties"]) if when["when"] == "count" else not count, "AGR-7", "a count of parties")
        need(set(f.get("no_reservations", [])) <= set(f["articles"]), "AGR-7", "an article that is not there")

    def total(self):
        if self.ended:
            return "terminated"
        return "in-force" if self.stage == "open-for-signature" and self.versions and self.versions[-1]["from"] else self.stage

    def apply(self, h, opener):
        f, kind = h["facts"], h["kind"].split(".")[1]
        if opener:
            self.chair, self.hand = f.get("chair") or h["from"], dict(f, head=h.id)
            self.stage = "negotiating"
            if kind == "deposit":
                self.open_text()
            return
        must(kind not in ("propose", "deposit"))
        stage = self.total()
        must(stage != "terminated")
        must(h["from"] not in self.spoke or later(h["time"], 60) >= self.spoke[h["from"]])
        getattr(self, "say_" + kind)(h, f, h["from"], stage)
        if kind != "comment":
            self.spoke[h["from"]] = max(h["time"], self.spoke.get(h["from"], ""))
        if kind in ("circulate", "adopt", "open", "close", "contest", "sign", "ratify", "invite", "accede", "suspend", "resume", "withdraw", "terminate"):
            self.basis = sorted([i for i in self.basis if not self.thread.knew(h, i)] + [h.id])

    def open_text(self):
        self.stage, self.table = "open-for-signature", []
        self.versions.append({"terms": self.hand, "consents": {}, "from": {}})

    def say_comment(self, h, f, by, stage):
        texts = [self.hand, *self.table, *(v["terms"] for v in self.versions)]
        must(any(t["digest"] == f["digest"] and (not f.get("article") or f["article"] in t["articles"]) for t in texts))

    def in_time(self, h):
        return self.silence and h["time"] < self.silence["expires"]

    def objection(self, h):
        q = self.silence
        if all(o["by"] != h["from"] for o in q["objections"]):
            q["objections"].append({"id": h.id, "by": h["from"], "heard": {}, "late": bool(q["closed"])})

    def breaks(self):
        if self.stage == "under-silence":
            self.stage = "negotiating"

    def say_amend(self, h, f, by, stage):
        bound = any(v["from"] for v in self.versions)
        must(f["base"] == self.hand["digest"])
        in_time = self.in_time(h) and not (self.silence["closed"] and self.thread.knew(h, self.silence["closed"]))
        if stage == "open-for-signature" and not bound:
            must(in_time)
            self.objection(h)
            return
        own = [t["digest"] for t in self.table if t["by"] == by]
        must(set(f["parties"]) <= set(self.thread.participants) and len(own) < 8)
        must(f["digest"] not in own + [v["terms"]["digest"] for v in self.versions])
        self.table.append(dict(f, head=h.id, by=by))
        if in_time and all(o["by"] != by for o in self.silence["objections"]):
            self.objection(h)
            self.breaks()

    def say_circulate(self, h, f, by, stage):
        must(by == self.chair)
        found = [t for t in self.table if t["digest"] == f["digest"] and self.thread.knew(h, t["head"])]
        must(found)
        self.hand, self.stage, self.table, self.adopted, self.silence = found[0], "negotiating", [], set(), None

    def say_silence(self, h, f, by, stage):
        must(by == self.chair and stage == "negotiating" and f["digest"] == self.hand["digest"])
        self.silence = {"id": h.id, "expires": f["expires"], "objections": [], "closed": None, "outcome": None}
        self.stage = "under-silence"

    def say_object(self, h, f, by, stage):
        q = self.silence
        must(q and all(o["by"] != by for o in q["objections"]) and f["of"] == q["id"] and self.thread.knew(h, q["id"]) and self.in_time(h))
        must(not (q["closed"] and self.thread.knew(h, q["closed"])))
        self.objection(h)
        self.breaks()

    def say_heard(self, h, f, by, stage):
        found = [o for o in (self.silence or {"objections": []})["objections"] if o["id"] == f["of"]]
        must(found and self.thread.knew(h, f["of"]) and by not in (found[0]["by"], *found[0]["heard"]))
        if self.in_time(h):
            found[0]["heard"][by] = h.id

    def say_close(self, h, f, by, stage):
        q = self.silence
        must(q and not q["closed"] and f["silence"] == q["id"] and self.thread.knew(h, q["id"]))
        known = any(self.thread.knew(h, o["id"]) for o in q["objections"])
        due = q["expires"] if by == self.chair else later(q["expires"], 86400)
        must(known if f["outcome"] == "broken" else not known and h["time"] >= due)
        q["closed"], q["outcome"] = h.id, f["outcome"]
        if f["outcome"] == "adopted":
            for o in q["objections"]:
                o["late"] = True
            self.stage = "adopted"

    def say_contest(self, h, f, by, stage):
        q = self.silence
        must(q and q["outcome"] == "adopted" and self.thread.knew(h, q["closed"]) and self.thread.knew(h, f["of"]))
        must(any(o["id"] == f["of"] and o["late"] and any(self.thread.knew(h, i) for i in o["heard"].values()) for o in q["objections"]))
        if self.versions and self.versions[-1]["terms"]["head"] == self.hand["head"]:
            must(not self.versions[-1]["from"])
            self.versions.pop()
        q["closed"], q["outcome"], self.stage = h.id, "broken", "negotiating"

    def say_adopt(self, h, f, by, stage):
        must(stage == "negotiating" and by in self.hand["parties"] and by not in self.adopted and f["digest"] == self.hand["digest"])
        self.adopted.add(by)
        if len(self.adopted) == len(self.hand["parties"]):
            self.stage, self.silence = "adopted", None

    def say_open(self, h, f, by, stage):
        must(by == self.chair and stage == "adopted" and f["digest"] == self.hand["digest"] and len(self.versions) < 64)
        self.open_text()

    def say_publish(self, h, f, by, stage):
        must(by == self.chair and stage in ("adopted", "open-for-signature", "in-force"))
        must(f["digest"] not in self.published or h["time"] < self.published[f["digest"]])
        must(f["digest"] in self.published or len(self.published) < 64)
        must(f["digest"] in [self.hand["digest"], *(v["terms"]["digest"] for v in self.versions)])
        self.published[f["digest"]] = f["at"]

    def say_chair(self, h, f, by, stage):
        must(by in self.hand["parties"] and f["party"] in self.thread.participants)
        self.chairs[by] = f["party"]
        if all(self.chairs.get(p) == f["party"] for p in self.hand["parties"] if p != self.chair):
            self.chair, self.chairs = f["party"], {}

    def opened(self, f):
        found = [v for v in self.versions if v["terms"]["digest"] == f["digest"]]
        must(found)
        return found[0]

    def reserve(self, v, f):
        numbers, terms = f.get("reservations", []), v["terms"]
        must(len(set(numbers)) == len(numbers) and set(numbers) <= set(terms["articles"]) - set(terms.get("no_reservations", [])))

    def consent(self, v, by, given, **more):
        v["consents"][by] = dict(v["consents"].get(by, {}), given=given, **more)
        v["from"] = entry(v["terms"], {p: c["given"] for p, c in v["consents"].items() if c["given"]})

    def say_sign(self, h, f, by, stage):
        v = self.opened(f)
        must(by in v["terms"]["parties"] and by not in v["consents"])
        self.reserve(v, f)
        self.consent(v, by, None if v["terms"].get("consent") else h["time"], signed=h["time"], reserved=f.get("reservations", []))

    def say_ratify(self, h, f, by, stage):
        v = self.opened(f)
        must(by in v["terms"]["parties"] and by in v["consents"] and not v["consents"][by]["given"])
        self.consent(v, by, h["time"])

    def binds(self, by):
        return any(by in v["from"] for v in self.versions)

    def bound(self):
        return {p for v in self.versions for p in v["from"] if not self.exits.get(p, {}).get("left")}

    def say_invite(self, h, f, by, stage):
        must(self.versions and self.binds(by) and by in self.bound())
        v, party = self.versions[-1], f["party"]
        must(v["terms"].get("accession") == "invitation" and party in self.thread.participants and party not in v["terms"]["parties"])
        must(by not in self.invited.setdefault(party, set()))
        self.invited[party].add(by)

    def say_accede(self, h, f, by, stage):
        v = self.opened(f)
        must(v is self.versions[-1])
        how = v["terms"].get("accession", "")
        must(v["from"] and not self.binds(by) and by not in v["terms"]["parties"] and principal(by) == by)
        must(how == "open" or how == "invitation" and set() < self.bound() <= self.invited.get(by, set()))
        self.reserve(v, f)
        self.consent(v, by, h["time"], signed=h["time"], reserved=f.get("reservations", []))

    def exit(self, by):
        must(self.binds(by))
        return self.exits.setdefault(by, {"suspended": [], "left": None, "ends": None})

    def say_suspend(self, h, f, by, stage):
        e = self.exit(by)
        must(len(e["suspended"]) < 64 and all(i[1] for i in e["suspended"][-1:]))
        e["suspended"].append([h["time"], f.get("until", "")])

    def say_resume(self, h, f, by, stage):
        e = self.exit(by)
        running = [i for i in e["suspended"] if not i[1] or h["time"] < i[1]]
        must(running)
        for i in running:
            i[1] = h["time"]

    def say_withdraw(self, h, f, by, stage):
        e = self.exit(by)
        notice = max(v["terms"].get("notice", 0) for v in self.versions if by in v["from"])
        must(not e["left"] and f["at"] >= later(h["time"], notice))
        e["left"] = f["at"]
        self.ends()

    def say_terminate(self, h, f, by, stage):
        e = self.exit(by)
        must(not e["left"] and not e["ends"])
        e["ends"] = h["time"]
        self.ends()

    def ends(self):
        ends = [self.exits.get(p, {}).get("ends") for p in self.bound()]
        if ends and all(ends):
            self.ended = max(ends)

    def refused(self, h):
        """A refusal by rule changes nothing here: who has not signed has not signed."""

    def standing(self, time, a, b):
        """The text that binds two parties to each other at a time (AGR-8, AGR-11), or None."""
        for v in reversed(self.versions):
            codes = [c if c in v["terms"]["parties"] else principal(c) for c in (a, b)]
            if all(c in v["from"] and v["from"][c] <= time for c in codes):
                break
        else:
            return None
        if self.ended and time >= self.ended:
            return None
        for c in codes:
            e = self.exits.get(c)
            if e and (e["left"] and time >= e["left"] or any(since <= time and (not to or time < to) for since, to in e["suspended"])):
                return None
        return v

    def in_force(self):
        """From when the newest text is in force for whom."""
        return self.versions[-1]["from"] if self.versions else {}

    def state(self):
        signed = {p: c["signed"] for p, c in self.versions[-1]["consents"].items()} if self.versions else {}
        return {"stage": self.total(), "digest": self.hand["digest"], "table": [t["digest"] for t in self.table], "signed": signed,
                "in_force": self.in_force(), "basis": self.basis}


class Recall:
    """RCL-1 to RCL-4: what each asked party has answered for each statement: "", "kept" or "erased"."""

    REASONS = ("sent-in-error", "wrong-recipient", "incorrect", "personal-data", "source-protection", "no-longer-needed", "other")
    GROUNDS = ("legal-duty", "proceedings", "in-use", "record", "not-author", "other")
    kinds = {"recall.ask": Kind(50, True, {"of": IDS(1, 64), "reason": lambda v: v in Recall.REASONS,
                                           "within": lambda v: is_number(v, 0, 31_536_000)}, ("within",)),
             "recall.keep": Kind(50, False, {"ids": IDS(1, 64), "ground": lambda v: v in Recall.GROUNDS})}

    def __init__(self, opener):
        self.opener, self.asked = opener, {}

    def check_facts(self, h):
        need(h["kind"] != "recall.ask" or h["to"], "RCL-2", "nobody is asked")

    def apply(self, h, opener):
        if opener:
            self.asked = {c: dict.fromkeys(h["facts"]["of"], "") for c in h["to"]}
            return
        mine = self.asked.get(h["from"], {})
        must(h["kind"] == "recall.keep" and all(mine.get(i) == "" for i in h["facts"]["ids"]))
        mine.update(dict.fromkeys(h["facts"]["ids"], "kept"))

    def recalled(self, h):
        mine = self.asked.get(h["from"], {})
        mine.update({i: "erased" for i in h["facts"]["ids"] if i in mine})

    def refused(self, h):
        """A refusal by rule is no answer."""

    def state(self):
        return {c: list(lines.values()) for c, lines in self.asked.items()}


class Intel:
    """INT-1 to INT-8: how far a source, feed or share has come, and what was told of it."""

    COUNT = lambda v: is_number(v, 0, MOST)
    LIST = lambda v: is_list(v, 1, 32, is_identifier)
    FLAG = lambda v: isinstance(v, bool)
    REASONS = ("agreement", "originator", "caveat")
    HELD = lambda v: isinstance(v, dict) and set(v) == {"reason", "objects"} and v["reason"] in Intel.REASONS and is_number(v["objects"], 1, MOST)
    kinds = {
        "intel.source": Kind(50, True, {"name": is_identifier, "format": WORD, "own": FLAG}, ("format", "own")),
        "intel.import": Kind(50, False, {"objects": COUNT, "refused": COUNT, "duplicates": COUNT, "own": FLAG}, ("refused", "duplicates", "own")),
        "intel.offer": Kind(50, True, {"feed": is_identifier, "types": LIST, "labels": LIST, "sector": WORD, "tlp_max": lambda v: v == "" or v in TLP,
                                       "confidence_min": lambda v: is_number(v, 0, 100), "purpose": WORD},
                            ("types", "labels", "sector", "tlp_max", "confidence_min", "purpose")),
        "intel.subscribe": Kind(50, False, {"after": COUNT}, ("after",)),
        "intel.unsubscribe": Kind(60, False, {}),
        "intel.increment": Kind(50, False, {"n": COUNT, "objects": COUNT, "through": COUNT, "more": lambda v: isinstance(v, bool),
                                            "held": lambda v: isinstance(v, list) and all(map(Intel.HELD, v)), "sector": WORD, "purpose": WORD},
                                ("held", "sector", "purpose")),
        "intel.share": Kind(50, True, {"objects": lambda v: is_number(v, 1, MOST), "sector": WORD, "purpose": WORD}, ("sector", "purpose")),
        "intel.sighting": Kind(50, False, {"objects": COUNT, "count": lambda v: is_number(v, 1, MOST), "first": is_time, "last": is_time, "purpose": WORD},
                               ("first", "last", "purpose")),
        "intel.end": Kind(60, False, {}),
    }

    def __init__(self, opener):
        self.opener, self.n, self.through, self.after, self.objects = opener, 0, 0, 0, 0
        self.fresh = self.more = False
        self.held, self.seen, self.status = {}, {}, ""

    def check_facts(self, h):
        f, verb = h["facts"], h["kind"].split(".")[1]
        need(verb != "source" or not h["to"], "INT-1", "a source goes to nobody")
        need(verb != "offer" or len(h["to"]) == 1, "INT-1", "an offer goes to one party")
        need(verb != "share" or h["to"], "INT-1", "a share goes to somebody")
        held = [x["reason"] for x in f.get("held", [])] if verb == "increment" else []
        need(len(set(held)) == len(held), "INT-7", "a reason is counted twice")
        if verb == "sighting":
            need(("first" in f) == ("last" in f) and f.get("first", "") <= f.get("last", ""), "INT-8", "one time alone, or the last before the first")

    def may(self, by):
        own, peer, form = by == self.opener["from"], by in self.opener["to"], self.opener["kind"].split(".")[1]
        if form == "source":
            return {"import", "end"} if own and self.status == "open" else set()
        if form == "share":
            return {"sighting"} if peer else set()
        kinds = {"sighting"} if peer and self.n else set()
        if self.status != "ended":
            subscribed = self.status == "subscribed"
            if own:
                kinds |= {"increment", "end"} if subscribed else {"end"}
            elif peer:
                kinds.add("unsubscribe" if subscribed else "subscribe")
        return kinds

    def apply(self, h, opener):
        f, verb, by = h["facts"], h["kind"].split(".")[1], h["from"]
        if opener:
            self.status = {"source": "open", "offer": "offered", "share": "shared"}[verb]
            self.objects = f.get("objects", 0)
            return
        must(verb in self.may(by))
        if verb == "import":
            must(not f.get("own") or self.opener["facts"].get("own"))
        elif verb == "subscribe":
            must(f.get("after", 0) <= self.n)
            self.after, self.fresh, self.more = f.get("after", 0), True, False
        elif verb == "increment":
            offer, first = self.opener["facts"], self.fresh
            must(f["n"] == self.n + 1)
            must(all(f.get(m, "") == offer.get(m, "") for m in ("sector", "purpose")))
            must(first or f["through"] >= self.through)
            must(f["objects"] or f.get("held") or (self.more or first) and not f["more"])
            self.n, self.through, self.more, self.fresh = f["n"], f["through"], f["more"], False
            for x in f.get("held", []):
                self.held[x["reason"]] = min(MOST, self.held.get(x["reason"], 0) + x["objects"])
        elif verb == "sighting":
            self.seen[by] = min(MOST, self.seen.get(by, 0) + f["count"])
        self.status = {"subscribe": "subscribed", "unsubscribe": "unsubscribed", "end": "ended"}.get(verb, self.status)
        if verb in ("import", "increment"):
            self.objects = min(MOST, self.objects + f["objects"])

    def refused(self, h):
        """A refusal by rule drops a body; the numbers stand."""

    def state(self):
        return {"status": self.status, "objects": self.objects, "n": self.n, "through": self.through, "after": self.after, "more": self.more,
                "fresh": self.fresh, "held": self.held, "seen": self.seen}


DESKS = {"assist": Assist, "instrument": Instrument, "recall": Recall, "intel": Intel}


class Agreement:
    """AGR-1 to AGR-6: a document, and what its rules decide. The rules are read as AGR-3 words them, without Cedar."""

    OPTIONAL = ("authentic", "consent", "notice", "accession", "review", "definitions", "groups")
    CONDITIONS = ("kinds", "from", "to", "tlp_max", "tlp_min", "pap_max", "personal_data", "precedence", "tracks", "exercise", "purposes",
                  "sectors", "types", "handling", "without", "body_max", "retain_max", "per_day")
    USE = ("onward", "proceedings", "retention")

    def __init__(self, raw):
        need(len(raw) <= 524288, "AGR-1", "a document has at most 524,288 bytes")
        m = parse_json(raw, compact=False)
        texts = lambda v: (isinstance(v, dict) and bool(v) and set(v) <= set(m.get("languages", []))
                           and all(isinstance(t, str) and t.strip() for t in v.values()))
        whole = lambda v: texts(v) and set(m["languages"]) <= set(v)
        check_members(m, {"v": lambda v: v == 1 and is_number(v), "title": texts, "parties": lambda v: is_list(v, 2, 256, is_code),
                          "languages": lambda v: is_list(v, 1, 64, lambda t: is_match(LANGUAGE, t)),
                          "authentic": lambda v: is_list(v, 1, 64, m["languages"].__contains__),
                          "in_force": lambda v: self.is_condition(v, len(m["parties"])), "consent": lambda v: v == "ratification",
                          "notice": lambda v: is_number(v, 0, YEAR), "accession": ["open", "invitation"].__contains__, "review": lambda v: is_time(v),
                          "definitions": lambda v: isinstance(v, dict) and 1 <= len(v) <= 512 and all(map(is_identifier, v)) and all(map(whole, v.values())),
                          "groups": lambda v: isinstance(v, dict) and 1 <= len(v) <= 64 and all(map(is_identifier, v)),
                          "articles": lambda v: isinstance(v, list)}, "AGR-1", self.OPTIONAL)
        need(1 <= len(m["articles"]) <= 512, "AGR-1", "1 to 512 articles")
        self.members = m
        self.parties, self.digest, self.groups = m["parties"], H(raw).hex(), m.get("groups", {})
        for codes in self.groups.values():
            need(is_list(codes, 1, 256, self.is_named_code), "AGR-1", "a group is not of codes of the parties")
        self.rules, self.clocks, self.grounds, numbers = [], {}, None, set()
        for a in m["articles"]:
            check_members(a, {"number": is_identifier, "title": texts, "text": whole, "rules": lambda v: isinstance(v, list),
                              "clocks": lambda v: isinstance(v, dict), "grounds": lambda v: isinstance(v, list),
                              "reservations": lambda v: isinstance(v, bool), "onward": ["none", "parties", "ask", "free"].__contains__,
                              "proceedings": ["no", "permission", "yes"].__contains__, "retention": lambda v: is_number(v, 1, 100 * 365.25 * 86400),
                              "cites": lambda v: is_list(v, 1, 64, lambda t: isinstance(t, str) and bool(t.strip()) and len(t.encode()) <= 512)},
                          "AGR-2", ("rules", "clocks", "grounds", "reservations", "cites", *self.USE))
            need(a["number"] not in numbers, "AGR-2", "an article's number is repeated")
            need(len(a.get("rules", [])) <= 32, "AGR-2", "at most 32 rules")
            numbers.add(a["number"])
            need(a.get("clocks") != {}, "AGR-4", "clocks without a precedence")
            for rule in a.get("rules", []):
                self.check_rule(rule)
                self.rules.append((a["number"], dict(rule, **{n: self.codes(rule[n]) for n in ("from", "to") if n in rule})))
            for precedence, clock in a.get("clocks", {}).items():
                need(precedence in PRECEDENCES and precedence not in self.clocks and is_clock(clock)
                     and clock["acknowledge"] <= clock["answer"], "AGR-4", "a clock is not as it must be")
                self.clocks[precedence] = dict(clock, article=a["number"])
            if "grounds" in a:
                need(is_list(a["grounds"], 1, 64, is_identifier), "AGR-5", "grounds are not 1 to 64 distinct identifiers")
                self.grounds = (self.grounds or {"other"}) | set(a["grounds"])
        need(len(self.rules) <= 1024 and sum(len(r.get(n, [])) for _, r in self.rules for n in ("from", "to")) <= 32768, "AGR-2", "too many rules or codes")
        for _, permit in self.rules:
            if permit["effect"] == "permit":
                need(not any(f["effect"] == "forbid" and covers_rule(f, permit) for _, f in self.rules), "AGR-3", "forbidden outright")
        self.check_use(m["articles"])

    def terms(self):
        """AGR-7: what the facts of a draft repeat of a document."""
        m = self.members
        fixed = [a["number"] for a in m["articles"] if a.get("reservations") is False]
        t = {n: m[n] for n in ("consent", "notice", "accession") if m.get(n)}
        return dict(t, digest=self.digest, parties=sorted(m["parties"]), in_force=m["in_force"], articles=[a["number"] for a in m["articles"]],
                    **({"no_reservations": fixed} if fixed else {}))

    def is_condition(self, v, parties):
        """in_force: what AGR-8 can be told."""
        if not isinstance(v, dict) or not all(is_number(v[n], 0, 3650) for n in ("days",) if n in v):
            return False
        return (v.get("when") == "all" and set(v) <= {"when", "days"}
                or v.get("when") == "count" and set(v) <= {"when", "count", "days"} and is_number(v.get("count"), 2, parties)
                or v.get("when") == "date" and set(v) <= {"when", "date"} and is_time(v.get("date")))

    def check_use(self, articles):
        """AGR-2: what is said of the use of the same kinds does not differ."""
        said = []
        for a in articles:
            permits = [r for r in a.get("rules", []) if r["effect"] == "permit"]
            every = not permits or any("kinds" not in r for r in permits)
            said.append((a, None if every else {k for r in permits for k in r["kinds"]}))
        same = lambda a, b: a == b or same_desk(a, b) or same_desk(b, a)
        same_desk = lambda a, b: a.endswith(".*") and b.startswith(a[:-1])
        for i, (a, of_a) in enumerate(said):
            for b, of_b in said[:i]:
                if (of_a is None) == (of_b is None) and (of_a is None or any(same(x, y) for x in of_a for y in of_b)):
                    need(all(a[n] == b[n] for n in self.USE if n in a and n in b), "AGR-2", "two articles differ on the same kinds")

    def is_named_code(self, v):
        """A party, an office of one, or a party with all its offices."""
        return is_code(v) and (v in self.parties or principal(v) in self.parties) or (
            isinstance(v, str) and v.endswith(".*") and "." not in v[:-2] and v[:-2] in self.parties)

    def codes(self, patterns):
        return [c for p in patterns for c in (self.groups[p[1:]] if p[0] == "@" else [p])]

    def check_rule(self, rule):
        lists = lambda each: lambda v: is_list(v, 1, 64, each)
        party = lambda v: self.is_named_code(v) or isinstance(v, str) and v[:1] == "@" and v[1:] in self.groups
        check_members(rule, {
            "effect": ["permit", "forbid", "approve"].__contains__, "kinds": lists(lambda v: is_match(KIND + r"|[a-z]{2,16}\.\*", v)),
            "from": lists(party), "to": lists(party), "tlp_max": TLP.__contains__, "tlp_min": TLP.__contains__,
            "pap_max": PAP.__contains__, "personal_data": PERSONAL.__contains__, "precedence": lists(PRECEDENCES.__contains__),
            "tracks": lists(TRACKS.__contains__), "exercise": lambda v: isinstance(v, bool), "purposes": lists(is_identifier),
            "sectors": lists(is_identifier), "types": lists(is_identifier), "handling": lists(is_identifier), "without": lists(is_identifier),
            "body_max": lambda v: is_number(v, 0), "retain_max": lambda v: is_number(v, 1, 100 * 365.25 * 86400),
            "per_day": lambda v: is_number(v, 1, 1000000)}, "AGR-3", self.CONDITIONS)
        need(TLP.index(rule.get("tlp_min", "CLEAR")) <= TLP.index(rule.get("tlp_max", "RED")), "AGR-3", "tlp_min is above tlp_max")
        need(not set(rule.get("handling", [])) & set(rule.get("without", [])), "AGR-3", "a code is asked for and excluded")
        author = rule.get("from", [""])
        need(len(author) > 1 or author != rule.get("to") or author[0].endswith(".*") or author[0][0] == "@", "AGR-3", "a rule from one to itself")

    def holds(self, r, h, to, today):
        """All conditions that are present (AGR-3)."""
        m, f, body = h["marking"], h["facts"], h.get("body", {"size": 0, "blob_bytes": 0})
        rank = lambda order, name, limit: order.index(m.get(name, order[0])) <= order.index(limit)
        data = PERSONAL.index(m.get("personal_data", "none")) - PERSONAL.index(r.get("personal_data", "allowed"))
        named = lambda name, code: name not in r or is_named(code, r[name])
        fact = lambda name, of: name not in r or f.get(of) in r[name]
        narrows = r["effect"] != "permit"
        kept = "retain_max" in r and "retain_until" in m and milliseconds(m["retain_until"]) <= milliseconds(h["time"]) + 1000 * r["retain_max"]
        return (("kinds" not in r or h["kind"] in r["kinds"] or h.desk + ".*" in r["kinds"])
                and named("from", h["from"]) and named("to", to)
                and rank(TLP, "tlp", r.get("tlp_max", "RED")) and TLP.index(r.get("tlp_min", "CLEAR")) <= TLP.index(m["tlp"])
                and rank(PAP, "pap", r.get("pap_max", "RED"))
                and ("personal_data" not in r or (data >= 0 if narrows else data <= 0))
                and ("precedence" not in r or h["precedence"] in r["precedence"])
                and ("tracks" not in r or h["track"] in r["tracks"])
                and ("exercise" not in r or h["exercise"] == r["exercise"])
                and fact("purposes", "purpose") and fact("sectors", "sector") and fact("types", "type")
                and set(r.get("handling", [])) <= set(m.get("handling", []))
                and not set(r.get("without", [])) & set(m.get("handling", []))
                and ("body_max" not in r or body["size"] + body["blob_bytes"] <= r["body_max"])
                and ("retain_max" not in r or kept != narrows)
                and ("per_day" not in r or (today.get(to, 0) < r["per_day"]) != narrows))

    def decide(self, h, reserved={}, joined=(), today={}):
        """DEC-1, DEC-2 (parties and offices), DEC-6, DEC-8: the articles whose policies permit, or Denied with those that forbid. Sets approval."""
        permitting, forbidding, self.approval, clause = set(), set(), [], None
        for to in h["to"]:
            without = self.without(h["from"], to, reserved, joined)
            matched = [(n, r["effect"]) for n, r in self.rules
                       if self.holds(r, h, to, today) and not (r["effect"] == "permit" and n in without)]
            deciding = [(n, effect) for n, effect in matched if effect != "approve"]
            if not (self.admits(h["from"], "from", joined) and self.admits(to, "to", joined)):
                clause = clause or "DEC-2"
            elif deciding and all(effect == "permit" for _, effect in deciding):
                permitting |= {n for n, _ in deciding}
                self.approval += [n for n, effect in matched if effect == "approve" and n not in self.approval]
            else:
                clause = clause or "DEC-1"
                forbidding |= {n for n, effect in deciding if effect == "forbid"}
        if clause:
            raise Denied(clause, "not permitted for every recipient", forbidding)
        if h["marking"].get("personal_data", "none") != "none":
            purpose = h["facts"].get("purpose")
            if not (isinstance(purpose, str) and purpose and "retain_until" in h["marking"]):
                raise Denied("DEC-8", "personal data without a purpose or a date of erasure", [])
        self.check_facts(h)
        return sorted(permitting)

    def without(self, author, to, reserved, joined):
        """AGR-10: the articles that do not hold between the two."""
        side = lambda code: code if code in self.parties or code in joined else principal(code)
        return set() if side(author) == side(to) else set(reserved.get(side(author), [])) | set(reserved.get(side(to), []))

    def admits(self, code, side, joined=()):
        """DEC-2: a party, or an office that some permitting rule names on that side."""
        return code in self.parties or code in joined or any(r["effect"] == "permit" and is_named(code, r.get(side, [])) for _, r in self.rules)

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


def covers_rule(forbid, permit):
    """AGR-3: whether one rule forbids outright what the other permits, condition by condition."""
    def lists(name, wider=lambda wide, v: wide == v):
        return name not in forbid or name in permit and all(any(wider(w, v) for w in forbid[name]) for v in permit[name])
    kind = lambda wide, v: wide == v or wide.endswith(".*") and v.startswith(wide[:-1])
    code = lambda wide, v: wide == v or wide.endswith(".*") and principal(v) == wide[:-2]
    rank = lambda order, name, rule, default: order.index(rule.get(name, default))
    return (lists("kinds", kind) and lists("from", code) and lists("to", code)
            and rank(TLP, "tlp_max", permit, "RED") <= rank(TLP, "tlp_max", forbid, "RED")
            and rank(TLP, "tlp_min", permit, "CLEAR") >= rank(TLP, "tlp_min", forbid, "CLEAR")
            and rank(PAP, "pap_max", permit, "RED") <= rank(PAP, "pap_max", forbid, "RED")
            and forbid.get("personal_data", "none") == "none" and all(map(lists, ("precedence", "tracks", "purposes", "sectors", "types")))
            and ("exercise" not in forbid or permit.get("exercise") is forbid["exercise"])
            and all(set(forbid.get(n, [])) <= set(permit.get(n, [])) for n in ("handling", "without"))
            and ("body_max" not in forbid or permit.get("body_max", float("inf")) <= forbid["body_max"])
            and "retain_max" not in forbid and "per_day" not in forbid)


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
    need(isinstance(t.desk, Instrument) and t.opened and t.opener.id == h["agreement"]["id"], "DEC-2", "no agreement is made there")
    need(document and document.digest == h["agreement"]["digest"], "DEC-2", "another document")
    for to in h["to"]:
        v = t.desk.standing(h["time"], h["from"], to)
        need(v and v["terms"]["digest"] == document.digest, "DEC-2", "this text does not bind the two, as made by the heads named")
    given = {n: m for n, m in v["terms"].items() if n in Instrument.TERMS and m not in ("", 0)}
    need(given == document.terms(), "DEC-2", "the terms that were proposed are not the document's")
    reserved = {p: c["reserved"] for p, c in v["consents"].items() if c.get("reserved")}
    return document.decide(h, reserved, [p for p in v["from"] if p not in document.parties])


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
