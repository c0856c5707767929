"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const canvas = byId("canvas"), pen = canvas.getContext("2d"), tip = byId("tip");
const count = data.methods[0].at.length;
const PALETTE = ["#2f6db3", "#e08214", "#3c9a55", "#b5485d", "#7b5fb3", "#1b9aa8", "#c2a20e", "#d66fa8", "#6b7f2a", "#8c5a3c"];
const RAMP = [[68, 60, 135], [47, 109, 163], [36, 148, 140], [110, 190, 90], [243, 222, 60]];
const state = { method: 0, color: -1, find: "", group: null, row: null };
const view = { x: 0, y: 0, zoom: 1 };
let at = data.methods[0].at.map((p) => p.slice()), colors = [], groups = [], visible = [], hover = null, size = [1, 1], frame = 0;

function shown(value) {
  if (value === null) return "missing";
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)).toString() : String(value);
}
function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}
function place(point) {
  const half = Math.min(size[0], size[1]) / 2 - 24;
  return [size[0] / 2 + (point[0] * view.zoom + view.x) * half, size[1] / 2 - (point[1] * view.zoom + view.y) * half];
}
function ramp(share) {
  const step = Math.min(RAMP.length - 2, Math.floor(share * (RAMP.length - 1))), part = share * (RAMP.length - 1) - step;
  return `rgb(${RAMP[step].map((low, i) => Math.round(low + (RAMP[step + 1][i] - low) * part)).join(",")})`;
}
function draw() {
  frame = 0;
  const ratio = devicePixelRatio || 1, radius = Math.max(2.2, Math.min(5, 90 / Math.sqrt(count))) * Math.min(2, Math.sqrt(view.zoom));
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, size[0], size[1]);
  for (const lit of [false, true]) {
    pen.globalAlpha = lit ? 0.82 : 0.1;
    for (let i = 0; i < count; i++) {
      if (visible[i] !== lit) continue;
      const [x, y] = place(at[i]);
      if (x < -9 || y < -9 || x > size[0] + 9 || y > size[1] + 9) continue;
      pen.fillStyle = colors[i];
      pen.beginPath(); pen.arc(x, y, radius, 0, 7); pen.fill();
    }
  }
  pen.globalAlpha = 1;
  for (const i of [state.row, hover]) {
    if (i === null) continue;
    const [x, y] = place(at[i]);
    pen.strokeStyle = getComputedStyle(document.body).color;
    pen.lineWidth = 1.8;
    pen.beginPath(); pen.arc(x, y, radius + 3, 0, 7); pen.stroke();
  }
}
function redraw() { if (!frame) frame = requestAnimationFrame(draw); }

function table(row, most) {
  const made = element("table");
  for (const column of data.columns.slice(0, most)) {
    const line = made.insertRow();
    line.append(element("th", column.name));
    line.insertCell().textContent = shown(column.values[row]);
  }
  return made;
}
function values() { return state.color < 0 ? null : data.columns[state.color].values; }
function isScale(column) {
  const kinds = new Set(column.filter((v) => v !== null).map((v) => typeof v));
  return kinds.size === 1 && kinds.has("number") && new Set(column).size > PALETTE.length;
}
function paint() {
  const legend = byId("legend"), column = values(), none = getComputedStyle(document.body).getPropertyValue("--none");
  legend.replaceChildren();
  groups = new Array(count).fill(null);
  if (column === null) { colors = new Array(count).fill(PALETTE[0]); return; }
  legend.append(element("h2", data.columns[state.color].name));
  if (isScale(column)) {
    const there = column.filter((v) => v !== null).sort((a, b) => a - b);
    const low = there[Math.floor(there.length * 0.02)], high = there[Math.ceil(there.length * 0.98) - 1];
    const share = (v) => (high > low ? Math.min(1, Math.max(0, (v - low) / (high - low))) : 0.5);
    colors = column.map((v) => (v === null ? none : ramp(share(v))));
    const bar = element("div", undefined, "scale");
    bar.style.background = `linear-gradient(90deg,${RAMP.map((c) => `rgb(${c})`).join(",")})`;
    const ends = element("div", undefined, "ends");
    ends.append(element("span", shown(low)), element("span", shown(high)));
    legend.append(bar, ends);
    return;
  }
  const counts = new Map();
  for (const v of column) counts.set(v, (counts.get(v) || 0) + 1);
  const order = [...counts].filter(([v]) => v !== null).sort((a, b) => b[1] - a[1]);
  const own = new Map(order.slice(0, PALETTE.length).map(([v], i) => [v, PALETTE[i]]));
  const rest = order.slice(PALETTE.length);
  colors = column.map((v) => own.get(v) || none);
  groups = column.map((v) => (v === null ? "missing" : own.has(v) ? `=${v}` : "others"));
  const entry = (key, name, color, number) => {
    const button = element("button"), dot = element("i");
    button.type = "button";
    dot.style.background = color;
    button.setAttribute("aria-pressed", state.group === key);
    button.append(dot, element("span", name), element("small", number.toLocaleString("en")));
    button.addEventListener("click", () => { state.group = state.group === key ? null : key; update(); });
    legend.append(button);
  };
  for (const [v, number] of order.slice(0, PALETTE.length)) entry(`=${v}`, shown(v), own.get(v), number);
  if (rest.length) entry("others", `${rest.length} others`, none, rest.reduce((sum, [, number]) => sum + number, 0));
  if (counts.has(null)) entry("missing", "missing", none, counts.get(null));
}
function select() {
  const wanted = state.find.trim().toLowerCase(), cut = wanted.indexOf("=");
  const exactly = cut < 0 ? undefined : data.columns.find((c) => c.name.toLowerCase() === wanted.slice(0, cut).trim());
  const holds = (c, i) => (exactly ? shown(c.values[i]).toLowerCase() === wanted.slice(cut + 1).trim()
    : shown(c.values[i]).toLowerCase().includes(wanted));
  visible = [];
  for (let i = 0; i < count; i++) {
    const named = !wanted || (exactly ? [exactly] : data.columns).some((c) => holds(c, i));
    visible.push(named && (state.group === null || groups[i] === state.group));
  }
  const lit = visible.filter(Boolean).length;
  byId("found").textContent = wanted || state.group !== null ? `${lit.toLocaleString("en")} of ${count.toLocaleString("en")}` : "";
}
function keep() {
  const hash = new URLSearchParams({ method: data.methods[state.method].key });
  if (state.color >= 0) hash.set("color", data.columns[state.color].name);
  for (const name of ["find", "row"]) if (state[name] !== null && state[name] !== "") hash.set(name, state[name]);
  try { history.replaceState(null, "", `#${hash}`); } catch { /* a frame in a notebook has no address */ }
}
function update() {
  for (const [i, button] of [...byId("methods").children].entries()) button.setAttribute("aria-pressed", i === state.method);
  byId("color").value = String(state.color);
  paint(); select(); keep();
  const panel = byId("row");
  panel.replaceChildren(...(state.row === null
    ? [element("p", "Click a point to keep its values here.", "soft")] : [element("h2", `Row ${state.row}`), table(state.row)]));
  redraw();
}
function move(method, instantly) {
  state.method = method;
  const from = at, to = data.methods[method].at, began = performance.now();
  if (instantly || matchMedia("(prefers-reduced-motion: reduce)").matches) at = to.map((p) => p.slice());
  else {
    const step = (now) => {
      if (state.method !== method) return;
      const t = Math.min(1, (now - began) / 450), eased = t * t * (3 - 2 * t);
      at = to.map((p, i) => [from[i][0] + (p[0] - from[i][0]) * eased, from[i][1] + (p[1] - from[i][1]) * eased]);
      draw();
      if (t < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
  update();
}
function nearest(x, y) {
  let best = null, least = 14 * 14;
  for (let i = 0; i < count; i++) {
    if (!visible[i]) continue;
    const [px, py] = place(at[i]), distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < least) { least = distance; best = i; }
  }
  return best;
}
function pointer(event) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}
function point(x, y) {
  hover = nearest(x, y);
  tip.hidden = hover === null;
  if (hover !== null) {
    tip.replaceChildren(table(hover, 8));
    tip.style.left = `${Math.max(4, Math.min(x + 14, size[0] - tip.offsetWidth - 6))}px`;
    tip.style.top = `${Math.max(4, Math.min(y + 14, size[1] - tip.offsetHeight - 6))}px`;
  }
  redraw();
}
function zoomAt(x, y, factor) {
  const half = Math.min(size[0], size[1]) / 2 - 24, next = Math.min(400, Math.max(0.5, view.zoom * factor));
  const px = (x - size[0] / 2) / half, py = (size[1] / 2 - y) / half;
  view.x = px - ((px - view.x) * next) / view.zoom;
  view.y = py - ((py - view.y) * next) / view.zoom;
  view.zoom = next;
  redraw();
}
let drag = null;
canvas.addEventListener("pointerdown", (event) => {
  drag = { from: pointer(event), x: view.x, y: view.y, moved: false };
  try { canvas.setPointerCapture(event.pointerId); } catch { /* a pointer that is made by a script */ }
});
canvas.addEventListener("pointermove", (event) => {
  const [x, y] = pointer(event);
  if (drag === null) { point(x, y); return; }
  const dx = x - drag.from[0], dy = y - drag.from[1], half = Math.min(size[0], size[1]) / 2 - 24;
  if (Math.hypot(dx, dy) > 4) { drag.moved = true; canvas.classList.add("drag"); tip.hidden = true; }
  if (drag.moved) { view.x = drag.x + dx / half; view.y = drag.y - dy / half; redraw(); }
});
canvas.addEventListener("pointerup", (event) => {
  if (drag && !drag.moved) { state.row = nearest(...pointer(event)); update(); }
  drag = null;
  canvas.classList.remove("drag");
});
canvas.addEventListener("pointerleave", () => { hover = null; tip.hidden = true; redraw(); });
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomAt(...pointer(event), Math.exp(-event.deltaY * 0.0015));
}, { passive: false });
byId("find").addEventListener("input", (event) => { state.find = event.target.value; update(); });
byId("color").addEventListener("change", (event) => { state.color = Number(event.target.value); state.group = null; update(); });
byId("reset").addEventListener("click", () => {
  Object.assign(view, { x: 0, y: 0, zoom: 1 });
  Object.assign(state, { find: "", group: null, row: null });
  byId("find").value = "";
  update();
});
function resize() {
  const box = byId("plot").getBoundingClientRect(), ratio = devicePixelRatio || 1;
  size = [box.width, box.height];
  canvas.width = Math.round(box.width * ratio);
  canvas.height = Math.round(box.height * ratio);
  draw();
}
new ResizeObserver(resize).observe(byId("plot"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);

for (const [i, method] of data.methods.entries()) {
  const button = element("button", method.name);
  button.type = "button";
  button.addEventListener("click", () => move(i, false));
  byId("methods").append(button);
}
byId("color").append(new Option("none", "-1"), ...data.columns.map((c, i) => new Option(c.name, String(i))));
const part = data.total > count ? `${count.toLocaleString("en")} of ${data.total.toLocaleString("en")} rows` : `${count.toLocaleString("en")} rows`;
byId("about").textContent = `${part}, ${data.used} ${data.used === 1 ? "column" : "columns"}`;
const asked = new URLSearchParams(location.hash.slice(1));
state.color = data.columns.findIndex((c) => c.name === (asked.get("color") ?? data.color));
state.find = byId("find").value = asked.get("find") ?? "";
const row = Number.parseInt(asked.get("row") ?? "", 10);
if (row >= 0 && row < count) state.row = row;
resize();
move(Math.max(0, data.methods.findIndex((m) => m.key === asked.get("method"))), true);
