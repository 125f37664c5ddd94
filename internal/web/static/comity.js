// What the pages do beside being read: countdowns, news, keys, and the verdict while a form is filled in. Everything else works without it.
"use strict";

(() => {
	const body = document.body;
	const live = document.getElementById("live");
	const say = (text) => {
		live.textContent = text;
		clearTimeout(say.timer);
		if (text) say.timer = setTimeout(() => { live.textContent = ""; }, 4000);
	};

	// Countdowns. The words come with the page, so that they are in its language.
	const unit = (name, n) => body.dataset["unit" + name].replace("{0}", n);
	const span = (seconds) => {
		const d = Math.floor(seconds / 86400), h = Math.floor(seconds / 3600) % 24, m = Math.floor(seconds / 60) % 60;
		if (d) return unit("D", d) + (h ? " " + unit("H", h) : "");
		if (h) return unit("H", h) + (m ? " " + unit("M", m) : "");
		if (m) return unit("M", m);
		return unit("S", Math.floor(seconds));
	};
	// The node's clock counts, not this machine's: how far they are apart is told by the page's own time.
	const shown = document.querySelector("main")?.dataset.now;
	const skew = shown ? Date.parse(shown) - Date.now() : 0;
	const tick = () => {
		for (const e of document.querySelectorAll("[data-countdown]")) {
			const left = (Date.parse(e.dataset.countdown) - (Date.now() + skew)) / 1000;
			const text = (left < 0 ? body.dataset.dueOver : body.dataset.dueIn).replace("{0}", span(Math.abs(left)));
			if (e.textContent !== text) e.textContent = text;
			e.classList.toggle("over", left < 0);
			e.classList.toggle("soon", left >= 0 && left < 3600);
		}
	};
	tick();
	setInterval(tick, 1000);

	// What was done is said once: not again when the page is loaded again, or led to from a mail.
	const here = new URL(location.href);
	if (here.searchParams.has("done")) {
		here.searchParams.delete("done");
		history.replaceState(history.state, "", here);
	}

	// A form that somebody has put something into is theirs: no news takes it away.
	const touched = new WeakSet();
	addEventListener("input", (e) => { if (e.target.form) touched.add(e.target.form); });
	addEventListener("change", (e) => { if (e.target.form) touched.add(e.target.form); });
	addEventListener("reset", (e) => touched.delete(e.target));
	const busy = (form) => touched.has(form) || form.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");

	// merge makes of an element what it is now, and leaves what is the same where it is: the focus, the row that is selected, what is unfolded, and what is being filled in.
	const name = (e) => e.nodeType !== 1 ? "" : e.id || e.matches("[data-row]") && e.querySelector("[data-open]")?.getAttribute("href") || "";
	const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && name(a) === name(b);
	const merge = (old, now) => {
		if (old.nodeType !== 1) {
			if (old.data !== now.data) old.data = now.data;
			return;
		}
		if (old.matches("[data-verdict]") || old.isEqualNode(now)) return;
		if (old.matches("form") && busy(old)) {
			passed(old, false);
			return;
		}
		dress(old, now);
		const named = new Set([...now.childNodes].map(name));
		for (const e of [...old.childNodes]) if (name(e) && !named.has(name(e))) drop(e);
		let at = old.firstChild;
		for (const child of [...now.childNodes]) {
			let same = at;
			while (same && !alike(same, child)) same = same.nextSibling;
			if (!same) old.insertBefore(child, at);
			else {
				if (same === at) at = at.nextSibling;
				else old.insertBefore(same, at);
				merge(same, child);
			}
		}
		while (at) {
			const next = at.nextSibling;
			drop(at);
			at = next;
		}
	};
	// dress gives an element the attributes that it has now. What is unfolded or selected is its reader's.
	const dress = (old, now) => {
		const selected = old.classList.contains("here");
		for (const a of [...old.attributes]) if (a.name !== "open" && !now.hasAttribute(a.name)) old.removeAttribute(a.name);
		for (const a of now.attributes) if (a.name !== "open" && old.getAttribute(a.name) !== a.value) old.setAttribute(a.name, a.value);
		if (selected) old.classList.add("here");
	};
	// drop takes away what is there no more, but for a form that is being filled in: that stays to be read, and cannot be sent.
	const drop = (e) => {
		const kept = e.nodeType !== 1 ? [] : [e, ...e.querySelectorAll("form")].filter((f) => f.matches("form") && busy(f));
		if (!kept.length) e.remove();
		for (const form of kept) passed(form, true);
	};
	const passed = (form, gone) => {
		const note = form.querySelector(":scope > [data-passed]");
		if (gone === (note !== null)) return;
		for (const b of form.querySelectorAll("button")) b.disabled = gone;
		if (!gone) note.remove();
		else form.prepend(Object.assign(document.createElement("p"), { className: "problem", textContent: body.dataset.passed, role: "alert" }));
		if (gone) form.firstChild.dataset.passed = "yes";
	};
	// plain is what an element says, without what differs all the time.
	const plain = (e) => {
		const c = e.cloneNode(true);
		for (const t of c.querySelectorAll("time, [data-passing], [data-verdict], [data-passed]")) t.textContent = "";
		return c.textContent.replace(/\s+/g, " ");
	};

	// News: the node tells that something has changed, and the parts that follow it are asked for again.
	let again = false, reading = false, over = false;
	const refresh = async () => {
		if (reading) { again = true; return; }
		reading = true;
		try {
			const answer = await fetch(location.href.split("#")[0], { headers: { Accept: "text/html" } });
			if (answer.status === 401) { ended(); return; }
			if (!answer.ok) return;
			show(new DOMParser().parseFromString(await answer.text(), "text/html"));
		} catch { // nobody answers: the bar says so
		} finally {
			reading = false;
			if (again) { again = false; setTimeout(refresh, 200); }
		}
	};
	const opened = Date.now();
	const show = (next) => {
		body.dataset.version = next.body.dataset.version;
		document.title = next.title;
		let changed = false;
		for (const old of document.querySelectorAll("[data-refresh]")) {
			const now = next.getElementById(old.id);
			if (!now || old.isEqualNode(now)) continue;
			const news = plain(now) !== plain(old) && !old.matches("[data-passing]");
			const focus = document.activeElement;
			merge(old, now);
			if (focus.isConnected && document.activeElement !== focus) focus.focus({ preventScroll: true });
			if (!news) continue;
			old.classList.remove("fresh");
			void old.offsetWidth;
			old.classList.add("fresh");
			changed = true;
		}
		tick();
		if (Date.now() - opened > 60000) document.querySelector("main > .notice")?.remove();
		if (!changed) return;
		say(body.dataset.changed);
		for (const form of document.querySelectorAll(".say[open] form[data-may]")) soon(form);
	};

	// A page that hears nothing any more says so, and goes on saying it: a calm desk is worth nothing when nobody would tell it of a storm.
	const bar = document.getElementById("stale");
	const aged = (text) => {
		const says = bar.firstElementChild;
		body.classList.toggle("aged", text !== "");
		bar.classList.toggle("out", over);
		bar.hidden = text === "";
		text = text && text + " " + document.querySelector(".foot [data-as-of]").textContent + ".";
		if (says.textContent !== text) says.textContent = text;
	};
	let source = null, began = 0, heard = 0, pause = 0, retry = 0, warn = 0;
	const follow = () => {
		source?.close();
		source = new EventSource("/events");
		began = heard = Date.now();
		const hears = (what, then) => source.addEventListener(what, (e) => { heard = Date.now(); then(e); });
		hears("ready", (e) => {
			clearTimeout(warn);
			warn = 0;
			aged("");
			if (e.data !== body.dataset.version) refresh(); // something came before the stream was open, or while it was lost
		});
		hears("changed", refresh);
		hears("beat", () => {});
		hears("ended", lost);
		source.onerror = lost;
	};
	// lost asks again by itself, whatever the reason was: a browser gives a stream up for good that was once refused.
	const lost = () => {
		source.close();
		if (over) return;
		if (Date.now() - began > 10000) pause = 0;
		warn ||= setTimeout(() => { if (!over) aged(body.dataset.aged); }, 3000);
		clearTimeout(retry);
		retry = setTimeout(async () => {
			await refresh();
			if (over) return;
			if (!bar.hidden) aged(body.dataset.aged); // as of when has changed
			follow();
		}, pause);
		pause = Math.min(30000, pause * 2 || 1000);
	};
	// ended is that nobody is signed in any more. Whoever signs out on one page, or whose time is over, leaves nothing to be read on the others, but for what is being written.
	const ended = () => {
		if (over) return;
		over = true;
		source?.close();
		const at = body.dataset.signIn;
		if (![...document.forms].some((f) => touched.has(f))) {
			location.replace(at + "?to=" + encodeURIComponent(location.pathname + location.search));
			return;
		}
		aged(body.dataset.out);
	};
	if (body.dataset.live && "EventSource" in window) {
		follow();
		setInterval(() => { if (!over && source.readyState === EventSource.OPEN) refresh(); }, 60000); // "today" and "4 min ago" pass too
		setInterval(() => { if (!over && source.readyState === EventSource.OPEN && Date.now() - heard > 65000) lost(); }, 5000);
		addEventListener("pagehide", () => { clearTimeout(retry); source.close(); });
		addEventListener("pageshow", (e) => { if (e.persisted) lost(); });
	}
	// What is under way says how far it is, until it has ended.
	const busyNow = () => document.querySelector("[data-busy]");
	if (busyNow()) {
		const look = setInterval(() => { if (over || !busyNow()) clearInterval(look); else refresh(); }, 1000);
	}
	document.addEventListener("visibilitychange", () => {
		if (!over || document.visibilityState !== "visible") return;
		over = false; // perhaps somebody has signed in again in another tab
		refresh().then(() => {
			if (over) return;
			aged("");
			if (body.dataset.live) follow();
		});
	});

	// The time zone of this browser, where none was chosen: the node cannot know it otherwise.
	const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
	if (zone && zone !== "UTC" && body.dataset.zone === "" && !sessionStorage.getItem("zone")) {
		sessionStorage.setItem("zone", "offered");
		fetch("/preferences", { method: "POST", body: new URLSearchParams({ zone }), redirect: "manual" }).then(() => { if (body.dataset.live) refresh(); }, () => {});
	}

	// Whoever looks at a thread has opened it; the others are told so once it is really seen.
	const seen = () => {
		const form = document.querySelector("form[data-reading]");
		if (!form || document.visibilityState !== "visible" || seen.done) return;
		seen.done = true;
		setTimeout(() => {
			if (document.visibilityState !== "visible") { seen.done = false; return; }
			fetch(form.action, { method: "POST", body: new URLSearchParams(), redirect: "manual" }).then(refresh, () => {});
		}, 1500);
	};
	document.addEventListener("visibilitychange", seen);
	seen();

	// May it pass? Asked while the form is filled in; nothing is kept.
	const asking = new WeakMap();
	const ask = async (form) => {
		const values = new URLSearchParams();
		for (const [name, value] of new FormData(form)) if (typeof value === "string" && name !== "do") values.append(name, value);
		const at = form.querySelector("[data-verdict]"), mine = {};
		asking.set(form, mine);
		const answer = await fetch("/may", { method: "POST", body: values, redirect: "manual" });
		if (answer.status === 401) {
			at.replaceChildren(); // what was answered before holds for nobody
			ended();
		}
		if (!answer.ok || asking.get(form) !== mine) return;
		const part = new DOMParser().parseFromString(await answer.text(), "text/html").body;
		if (part.textContent !== at.textContent) at.replaceChildren(...part.childNodes);
	};
	const timers = new WeakMap();
	const soon = (form) => {
		clearTimeout(timers.get(form));
		timers.set(form, setTimeout(() => { ask(form).catch(() => {}); }, 350));
	};
	const judged = (e) => e.target.closest?.("form[data-may]");
	for (const what of ["input", "change"]) document.addEventListener(what, (e) => { if (judged(e)) soon(judged(e)); });
	document.addEventListener("click", (e) => {
		const form = e.target.closest("[data-check]")?.form;
		if (!form || !form.matches("[data-may]")) return;
		e.preventDefault();
		ask(form).catch(() => {});
	});
	document.addEventListener("toggle", (e) => {
		const form = e.target.open && e.target.matches(".say") && e.target.querySelector("form[data-may]");
		if (form) soon(form);
	}, true);
	for (const form of document.querySelectorAll(".say[open] form[data-may], main > form[data-may]")) soon(form);
	document.addEventListener("submit", (e) => {
		if (judged(e)) setTimeout(() => { for (const b of e.target.querySelectorAll("button")) b.disabled = true; }, 0);
	});
	addEventListener("pageshow", () => { for (const b of document.querySelectorAll("form[data-may]:not(:has(> [data-passed])) button")) b.disabled = false; });

	// Keys. The row that is selected is the one that was moved to last, by a key, a tab or a click, and stays so whatever news comes.
	const row = () => document.querySelector("[data-row].here");
	const select = (e) => {
		if (e === row()) return;
		row()?.classList.remove("here");
		e.classList.add("here");
	};
	addEventListener("focusin", (e) => {
		const at = e.target.closest("[data-row]");
		if (at) select(at);
	});
	const move = (by) => {
		const all = [...document.querySelectorAll("[data-row]")].filter((e) => e.offsetParent !== null);
		if (!all.length) return;
		const now = all.indexOf(row());
		const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? (by > 0 ? 0 : all.length - 1) : now + by))];
		select(next);
		(next.querySelector("[data-open]") || next.querySelector("summary") || next.querySelector("a, button"))?.focus({ preventScroll: true });
		next.scrollIntoView({ block: "nearest" });
	};
	// reply answers what is selected, or on a page of one thing, that. Where nothing is selected it selects, and answers nothing.
	const reply = () => {
		const at = row();
		const first = document.querySelector("[data-reply]") || at?.querySelector(".card-acts a") || (at?.matches("details.say") ? at : document.querySelector("#next details.say"));
		if (!first) {
			if (!at) move(1);
			return;
		}
		if (!first.matches("details")) {
			first.click();
			return;
		}
		first.open = true;
		first.scrollIntoView({ block: "start" });
		first.querySelector("form input:not([type=hidden]), form select, form textarea")?.focus();
	};
	// key is what was meant: on a keyboard that writes no Latin letters, by where the key lies.
	const key = (e) => {
		if ("jkr/?".includes(e.key)) return e.key;
		const elsewhere = e.key.length === 1 && e.key > "\x7f" && !/\p{Script=Latin}/u.test(e.key) || e.code === "Slash" && (e.key === "." || e.key === ",");
		return elsewhere ? { KeyJ: "j", KeyK: "k", KeyR: "r", Slash: e.shiftKey ? "?" : "/" }[e.code] : "";
	};
	addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, select, textarea, [contenteditable]")) return;
		const help = document.getElementById("keys");
		switch (key(e)) {
		case "j": move(1); break;
		case "k": move(-1); break;
		case "r": reply(); break;
		case "/": {
			const field = document.querySelector("[data-search]");
			if (field) field.focus(); else location.href = "/threads#q";
			break;
		}
		case "?": if (help.open) help.close(); else help.showModal(); break;
		default: return;
		}
		e.preventDefault();
	});
	if (location.hash === "#q") document.getElementById("q")?.focus();

	// A form that is led to by an address is unfolded; an open panel closes when one looks elsewhere.
	const unfold = () => {
		const e = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
		if (e && e.matches("details")) { e.open = true; e.scrollIntoView(); }
	};
	addEventListener("hashchange", unfold);
	unfold();
	document.addEventListener("click", (e) => {
		const me = document.querySelector(".me[open]");
		if (me && !me.contains(e.target)) me.open = false;
	});
})();

// Passkeys. A form with data-passkey asks the node at that path what is to be signed, has the browser's device sign it, and brings the answer back.
(() => {
	const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
	const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
	const keys = (list) => (list || []).map((k) => ({ ...k, id: bytes(k.id) }));

	// ask posts JSON to the node. What it says to a refusal is shown as it is.
	const ask = async (path, body) => {
		const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
		const kind = answer.headers.get("Content-Type") || "";
		const said = kind.startsWith("application/json") ? await answer.json() : {};
		if (!answer.ok) throw new Error(said.says || answer.statusText);
		return said;
	};

	const sign = async (options) => {
		const o = options.publicKey;
		o.challenge = bytes(o.challenge);
		if (!o.user) {
			o.allowCredentials = keys(o.allowCredentials);
			return navigator.credentials.get({ publicKey: o });
		}
		o.user.id = bytes(o.user.id);
		o.excludeCredentials = keys(o.excludeCredentials);
		return navigator.credentials.create({ publicKey: o });
	};

	const plain = (key) => {
		const r = key.response;
		const response = { clientDataJSON: text(r.clientDataJSON) };
		if (r.attestationObject) {
			response.attestationObject = text(r.attestationObject);
			response.transports = r.getTransports ? r.getTransports() : [];
		} else {
			response.authenticatorData = text(r.authenticatorData);
			response.signature = text(r.signature);
			response.userHandle = r.userHandle ? text(r.userHandle) : "";
		}
		return {
			id: key.id, rawId: text(key.rawId), type: key.type, response,
			authenticatorAttachment: key.authenticatorAttachment || undefined, clientExtensionResults: key.getClientExtensionResults(),
		};
	};

	for (const form of document.querySelectorAll("form[data-passkey]")) {
		const says = form.querySelector("[data-says]");
		const button = form.querySelector("button");
		form.hidden = false;
		if (!window.PublicKeyCredential) {
			button.disabled = true;
			says.textContent = form.dataset.unable;
			continue;
		}
		form.addEventListener("submit", async (event) => {
			event.preventDefault();
			const fields = Object.fromEntries(new FormData(form));
			button.disabled = true;
			says.textContent = "";
			try {
				const options = await ask(form.dataset.passkey + "/begin", {});
				let key = null;
				try {
					key = await sign(options);
				} catch (error) {
					throw new Error(form.dataset.cancelled, { cause: error });
				}
				const done = await ask(form.dataset.passkey + "/finish", { ...fields, answer: plain(key) });
				window.location.assign(done.to);
			} catch (error) {
				says.textContent = error.message;
				button.disabled = false;
			}
		});
	}
})();
