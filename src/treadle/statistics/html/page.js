"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const main = document.querySelector("main");
  const cards = [...main.children];
  const orders = {
    name: (a, b) => a.dataset.name.localeCompare(b.dataset.name),
    missing: (a, b) => b.dataset.missing - a.dataset.missing,
    distance: (a, b) => b.dataset.distance - a.dataset.distance,
  };
  const filter = () => {
    const words = by("name").value.toLowerCase().split(/\s+/).filter(Boolean);
    const type = by("type").value;
    let shown = 0;
    for (const card of cards) {
      const fits = words.every((word) => card.dataset.name.includes(word)) &&
        (!type || card.dataset.type.split(" ").includes(type));
      card.hidden = !fits;
      shown += fits;
    }
    by("shown").textContent = shown + " of " + cards.length + " columns";
  };
  const sort = () => {
    const order = orders[by("sort").value];
    main.append(...(order ? [...cards].sort(order) : cards));
  };
  by("name").addEventListener("input", filter);
  by("type").addEventListener("change", filter);
  by("sort").addEventListener("change", sort);
  for (const id of ["log", "deciles"]) {
    const set = () => document.body.classList.toggle("show-" + id, by(id).checked);
    by(id).addEventListener("change", set);
    set();
  }
  filter();
  sort();
})();
