(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // -- charts: the theme comes from the page's own colours, and follows them
  function themed(value, theme) {
    if (typeof value === "string" && value[0] === "@") return theme[value] ?? value;
    if (Array.isArray(value)) return value.map((one) => themed(one, theme));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, key === "values" ? one : themed(one, theme)]));
    return value;
  }
  function draw() {
    const ink = colour("--ink"), soft = colour("--soft"), line = colour("--line");
    const theme = { "@ink": ink, "@on-strong": dark.matches ? "#131417" : "#ffffff",
      "@diverging": [colour("--c1"), colour("--mid"), colour("--c0")] };
    const font = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
    const config = { background: null, font, view: { stroke: null },
      axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12,
        titleFontSize: 12, titleFontWeight: "normal", labelOverlap: "greedy", gridOpacity: 0.7 },
      legend: { labelColor: ink, labelFontSize: 12.5, symbolType: "circle" },
      range: { category: [0, 1, 2, 3, 4, 5].map((i) => colour("--c" + i)) } };
    for (const place of document.querySelectorAll("[data-chart]")) {
      const spec = themed(data.charts[place.dataset.chart], theme);
      window.vegaEmbed(place, spec, { config, renderer: "svg", actions: false,
        tooltip: { theme: dark.matches ? "dark" : "light" } }).catch((error) => { place.textContent = String(error); });
    }
  }
  draw();
  dark.addEventListener("change", draw);

  // -- samples
  const list = document.getElementById("list");
  if (!list) return;
  const form = document.getElementById("filters"), pane = document.getElementById("sample");
  const samples = data.samples;
  const make = (tag, props = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), props);
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };
  const shown = (value) => value === null || value === undefined ? "–" : Number.isInteger(value) ? String(value) : value.toFixed(3);
  const values = (pick) => [...new Set(samples.map(pick).filter((one) => one !== undefined && one !== null && one !== ""))];
  const byNumber = (a, b) => (isNaN(a) || isNaN(b) ? String(a).localeCompare(String(b)) : a - b);
  const kindOf = (one) => one.about.qtype ?? one.about.data_source ?? one.about.instruction_type;

  function choices(name, first, options) {
    const select = form.elements[name];
    if (!options.length) { select.hidden = true; select.remove(); return; }
    select.append(...[["", first], ...options].map(([value, text]) => make("option", { value, textContent: text })));
  }
  const count = (test) => samples.filter(test).length;
  choices("view", "All samples", Object.entries(data.views).filter(([view]) => count((one) => one.views.includes(view)))
    .map(([view, text]) => [view, text[0].toUpperCase() + text.slice(1)]));
  choices("status", "Any status", values((one) => one.status).length > 1 ? values((one) => one.status).map((one) => [one, one]) : []);
  const parts = [...new Set(samples.flatMap((one) => Object.keys(one.parts)))];
  choices("part", "Any part", parts.flatMap((one) => [["-" + one, "low " + one], ["+" + one, "high " + one]]));
  const steps = values((one) => one.step).sort(byNumber);
  choices("step", "Any step", steps.length > 1 ? steps.map((one) => [String(one), "step " + one]) : []);
  const kinds = values(kindOf);
  choices("kind", "Any kind", kinds.length > 1 ? kinds.sort().map((one) => [one, one]) : []);
  const files = values((one) => one.file);
  choices("file", "Any file", files.length > 1 ? files.map((one) => [one, one]) : []);
  choices("order", "In file order", [["high", "Highest first"], ["low", "Lowest first"], ["long", "Longest first"]]);

  let found = [], at = 0;
  const get = (name) => form.elements[name]?.value ?? "";
  function filter() {
    const words = get("text").toLowerCase().split(/\s+/).filter(Boolean);
    const part = get("part");
    found = samples.filter((one) => {
      const text = [one.prompt, one.completion, one.reference, one.note, ...Object.values(one.about)].join("\n").toLowerCase();
      return words.every((word) => text.includes(word)) && (!get("view") || one.views.includes(get("view")))
        && (!get("status") || one.status === get("status")) && (!get("step") || String(one.step) === get("step"))
        && (!get("kind") || kindOf(one) === get("kind")) && (!get("file") || one.file === get("file"))
        && (!part || (part.slice(1) in one.parts && (one.parts[part.slice(1)] >= 0.5) === (part[0] === "+")));
    });
    const worth = { high: (one) => -(one.score ?? -Infinity), low: (one) => one.score ?? Infinity, long: (one) => -(one.characters ?? 0) }[get("order")];
    if (worth) found.sort((a, b) => worth(a) - worth(b));
    document.getElementById("found").textContent = `${found.length} of ${samples.length} samples`;
    list.replaceChildren(...found.map((one, i) => {
      const line = one.completion.trim().split("\n").pop() || one.note || one.prompt.slice(0, 200) || "–"; // the end says most
      const meta = [files.length > 1 ? one.file : null, `row ${one.row}` + (one.sample ? `.${one.sample}` : ""), one.step !== null && one.step !== undefined ? `step ${one.step}` : null, kindOf(one),
        one.status === "scored" ? null : one.status].filter(Boolean).join(" · ");
      const item = make("li", { id: "s" + i }, make("span", { className: "value", textContent: shown(one.score) }),
        make("span", { className: "line", textContent: line }), make("span", { className: "meta", textContent: meta }));
      item.setAttribute("role", "option");
      item.addEventListener("click", () => select(i));
      return item;
    }));
    select(0, false);
  }
  function marked(text) {
    const words = get("text").split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    if (!words.length) return [text];
    return text.split(new RegExp(`(${words.join("|")})`, "gi")).map((piece, i) => (i % 2 ? make("mark", { textContent: piece }) : piece));
  }
  function block(title, text) {
    return text ? make("div", {}, make("h3", { textContent: title }), make("pre", { tabIndex: 0 }, ...marked(text))) : null;
  }
  const allowed = new Set(["TABLE", "THEAD", "TBODY", "TR", "TD", "TH", "B", "I", "STRONG", "EM", "SUB", "SUP", "BR"]);
  function cleaned(node) { // a copy with the markup of tables alone: what a model wrote must not run here
    if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
    const inside = [...node.childNodes].map(cleaned);
    const copy = allowed.has(node.nodeName) ? document.createElement(node.nodeName) : document.createDocumentFragment();
    for (const name of ["rowspan", "colspan"]) if (copy.setAttribute && node.getAttribute?.(name)) copy.setAttribute(name, node.getAttribute(name));
    copy.append(...inside);
    return copy;
  }
  function drawn(title, html) {
    if (!html) return null;
    const table = new DOMParser().parseFromString(html, "text/html").querySelector("table");
    return table ? make("div", { className: "drawn" }, make("h3", { textContent: title }), cleaned(table)) : null;
  }
  function select(i, scroll = true) {
    list.querySelector("[aria-selected=true]")?.removeAttribute("aria-selected");
    at = Math.max(0, Math.min(i, found.length - 1));
    const one = found[at];
    if (!one) { pane.replaceChildren(make("p", { className: "soft", textContent: "No sample fits these filters." })); return; }
    const item = list.children[at];
    item.setAttribute("aria-selected", "true");
    list.setAttribute("aria-activedescendant", item.id);
    if (scroll) item.scrollIntoView({ block: "nearest" });
    const numbers = Object.entries(one.parts);
    const bars = make("div", { className: "bars" });
    for (const [name, value] of numbers) {
      const inside = make("span");
      inside.style.width = `${100 * Math.max(0, Math.min(1, value))}%`;
      bars.append(make("span", { textContent: name }), make("span", { className: "rail" }, inside), make("span", { className: "n", textContent: shown(value) }));
    }
    const about = [...Object.entries(one.about), ["row", one.row], ["sample", one.sample], ["step", one.step], ["characters", one.characters]]
      .filter(([, value]) => value !== null && value !== undefined).map(([name, value]) => `${name} ${value}`).join(" · ");
    const explanation = one.explanation ? make("div", {}, make("h3", { textContent: "How the score came about" }), make("div", { className: "explanation scroll", innerHTML: one.explanation })) : null;
    pane.replaceChildren(...[
      make("div", { className: "top" }, make("b", { textContent: shown(one.score) }), make("span", { className: "tag " + one.status, textContent: one.status }),
        one.note ? make("span", { className: "note", textContent: one.note }) : null),
      make("p", { className: "soft", textContent: about }),
      numbers.length ? bars : null,
      explanation,
      one.table || one.reference_table ? make("div", { className: "both" }, drawn("Table of the completion", one.table), drawn("Table of the reference", one.reference_table)) : null,
      block("Completion", one.completion), block("Reference", one.reference), block("Prompt", one.prompt),
      one.completion || one.prompt ? null : make("p", { className: "soft", textContent: "The texts are not at hand: the file that was scored has moved or changed." }),
    ].filter(Boolean));
  }
  list.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (move) { select(at + move); event.preventDefault(); }
    if (event.key === "Home" || event.key === "End") { select(event.key === "Home" ? 0 : found.length - 1); event.preventDefault(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) { form.elements.text.focus(); event.preventDefault(); }
  });
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
