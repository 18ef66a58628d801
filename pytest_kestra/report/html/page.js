"use strict";
// Everything that a run tells is put into the page as text, never as markup.
(() => {
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

  // ---- Task runs over time ---------------------------------------------------------------------------------------

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
    const all = [execution.start, execution.end, execution.read].map(instant);
    for (const item of [execution, ...list(execution.tasks)]) {
      all.push(instant(item.start), instant(item.end), ...changes(item).map(([, at]) => at));
    }
    const running = !FINAL.has(execution.state);
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

  // ---- Logs ------------------------------------------------------------------------------------------------------

  function logs(execution, clear) {
    const entries = list(execution.logs);
    const start = bounds(execution)?.start;
    const rank = (entry) => LEVELS.indexOf(entry.level);
    const filter = { least: entries.some((entry) => rank(entry) > 0) ? 1 : 0, text: "", task: null, all: false };
    const box = el("div", { class: "logs", tabindex: 0, role: "region", "aria-label": "Logs" });
    const count = el("span", { class: "soft", "aria-live": "polite" });
    const chip = el("button", { class: "chip", type: "button", hidden: true, onclick: clear });
    const levels = el("select", { "aria-label": "Least level", onchange: (event) => { filter.least = Number(event.target.value); draw(); } },
      LEVELS.map((level, index) => {
        const number = entries.filter((entry) => rank(entry) >= index || rank(entry) < 0).length;
        return el("option", { value: index, selected: index === filter.least }, index ? `${level} and above (${number})` : `all levels (${number})`);
      }));
    const section = el("section", { "aria-label": "Logs" }, el("div", { class: "part" }, el("h4", {}, "Logs"), count, chip,
      entries.length ? [el("input", {
        class: "rest", type: "search", placeholder: "Filter messages", "aria-label": "Filter log messages",
        oninput: (event) => { filter.text = event.target.value.toLowerCase(); draw(); },
      }), levels] : null));
    if (entries.length) section.append(box);

    function message(text) {
      const lines = text.split("\n");
      if (lines.length <= LONG && text.length < 8000) return el("td", {}, text);
      const cell = el("td", {}, `${lines.slice(0, LONG - 4).join("\n").slice(0, 4000)}\n`);
      cell.append(el("button", { type: "button", onclick: () => { cell.textContent = text; lit(); } },
        lines.length > LONG ? `Show all ${lines.length.toLocaleString("en")} lines` : `Show all ${plural(text.length, "character")}`));
      return cell;
    }
    function line(entry) {
      const at = instant(entry.time), known = named(entry.level ?? "");
      return el("tr", { class: known }, el("td", { title: clock(at) }, at == null || start == null ? "" : offset(at - start)),
        el("td", { class: known }, entry.level ?? ""),
        el("td", { title: entry.attempt ? `attempt ${entry.attempt + 1}` : null }, entry.task ?? "", entry.attempt > 0 ? ` #${entry.attempt + 1}` : null),
        message(clean(entry.message ?? "").replace(/\s+$/, "")));
    }
    function draw() {
      const found = entries.filter((entry) => (rank(entry) >= filter.least || rank(entry) < 0)
        && (!filter.task || (entry.run ? entry.run === filter.task.id : false))
        && (!filter.text || `${entry.task ?? ""} ${clean(entry.message ?? "")}`.toLowerCase().includes(filter.text)));
      count.textContent = !entries.length ? "none" : found.length < entries.length ? `${found.length.toLocaleString("en")} of ${plural(entries.length, "line")}` : plural(entries.length, "line");
      chip.hidden = !filter.task;
      if (filter.task) chip.replaceChildren(label(filter.task), el("span", { "aria-hidden": "true" }, "✕"), el("span", { class: "only-read" }, "show all tasks"));
      const cut = !filter.all && found.length > LINES;
      const rows = (cut ? [...found.slice(0, 200), null, ...found.slice(200 - LINES)] : found).map((entry) => (entry ? line(entry)
        : el("tr", {}, el("td", { colspan: 4 }, el("button", { type: "button", class: "more", onclick: () => { filter.all = true; draw(); } },
          `Show ${plural(found.length - LINES, "line")} in between`)))));
      box.replaceChildren(found.length ? el("table", {}, el("thead", {}, el("tr", {}, ["time", "level", "task", "message"].map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, rows)) : el("p", { class: "note" }, "No line is like this."));
      lit();
    }
    section.of = (task) => { filter.task = task; draw(); };
    section.reveal = (pattern) => {
      // A match must not hide behind the level.
      const hidden = entries.some((entry) => rank(entry) >= 0 && rank(entry) < filter.least && tally(pattern, clean(entry.message ?? "")));
      if (hidden && !entries.some((entry) => rank(entry) >= filter.least && tally(pattern, clean(entry.message ?? "")))) {
        levels.value = filter.least = 0;
        draw();
      }
    };
    if (entries.length) draw();
    else count.textContent = "none";
    return section;
  }

  // ---- Executions ------------------------------------------------------------------------------------------------

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

  // ---- Tests, built when they are looked at ----------------------------------------------------------------------

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

  // ---- Search and filters, which the address keeps ---------------------------------------------------------------

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
    place.forEach((node, index) => { node.style.flexGrow = parseFloat($("summary > .took", tests[index].node).textContent) || 0.01; });
    $(".top").after(el("div", { class: "strip", "aria-hidden": "true" }, place));
  }
  $(".bar").append(el("div", { class: "search", role: "search" }, field, result), theme());
  $("#tests").append(nothing);
  document.body.append(tip.node);
  recall();
  document.documentElement.dataset.ready = "";
})();
