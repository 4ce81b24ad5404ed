// Sorting: lowest first, highest first, then the order of the run. What has no number stays last.
(() => {
  for (const table of document.querySelectorAll(".sortable")) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
      const states = ["ascending", "descending"];
      const state = states[states.indexOf(head.getAttribute("aria-sort")) + 1];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (state) head.setAttribute("aria-sort", state);
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const sign = state === "descending" ? -1 : 1;
      const rows = [...original];
      if (state) rows.sort((a, b) => {
        const x = key(a), y = key(b);
        if (x === "" || y === "") return (x === "") - (y === "");
        return sign * (isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y);
      });
      body.append(...rows);
    }));
  }
})();
