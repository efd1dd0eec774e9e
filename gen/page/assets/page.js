// What this adds to pages that work without it: the list follows what is typed, names are edited where they are listed,
// and what is wrong with a name is told as it is typed.
"use strict";

const find = (selector, within = document) => within.querySelector(selector);

// ask sends a request, in the place of an earlier one of the same kind that is still under way.
const asking = new Map();
async function ask(kind, url, options = {}) {
	asking.get(kind)?.abort();
	const abort = new AbortController();
	asking.set(kind, abort);
	return fetch(url, { ...options, signal: abort.signal });
}

// later returns f that waits until nobody has called it for some time.
function later(f, milliseconds) {
	let timer;
	return (...args) => {
		clearTimeout(timer);
		timer = setTimeout(() => f(...args), milliseconds);
	};
}

const say = (text) => { find("#said").textContent = text; };
const unreachable = "The server cannot be reached. Try again.";

function element(name, className, ...content) {
	const e = document.createElement(name);
	if (className) e.className = className;
	e.append(...content);
	return e;
}

function sign() {
	const e = element("span", "sign");
	e.ariaHidden = "true";
	return e;
}

const paragraph = (severity, text) => element("p", severity, sign(), text);

// told returns what is to be shown of a draft.
function told(draft) {
	const wrong = draft.error || draft.denied || draft.conflict;
	if (wrong) return paragraph("error", wrong);
	if (draft.findings.length > 0) {
		const list = element("ul", "findings");
		for (const f of draft.findings) {
			const item = element("li", f.severity, sign(), element("b", "", f.severity), " " + f.message);
			if (f.rule) {
				const link = element("a", "rule", f.rule);
				link.href = "/rules/" + f.rule;
				link.target = "_blank"; // what is typed stays
				item.append(" ", link);
			}
			if (f.hint) item.append(element("span", "hint", f.hint));
			list.append(item);
		}
		return list;
	}
	if (draft.same) {
		if (draft.name) return element("p", "none", "That is the name that it has.");
		if (draft.hostname) return element("p", "none", `It has the default hostname, ${draft.hostname}.`);
		return element("p", "none", "It has no name of its own.");
	}
	return paragraph("fine", "Nothing is wrong with this name.");
}

// enliven makes a form for a name tell what is wrong with it.
function enliven(form) {
	const field = find("[name=name]", form), says = find(".says", form), offers = find("datalist", form);
	let known = null; // domains and hostname of the address

	// offer completes what is typed: its first labels with each domain.
	function offer() {
		if (!known) return;
		const typed = field.value.trim().toLowerCase();
		const names = known.domains.map((domain) => {
			const dot = typed.indexOf(".");
			const label = dot < 0 ? typed : typed.slice(0, dot);
			return label && !domain.startsWith(typed) ? label + "." + domain : domain;
		});
		if (known.hostname) names.unshift(known.hostname);
		offers.replaceChildren(...[...new Set(names)].map((name) => {
			const o = document.createElement("option");
			o.value = name;
			return o;
		}));
	}

	async function check() {
		const query = new URLSearchParams(new FormData(form));
		says.classList.add("asking");
		try {
			const response = await ask("draft", "/draft?" + query, { headers: { Accept: "application/json" } });
			const draft = await response.json();
			if (draft.domains) {
				known = draft;
				offer();
			}
			const now = told(draft);
			if (!says.firstElementChild || says.firstElementChild.outerHTML !== now.outerHTML) says.replaceChildren(now);
			field.ariaInvalid = String(find(".error", says) !== null);
		} catch (error) {
			if (error.name === "AbortError") return;
			says.replaceChildren(paragraph("error", unreachable));
		}
		says.classList.remove("asking");
	}

	const checkLater = later(check, 250);
	form.addEventListener("input", () => {
		offer();
		checkLater();
	});
	find(".check", form)?.remove(); // it looks by itself
	return check;
}

// edit puts a form in the place of a name in the list.
function edit(link) {
	find(".in-place [data-cancel]")?.click();
	const cell = link.closest("td"), row = link.closest("tr");
	const form = find("#editor").content.cloneNode(true).firstElementChild;
	const field = find("[name=name]", form);
	find("[name=address]", form).value = row.dataset.address;
	find("[name=was]", form).value = link.dataset.was;
	find("[name=back]", form).value = link.dataset.back;
	find("label", form).append(" of " + row.dataset.address);
	field.value = link.dataset.name;
	field.placeholder = link.dataset.placeholder;
	const reset = find("[name=default]", form);
	if (link.dataset.was) reset.textContent = link.dataset.reset;
	else reset.remove();
	const before = [...cell.childNodes];
	cell.replaceChildren(form);
	const check = enliven(form);
	field.focus();
	field.select();
	check();

	function close() {
		cell.replaceChildren(...before);
		link.focus();
	}
	find("[data-cancel]", form).addEventListener("click", close);
	form.addEventListener("keydown", (event) => {
		if (event.key === "Escape") close();
		if (event.key === "Enter" && event.repeat) event.preventDefault(); // the key that opened the form is still down
	});
	form.addEventListener("submit", (event) => {
		event.preventDefault();
		send(form, event.submitter, row, find(".says", form));
	});
}

// send sends a form about a row, and shows the row as it is then.
async function send(form, submitter, row, says) {
	try {
		const response = await ask("change", form.action, {
			method: "POST", body: new URLSearchParams(new FormData(form, submitter)), headers: { Accept: "application/json" },
		});
		const answer = await response.json();
		if (!response.ok) {
			says.replaceChildren(paragraph("error", answer.error));
			return;
		}
		const template = document.createElement("template");
		template.innerHTML = answer.row; // made by the server, as all of the page
		const now = template.content.querySelector("tr");
		row.replaceWith(now);
		find("a.edit", now)?.focus();
		const badge = find("#collected");
		badge.textContent = answer.collected.toLocaleString("en");
		badge.hidden = answer.collected === 0;
		const edited = now.classList.contains("edited");
		say(edited ? `Added. Changes to review: ${answer.collected}.` : "The name stays as it is.");
	} catch (error) {
		if (error.name !== "AbortError") says.replaceChildren(paragraph("error", unreachable));
	}
}

// follow shows the list that the filters ask for.
async function follow() {
	const form = find("#filters");
	const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim() !== ""));
	const url = "/" + (query.size ? "?" + query : "");
	try {
		const response = await ask("list", url);
		const page = new DOMParser().parseFromString(await response.text(), "text/html");
		const results = find("#results", page);
		if (!results) { // signed out
			location.assign(url);
			return;
		}
		find("#results").replaceWith(results);
		history.replaceState(null, "", url);
		say(find("#total").textContent);
	} catch (error) {
		if (error.name !== "AbortError") say(unreachable);
	}
}

document.addEventListener("click", (event) => {
	const link = event.target.closest("a.edit");
	if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
	event.preventDefault();
	edit(link);
});

document.addEventListener("submit", (event) => {
	const form = event.target;
	if (form.matches(".undo")) {
		event.preventDefault();
		send(form, event.submitter, form.closest("tr"), find("#said"));
	}
	if (form.matches("[data-slow]")) { // nothing is sent twice
		setTimeout(() => { for (const b of form.querySelectorAll("button")) b.disabled = true; });
	}
});

document.addEventListener("keydown", (event) => {
	const search = find("#q");
	if (event.key === "/" && search && !event.target.closest("input, textarea")) {
		event.preventDefault();
		search.focus();
		search.select();
	}
});

window.addEventListener("pageshow", (event) => {
	if (event.persisted) location.reload(); // what was collected may have changed
});

for (const form of document.querySelectorAll("main form[data-draft]")) enliven(form);

const filters = find("#filters");
if (filters) {
	const followLater = later(follow, 200);
	filters.addEventListener("input", followLater);
	filters.addEventListener("submit", (event) => {
		event.preventDefault();
		follow();
	});
}
