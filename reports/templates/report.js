// Sorting of the matrices and the detail of a cell. Texts are copied as nodes, never parsed.
(() => {
  const dialog = document.getElementById("detail");
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".matrix td a");
    const entry = link && document.getElementById(link.hash.slice(1));
    if (!entry || !dialog.showModal) return;
    event.preventDefault();
    const names = entry.querySelectorAll("summary b");
    dialog.querySelector("h3").textContent = names[0].textContent + " under " + names[1].textContent;
    dialog.querySelector("p").textContent = entry.querySelector("summary span").textContent;
    dialog.querySelector("div").replaceChildren(entry.querySelector("table").cloneNode(true));
    dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  const open = () => {
    const entry = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (entry && entry.matches("details")) entry.open = true;
  };
  addEventListener("hashchange", open);
  open();

  // First click: highest first. Second: lowest first. Third: the suite's order. Cells without a
  // number stay last.
  for (const table of document.querySelectorAll(".matrix")) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const key = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    heads.forEach((head, column) => head.addEventListener("click", () => {
      const states = column === 0 ? ["ascending", "descending"] : ["descending", "ascending"];
      const state = states[states.indexOf(head.getAttribute("aria-sort")) + 1];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (state) head.setAttribute("aria-sort", state);
      const rows = [...original];
      const sign = state === "ascending" ? 1 : -1;
      if (state) rows.sort((a, b) => {
        const x = key(a, column), y = key(b, column);
        if (x === "" || y === "") return (x === "") - (y === "");
        return sign * (column === 0 ? x.localeCompare(y) : x - y);
      });
      body.append(...rows);
    }));
  }
})();
