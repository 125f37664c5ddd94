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

	// News: the node tells that something has changed, and the parts that follow it are asked for again. What is being filled in is left alone.
	let again = null, reading = false;
	const refresh = async () => {
		if (reading) { again = true; return; }
		reading = true;
		try {
			const answer = await fetch(location.href.split("#")[0], { headers: { Accept: "text/html" }, redirect: "manual" });
			if (answer.type === "opaqueredirect") { location.reload(); return; }
			if (!answer.ok) return;
			const next = new DOMParser().parseFromString(await answer.text(), "text/html");
			body.dataset.version = next.body.dataset.version;
			let changed = false;
			for (const old of document.querySelectorAll("[data-refresh]")) {
				const fresh = next.getElementById(old.id);
				if (!fresh || fresh.innerHTML === old.innerHTML || plain(fresh) === plain(old)) continue;
				const open = [...old.querySelectorAll("details")].map((d) => d.open);
				const at = place();
				old.replaceChildren(...fresh.childNodes);
				old.querySelectorAll("details").forEach((d, i) => { if (open[i]) d.open = true; });
				put(at);
				old.classList.remove("fresh");
				void old.offsetWidth;
				old.classList.add("fresh");
				changed = true;
			}
			const nav = next.querySelector(".top nav"), had = document.querySelector(".top nav");
			if (nav && had && nav.textContent !== had.textContent && !had.contains(document.activeElement)) had.replaceWith(nav);
			tick();
			if (changed) say(body.dataset.changed);
		} finally {
			reading = false;
			if (again) { again = null; setTimeout(refresh, 200); }
		}
	};
	// plain is what an element says, without countdowns, which differ all the time.
	const plain = (e) => {
		const c = e.cloneNode(true);
		for (const t of c.querySelectorAll("[data-countdown]")) t.textContent = "";
		return c.textContent.replace(/\s+/g, " ");
	};
	const place = () => {
		const f = document.activeElement;
		return f && f.matches("a[href]") ? f.getAttribute("href") : null;
	};
	const put = (href) => {
		if (!href || document.activeElement !== body) return;
		for (const a of document.querySelectorAll("main a[href]")) if (a.getAttribute("href") === href) { a.focus({ preventScroll: true }); return; }
	};
	if (body.dataset.live && "EventSource" in window) {
		const source = new EventSource("/events");
		let lost = false;
		source.addEventListener("ready", (e) => {
			lost = false;
			if (e.data !== body.dataset.version) refresh(); // something came before the stream was open, or while it was lost
		});
		source.addEventListener("changed", refresh);
		source.onerror = () => {
			if (!lost) say(body.dataset.lost);
			lost = true;
		};
		addEventListener("pagehide", () => source.close());
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
	for (const form of document.querySelectorAll("form[data-may]")) {
		const at = form.querySelector("[data-verdict]");
		let timer = 0, asked = 0;
		const ask = async () => {
			const values = new URLSearchParams();
			for (const [name, value] of new FormData(form)) if (typeof value === "string" && name !== "do") values.append(name, value);
			const mine = ++asked;
			const answer = await fetch("/may", { method: "POST", body: values, redirect: "manual" });
			if (!answer.ok || mine !== asked) return;
			const part = new DOMParser().parseFromString(await answer.text(), "text/html").body;
			if (part.textContent !== at.textContent) at.replaceChildren(...part.childNodes);
		};
		const soon = () => { clearTimeout(timer); timer = setTimeout(() => { ask().catch(() => {}); }, 350); };
		form.addEventListener("input", soon);
		form.addEventListener("change", soon);
		form.querySelector("[data-check]")?.addEventListener("click", (e) => { e.preventDefault(); ask().catch(() => form.submit()); });
		const box = form.closest("details");
		if (!box || box.open) soon();
		box?.addEventListener("toggle", () => { if (box.open) soon(); });
		form.addEventListener("submit", () => setTimeout(() => { for (const b of form.querySelectorAll("button")) b.disabled = true; }, 0));
	}
	addEventListener("pageshow", () => { for (const b of document.querySelectorAll("form[data-may] button")) b.disabled = false; });

	// Keys.
	const rows = () => [...document.querySelectorAll("[data-row]")].filter((e) => e.offsetParent !== null);
	const move = (by) => {
		const all = rows();
		if (!all.length) return;
		const now = all.findIndex((e) => e.classList.contains("here"));
		const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? (by > 0 ? 0 : all.length - 1) : now + by))];
		document.querySelector(".here")?.classList.remove("here");
		next.classList.add("here");
		(next.querySelector("[data-open]") || next.querySelector("summary") || next.querySelector("a, button"))?.focus({ preventScroll: true });
		next.scrollIntoView({ block: "nearest" });
	};
	addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, select, textarea, [contenteditable]")) return;
		const help = document.getElementById("keys");
		switch (e.key) {
		case "j": move(1); break;
		case "k": move(-1); break;
		case "r": {
			const first = document.querySelector("[data-reply]") || document.querySelector(".here .card-acts a") || document.querySelector("#next details.say") || document.querySelector(".card-acts a");
			if (!first) return;
			if (first.matches("details")) {
				first.open = true;
				first.scrollIntoView({ block: "start" });
				first.querySelector("form input:not([type=hidden]), form select, form textarea")?.focus();
			} else first.click();
			break;
		}
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
  "use strict";

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
