import { load } from '@regrain/hw-wasm/runtime';

const SIDE = 28;
const element = (id) => document.getElementById(id);

async function file(name) {
  const response = await fetch(`plan/${name}`);
  if (!response.ok) throw new Error(`plan/${name}: ${response.status} ${response.statusText}`);
  return response;
}
const textOf = async (name) => (await file(name)).text();
const bytesOf = async (name) => new Uint8Array(await (await file(name)).arrayBuffer());

/** All files at once: none needs another. */
async function open() {
  const [plan, manifest, constants, module, data] = await Promise.all([
    textOf('plan.json'),
    textOf('plan.wasm.json'),
    bytesOf('plan.bin'),
    bytesOf('plan.wasm'),
    bytesOf('plan.wasm.bin'),
  ]);
  return { constantBytes: constants.length, session: await load({ plan, manifest, constants, module, data }) };
}

const began = performance.now();
const { session, constantBytes } = await open().catch((error) => {
  element('status').textContent = `The plan cannot be run: ${error.message}`;
  throw error;
});
const { arenaBytes, data } = session.program;
const [input] = session.plan.program.tensors.filter(({ kind }) => kind === 'input');

/** Runs the model on the picture's values, 0 to 255, row by row. */
globalThis.runModel = async (values) => {
  const outputs = await session.run({ [input.name]: Float32Array.from(values) });
  return Array.from(Object.values(outputs)[0].data);
};

const canvas = element('picture');
const context = canvas.getContext('2d', { willReadFrequently: true });

function clear() {
  context.fillStyle = 'black';
  context.fillRect(0, 0, SIDE, SIDE);
}

function drawSeven() {
  context.strokeStyle = 'white';
  context.lineWidth = 2.6;
  context.lineCap = 'round';
  context.beginPath();
  context.moveTo(7, 7);
  context.lineTo(20, 7);
  context.lineTo(12, 22);
  context.stroke();
}

async function show() {
  const pixels = context.getImageData(0, 0, SIDE, SIDE).data;
  const values = Array.from({ length: SIDE * SIDE }, (_, k) => pixels[4 * k]);
  const started = performance.now();
  const scores = await globalThis.runModel(values);
  const ms = performance.now() - started;
  const most = Math.max(...scores);
  const shares = scores.map((score) => Math.exp(score - most));
  const sum = shares.reduce((a, b) => a + b, 0);
  element('result').replaceChildren(
    ...shares.map((share, digit) => {
      const line = document.createElement('div');
      line.className = share === 1 ? 'bar best' : 'bar';
      const [name, bar, percent] = ['span', 'i', 'span'].map((tag) => line.appendChild(document.createElement(tag)));
      name.textContent = String(digit);
      bar.style.width = `${Math.max(1, (100 * share) / sum)}%`;
      percent.textContent = `${((100 * share) / sum).toFixed(1)} %`;
      return line;
    }),
  );
  element('status').textContent =
    `${session.plan.program.name}: arena ${kib(arenaBytes)}; behind it ${kib(data.bytes.length)} of packed constants, tables and descriptors ` +
    `(the model's constants: ${kib(constantBytes)}); loaded in ${loadedMs.toFixed(0)} ms, ${ms.toFixed(2)} ms for this inference`;
}

function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

canvas.addEventListener('pointermove', (event) => {
  if (event.buttons === 0) return;
  const scale = SIDE / canvas.clientWidth;
  context.fillStyle = 'white';
  context.beginPath();
  context.arc(event.offsetX * scale, event.offsetY * scale, 1.3, 0, 2 * Math.PI);
  context.fill();
  void show();
});
element('clear').addEventListener('click', () => {
  clear();
  void show();
});

const loadedMs = performance.now() - began;
clear();
drawSeven();
await show();
