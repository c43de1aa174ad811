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

  // --- tooltips: titles become one tooltip that the keyboard reaches, too
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
    const rows = all(".row", drawing);
    if (!rows.length) continue;
    let at = 0;
    const leave = () => rows.forEach((row) => row.classList.remove("active"));
    function visit(index) {
      at = Math.min(Math.max(index, 0), rows.length - 1);
      leave();
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
      else if (event.key === "Enter" || event.key === " ") goTo(rows[at].dataset.key);
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
