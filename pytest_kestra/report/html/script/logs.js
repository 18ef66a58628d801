// Logs.

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
