// Tests, built when they are looked at.

const pending = new Map();
const watcher = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) now(target);
}, { rootMargin: "600px" });
function later(node, build) {
  pending.set(node, build);
  watcher.observe(node);
}
function now(node) {
  const build = pending.get(node);
  pending.delete(node);
  watcher.unobserve(node);
  build?.();
}

for (const test of tests) {
  const { node } = test;
  const failure = $(".failure", node), command = $(".reproduce code", node);
  test.failure = failure?.textContent ?? "";
  node.build = () => {
    if (node.built) return;
    node.built = true;
    if (command) {
      const button = el("button", { class: "small", type: "button", onclick: () => copy(command.textContent, button) }, "Copy");
      command.after(button);
    }
    const place = $(".executions", node);
    const all = family(test.executions);
    const worth = all.filter(([execution]) => execution.state !== "SUCCESS").slice(0, 3);
    place.replaceWith(...(all.length ? all.map(([execution, depth]) => executionNode(execution, depth, all.length === 1 || worth.some(([one]) => one === execution)))
      : [el("p", { class: "soft executions" }, "This test started no execution.")]));
    if (failure) failure.scrollTop = Math.max(0, ($(".error", failure)?.offsetTop ?? 0) - failure.offsetTop - failure.clientHeight / 2);
    marks(test);
    lit();
  };
  node.addEventListener("toggle", () => { if (node.open) later(node, node.build); });
  if (node.open) later(node, node.build);
  if (test.executions.length) $("summary .worker", node).before(el("span", { class: "worker" }, plural(test.executions.length, "execution")));
}
