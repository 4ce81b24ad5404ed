// The detail of a cell, and the overlap of attacks. Texts are copied as nodes, never parsed.
(() => {
  // ---- A cell's detail ----
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

  // ---- Overlap ----
  const overlaps = JSON.parse(document.getElementById("overlaps").textContent);
  const section = document.getElementById("overlap");
  if (!section) return;
  const [threats, defenses] = [section.querySelector(".of-threat"), section.querySelector(".of-defense")];
  const [head, body] = [section.querySelector("thead"), section.querySelector("tbody")];
  const element = (name, text, more) => Object.assign(document.createElement(name), {textContent: text, ...more});
  const show = () => {
    const {attacks, both, alone, taken} = overlaps[threats.selectedIndex].defenses[defenses.selectedIndex];
    const top = document.createElement("tr");
    top.append(element("th", "takes"), element("th", "images"), element("th", "alone"),
               ...attacks.map((name) => breakable(element("th", name))));
    head.replaceChildren(top);
    body.replaceChildren(...attacks.map((name, a) => {
      const row = document.createElement("tr");
      row.append(breakable(element("th", name)), element("td", both[a][a], {className: "plain"}),
                 element("td", alone[a], {className: "plain"}));
      attacks.forEach((other, b) => {
        if (a === b || both[a][a] === 0) {
          row.append(element("td", "—", {className: "absent"}));
          return;
        }
        const share = both[a][b] / both[a][a];
        const cell = element("td", (100 * share).toFixed(0),
                             {title: `${both[a][b]} of ${both[a][a]} images of ${name}, by ${other}`});
        cell.style.setProperty("--v", share);
        row.append(cell);
      });
      return row;
    }));
    section.querySelector(".taken").textContent = `${taken} images taken by any attack`;
  };
  const fill = (select, names) => select.replaceChildren(...names.map((name) => element("option", name)));
  const choose_threat = () => {
    fill(defenses, overlaps[threats.selectedIndex].defenses.map(({name}) => name));
    show();
  };
  fill(threats, overlaps.map(({threat}) => threat));
  threats.parentElement.hidden = overlaps.length === 1;
  threats.addEventListener("change", choose_threat);
  defenses.addEventListener("change", show);
  choose_threat();
})();
