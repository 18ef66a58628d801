// Executions.

const data = JSON.parse($("#data").textContent);
const nodes = $$(".test");
const tests = list(data.tests).map((test, index) => ({ ...test, executions: list(test.executions), node: nodes[index] }));
const executions = new Map();
for (const test of tests) for (const execution of test.executions) {
  if (execution.id != null) executions.set(String(execution.id), { ...execution, test });
}

function jump(execution, text) {
  return el("a", { href: `#execution=${coded(execution.id)}` }, text);
}

/** Order executions so that what a subflow did stands below the one that called it. */
function family(all) {
  const ids = new Set(all.map((execution) => execution.id)), ordered = [], seen = new Set();
  const add = (execution, depth) => {
    if (seen.has(execution)) return;
    seen.add(execution);
    ordered.push([execution, depth]);
    if (execution.id != null) for (const child of all) if (child.parent === execution.id) add(child, depth + 1);
  };
  for (const execution of all) if (!ids.has(execution.parent) || execution.parent == null) add(execution, 0);
  for (const execution of all) add(execution, 0);
  return ordered;
}

function address(url) {
  try {
    const { protocol, href } = new URL(url);
    return protocol === "http:" || protocol === "https:" ? href : null;
  } catch { return null; }
}

function executionNode(execution, depth, open) {
  const node = el("details", { class: "execution", "data-id": execution.id, "--depth": Math.min(depth, 6), open },
    el("summary", {}, state(execution.state), el("b", { class: "mono" }, execution.flow ?? "a flow"),
      el("span", { class: "soft" }, seconds(execution.duration)), el("span", { class: "mono" }, execution.id ?? ""),
      execution.id == null ? null : el("a", {
        class: "link", href: `#execution=${coded(execution.id)}`, title: "Link to this execution", "aria-label": "Link to this execution",
      }, "#")));
  node.build = () => {
    if (node.built) return;
    node.built = true;
    node.append(executionBody(execution, node));
    lit();
  };
  node.addEventListener("toggle", () => { if (node.open) later(node, node.build); });
  if (open) later(node, node.build);
  return node;
}

function executionBody(execution, node) {
  const body = el("div", { class: "body" });
  const url = address(execution.url);
  const parent = execution.parent == null ? null : executions.get(String(execution.parent));
  const children = execution.id == null ? [] : [...executions.values()].filter((other) => other.parent === execution.id);
  const facts = [
    ["namespace", execution.namespace], ["revision", execution.revision], ["file", execution.file],
    ["called by", execution.parent == null ? null : parent ? jump(parent, parent.flow ?? parent.id) : execution.parent],
    ["started", children.length ? [children.slice(0, 12).flatMap((child) => [jump(child, child.flow ?? child.id), " ", state(child.state), " "]),
      children.length > 12 ? `and ${children.length - 12} more` : null] : null],
    ["began", clock(instant(execution.start))],
    ["page", url ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "open in Kestra") : null],
  ].filter(([, value]) => value != null && value !== "");
  body.append(el("dl", { class: "facts-of" }, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))));
  const error = execution.error;
  if (error && (error.message || error.expression)) {
    body.append(el("div", { class: "cause" }, el("b", {}, error.message ?? "An expression cannot be rendered"),
      error.expression ? el("pre", {}, error.expression) : null, error.context ? el("pre", { class: "context" }, error.context) : null));
  }
  const place = el("div");
  const chart = gantt(execution, (task, time) => {
    place.replaceChildren(...(task ? [taskRun(task, time, () => chart.clear())] : []));
    lines.of(task);
  });
  const lines = logs(execution, () => chart.clear());
  node.reveal = lines.reveal;
  body.append(chart, place, lines);
  const brief = (text) => text.replace(/\s*\n\s*/g, " ").slice(0, 160);
  for (const [title, name] of [["Inputs", "inputs"], ["Outputs", "outputs"], ["Labels", "labels"], ["Variables", "variables"], ["Trigger", "trigger"]]) {
    const text = execution[name];
    if (text) body.append(fold(title, brief(text), () => json(text)));
  }
  if (execution.source) body.append(fold("Flow", execution.file ?? "", () => source(execution)));
  return body;
}

function source(execution) {
  const worst = new Map();
  for (const task of list(execution.tasks)) if (BAD.has(task.state)) worst.set(task.task, worst.get(task.task) === "FAILED" ? "FAILED" : task.state);
  return el("pre", { class: "source", tabindex: 0 }, clean(execution.source).replace(/\n$/, "").split("\n").map((line) => {
    const id = (/^\s*(?:-\s*)?(?:\{\s*)?id:\s*["']?([\w-]+)/.exec(line) ?? [])[1];
    return el("span", { class: worst.get(id) ?? null }, line || " ");
  }));
}
