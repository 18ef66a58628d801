// Task runs over time.

/** Return the parts of a bar: waiting, running and pausing, and a mark where it ended without any of them. */
function segments(item, now) {
  const passed = changes(item);
  const start = instant(item.start), finish = instant(item.end);
  if (!passed.length) {
    if (start == null) return [];
    return [{ kind: "run", state: item.state, from: start, to: finish ?? now, open: finish == null && !FINAL.has(item.state) }];
  }
  let parts = passed.flatMap(([name, from], index) => {
    const next = passed[index + 1];
    if (!next && FINAL.has(name)) return [];
    const kind = RUNS.has(name) ? "run" : PAUSES.has(name) ? "pause" : "wait";
    const shown = kind === "run" && next && FINAL.has(next[0]) ? next[0] : kind === "run" ? item.state : name;
    return [{ kind, state: shown, from, to: next ? next[1] : Math.max(now, from), open: !next }];
  });
  const attempts = list(item.attempts).filter((attempt) => instant(attempt.start) != null);
  const runs = parts.filter((part) => part.kind === "run");
  if (attempts.length > runs.length && attempts.length > 1) {
    // All in one RUNNING: the time between attempts is waiting.
    parts = parts.map((part) => (part.kind === "run" ? { ...part, kind: "wait" } : part));
    parts.push(...attempts.map((attempt) => ({
      kind: "run", state: attempt.state, from: instant(attempt.start), to: instant(attempt.end) ?? now, open: instant(attempt.end) == null,
    })));
  }
  const last = passed[passed.length - 1];
  if (FINAL.has(last[0]) && !parts.some((part) => part.kind !== "wait")) {
    parts.push({ kind: "mark", state: last[0], from: last[1], to: last[1] });
  }
  return parts;
}

function bounds(execution) {
  const running = !FINAL.has(execution.state);
  // What has ended is read when its test is over, which may be much later.
  const all = [execution.start, execution.end, running ? execution.read : null].map(instant);
  for (const item of [execution, ...list(execution.tasks)]) {
    all.push(instant(item.start), instant(item.end), ...changes(item).map(([, at]) => at));
  }
  if (running) for (const entry of list(execution.logs)) all.push(instant(entry.time));
  let from = Infinity, to = -Infinity;
  for (const at of all) if (at != null) { from = Math.min(from, at); to = Math.max(to, at); }
  if (from > to) return null;
  const start = changes(execution)[0]?.[1] ?? instant(execution.start) ?? from;
  from = Math.min(start, from);
  to = Math.max(to, from + 1);
  // What still runs goes on beyond the last thing that is known, which may be when the execution was read.
  return { from, start, to: running && !execution.read ? to + (to - from) * 0.12 + 1 : to };
}

function ticks(total) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5,
    18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5];
  let step = steps.find((one) => total / one <= 9) ?? 864e5;
  while (total / step > 9) step *= 2;
  const text = (at) => {
    if (at === 0) return "0";
    if (step < 1000 && total < 1000) return `${Number(at.toFixed(1))} ms`;
    if (at < 60000) return `${Number((at / 1000).toFixed(3))} s`;
    return span(at).replace(/ 00 [sm]$/, "");
  };
  return { step, labels: Array.from({ length: Math.floor(total / step) + 1 }, (_, index) => [index * step, text(index * step)]) };
}

/** Return task runs in the order of their tree. */
function tree(tasks) {
  const rows = new Map(), roots = [];
  tasks.forEach((task, index) => {
    const key = task.id == null || rows.has(task.id) ? index : task.id;
    rows.set(key, { task, kids: [], below: 0, bad: BAD.has(task.state) || !FINAL.has(task.state) });
  });
  for (const row of rows.values()) {
    const parent = rows.get(row.task.parent);
    row.parent = parent && parent !== row ? parent : null;
    (row.parent ? row.parent.kids : roots).push(row);
  }
  const ordered = [], seen = new Set();
  const visit = (top) => {
    const stack = [[top, null]];
    while (stack.length) {
      const [row, above] = stack.pop();
      if (seen.has(row)) continue;
      seen.add(row);
      row.parent = above;
      row.depth = above ? above.depth + 1 : row.task.parent == null ? Number(row.task.depth) || 0 : 0;
      ordered.push(row);
      for (let index = row.kids.length - 1; index >= 0; index -= 1) stack.push([row.kids[index], row]);
    }
  };
  roots.forEach(visit);
  for (const row of rows.values()) visit(row); // those in a circle, which no root leads to
  for (let index = ordered.length - 1; index >= 0; index -= 1) {
    const { parent, below, bad } = ordered[index];
    if (parent) { parent.below += below + 1; parent.bad ||= bad; }
  }
  for (const row of ordered) row.folded = row.below > FOLDED;
  return ordered;
}

function gantt(execution, choose) {
  const tasks = list(execution.tasks);
  const time = bounds(execution);
  const section = el("section", { "aria-label": "Task runs" });
  const count = el("span", { class: "soft" });
  const head = el("div", { class: "part" }, el("h4", {}, "Task runs"), count);
  section.append(head);
  if (!time) {
    count.textContent = "no task ran";
    return section;
  }
  const total = time.to - time.from;
  const scale = ticks(total);
  const percent = (ms) => `${(ms / total) * 100}%`;
  const rows = tree(tasks);
  const whole = { task: execution, whole: true, depth: 0, below: 0 };
  const box = el("div", { class: "gantt", "--step": percent(scale.step) });
  const axis = el("div", { class: "axis", "aria-hidden": "true" }, el("div", { class: "lane" },
    scale.labels.filter(([at]) => at < total * 0.97).map(([at, text]) => {
      const tick = el("span", {}, text);
      tick.style.left = percent(at);
      return tick;
    })));
  const body = el("div", { role: "tree", "aria-label": `Task runs of ${execution.flow}` });
  box.append(axis, body);
  section.append(box);
  let chosen = null, wanted = "", limit = ROWS, shown = [];

  function lane(item) {
    return el("span", { class: "lane", "aria-hidden": "true" }, segments(item, time.to).map((part) => el("i", {
      class: `seg ${part.kind} ${named(part.state ?? "")}${part.open ? " open" : ""}`,
      "--from": percent(part.from - time.from), "--width": percent(Math.max(0, part.to - part.from)),
    })));
  }
  function took(item) {
    if (typeof item.duration === "number") return seconds(item.duration);
    const [from, to] = [instant(item.start), instant(item.end)];
    return from != null && to != null ? span(to - from) : FINAL.has(item.state) ? "" : "…";
  }
  function line(row, index) {
    const item = row.task;
    const name = row.whole ? item.flow ?? "the execution" : item.task ?? "a task";
    const attempts = list(item.attempts).length;
    const notes = [attempts > 1 ? `${attempts} attempts` : "", row.folded && row.below ? plural(row.below, "run") : ""].filter(Boolean).join(", ");
    return el("div", {
      class: `row${row.whole ? " whole" : ""}`, role: "treeitem", tabindex: index === 0 ? 0 : -1, "data-index": index,
      "aria-level": row.depth + 1, "aria-selected": String(row === chosen), "aria-expanded": row.below ? String(!row.folded) : null,
      "aria-label": [row.whole ? name : label(item), item.state, took(item), notes].filter(Boolean).join(", "),
    },
    el("span", { class: "name", "--depth": row.whole ? 0 : row.depth },
      el("span", { class: "caret", "aria-hidden": "true" }, row.below ? "▸" : ""), name,
      row.whole || item.value == null ? null : [" ", el("span", { class: "value" }, `[${item.value}]`)],
      notes ? [" ", el("small", {}, notes)] : null),
    state(item.state), lane(item), el("span", { class: "took" }, took(item)));
  }
  function visible() {
    if (wanted) return rows.filter(({ task }) => `${label(task)} ${task.state}`.toLowerCase().includes(wanted));
    return rows.filter((row) => {
      for (let above = row.parent; above; above = above.parent) if (above.folded && !row.bad) return false;
      return true;
    });
  }
  function draw(focus) {
    const all = visible();
    shown = [whole, ...all.slice(0, limit)];
    const left = all.length - limit;
    body.replaceChildren(...shown.map(line));
    $(".more", box)?.remove();
    if (left > 0) {
      box.append(el("button", { class: "more", type: "button", onclick: () => { limit += 1000; draw(); } },
        `Show ${Math.min(left, 1000).toLocaleString("en")} of ${plural(left, "more task run")}`));
    }
    const hidden = rows.length - all.length;
    count.textContent = !rows.length ? "no task ran"
      : hidden ? `${all.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown${wanted ? "" : ", the others are folded"}` : rows.length > 5 ? String(rows.length) : "";
    if (focus) at(shown.indexOf(focus));
    lit();
  }
  function at(index) {
    const target = body.children[Math.max(0, Math.min(index, body.children.length - 1))];
    $$('.row[tabindex="0"]', body).forEach((row) => row.setAttribute("tabindex", "-1"));
    target.setAttribute("tabindex", "0");
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "nearest" });
  }
  function toggle(row, folded) {
    if (!row.below || row.folded === folded) return;
    row.folded = folded;
    draw(row);
  }
  function select(row) {
    chosen = row === chosen || row.whole ? null : row;
    $$(".row", body).forEach((node, index) => node.setAttribute("aria-selected", String(shown[index] === chosen)));
    tip.hide();
    choose(chosen?.task ?? null, time);
  }
  function told(row) {
    const item = row.task;
    const lines = changes(item);
    const dates = lines.length ? lines : [["start", instant(item.start)], ["end", instant(item.end)]].filter(([, when]) => when != null);
    return [
      el("div", {}, el("b", {}, row.whole ? item.flow : label(item)), " ", state(item.state), " ", took(item)),
      row.whole || !item.type ? null : el("div", { class: "soft" }, item.type),
      el("table", { class: "times" }, dates.map(([name, when], index) => el("tr", {}, el("th", {}, name),
        el("td", {}, offset(when - time.start)),
        el("td", {}, dates[index + 1] ? span(dates[index + 1][1] - when) : ""),
        el("td", {}, clock(when).slice(11))))),
    ];
  }
  const rowOf = (event) => shown[event.target.closest(".row")?.dataset.index];

  body.addEventListener("click", (event) => {
    const row = rowOf(event);
    if (!row) return;
    if (event.target.closest(".caret") && row.below) toggle(row, !row.folded);
    else { at(shown.indexOf(row)); select(row); }
  });
  body.addEventListener("keydown", (event) => {
    const row = rowOf(event), index = shown.indexOf(row);
    const moves = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: shown.length - 1 };
    if (!row || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in moves) at(moves[event.key]);
    else if (event.key === "ArrowRight") toggle(row, false);
    else if (event.key === "ArrowLeft") { if (row.below && !row.folded) toggle(row, true); else if (row.parent) at(shown.indexOf(row.parent)); }
    else if (event.key === "Enter" || event.key === " ") select(row);
    else return;
    event.preventDefault();
  });
  body.addEventListener("pointermove", (event) => {
    const row = rowOf(event);
    if (row && event.pointerType === "mouse") tip.show(row, () => told(row), event.clientX + 14, event.target.closest(".row").getBoundingClientRect());
  });
  body.addEventListener("pointerleave", tip.hide);
  body.addEventListener("focusin", (event) => {
    const row = rowOf(event);
    if (row && event.target.matches(":focus-visible")) {
      const place = event.target.getBoundingClientRect();
      tip.show(row, () => told(row), place.left + place.width / 3, place);
    }
  });
  body.addEventListener("focusout", tip.hide);
  box.addEventListener("scroll", tip.hide, { passive: true });

  if (rows.length > 25) {
    head.append(el("input", {
      class: "rest", type: "search", placeholder: "Filter by task, value, state", "aria-label": "Filter task runs",
      oninput: (event) => { wanted = event.target.value.trim().toLowerCase(); limit = ROWS; draw(); },
    }));
  }
  draw();
  if (rows.length) {
    const kinds = new Set(rows.concat(whole).flatMap((row) => segments(row.task, time.to).map((part) => part.kind + (part.state === "FAILED" ? " FAILED" : ""))));
    const sign = (kind, name) => el("span", {}, el("i", { "aria-hidden": "true" }, el("i", { class: `seg ${kind}`, "--from": "0%", "--width": "100%" })), name);
    section.append(el("div", { class: "legend" },
      sign("wait", "created, queued, to be retried"), sign("run SUCCESS", "running"),
      kinds.has("pause") && sign("pause", "paused"), kinds.has("run FAILED") && sign("run FAILED", "failed"),
      !FINAL.has(execution.state) && sign("run RUNNING open", "when this was read, it had not ended")));
  }
  section.clear = () => { if (chosen) select(chosen); };
  return section;
}

const tip = (() => {
  const node = el("div", { class: "tip", role: "tooltip", hidden: true });
  let shown = null;
  return {
    node,
    show(key, build, x, row) {
      if (shown !== key) {
        shown = key;
        node.replaceChildren(...build().filter(Boolean));
        node.hidden = false;
      }
      const { offsetWidth: width, offsetHeight: height } = node;
      const below = row.bottom + 8 + height < innerHeight;
      node.style.translate = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px ${below ? row.bottom + 8 : Math.max(8, row.top - height - 8)}px`;
    },
    hide() { shown = null; node.hidden = true; },
  };
})();

/** Tell one task run: when it changed its state, its attempts, what it made. */
function taskRun(task, time, close) {
  const attempts = list(task.attempts);
  const child = executions.get(String((/"executionId": "([^"]+)"/.exec(task.outputs ?? "") ?? [])[1]));
  const times = (lines) => el("table", { class: "times" }, lines.map(([name, when, more]) => el("tr", {}, el("th", {}, name),
    el("td", {}, offset(when - time.start)), el("td", {}, clock(when).slice(11)), el("td", {}, more ?? ""))));
  return el("div", { class: "chosen" },
    el("header", {}, el("h4", { class: "mono" }, label(task)), state(task.state), el("span", { class: "soft mono" }, task.type ?? ""),
      child ? jump(child, "its execution") : null,
      el("button", { class: "small", type: "button", onclick: close }, "Close")),
    el("div", {}, el("h5", {}, "States"), times(changes(task)),
      attempts.length > 1 ? [el("h5", {}, plural(attempts.length, "attempt")), times(attempts.map((attempt, index) => {
        const [from, to] = [instant(attempt.start), instant(attempt.end)];
        return [`${index + 1} ${attempt.state}`, from, to == null ? "" : span(to - from)];
      }))] : null),
    el("div", {}, el("h5", {}, "Outputs"), task.outputs ? json(task.outputs) : el("span", { class: "soft" }, "none")));
}
