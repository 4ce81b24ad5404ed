// What every page can do: its theme, tables that sort and filter, the keyboard. Texts are compared
// and copied, never parsed.

// Long names in heads break after marks like "_" and "=", not inside of words.
const breakable = (head) => {
  for (const node of [...head.childNodes]) {
    if (node.nodeType === Node.ELEMENT_NODE) breakable(node);
    if (node.nodeType !== Node.TEXT_NODE) continue;
    const pieces = node.data.split(/(?<=[_/,=:;(\[)\]+])(?=[^\s_/,=:;(\[)\]+])/);
    node.replaceWith(...pieces.flatMap((piece, i) => i ? [document.createElement("wbr"), piece] : [piece]));
  }
  return head;
};

(() => {
  for (const head of document.querySelectorAll(".heat th, .cost th")) breakable(head);

  // ---- Theme ----
  const root = document.documentElement;
  const themes = ["auto", "light", "dark"];
  const remembered = (value) => {
    try {  // a page from a file may have no storage
      if (value === undefined) return localStorage.getItem("gauntlet-theme");
      localStorage.setItem("gauntlet-theme", value);
    } catch { return null; }
  };
  const button = document.getElementById("theme");
  const show = (theme) => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    if (button) button.querySelector("span").textContent = theme;
    dispatchEvent(new Event("themechange"));
  };
  let theme = themes.includes(remembered()) ? remembered() : "auto";
  const next_theme = () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    remembered(theme);
    show(theme);
  };
  show(theme);
  button?.addEventListener("click", next_theme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(theme));

  // ---- Sorting: a button in a head. One order, the other, then that of the run. ----
  // data-first of the head: which comes first. Cells without a value stay last.
  for (const table of document.querySelectorAll(".sortable")) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
      const states = head.dataset.first === "descending" ? ["descending", "ascending"]
                                                         : ["ascending", "descending"];
      const state = states[states.indexOf(head.getAttribute("aria-sort")) + 1];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (state) head.setAttribute("aria-sort", state);
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const sign = state === "descending" ? -1 : 1;
      const rows = [...original];
      if (state) rows.sort((a, b) => {
        const x = key(a), y = key(b);
        if (x === "" || y === "") return (x === "") - (y === "");
        return sign * (isNaN(x) || isNaN(y) ? x.localeCompare(y, undefined, {numeric: true}) : x - y);
      });
      body.append(...rows);
    }));
  }

  // ---- Filters. All words must be there; a word after - must not. ----
  const wanted = (text, filter) => {
    const lower = text.toLowerCase();
    return filter.toLowerCase().split(/\s+/).filter(Boolean).every((word) =>
      word.length > 1 && word[0] === "-" ? !lower.includes(word.slice(1)) : lower.includes(word));
  };
  const inputs = [...document.querySelectorAll("[data-rows-of], [data-columns-of], [data-cells-of]")];
  const name_of = (row) =>
    [...row.querySelectorAll("th, .named")].map((cell) => cell.textContent).join(" ");
  const value_for = (name, table) => {
    const input = inputs.find((each) => each.dataset[name] && table.matches(each.dataset[name]));
    return input ? input.value : "";
  };
  const filter = (table) => {
    const rows = value_for("rowsOf", table), columns = value_for("columnsOf", table),
          cells = value_for("cellsOf", table);
    const body = [...table.tBodies[0].rows];
    const shown = body.map((row) => wanted(name_of(row), rows) &&
      (!cells || row.querySelector(cells) !== null));
    body.forEach((row, i) => { row.hidden = !shown[i]; });
    if (columns === "" && !table.dataset.filtered) return;
    table.dataset.filtered = "yes";
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const hidden = head.dataset.column !== undefined && !wanted(head.textContent, columns);
      for (const row of table.rows)
        if (row.cells[column]) row.cells[column].hidden = hidden;
    });
  };
  const refilter = () => {
    for (const table of document.querySelectorAll("table"))
      if (inputs.some((input) => [input.dataset.rowsOf, input.dataset.columnsOf, input.dataset.cellsOf]
        .some((selector) => selector && table.matches(selector)))) filter(table);
  };
  for (const input of inputs)
    for (const event of ["input", "change"]) input.addEventListener(event, refilter);
  document.querySelector(".tools .reset")?.addEventListener("click", () => {
    for (const input of inputs) input.value = "";
    refilter();
  });

  // ---- What a table has beside the window is told above it ----
  const count = (number) => number === 1 ? "1 more column" : `${number} more columns`;
  for (const box of document.querySelectorAll(".scroll")) {
    const hint = Object.assign(document.createElement("p"), {className: "sideways", hidden: true});
    const [before, after] = [hint.appendChild(document.createElement("span")),
                             hint.appendChild(document.createElement("span"))];
    box.before(hint);
    const look = () => {
      const room = box.scrollWidth - box.clientWidth, at = box.scrollLeft;
      const [left, right] = [at > 1, at < room - 1];
      box.classList.toggle("hides-left", left);
      box.classList.toggle("hides-right", right);
      const frame = box.getBoundingClientRect();
      let [from, to] = [frame.left, frame.right];
      const loose = [];
      for (const cell of box.querySelector("table")?.tHead?.rows[0]?.cells ?? []) {
        if (cell.hidden) continue;
        const style = getComputedStyle(cell), place = cell.getBoundingClientRect();
        if (style.position !== "sticky") loose.push(place);
        else if (style.right !== "auto") to = Math.min(to, place.left);
        else from = Math.max(from, place.right);
      }
      const hidden_before = loose.filter((place) => place.left < from - 4).length;
      const hidden_after = loose.filter((place) => place.right > to + 4).length;
      before.textContent = left ? "← " + (hidden_before ? count(hidden_before) : "more") : "";
      after.textContent = right ? (hidden_after ? count(hidden_after) : "more") + " →" : "";
      hint.hidden = !left && !right;
    };
    let asked = false;
    const ask = () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => { asked = false; look(); });
    };
    box.addEventListener("scroll", ask, {passive: true});
    const observer = new ResizeObserver(ask);
    for (const each of [box, ...box.children]) observer.observe(each);
    look();
  }

  // ---- Copying ----
  for (const copy of document.querySelectorAll(".copy")) {
    if (!navigator.clipboard) continue;
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(copy.nextElementSibling.textContent);
      copy.textContent = "Copied";
    });
  }

  // ---- Keyboard ----
  const move = (link, rows, columns) => {
    const cell = link.closest("td"), body = [...link.closest("tbody").rows].filter((row) => !row.hidden);
    let row = body.indexOf(cell.parentElement), column = cell.cellIndex;
    for (;;) {
      row += rows;
      column += columns;
      const next = body[row]?.cells[column];
      if (!next) return;
      const target = !next.hidden && next.querySelector("a");
      if (target) return target.focus();
    }
  };
  const steps = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
  document.addEventListener("keydown", (event) => {
    const at = document.activeElement;
    const typing = at?.matches("input, select, textarea");
    if (event.key === "Escape" && at?.matches("input[type=search]")) {
      at.value = "";
      at.blur();
      return refilter();
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && inputs.length) {
      event.preventDefault();
      inputs[0].focus();
    } else if (event.key === "t") {
      next_theme();
    } else if (steps[event.key] && at?.matches(".matrix td a")) {
      event.preventDefault();
      move(at, ...steps[event.key]);
    }
  });
})();
