// A map of many cells on one canvas: colours, tooltip, zoom along the columns, keyboard.
// What it is given is made by app/charts/maps.py; colours of text and lines are the page's.

const LEFT = 44, TOP = 6, HEADS = 20, BOTTOM = 36, BAR = 70, GAP = 1, TICK = 90, DRAG = 4;
const maps = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".map");
  if (!maps.has(box)) maps.set(box, new HeatMap(box));
  const map = maps.get(box);
  map.show(data, place => setTriggerValue("picked", place));
  return () => { map.close(); maps.delete(box); };
}

function decoded(text, Kind) {
  return new Kind(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
}

function rgba(hex) {
  const part = at => parseInt(hex.slice(at, at + 2), 16);
  return [part(1), part(3), part(5), hex.length > 7 ? part(7) : 255];
}

/** Colours of the values 0 to 100, between the stops in a straight line. */
function ramp(stops) {
  return Array.from({ length: 101 }, (_, value) => {
    const next = stops.findIndex(([at]) => at >= value);
    const [high, last] = stops[next], [low, first] = stops[Math.max(next - 1, 0)];
    const share = high > low ? (value - low) / (high - low) : 1;
    const [a, b] = [rgba(first), rgba(last)];
    return a.map((from, part) => from + share * (b[part] - from));
  });
}

function tickStep(span, room) {
  const rough = Math.max(1, span / Math.max(1, room / TICK));
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map(times => times * power).find(step => step >= rough);
}

class HeatMap {
  constructor(box) {
    this.box = box;
    [this.canvas, this.tip, this.said] =
      [".cells", ".tip", ".said"].map(name => box.querySelector(name));
    this.over = null;
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(box);
    this.canvas.onpointermove = event => this.moved(event);
    this.canvas.onpointerleave = () => { if (!this.pressed) this.point(null); };
    this.canvas.onpointerdown = event => this.press(event);
    this.canvas.onpointerup = event => this.release(event);
    this.canvas.ondblclick = () => this.zoomTo(0, this.data.columns);
    this.canvas.onkeydown = event => this.key(event);
    this.canvas.onblur = () => this.point(null);
  }

  close() { this.sizes.disconnect(); }

  show(data, pick) {
    const key = JSON.stringify([data.columns, data.rows, data.window]);
    if (key !== this.zoomKey) [this.start, this.end] = data.window ?? [0, data.columns];
    this.zoomKey = key;
    this.data = data;
    this.pick = pick;
    this.values = decoded(data.values, Uint8Array);
    this.order = data.order && decoded(data.order, Uint16Array);
    this.marked = new Set(data.marked ?? []);
    this.colors = ramp(data.colors);
    if (this.over && (this.over[0] >= data.rows || this.over[1] >= data.columns)) this.over = null;
    this.canvas.setAttribute("aria-label", data.label);
    this.canvas.style.cursor = data.click ? "pointer" : "crosshair";
    this.draw();
    if (this.over) this.point(this.over);
  }

  measure() {
    const data = this.data, style = getComputedStyle(this.box);
    const room = data.cell_width ? LEFT + data.cell_width * data.columns + BAR : Infinity;
    this.width = Math.min(this.box.clientWidth, room);
    this.top = TOP + (data.heads?.length && !data.order ? HEADS : 0);
    this.right = data.bar ? BAR : 8;
    this.plot = Math.max(1, this.width - LEFT - this.right);
    this.height = this.top + data.row_height * data.rows + BOTTOM;
    this.text = style.getPropertyValue("--st-text-color").trim() || style.color;
    this.ground = style.getPropertyValue("--st-background-color").trim() || "#fff";
    this.font = `11px ${style.getPropertyValue("--st-font").trim() || "sans-serif"}`;
  }

  draw() {
    if (!this.data || !this.box.clientWidth) return;
    this.measure();
    const scale = window.devicePixelRatio || 1, canvas = this.canvas;
    canvas.width = Math.round(this.width * scale);
    canvas.height = Math.round(this.height * scale);
    canvas.style.width = `${this.width}px`;
    canvas.style.height = `${this.height}px`;
    const pen = this.pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.font = this.font;
    pen.fillStyle = this.text;
    this.drawCells(Math.max(1, Math.round(this.plot * scale)));
    this.drawHeads();
    this.drawAxes();
    if (this.data.bar) this.drawBar();
    this.drawMarks();
    if (this.over) this.outline(...this.over, this.text);
  }

  /** A pixel that is over several columns has their mean colour, so none is left out. */
  drawCells(pixels) {
    const { rows, columns, row_height: tall } = this.data;
    const sheet = new OffscreenCanvas(pixels, rows), pen = sheet.getContext("2d");
    const image = pen.createImageData(pixels, rows), span = this.end - this.start;
    for (let pixel = 0; pixel < pixels; pixel++) {
      const first = this.start + Math.floor(pixel * span / pixels);
      const last = Math.max(first + 1, this.start + Math.floor((pixel + 1) * span / pixels));
      for (let row = 0; row < rows; row++) {
        let red = 0, green = 0, blue = 0, all = 0;
        for (let column = first; column < last; column++) {
          const [r, g, b, a] = this.colors[this.values[row * columns + column]];
          red += r * a; green += g * a; blue += b * a; all += a;
        }
        image.data.set([red / all, green / all, blue / all, all / (last - first)],
                       4 * (row * pixels + pixel));
      }
    }
    pen.putImageData(image, 0, 0);
    this.pen.imageSmoothingEnabled = false;
    for (let row = 0; row < rows; row++)
      this.pen.drawImage(sheet, 0, row, pixels, 1,
                         LEFT, this.top + row * tall, this.plot, tall - GAP);
  }

  x(column) { return LEFT + (column - this.start) / (this.end - this.start) * this.plot; }

  drawHeads() {
    const { heads, rows, row_height: tall, order } = this.data, pen = this.pen;
    if (!heads?.length || order) return;
    pen.textAlign = "center";
    let word = `${this.data.head ?? "head"} `;
    heads.forEach(([start, end], head) => {
      if (end <= this.start || start >= this.end) return;
      const [left, right] = [Math.max(start, this.start), Math.min(end, this.end)].map(c => this.x(c));
      const fits = pen.measureText(word + head).width < right - left;
      pen.fillText((fits || !word ? word : "head ") + head, (left + right) / 2, this.top - 7);
      word = "";
      if (start > this.start) pen.fillRect(this.x(start) - 0.5, this.top, 1, tall * rows);
    });
  }

  drawAxes() {
    const { names, rows, row_height: tall, titles, ordinal, labels_apart: apart } = this.data;
    const pen = this.pen;
    const bottom = this.top + tall * rows;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    names.forEach((name, row) => {
      if (row % apart === 0)
        pen.fillText(name, LEFT - 6, this.top + (row + 0.5) * tall - GAP / 2);
    });
    pen.textAlign = "center";
    pen.textBaseline = "alphabetic";
    const step = ordinal ? 1 : tickStep(this.end - this.start, this.plot);
    for (let at = Math.ceil(this.start / step) * step; at < this.end; at += step)
      pen.fillText(at.toLocaleString("en"), this.x(at + 0.5), bottom + 13);
    pen.fillText(titles[1], LEFT + this.plot / 2, bottom + 30);
    pen.save();
    pen.translate(11, this.top + tall * rows / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(titles[0], 0, 0);
    pen.restore();
  }

  /** From the first colour of the scale to its last; what is apart from it stands apart. */
  drawBar() {
    const { from, to, ticks, ends } = this.data.bar, pen = this.pen;
    const x = this.width - BAR + 12, whole = this.data.row_height * this.data.rows - GAP;
    const low = ends[0] ? 16 : 0, high = ends[1] ? 16 : 0, tall = whole - low - high;
    const place = value => this.top + high + (to - value) / (to - from) * tall;
    const paint = (value, y, height) => {
      const [r, g, b, a] = this.colors[value];
      pen.fillStyle = `rgba(${r}, ${g}, ${b}, ${a / 255})`;
      pen.fillRect(x, y, 10, height);
      pen.fillStyle = this.text;
    };
    for (let y = 0; y < tall; y++)
      paint(Math.round(to - (to - from) * y / Math.max(1, tall - 1)), this.top + high + y, 1);
    if (ends[0]) paint(0, this.top + whole - 10, 10);
    if (ends[1]) paint(100, this.top, 10);
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    for (const [value, name] of ticks)
      pen.fillText(name, x + 14, Math.min(Math.max(place(value), this.top + high + 4),
                                          this.top + high + tall - 4));
    if (ends[0]) pen.fillText(ends[0], x + 14, this.top + whole - 5);
    if (ends[1]) pen.fillText(ends[1], x + 14, this.top + 5);
    pen.textBaseline = "alphabetic";
  }

  /** A cross over what is marked, and a frame around the row or cell that is looked at. */
  drawMarks() {
    const { columns, row_height: tall, chosen } = this.data, pen = this.pen;
    pen.strokeStyle = this.text;
    pen.lineWidth = 1.2;
    for (const cell of this.marked) {
      const row = Math.floor(cell / columns), column = cell % columns, size = 3.5;
      const x = this.x(column + 0.5), y = this.top + (row + 0.5) * tall - GAP / 2;
      pen.beginPath();
      pen.moveTo(x - size, y - size); pen.lineTo(x + size, y + size);
      pen.moveTo(x - size, y + size); pen.lineTo(x + size, y - size);
      pen.stroke();
    }
    if (chosen) this.frame(chosen[0], chosen[1] ?? this.start,
                           chosen[1] === null ? this.end : chosen[1] + 1, this.text);
  }

  outline(row, column, color) { this.frame(row, column, column + 1, color); }

  frame(row, start, end, color) {
    const tall = this.data.row_height, pen = this.pen;
    const left = this.x(start), wide = Math.max(3, this.x(end) - left);
    pen.lineWidth = 3;
    pen.strokeStyle = this.ground;
    pen.strokeRect(left, this.top + row * tall - 0.5, wide, tall);
    pen.lineWidth = 1.5;
    pen.strokeStyle = color;
    pen.strokeRect(left, this.top + row * tall - 0.5, wide, tall);
  }

  place(event) {
    const x = event.offsetX - LEFT, y = event.offsetY - this.top;
    const row = Math.floor(y / this.data.row_height);
    const column = this.start + Math.floor(x / this.plot * (this.end - this.start));
    const inside = x >= 0 && x < this.plot && row >= 0 && row < this.data.rows;
    return inside ? [row, column] : null;
  }

  moved(event) {
    if (this.pressed && !this.data.click) this.select(event);
    else this.point(this.place(event));
  }

  press(event) {
    this.pressed = this.place(event) && event;
    if (this.pressed) this.canvas.setPointerCapture(event.pointerId);
  }

  select(event) {
    this.tip.hidden = true;
    this.over = null;
    this.draw();
    const [a, b] = this.dragged(event);
    this.pen.globalAlpha = 0.25;
    this.pen.fillStyle = this.text;
    this.pen.fillRect(a, this.top, b - a, this.data.row_height * this.data.rows);
    this.pen.globalAlpha = 1;
  }

  dragged(event) {
    const inside = x => Math.min(Math.max(x, LEFT), LEFT + this.plot);
    return [this.pressed.offsetX, event.offsetX].map(inside).sort((a, b) => a - b);
  }

  release(event) {
    if (!this.pressed) return;
    const [a, b] = this.dragged(event), place = this.place(event);
    this.pressed = null;
    if (this.data.click) { if (place) this.pick(place); return; }
    if (b - a < DRAG) { this.draw(); return; }
    const column = x => this.start + (x - LEFT) / this.plot * (this.end - this.start);
    this.zoomTo(Math.floor(column(a)), Math.ceil(column(b)));
  }

  zoomTo(start, end) {
    const whole = this.data.columns, span = Math.min(whole, Math.max(4, end - start));
    this.start = Math.min(Math.max(0, start), whole - span);
    this.end = this.start + span;
    this.draw();
  }

  key(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const { rows, columns } = this.data, [row, column] = this.over ?? [0, this.start];
    const span = this.end - this.start, near = factor =>
      this.zoomTo(Math.round(column - span * factor / 2), Math.round(column + span * factor / 2));
    if (moves[event.key]) {
      const [down, right] = this.over ? moves[event.key] : [0, 0];
      const next = [row + down, column + right].map(
        (at, side) => Math.min(Math.max(0, at), (side ? columns : rows) - 1));
      if (next[1] < this.start || next[1] >= this.end)
        this.zoomTo(next[1] - (right > 0 ? span - 1 : 0), next[1] + (right > 0 ? 1 : span));
      this.point(next);
    } else if (event.key === "Enter" && this.data.click && this.over) this.pick(this.over);
    else if (this.data.click) return;
    else if (event.key === "+") near(0.5);
    else if (event.key === "-") near(2);
    else if (event.key === "Escape") this.zoomTo(0, columns);
    else return;
    event.preventDefault();
  }

  /** Shows what a cell is, next to it and to screen readers. */
  point(place) {
    this.over = place;
    this.draw();
    this.tip.hidden = !place;
    if (!place) return;
    const lines = this.words(...place), x = this.x(place[1] + 0.5);
    this.tip.innerText = lines.join("\n");
    this.said.innerText = lines.join(", ");
    const wide = this.tip.offsetWidth, left = x + wide + 14 > this.width ? x - wide - 10 : x + 10;
    this.tip.style.left = `${Math.max(0, left)}px`;
    this.tip.style.top = `${this.top + (place[0] + 1) * this.data.row_height + 2}px`;
  }

  words(row, column) {
    const { columns, names, heads, said, words, marks, notes } = this.data;
    const each = this.order && this.order.length > columns;
    const id = this.order ? this.order[each ? row * columns + column : column] : column;
    const head = heads?.findIndex(([start, end]) => start <= id && id < end) ?? -1;
    const where = [...(words[0] ? [`${words[0]} ${names[row]}`] : []),
                   ...(head >= 0 ? [`${this.data.head ?? "head"} ${head}`] : []),
                   `${words[1]} ${words[1] === "pair" && head >= 0 ? id - heads[head][0] : id}`];
    const own = notes?.length && head >= 0 ? notes[this.data.note_of_row[row]] : [];
    const note = own.length ? [own[(id - heads[head][0]) % own.length]] : [];
    const value = this.values[row * columns + column];
    const what = Array.isArray(said) ? said[value] : said.replace("{}", value);
    const mark = this.marked.has(row * columns + column) ? [marks] : [];
    return [where.join(", "), what, ...note, ...mark];
  }
}
