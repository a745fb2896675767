// The page of a model along α. Points are in the units of the networks, and shown in those of the data.

const SIDE = 64; // of the grid on which the log ratio is shown
const DRAWS = 100; // from the posterior of the chosen point
const at = id => document.getElementById(id);
const content = JSON.parse(at("content").textContent);
const { snapshots, center, half, limit } = content;
const latents = content.latents.flat();
const size = content.latents[0].length; // of a latent

const unpacked = async packed => {
  const zipped = Uint8Array.from(atob(packed), letter => letter.charCodeAt(0));
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

// --- the networks ---

const loaded = async () => {
  const module = new Blob([await unpacked(at("module").textContent)], { type: "text/javascript" });
  const ort = await import(URL.createObjectURL(module));
  ort.env.wasm.numThreads = 1; // more need headers of a server
  ort.env.wasm.wasmBinary = await unpacked(at("wasm").textContent);
  const networks = {};
  for (const [name, file] of Object.entries(content.networks))
    networks[name] = await ort.InferenceSession.create(await unpacked(file));
  return { ort, networks };
};
const ready = loaded();
let turn = ready; // networks run one after the other

const run = (name, values, width, snapshot) => {
  const done = turn.then(async () => {
    const { ort, networks } = await ready;
    const shape = [values.length / width, width];
    const x = new ort.Tensor("float32", Float32Array.from(values), shape);
    const number = new ort.Tensor("int64", BigInt64Array.of(BigInt(snapshot)), [1]);
    const given = name === "generator" ? { latent: x } : { sample: x };
    const found = await networks[name].run({ ...given, snapshot: number });
    return Object.fromEntries(Object.entries(found).map(([key, of]) => [key, of.data]));
  });
  turn = done.catch(() => {});
  return done;
};

const decode = async (z, snapshot) => (await run("generator", z, size, snapshot)).sample;
const encode = (x, snapshot) => run("encoder", x, 2, snapshot);
const logRatio = async (x, snapshot) => (await run("discriminator", x, 2, snapshot)).log_ratio;
globalThis.alphaBridge = { content, decode, encode, logRatio, ready }; // the numbers, for a console

// --- what is shown of a snapshot and of a point ---

const grid = [];
for (let row = 0; row < SIDE; row++)
  for (let column = 0; column < SIDE; column++)
    grid.push(
      center[0] + half * ((2 * column + 1) / SIDE - 1),
      center[1] + half * (1 - (2 * row + 1) / SIDE),
    );

const kept = new Map(); // a snapshot is computed once
const shownAt = snapshot => {
  if (!kept.has(snapshot))
    kept.set(
      snapshot,
      Promise.all([decode(latents, snapshot), limit === null ? null : logRatio(grid, snapshot)]),
    );
  return kept.get(snapshot);
};

const codedAt = async (point, snapshot) => {
  const { mean, log_variance } = await encode(point, snapshot);
  const deviation = Array.from(log_variance, of => Math.exp(of / 2));
  const noise = latents.slice(0, DRAWS * size); // standard normal, and the same for every point
  const drawn = noise.map((of, place) => mean[place % size] + deviation[place % size] * of);
  const decoded = await decode([...mean, ...drawn], snapshot);
  const f = limit === null ? null : (await logRatio(point, snapshot))[0];
  return { mean, deviation, f, decoded: decoded.slice(0, 2), draws: decoded.slice(2) };
};

// --- drawing ---

const canvas = at("plane");
const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const rgb = name => color(name).match(/[0-9a-f]{2}/gi).map(part => parseInt(part, 16));
const stored = (value, axis) => value * content.std[axis] + content.mean[axis];
const pixel = point => [
  ((point[0] - center[0]) / half + 1) * (canvas.width / 2),
  (1 - (point[1] - center[1]) / half) * (canvas.height / 2),
];

const drawField = (pen, field) => {
  const [less, even, more] = ["--less", "--even", "--more"].map(rgb);
  const image = new ImageData(SIDE, SIDE);
  field.forEach((f, place) => {
    const share = Math.min(1, Math.abs(f) / limit);
    const end = f < 0 ? less : more;
    end.forEach((of, part) => (image.data[4 * place + part] = even[part] + share * (of - even[part])));
    image.data[4 * place + 3] = 255;
  });
  const small = new OffscreenCanvas(SIDE, SIDE);
  small.getContext("2d").putImageData(image, 0, 0);
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
};

const dot = (pen, point, radius) => {
  pen.beginPath();
  pen.arc(...pixel(point), radius, 0, 2 * Math.PI);
};

const drawPoints = (pen, points, name, radius, alpha = 0.75) => {
  pen.fillStyle = color(name);
  pen.globalAlpha = alpha;
  for (let place = 0; place < points.length; place += 2) {
    dot(pen, [points[place], points[place + 1]], radius);
    pen.fill();
  }
  pen.globalAlpha = 1;
};

const ticks = axis => {
  const low = stored(center[axis] - half, axis);
  const high = stored(center[axis] + half, axis);
  const rough = (high - low) / 8;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(of => of * power >= rough);
  const room = 0.03 * (high - low);
  const found = [];
  for (let of = Math.ceil((low + room) / step); of * step < high - room; of++) found.push(of * step);
  return found;
};

const drawAxes = (pen, scale) => {
  pen.fillStyle = pen.strokeStyle = color("--muted");
  pen.font = `${11 * scale}px system-ui, sans-serif`;
  const label = tick => Number(tick.toPrecision(6)).toString().replace("-", "−");
  pen.textAlign = "center";
  for (const tick of ticks(0)) {
    const [x] = pixel([(tick - content.mean[0]) / content.std[0], 0]);
    pen.fillRect(x, canvas.height - 5 * scale, scale, 5 * scale);
    pen.fillText(label(tick), x, canvas.height - 9 * scale);
  }
  pen.textAlign = "left";
  for (const tick of ticks(1)) {
    const [, y] = pixel([0, (tick - content.mean[1]) / content.std[1]]);
    pen.fillRect(0, y, 5 * scale, scale);
    pen.fillText(label(tick), 9 * scale, y + 4 * scale);
  }
};

const drawCoded = (pen, scale) => {
  if (coded === null) return;
  drawPoints(pen, coded.draws, "--coded", 2 * scale, 0.6);
  pen.lineWidth = 3 * scale;
  pen.strokeStyle = color("--coded");
  dot(pen, coded.decoded, 7 * scale);
  pen.stroke();
  const [x, y] = pixel(point);
  pen.strokeStyle = color("--ink");
  pen.beginPath();
  for (const [across, up] of [[9, 0], [0, 9]]) {
    pen.moveTo(x - across * scale, y - up * scale);
    pen.lineTo(x + across * scale, y + up * scale);
  }
  pen.stroke();
};

const draw = () => {
  const scale = window.devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(canvas.clientWidth * scale);
  const pen = canvas.getContext("2d");
  if (shown === null) return;
  const [samples, field] = shown;
  if (field !== null && at("show-field").checked) drawField(pen, field);
  if (at("show-data").checked) drawPoints(pen, content.data.flat(), "--data", 2 * scale, 0.6);
  if (at("show-samples").checked) drawPoints(pen, samples, "--samples", 2.2 * scale);
  drawCoded(pen, scale);
  drawAxes(pen, scale);
};

// --- numbers as text ---

const number = value => value.toFixed(Math.abs(value) < 100 ? 2 : 0).replace("-", "−");
const tuple = values =>
  `(${Array.from(values).slice(0, 3).map(number).join(", ")}${values.length > 3 ? ", …" : ""})`;
const inData = values => tuple(Array.from(values, (of, place) => stored(of, place % 2)));

const place = ({ step, alpha, gamma, phase }) =>
  `α = ${number(alpha)} · γ = ${number(gamma)} · ${phase} · update ${step.toLocaleString("en")}`;

const write = () => {
  const where = place(snapshots[at("snapshot").value]);
  at("where").textContent = where;
  at("snapshot").setAttribute("aria-valuetext", where);
  if (coded === null) return;
  const apart = [0, 1].map(axis => (coded.decoded[axis] - point[axis]) * content.std[axis]);
  const spread = [0, 1].map(axis => {
    const values = Array.from(coded.draws).filter((_, of) => of % 2 === axis);
    const mean = values.reduce((sum, of) => sum + of) / values.length;
    const square = values.reduce((sum, of) => sum + (of - mean) ** 2, 0) / values.length;
    return Math.sqrt(square) * content.std[axis];
  });
  at("x").textContent = inData(point);
  at("f").textContent = coded.f === null ? "–" : number(coded.f);
  at("mean").textContent = tuple(coded.mean);
  at("deviation").textContent = tuple(coded.deviation);
  at("decoded").textContent = inData(coded.decoded);
  at("draws").textContent = `± ${tuple(spread)}`;
  at("distance").textContent = number(Math.hypot(...apart));
};

// --- what the reader does ---

let point = content.data.length ? content.data[0] : center;
let shown = null; // samples and field of the snapshot
let coded = null;
let asked = 0; // of many movements the last one counts

const update = async () => {
  const mine = ++asked;
  const snapshot = Number(at("snapshot").value);
  const found = await Promise.all([shownAt(snapshot), codedAt(point, snapshot)]);
  if (mine !== asked) return;
  [shown, coded] = found;
  write();
  draw();
};

const within = (value, axis) => Math.min(center[axis] + half, Math.max(center[axis] - half, value));

const choose = (x, y) => {
  point = [within(x, 0), within(y, 1)];
  return update();
};

const complain = error => {
  at("problem").textContent = `The networks cannot run in this browser: ${error.message}`;
  at("problem").hidden = false;
  at("where").textContent = "";
};

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

const begin = async () => {
  at("snapshot").max = snapshots.length - 1;
  at("snapshot").value = snapshots.length - 1;
  at("data-layer").hidden = content.data.length === 0;
  at("field-layer").hidden = at("ratio-row").hidden = limit === null;
  at("least").textContent = `−${limit}`;
  at("most").textContent = `+${limit}`;
  for (const mark of document.querySelectorAll("[data-color]")) {
    mark.style.borderColor = `var(${mark.dataset.color})`;
    if (!mark.classList.contains("ring")) mark.style.background = `var(${mark.dataset.color})`;
  }
  await ready;
  await update();
  at("snapshot").disabled = snapshots.length < 2;
  const guarded = change => event => Promise.resolve(change(event)).catch(complain);
  at("snapshot").addEventListener("input", guarded(update));
  at("layers").addEventListener("change", draw);
  canvas.addEventListener("click", guarded(event => {
    const x = (2 * event.offsetX) / canvas.clientWidth - 1;
    const y = 1 - (2 * event.offsetY) / canvas.clientHeight;
    return choose(center[0] + half * x, center[1] + half * y);
  }));
  canvas.addEventListener("keydown", guarded(event => {
    const move = MOVES[event.key];
    if (move === undefined) return null;
    event.preventDefault();
    const step = (event.shiftKey ? 0.1 : 0.02) * half;
    return choose(point[0] + step * move[0], point[1] + step * move[1]);
  }));
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
};

begin().catch(complain);
