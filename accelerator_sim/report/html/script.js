"use strict";
(() => {
  const root = document.documentElement;
  const find = (id) => document.getElementById(id);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  root.classList.add("js");

  // --- light and dark: what the system prefers, until the button is pressed
  const theme = find("theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const showTheme = () => theme.setAttribute("aria-pressed", String(isDark()));
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    showTheme();
  });
  prefersDark.addEventListener("change", showTheme);
  showTheme();

  // --- tooltips: titles become one tooltip that the keyboard also reaches
  for (const title of all("svg title")) {
    const owner = title.parentElement;
    if (owner.matches(".row")) owner.dataset.tip = title.textContent;
    else owner.setAttribute("aria-label", title.textContent);
    title.remove();
  }
  const tip = find("tip");
  let tipScroll = 0;
  const hideTip = () => { tip.hidden = true; };
  function showTip(row, x, y) {
    if (tip.hidden || tip.textContent !== row.dataset.tip) tip.textContent = row.dataset.tip;
    tip.hidden = false;
    tipScroll = scrollY;
    const box = tip.getBoundingClientRect();
    const left = x + 14 + box.width > innerWidth ? x - 14 - box.width : x + 14;
    const top = y + 14 + box.height > innerHeight ? y - 14 - box.height : y + 14;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, top)}px`;
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
  document.addEventListener("scroll", () => { if (Math.abs(scrollY - tipScroll) > 8) hideTip(); }, { passive: true });

  // --- charts: one stop of the tab key each; arrows walk its rows, Enter chooses
  for (const drawing of all("[data-walk]")) {
    const fixed = all(".row", drawing);
    if (!fixed.length) continue;
    let at = 0, rows = fixed;
    const leave = () => rows.forEach((row) => row.classList.remove("active"));
    function visit(index) {
      leave();
      const front = all(".row.front", drawing);  // of many points those that matter
      rows = front.length ? front : fixed;
      at = Math.min(Math.max(index, 0), rows.length - 1);
      rows[at].classList.add("active");
      rows[at].scrollIntoView({ block: "nearest", behavior: "instant" });
      // after the scrolling of the browser itself, which would hide the tooltip
      requestAnimationFrame(() => requestAnimationFrame(() => {
        if (document.activeElement !== drawing) return;
        const mark = rows[at].querySelector(".mark, .bar") || rows[at];
        const box = mark.getBoundingClientRect();
        showTip(rows[at], box.left + Math.min(box.width, 40), box.top + box.height / 2);
      }));
    }
    drawing.tabIndex = 0;
    drawing.setAttribute("role", "group");
    drawing.setAttribute("aria-label", `${drawing.dataset.walk}. Arrow keys walk, Enter chooses, Escape closes the tooltip.`);
    let pressed = false;
    drawing.addEventListener("pointerdown", () => { pressed = true; });
    drawing.addEventListener("focus", () => {
      if (!pressed) visit(at);
      pressed = false;
    });
    drawing.addEventListener("blur", () => { leave(); hideTip(); });
    drawing.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
      if (step !== undefined) visit(step === -Infinity ? 0 : step === Infinity ? rows.length - 1 : at + step);
      else if (event.key === "Enter" || event.key === " ") goTo(rows[Math.min(at, rows.length - 1)].dataset.key);
      else return;
      event.preventDefault();
    });
    drawing.addEventListener("pointermove", (event) => {
      const row = event.target.closest(".row");
      if (row) showTip(row, event.clientX, event.clientY);
      else hideTip();
    });
    drawing.addEventListener("pointerleave", hideTip);
    drawing.addEventListener("click", (event) => {
      pressed = false;
      const row = event.target.closest(".row");
      if (row) goTo(row.dataset.key);
    });
  }
  for (const button of all(".shares")) {
    button.addEventListener("click", () => {
      const on = button.closest(".chart").classList.toggle("share");
      button.setAttribute("aria-pressed", String(on));
    });
  }

  // --- a chart as a file: a copy of the drawing with the styles that it has on the page, at the size that it has here
  const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap", "stroke-dasharray",
    "opacity", "font-family", "font-size", "font-weight", "text-anchor", "display", "paint-order", "vector-effect", "transform"];
  function asFile(drawing, title) {
    const copy = drawing.cloneNode(true), box = drawing.getBoundingClientRect();
    const originals = [drawing, ...all("*", drawing)];
    [copy, ...all("*", copy)].forEach((each, at) => {
      const style = getComputedStyle(originals[at]);
      if (each !== copy) each.setAttribute("style", STYLES.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";"));
      for (const name of ["class", "data-key", "data-tip", "tabindex"]) each.removeAttribute(name);
    });
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", box.width);
    copy.setAttribute("height", box.height);
    const stripes = find("stripes").cloneNode(true);
    all("rect", stripes).forEach((rect, at) => {
      rect.setAttribute("fill", getComputedStyle(all("rect", find("stripes"))[at]).fill);
      rect.removeAttribute("class");
    });
    const made = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
    const defs = made("defs"), ground = made("rect"), named = made("title");
    defs.append(stripes);
    ground.setAttribute("width", "100%");
    ground.setAttribute("height", "100%");
    ground.setAttribute("fill", getComputedStyle(drawing.closest("section")).backgroundColor);
    named.textContent = title;
    copy.prepend(named, defs, ground);
    return new XMLSerializer().serializeToString(copy);
  }
  for (const button of all(".save")) {
    button.addEventListener("click", () => {
      const chart = button.closest(".chart"), title = chart.querySelector("h3").textContent;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([asFile(chart.querySelector(".drawing > svg"), title)], { type: "image/svg+xml" }));
      link.download = `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.svg`;
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }

  // --- one layer: chosen by its number, which the address keeps
  const choice = find("choice");
  const panels = all(".panel");
  function choose(key) {
    for (const panel of panels) {
      const on = panel.dataset.layers.split(" ").includes(key);
      panel.classList.toggle("chosen", on);
      panel.open = on;
    }
    for (const row of all("[data-key]")) row.classList.toggle("chosen", row.dataset.key === key);
    choice.value = key;
  }
  function goTo(key) {
    if (plane) return goToPoint(key);
    if (key === undefined || !choice) return;
    const hash = `#layer-${Number(key) + 1}`;
    if (location.hash === hash) followHash();
    else location.hash = hash;
  }
  function followHash() {
    const match = /^#layer-(\d+)$/.exec(location.hash);
    if (!match || !find(match[0].slice(1))) return;
    hideTip();
    choose(String(match[1] - 1));
    find("detail").scrollIntoView();
    document.querySelector(".panel.chosen summary").focus({ preventScroll: true });
  }
  if (choice) {
    const step = (by) => {
      const key = Math.min(Math.max(Number(choice.value) + by, 0), choice.options.length - 1);
      choose(String(key));
    };
    choice.addEventListener("change", () => choose(choice.value));
    find("previous").addEventListener("click", () => step(-1));
    find("next").addEventListener("click", () => step(1));
    choose(choice.value);
    addEventListener("hashchange", followHash);
    followHash();
  }
  addEventListener("beforeprint", () => { for (const panel of panels) panel.open = true; });
  addEventListener("afterprint", () => { if (choice) choose(choice.value); });

  // --- the plane of two results: marks move to the axes that are chosen, and their front is computed again
  const plane = find("plane-data") && JSON.parse(find("plane-data").textContent);
  const points = plane ? [...find("points").tBodies[0].rows] : [];
  const marks = new Map(plane ? all("#plane .row").map((mark) => [Number(mark.dataset.key), mark]) : []);
  function goToPoint(key) {
    const row = points[key];
    for (const each of [...points, ...marks.values()]) each.classList.toggle("chosen", each === row || each.dataset.key === key);
    hideTip();
    row.hidden = false;
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "center", inline: "nearest" });
  }
  function draw(across, up, most) {
    const [left, width, top, tall] = plane.frame;
    const x = (place) => left + width * place, y = (place) => top + tall * (1 - place);
    const sign = most.map((each) => (each ? -1 : 1));
    const known = points.map((_, at) => at).filter((at) => across.ranks[at] !== null && up.ranks[at] !== null);
    const cost = (at) => [sign[0] * across.ranks[at], sign[1] * up.ranks[at]];
    known.sort((a, b) => cost(a)[0] - cost(b)[0] || cost(a)[1] - cost(b)[1] || a - b);
    const front = new Set();
    let least = Infinity, last = [];
    for (const at of known) {
      const [first, second] = cost(at);
      if (second >= least && !(first === last[0] && second === last[1])) continue;
      front.add(at);
      least = second;
      last = [first, second];
    }

    const make = (name, values, text = "") => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
      made.textContent = text;
      return made;
    };
    const ticks = [];
    for (const [place, label] of across.ticks) {
      const at = `${x(place)}%`;
      ticks.push(make("line", { class: "grid", x1: at, x2: at, y1: top, y2: top + tall }));
      ticks.push(make("text", { class: "tick middle", x: at, y: top + tall + 16 }, label));
    }
    for (const [place, label] of up.ticks) {
      ticks.push(make("line", { class: "grid", x1: `${left}%`, x2: `${left + width}%`, y1: y(place), y2: y(place) }));
      ticks.push(make("text", { class: "tick end", x: `${left - 1}%`, y: y(place), dy: 4 }, label));
    }
    document.querySelector("#plane .ticks").replaceChildren(...ticks);
    find("across-title").textContent = across.title;
    find("up-title").textContent = up.title;
    document.querySelector("#plane svg.scatter").setAttribute("aria-label", `${up.field} over ${across.field} of ${known.length} points`);

    const steps = [...front].map((at) => [across.places[at], 1 - up.places[at]]).sort((a, b) => a[0] - b[0]);
    find("edge").setAttribute("d", steps.map(([h, v], n) => (!n ? `M${h} ${v}` : most[0] ? `V${v}H${h}` : `H${h}V${v}`)).join(""));

    const names = document.querySelector("#points thead tr").cells;
    const shown = [...new Set([...plane.columns, across.column, up.column])];
    for (const mark of marks.values()) mark.toggleAttribute("hidden", true);
    const beaten = known.filter((at) => !front.has(at));
    for (const at of [...beaten, ...front]) {
      const mark = marks.get(at), kind = front.has(at) ? "front" : "beaten", [path, radius] = plane.shapes[kind];
      const cells = points[at].cells;
      mark.removeAttribute("hidden");
      mark.classList.toggle("front", kind === "front");
      mark.dataset.tip = [
        `point ${cells[0].textContent}`,
        ...shown.map((column) => `${names[column].textContent}: ${cells[column].textContent}`),
        `key: ${cells[cells.length - 1].textContent}`,
      ].join("\n");
      const place = mark.querySelector(".mark"), shape = mark.querySelector("path");
      place.setAttribute("x", `${x(across.places[at])}%`);
      place.setAttribute("y", y(up.places[at]));
      shape.setAttribute("class", `k-${kind}`);
      shape.setAttribute("d", path);
      shape.setAttribute("transform", `scale(${radius})`);
      mark.parentNode.append(mark);
    }
    const way = (axis, at) => `${most[at] ? "most" : "least"} ${axis.field}`;
    find("says").textContent = `Of ${known.length} points, ${front.size} are beaten by none in ${way(across, 0)} and ${way(up, 1)}.`;
  }
  if (plane) {
    const sides = ["across", "up"].map((side) => [find(side), find(`${side}-way`)]);
    const axis = (at) => plane.axes[sides[at][0].value];
    const redraw = () => draw(axis(0), axis(1), sides.map(([, way]) => way.value === "most"));
    sides.forEach(([result, way], at) => {
      result.addEventListener("change", () => {
        way.value = axis(at).most ? "most" : "least";
        redraw();
      });
      way.addEventListener("change", redraw);
    });
    redraw();  // a browser may have kept other choices when the page was loaded again
  }

  // --- tables: a press on a heading sorts, the other way round on the second
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      heading.replaceChildren(button);
      button.addEventListener("click", () => {
        const first = heading.classList.contains("number") ? "descending" : "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const order = heading.getAttribute("aria-sort") === first ? other : first;
        for (const each of headings) each.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        body.append(...[...rows].sort((a, b) => sign * compare(value(a, column), value(b, column))));
      });
    });
  }

  // --- the filters of a table: words that its rows hold, and values of what they are marked with
  for (const controls of all("[data-filters]")) {
    const rows = all(`#${controls.dataset.filters} tbody tr`);
    const text = controls.querySelector("input"), choices = all("select", controls);
    const shown = controls.querySelector("[role=status]");
    const apply = () => {
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of rows) {
        const content = row.textContent.toLowerCase();
        row.hidden = !(words.every((word) => content.includes(word))
          && choices.every((choice) => !choice.value || row.dataset[choice.name] === choice.value));
        count += !row.hidden;
      }
      shown.textContent = `${count} of ${rows.length} ${shown.dataset.of}`;
    };
    text.addEventListener("input", apply);
    for (const choice of choices) choice.addEventListener("change", apply);
  }
})();
