// What the rest is made of: elements, times, JSON, folds.

const FINAL = new Set(["SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "RETRIED", "SKIPPED"]);
const BAD = new Set(["FAILED", "KILLED", "WARNING", "CANCELLED"]);
const PAUSES = new Set(["PAUSED", "BREAKPOINT"]);
const RUNS = new Set(["RUNNING", "KILLING"]);
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];
const ROWS = 500; // task runs that are drawn at once
const FOLDED = 40; // a task run with more below it is folded at first
const LINES = 2000; // log lines that are shown at once
const LONG = 24; // lines of one message
const COLOURED = 50000; // characters of JSON that get colours
const RANGES = 3000; // matches that are highlighted at once

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Make an element; texts among the children become text nodes. */
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) node.style.setProperty(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false).map((child) =>
    child instanceof Node ? child : clean(child)));
  return node;
}
const clean = (text) => String(text).replace(/\x1b\[[0-9;?]*[ -\/]*[@-~]/g, "");
const coded = (text) => encodeURIComponent(String(text).replace(/[\ud800-\udfff]/gu, "\ufffd")); // halves of pairs have no code
const list = (value) => (Array.isArray(value) ? value.filter((item) => item != null) : []);
const plural = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : word.endsWith("h") ? "es" : "s"}`;
const named = (state) => (/^[A-Z_]+$/.test(state) ? state : "");

// Times are milliseconds with fractions, since Kestra tells microseconds.
function instant(text) {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(text ?? "");
  return found ? Date.parse(found[1] + (found[3] ?? "Z")) + Number(`0${found[2] ?? ""}`) * 1000 : null;
}
function span(ms) {
  if (ms == null || Number.isNaN(ms)) return "";
  if (ms > 0 && ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000), two = (number) => String(number).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} m`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds / 3600) % 24} h`;
}
const offset = (ms) => (ms == null ? "" : `${ms < 0 ? "−" : "+"}${(Math.abs(ms) / 1000).toFixed(3)} s`);
const clock = (ms) => (ms == null ? "" : new Date(ms).toISOString().replace("T", " ").replace("Z", " UTC"));
const seconds = (value) => (typeof value === "number" ? span(value * 1000) : "");
const state = (value) => el("span", { class: `state ${named(value ?? "")}` }, value ?? "no state");

const changes = (item) => list(item.history).map(([name, date]) => [String(name), instant(date)]).filter(([, at]) => at != null);
const label = (task) => (task.task ?? "a task") + (task.value == null ? "" : ` [${task.value}]`);

function copy(text, button) {
  const done = () => {
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
  const byHand = () => {
    const field = el("textarea", { class: "only-read" }, text);
    document.body.append(field);
    field.select();
    if (document.execCommand("copy")) done();
    field.remove();
    button.focus();
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, byHand);
  else byHand();
}

// JSON arrives as text, so that its numbers keep all digits.
function json(text) {
  const node = el("pre", { class: "json", tabindex: 0 });
  if (text.length > COLOURED) {
    node.append(clean(text));
    return node;
  }
  let end = 0;
  for (const found of text.matchAll(/("(?:\\.|[^"\\])*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null|NaN|-?Infinity)\b/g)) {
    node.append(text.slice(end, found.index));
    end = found.index + found[0].length;
    if (found[2]) node.append(el("span", { class: "key" }, found[1]), found[2]);
    else if (found[1]) node.append(el("span", { class: "text" }, found[1].replace(/\\n/g, (_, at) => (escaped(found[1], at) ? _ : "\n"))));
    else node.append(el("span", { class: "other" }, found[0]));
  }
  node.append(text.slice(end));
  return node;
}
function escaped(text, at) {
  let count = 0;
  while (text[at - 1 - count] === "\\") count += 1;
  return count % 2 === 1;
}

function fold(title, brief, build, open = false) {
  const node = el("details", { class: "fold" }, el("summary", {}, el("b", {}, title), brief ? el("code", {}, brief) : null));
  const show = () => { if (node.open && node.children.length === 1) { node.append(build()); lit(); } };
  node.addEventListener("toggle", show);
  if (open) { node.open = true; show(); }
  return node;
}
