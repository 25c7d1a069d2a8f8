/** The page of the service: records or takes a file, shows it, and has two models hear it. */
import { type ListedModel, listModels, Refused, transcribe } from './ask.js';
import { type Hearing, showDifferences, showHearing, showWaiting } from './heard.js';
import { type RunningRecording, record } from './microphone.js';
import { drawSpectrogram, drawWaveform } from './pictures.js';
import { type Decoded, decode, sendable } from './sound.js';

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const recordButton = element<HTMLButtonElement>('record');
const fileField = element<HTMLInputElement>('file');
const againButton = element<HTMLButtonElement>('again');
const keyField = element<HTMLInputElement>('key');
const clock = element('clock');
const level = element<HTMLMeterElement>('level');
const player = element<HTMLAudioElement>('player');
const sides = [
  { choice: element<HTMLSelectElement>('left-model'), column: element('left') },
  { choice: element<HTMLSelectElement>('right-model'), column: element('right') },
] as const;

let models: readonly ListedModel[] = [];
let running: RunningRecording | undefined;
let shown: { readonly sound: Blob; readonly decoded: Decoded | null } | undefined;
/** Ends what is asked for when something else is. */
let asking = new AbortController();

function say(text: string, isWrong = false): void {
  const status = element('status');
  status.textContent = text;
  status.classList.toggle('wrong', isWrong);
}

function complain(error: unknown): void {
  if ((error as Error).name === 'AbortError') return;
  if (error instanceof Refused && error.status === 401) {
    element('key-field').hidden = false;
    keyField.focus();
    say('This service asks for a key: type it in.');
  } else say((error as Error).message, true);
}

async function loadModels(): Promise<void> {
  models = await listModels(keyField.value);
  // From the largest to the smallest: what compression did is seen from left to right.
  const bySize = [...models].sort((one, other) => other.size_bytes - one.size_bytes);
  const preset = [bySize[0], bySize.at(-1)];
  for (const [place, { choice }] of sides.entries()) {
    choice.replaceChildren(...models.map(({ id }) => new Option(id, id, false, id === preset[place]?.id)));
  }
  const isOne = models.length < 2;
  element('right-choice').hidden = isOne;
  element('right').hidden = isOne;
  say(
    !isOne
      ? ''
      : 'This service has one model only; two can be compared where it is started with two: quantlab serve float.onnx small.onnx',
  );
}

async function toggleRecording(): Promise<void> {
  if (running !== undefined) {
    running.stop();
    return;
  }
  asking.abort();
  recordButton.disabled = true;
  try {
    running = await record(({ elapsedS, level: loudness }) => {
      clock.textContent = `${elapsedS.toFixed(1)} s`;
      level.value = loudness;
    });
  } finally {
    recordButton.disabled = false;
  }
  showRecording(true);
  say('Recording: speak, then press Stop.');
  const sound = await running.sound;
  running = undefined;
  showRecording(false);
  await take(sound);
}

function showRecording(isRunning: boolean): void {
  recordButton.textContent = isRunning ? 'Stop' : 'Record';
  recordButton.classList.toggle('running', isRunning);
  clock.hidden = !isRunning;
  level.hidden = !isRunning;
  fileField.disabled = isRunning;
}

async function take(sound: Blob): Promise<void> {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  say('Reading the sound …');
  URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(sound);
  const decoded = await decode(sound);
  // Another came meanwhile.
  if (signal.aborted) return;
  shown = { sound, decoded };
  element('sound').hidden = false;
  againButton.hidden = false;
  draw();
  await hear();
}

function draw(): void {
  if (shown === undefined) return;
  const { decoded } = shown;
  element('waveform').hidden = decoded === null;
  element('spectrogram').hidden = decoded === null;
  element('caption').textContent =
    decoded === null
      ? 'This browser does not know the format, so it cannot draw the sound; the service may.'
      : `Waveform and spectrogram, ${(decoded.samples.length / decoded.sampleRateHz).toFixed(1)} s: the stronger its colour, the louder; low frequencies are at the bottom.`;
  if (decoded === null) return;
  drawWaveform(element<HTMLCanvasElement>('waveform'), decoded);
  drawSpectrogram(element<HTMLCanvasElement>('spectrogram'), decoded);
}

/** One after the other, so that neither takes time from the other. */
async function hear(): Promise<void> {
  if (shown === undefined) return;
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  if (models.length === 0) await loadModels();
  const body = await sendable(shown.sound, shown.decoded);
  const chosen = sides.slice(0, models.length).map(({ choice, column }) => {
    return { model: models.find(({ id }) => id === choice.value) as ListedModel, column };
  });
  element('differences').replaceChildren();
  element('heard').hidden = false;
  for (const { column, model } of chosen) showWaiting(column, model);
  const hearings: Hearing[] = [];
  for (const { column, model } of chosen) {
    say(`${model.id} listens …`);
    const answer = await transcribe(model.id, body, keyField.value, signal);
    hearings.push({ model, answer });
    showHearing(column, { model, answer });
  }
  say(conclude(hearings));
}

/** Marks where they differ. @returns what there is to say of it */
function conclude([left, right]: readonly Hearing[]): string {
  if (left === undefined) return '';
  if (right === undefined) return `${left.model.id} has heard it.`;
  const texts = [left.answer.text, right.answer.text] as const;
  const verdict = showDifferences(sides[0].column, sides[1].column, element('differences'), texts);
  const factor = left.model.size_bytes / right.model.size_bytes;
  return factor < 1.05 ? verdict : `${verdict} ${right.model.id} is ${factor.toPrecision(2)} times smaller.`;
}

function start(work: () => Promise<void>): void {
  work().catch(complain);
}

recordButton.addEventListener('click', () => start(toggleRecording));
againButton.addEventListener('click', () => start(hear));
for (const { choice } of sides) choice.addEventListener('change', () => start(hear));
keyField.addEventListener('change', () =>
  start(async () => {
    await loadModels();
    await hear();
  }),
);
element('controls').addEventListener('submit', (event) => event.preventDefault());
fileField.addEventListener('change', () => {
  const file = fileField.files?.[0];
  if (file !== undefined) start(async () => await take(file));
});
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
document.addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) document.body.classList.remove('dropping');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  const file = event.dataTransfer?.files[0];
  if (file !== undefined && running === undefined) start(async () => await take(file));
});
addEventListener('resize', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
start(loadModels);
