import type { Decoded } from './sound.js';
import { spectrogramOf } from './spectrum.js';

/** Room for the numbers of the axes, in CSS pixels. */
const [LEFT, BELOW] = [44, 22];

/** From silence to the loudest, red, green and blue: one hue that leaves the paper, as dark as text at its end. */
const RAMPS = {
  light: [
    [255, 255, 255],
    [178, 209, 235],
    [58, 127, 189],
    [13, 59, 112],
    [10, 22, 48],
  ],
  dark: [
    [21, 24, 28],
    [24, 58, 96],
    [47, 118, 178],
    [140, 200, 246],
    [246, 251, 255],
  ],
} as const;

/** Draws the waveform: the lowest and the highest sample of each column. */
export function drawWaveform(canvas: HTMLCanvasElement, { samples, sampleRateHz }: Decoded): void {
  const { paint, width, height } = prepare(canvas, 0);
  const loudest = Math.max(1e-4, loudestOf(samples));
  paint.fillStyle = colour('--accent');
  for (let x = 0; x < width; x++) {
    const part = samples.subarray(
      Math.floor((x / width) * samples.length),
      Math.max(Math.floor(((x + 1) / width) * samples.length), Math.floor((x / width) * samples.length) + 1),
    );
    let [low, high] = [0, 0];
    for (const sample of part) {
      low = Math.min(low, sample);
      high = Math.max(high, sample);
    }
    const top = (0.5 - high / loudest / 2) * height;
    paint.fillRect(LEFT + x, top, 1, Math.max(1, ((high - low) / loudest / 2) * height));
  }
  const lengthS = samples.length / sampleRateHz;
  canvas.setAttribute('aria-label', `Waveform of ${lengthS.toFixed(1)} seconds of sound`);
}

/** Draws the spectrogram, with seconds below and kilohertz at its left. */
export function drawSpectrogram(canvas: HTMLCanvasElement, { samples, sampleRateHz }: Decoded): void {
  const { paint, width, height } = prepare(canvas, BELOW);
  const { columns, rows, levels } = spectrogramOf(samples, Math.max(1, Math.round(width)));
  const image = new ImageData(columns, rows);
  const ramp = RAMPS[matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'];
  for (const [at, level] of levels.entries()) {
    const [column, row] = [Math.floor(at / rows), at % rows];
    const place = Math.min(level * (ramp.length - 1), ramp.length - 1 - 1e-6);
    const [from, to] = [ramp[Math.floor(place)], ramp[Math.floor(place) + 1]];
    const pixel = 4 * ((rows - 1 - row) * columns + column);
    for (let channel = 0; channel < 3; channel++) {
      const [a, b] = [from?.[channel] ?? 0, to?.[channel] ?? 0];
      image.data[pixel + channel] = a + (b - a) * (place % 1);
    }
    image.data[pixel + 3] = 255;
  }
  const sheet = new OffscreenCanvas(columns, rows);
  sheet.getContext('2d')?.putImageData(image, 0, 0);
  paint.drawImage(sheet, LEFT, 0, width, height);
  const [lengthS, highestKhz] = [samples.length / sampleRateHz, sampleRateHz / 2000];
  drawAxes(paint, { width, height, lengthS, highestKhz });
  canvas.setAttribute(
    'aria-label',
    `Spectrogram: loudness by time, ${lengthS.toFixed(1)} seconds, and by frequency, up to ${highestKhz} kilohertz`,
  );
}

function drawAxes(
  paint: CanvasRenderingContext2D,
  size: { readonly width: number; readonly height: number; readonly lengthS: number; readonly highestKhz: number },
): void {
  const { width, height, lengthS, highestKhz } = size;
  paint.fillStyle = colour('--quiet');
  paint.font = '12px system-ui, sans-serif';
  paint.textBaseline = 'middle';
  paint.textAlign = 'right';
  for (let khz = 0; khz <= highestKhz; khz += highestKhz / 4) {
    const y = Math.min(height - 6, Math.max(7, height * (1 - khz / highestKhz)));
    paint.fillText(khz === highestKhz ? `${khz} kHz` : String(khz), LEFT - 6, y);
  }
  // At most one number for each 80 pixels.
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
  const stepS = steps.find((step) => (lengthS / step) * 80 <= width) ?? 7200;
  paint.textAlign = 'center';
  for (let tick = 0; tick * stepS <= lengthS; tick++) {
    const x = LEFT + (tick * stepS * width) / lengthS;
    if (x > LEFT + width - 14) break;
    paint.fillText(`${Number((tick * stepS).toFixed(1))} s`, x, height + BELOW / 2 + 2);
  }
}

/** Makes a canvas as fine as the screen and empty. */
function prepare(
  canvas: HTMLCanvasElement,
  below: number,
): { readonly paint: CanvasRenderingContext2D; readonly width: number; readonly height: number } {
  const scale = devicePixelRatio;
  const { clientWidth, clientHeight } = canvas;
  canvas.width = clientWidth * scale;
  canvas.height = clientHeight * scale;
  const paint = canvas.getContext('2d') as CanvasRenderingContext2D;
  paint.scale(scale, scale);
  return { paint, width: Math.max(1, clientWidth - LEFT), height: Math.max(1, clientHeight - below) };
}

function loudestOf(samples: Float32Array): number {
  return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
}

function colour(name: string): string {
  // Canvases do not know light-dark(): a property with a colour does.
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
