"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);

  // Light and dark. What a reader chose is kept where the browser allows it.
  const theme = one("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = (value) => {
    try {
      if (value === undefined) return localStorage.getItem("theme");
      localStorage.setItem("theme", value);
    } catch { /* a browser may forbid storage to a file */ }
    return null;
  };
  const dark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const label = () => {
    theme.textContent = dark() ? "light" : "dark";
    theme.setAttribute("aria-label", `Switch to ${theme.textContent} colours`);
  };
  if (["light", "dark"].includes(kept())) document.documentElement.dataset.theme = kept();
  theme.hidden = false;
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    kept(document.documentElement.dataset.theme);
    label();
  });
  system.addEventListener("change", label);
  label();

  // What a screen reader, and for a moment everybody, is told.
  const said = one("said");
  let silence = 0;
  const say = (text) => {
    said.textContent = text;
    clearTimeout(silence);
    silence = setTimeout(() => { said.textContent = ""; }, 2500);
  };

  // Evidence opens in a dialog; its content is moved there and back.
  const dialog = one("shown");
  let home = null;
  const open = (id) => {
    const place = one(id);
    if (!place || !place.matches("details.evidence") || dialog.open) return false;
    home = place;
    one("shown-name").textContent = place.querySelector("summary").textContent;
    one("shown-body").replaceChildren(place.querySelector(".evidence-body"));
    dialog.showModal();
    dialog.scrollTop = 0;
    return true;
  };
  dialog.addEventListener("close", () => {
    home.append(one("shown-body").firstElementChild);
    home = null;
  });
  one("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-evidence]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && open(link.hash.slice(1))) {
      event.preventDefault();
    }
  });
  if (location.hash) open(location.hash.slice(1));

  // The two views of the map of verdicts.
  const map = document.querySelector("table.map");
  for (const views of all("fieldset.views")) {
    views.hidden = false;
    views.addEventListener("change", (event) => { map.dataset.view = event.target.value; });
  }

  // Arrow keys walk over the map.
  if (map) map.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const cell = event.target.closest("td");
    if (!step || !cell) return;
    event.preventDefault();
    const rows = all("tr:not(.group)", map).filter((row) => row.querySelector("td"));
    const row = rows[rows.indexOf(cell.parentElement) + step[0]];
    const next = row && row.cells[cell.cellIndex + step[1]];
    const link = next && all("a.cell", next).find((own) => own.checkVisibility());
    if (link) link.focus();
  });

  // Tables: sorted by a column, filtered by words.
  const figure = (text) => {
    const found = text.replaceAll("−", "-").replaceAll(",", "").match(/[-+]?\d+(\.\d+)?(e[-+]?\d+)?/i);
    return found ? Number(found[0]) : NaN;
  };
  const sort = (table, column, ascending) => {
    const body = table.tBodies[0];
    const numeric = table.tHead.rows[0].cells[column].classList.contains("n");
    const text = (row) => row.cells[column].textContent.trim();
    const key = numeric ? (row) => figure(text(row)) : text;
    const order = (a, b) => {
      if (numeric && (Number.isNaN(a) || Number.isNaN(b))) return Number.isNaN(a) - Number.isNaN(b);
      const way = numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
      return ascending ? way : -way;
    };
    const rows = [...body.rows].map((row) => [key(row), row]);
    rows.sort((a, b) => order(a[0], b[0]));
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of all("table.sortable")) {
    all("th", table.tHead).forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const ascending = head.getAttribute("aria-sort") !== "ascending";
        for (const other of all("th[aria-sort]", table.tHead)) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sort(table, column, ascending);
      });
    });
  }
  for (const input of all(".filter input")) {
    const sheet = input.closest(".sheet");
    const rows = [...sheet.querySelector("tbody").rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row, i) => { row.hidden = !words.every((word) => texts[i].includes(word)); });
      const left = rows.filter((row) => !row.hidden).length;
      sheet.querySelector(".count").textContent =
        left === rows.length ? `${left} rows` : `${left} of ${rows.length} rows`;
    });
  }

  // A trial's key copies the command that reproduces it.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { /* a file may have no clipboard; the old way is left */ }
    const field = document.createElement("textarea");
    field.value = text;
    (dialog.open ? dialog : document.body).append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const { before, behind } = document.body.dataset;
    const command = before + button.dataset.trial + behind;
    say((await copy(command)) ? `Copied: ${command}` : command);
    button.focus();
  });

  // On paper everything but the evidence is open.
  addEventListener("beforeprint", () => {
    for (const details of all("main details:not(.evidence)")) details.open = true;
  });
})();
