// Search and filters, which the address keeps.

const view = { q: "", show: new Set(), test: null, execution: null };
const field = el("input", { type: "search", placeholder: "Search tests, flows, executions, logs   /", "aria-label": "Search", "aria-keyshortcuts": "/", spellcheck: "false" });
const result = el("output", { "aria-live": "polite" });
const nothing = el("p", { class: "note", hidden: true }, "No test is like this. ", el("button", { type: "button", onclick: () => { view.q = field.value = ""; view.show.clear(); apply(); } }, "Show all"));
let pattern = null;

const tally = (expression, text) => { let number = 0; for (const _ of text.matchAll(expression)) number += 1; return number; };
const searchable = (execution) => (execution.text ??= clean([
  execution.flow, execution.id, execution.state, execution.labels, execution.error?.message, execution.error?.expression,
  ...list(execution.tasks).map((task) => label(task)), ...list(execution.logs).map((entry) => entry.message),
].filter(Boolean).join("\n")));
const own = (test) => (test.text ??= [$(".id", test.node).textContent, test.node.dataset.outcome, test.failure, test.failure ? "" : $(".why", test.node).textContent].join("\n"));

function search() {
  pattern = view.q ? new RegExp(view.q.replace(/[.*+?^${}()|[\]\\\/-]/g, "\\$&"), "gi") : null;
  for (const test of tests) {
    test.hits = 0;
    test.found = new Map();
    if (!pattern) continue;
    test.hits = tally(pattern, own(test));
    for (const execution of test.executions) {
      const number = tally(pattern, searchable(execution));
      if (number) test.found.set(String(execution.id), number);
      test.hits += number;
    }
  }
}
const badge = (node, number) => {
  $(":scope > summary > .hits", node)?.remove();
  const place = node.matches(".test") ? $("summary .worker", node) : $("summary > .link", node);
  if (number) place?.before(el("span", { class: "hits" }, plural(number, "match")));
};
function marks(test) {
  badge(test.node, test.hits);
  for (const node of $$(".execution", test.node)) badge(node, test.found?.get(node.dataset.id));
}

function apply() {
  search();
  let shown = 0, hits = 0;
  for (const test of tests) {
    const fits = (!view.show.size || view.show.has(test.node.dataset.outcome)) && (!pattern || test.hits);
    test.node.hidden = !fits;
    if (fits) { shown += 1; hits += test.hits; }
    marks(test);
  }
  result.textContent = pattern ? `${plural(hits, "match")} in ${plural(shown, "test")}` : "";
  nothing.hidden = shown > 0 || !tests.length;
  for (const button of $$(".counts button")) button.setAttribute("aria-pressed", String(view.show.has(button.dataset.outcome)));
  lit();
  remember();
}

function remember() {
  const parts = [];
  for (const name of ["test", "execution", "q"]) if (view[name]) parts.push(`${name}=${coded(view[name])}`);
  if (view.show.size) parts.push(`show=${[...view.show].join(",")}`);
  try { history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : location.pathname + location.search); } catch { /* a page without an address of its own */ }
}

function recall() {
  const given = new Map(location.hash.slice(1).split("&").filter(Boolean).map((part) => {
    const [name, ...value] = part.split("=");
    try { return [name, decodeURIComponent(value.join("="))]; } catch { return [name, value.join("=")]; }
  }));
  view.q = field.value = given.get("q") ?? "";
  view.show = new Set((given.get("show") ?? "").split(",").filter((name) => $$(".counts button").some((button) => button.dataset.outcome === name)));
  view.test = given.get("test") ?? null;
  view.execution = given.get("execution") ?? null;
  apply();
  if (view.execution != null) reveal(executions.get(view.execution)?.test, view.execution);
  else if (view.test != null) reveal(tests.find((test) => test.id === view.test));
}

/** Open a test, and an execution in it, and go there. */
function reveal(test, id) {
  if (!test) return;
  test.node.hidden = false;
  test.node.open = true;
  test.node.build();
  let target = test.node;
  if (id != null) {
    target = $$(".execution", test.node).find((node) => node.dataset.id === id) ?? target;
    target.open = true;
    target.build();
  }
  $("summary", target).focus({ preventScroll: true });
  go(target);
}
/** Go to an element, and stay there while what is above it is built. */
function go(target, frames = 12) {
  target.scrollIntoView();
  if (frames) requestAnimationFrame(() => go(target, frames - 1));
}

// Matches are painted over the text; the page's elements stay as they are.
let waiting = false;
function lit() {
  if (waiting || !window.CSS?.highlights) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    CSS.highlights.delete("found");
    CSS.highlights.delete("current");
    if (!pattern) return;
    const ranges = matches($("#tests"));
    CSS.highlights.set("found", new Highlight(...ranges));
  });
}
function matches(root) {
  const ranges = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) =>
    (node.parentElement.closest("[hidden], button, select, .test:is(.failed, .error)[open] .why, .took, .hits, .worker, .legend, .axis") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
  for (let node = walker.nextNode(); node && ranges.length < RANGES; node = walker.nextNode()) {
    for (const found of node.data.matchAll(pattern)) {
      const range = new Range();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      ranges.push(range);
    }
  }
  return ranges;
}

let step = -1;
function next(by) {
  const found = tests.filter((test) => !test.node.hidden && test.hits);
  if (!found.length) return;
  step = (step + by + found.length) % found.length;
  const test = found[step];
  test.node.open = true;
  test.node.build();
  for (const node of $$(".execution", test.node).filter((one) => test.found.has(one.dataset.id)).slice(0, 3)) {
    node.open = true;
    node.build();
    node.reveal(pattern);
  }
  result.textContent = `test ${step + 1} of ${found.length}`;
  test.node.scrollIntoView();
  const range = matches(test.node).find((one) => one.getClientRects().length);
  if (range) {
    range.startContainer.parentElement.scrollIntoView({ block: "center" });
    requestAnimationFrame(() => requestAnimationFrame(() => window.CSS?.highlights?.set("current", new Highlight(range))));
  }
}

function theme() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  let kept = null;
  try { kept = localStorage.getItem("pytest-kestra-theme"); } catch { /* no storage here */ }
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  const button = el("button", { class: "theme", type: "button", onclick: () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("pytest-kestra-theme", root.dataset.theme); } catch { /* no storage here */ }
    name();
  } });
  const name = () => { 
    const other = dark() ? "Light" : "Dark";
    button.replaceChildren(dark() ? "☀" : "☾", el("span", {}, ` ${other}`));
    button.setAttribute("aria-label", `${other} colours`);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
  return button;
}

let typing;
field.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { view.q = field.value.trim(); view.test = view.execution = null; step = -1; apply(); }, 120);
});
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter") { event.preventDefault(); next(event.shiftKey ? -1 : 1); }
  if (event.key === "Escape") { clearTimeout(typing); view.q = field.value = ""; step = -1; apply(); field.blur(); }
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape") tip.hide();
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  event.preventDefault();
  field.focus();
  field.select();
});
addEventListener("hashchange", recall);
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  // The address keeps the search and the filters beside the test.
  event.preventDefault();
  const [name, value] = link.getAttribute("href").slice(1).split("=");
  view.test = view.execution = null;
  view[name] = decodeURIComponent(value);
  remember();
  reveal(name === "test" ? tests.find((test) => test.id === view.test) : executions.get(view.execution)?.test, view.execution);
});
addEventListener("beforeprint", () => { while (pending.size) for (const node of [...pending.keys()]) now(node); });

for (const item of $$(".counts li")) {
  const { outcome } = item.dataset;
  item.replaceChildren(el("button", { type: "button", "aria-pressed": "false", "data-outcome": outcome, title: `Show only ${outcome}`, onclick: () => {
    if (!view.show.delete(outcome)) view.show.add(outcome);
    apply();
  } }, ...item.childNodes));
}
if (tests.length > 1) {
  const place = tests.map((test) => el("i", {
    class: test.node.dataset.outcome, title: test.id ?? "", onclick: () => reveal(test),
  }));
  place.forEach((node, index) => { node.style.flexGrow = Number(tests[index].node.dataset.seconds) || 0.01; });
  $(".top").after(el("div", { class: "strip", "aria-hidden": "true" }, place));
}
$(".bar").append(el("div", { class: "search", role: "search" }, field, result), theme());
$("#tests").append(nothing);
document.body.append(tip.node);
recall();
document.documentElement.dataset.ready = "";
