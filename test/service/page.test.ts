// The page in a real Chromium, whose microphone plays a recording of the package.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBrowser } from '../../src/report/figures/browser.js';
import { readAudio } from '../../src/speech/audio/audio.js';
import { encodeWav } from '../../src/speech/audio/encodeWav.js';
import { countWordEdits } from '../../src/speech/text/wer.js';
import { quantlab } from '../cli/terminal.js';
import { heardIn } from '../fixtures/model/reference.js';
import { AUDIO, FAKE, type Started, startService } from './start.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'quantlab-page-'));
const spoken = join(AUDIO, 'agent-pass.flac');
/** The two models hear other words in it. */
const doubtful = join(AUDIO, 'demo-nogo.flac');
const compressed = 'deepspeech2-lstm.dynamic';
let browser: Browser;
let started: Started;

beforeAll(async () => {
  const small = join(folder, 'small.onnx');
  expect(await quantlab('quantize', 'deepspeech2-lstm', '-o', small)).toMatchObject({ exitCode: 0 });
  // The smaller first: the page puts the larger at the left.
  started = await startService({ models: [small, 'deepspeech2-lstm'] });
  const { samples, sampleRateHz } = await readAudio(spoken);
  const silence = sampleRateHz;
  const played = new Float32Array(samples.length + 2 * silence);
  played.set(samples, silence);
  const voice = join(folder, 'voice.wav');
  writeFileSync(voice, encodeWav({ samples: played, sampleRateHz }));
  const { executablePath, args, env } = await findBrowser();
  const microphone = [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-audio-capture=${voice}%noloop`,
  ];
  browser = await chromium.launch({ executablePath, args: [...args, ...microphone], env: { ...process.env, ...env } });
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await started?.service.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

interface Opened {
  readonly page: Page;
  /** Errors and warnings of the page, answers that refuse, and whatever was asked of others. */
  readonly trouble: string[];
}

async function open(
  url: string,
  look: { readonly width?: number; readonly colorScheme?: 'light' | 'dark' } = {},
): Promise<Opened> {
  const { width = 1100, colorScheme = 'light' } = look;
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    permissions: ['microphone'],
  });
  const page = await context.newPage();
  const trouble: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) trouble.push(message.text());
  });
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('request', (request) => {
    if (!/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(url)) trouble.push(request.url());
  });
  await page.goto(url);
  return { page, trouble };
}

/** Waits until both have heard it. @returns the last sentence of the page */
async function verdict(page: Page): Promise<string> {
  const status = page.getByRole('status');
  await status.filter({ hasText: /Both heard|They differ|Neither/ }).waitFor({ timeout: 60_000 });
  return (await status.textContent()) ?? '';
}

async function texts(page: Page): Promise<readonly string[]> {
  // A dash stands for a word that only the other heard.
  return (await page.locator('article .text').allTextContents()).map((text) =>
    text.replaceAll('–', ' ').replaceAll(/\s+/g, ' ').trim(),
  );
}

/** Whether the canvas shows something: pixels of more than one colour. */
async function coloursOf(page: Page, id: string): Promise<number> {
  return await page.evaluate<number>(
    `(() => { const canvas = document.getElementById(${JSON.stringify(id)}); return new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size; })()`,
  );
}

async function violations(page: Page): Promise<unknown> {
  await page.evaluate(axe);
  return await page.evaluate(
    'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) })))',
  );
}

/** Picture for whoever looks at it: `QUANTLAB_PICTURES=FOLDER`. */
async function picture(page: Page, name: string): Promise<void> {
  const place = process.env['QUANTLAB_PICTURES'];
  if (place !== undefined) await page.screenshot({ path: join(place, `${name}.png`), fullPage: true });
}

describe('the page', () => {
  it('records, and shows what two models heard', async () => {
    const { page, trouble } = await open(started.url);
    await page.getByRole('button', { name: 'Record' }).click();
    await page.locator('#clock', { hasText: /^[5-9]\./ }).waitFor({ timeout: 30_000 });
    await picture(page, 'recording');
    await page.getByRole('button', { name: 'Stop' }).click();
    expect(await verdict(page)).toMatch(/deepspeech2-lstm\.dynamic is 3\.9 times smaller\.$/);
    // Opus changes the sound, and the microphone begins somewhere in the silence: nearly the same words.
    const [left, right] = await texts(page);
    const said = heardIn('agent-pass');
    for (const text of [left, right]) {
      const { substitutions, insertions, deletions } = countWordEdits(said, text ?? '');
      expect(substitutions + insertions + deletions, `${text} for ${said}`).toBeLessThanOrEqual(
        said.split(' ').length / 3,
      );
    }
    expect(await coloursOf(page, 'spectrogram')).toBeGreaterThan(50);
    expect(await page.evaluate('document.getElementById("player").readyState > 0')).toBe(true);
    expect(trouble).toEqual([]);
    await page.context().close();
  }, 120_000);

  it.each([
    ['at a desk', 1100, 'light'],
    ['on a phone, at night', 390, 'dark'],
  ] as const)(
    '%s: takes a file; accessible, no layout breaks, nothing from elsewhere',
    async (name, width, colorScheme) => {
      const { page, trouble } = await open(started.url, { width, colorScheme });
      expect(await violations(page)).toEqual([]);
      await page.getByLabel('choose a file').setInputFiles(doubtful);
      const sentence = await verdict(page);
      const direct = async (model: string): Promise<string> => {
        const body = new Uint8Array(readFileSync(doubtful));
        const answer = await fetch(`${started.url}/transcribe?model=${model}`, { method: 'POST', body });
        return ((await answer.json()) as { text: string }).text;
      };
      const expected = [await direct('deepspeech2-lstm'), await direct(compressed)] as const;
      expect(await texts(page)).toEqual(expected);
      // Marked, listed and told: as many as jiwer's word errors of the one text against the other.
      const { substitutions, insertions, deletions } = countWordEdits(...expected);
      const edits = substitutions + insertions + deletions;
      if (edits > 0) expect(sentence).toContain(`They differ in ${edits} of ${expected[0].split(' ').length} words.`);
      expect(await page.locator('#left mark').count()).toBe(edits);
      expect(await page.locator('#right mark').count()).toBe(edits);
      expect(await page.locator('#differences li').count()).toBe(edits);
      const sizes = await page.locator('article dd:nth-of-type(1)').allTextContents();
      expect(sizes).toEqual(['32.0 MB', '8.27 MB']);
      expect(await page.locator('article dd:nth-of-type(2)').allTextContents()).toEqual([
        expect.stringMatching(/^(\d+ ms|\d+\.\d s) for \d+\.\d s of sound$/),
        expect.stringMatching(/^(\d+ ms|\d+\.\d s) for \d+\.\d s of sound$/),
      ]);
      expect(await coloursOf(page, 'waveform')).toBeGreaterThan(1);
      expect(await coloursOf(page, 'spectrogram')).toBeGreaterThan(50);
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      await picture(page, name.replaceAll(/\W+/g, '-'));
      expect(trouble).toEqual([]);
      await page.context().close();
    },
    120_000,
  );

  it('takes what is dropped, by the keyboard as well as by the mouse, and hears it again', async () => {
    const { page, trouble } = await open(started.url);
    await page.keyboard.press('Tab');
    const focused = 'document.activeElement.id';
    const reached: unknown[] = [];
    for (let step = 0; step < 4; step++) {
      reached.push(await page.evaluate(focused));
      await page.keyboard.press('Tab');
    }
    expect(reached).toEqual(['record', 'file', 'left-model', 'right-model']);
    await page.evaluate(
      `(() => { const data = new DataTransfer(); data.items.add(new File([Uint8Array.from(atob(${JSON.stringify(readFileSync(spoken).toString('base64'))}), (one) => one.charCodeAt(0))], 'spoken.flac')); document.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })); })()`,
    );
    await verdict(page);
    expect((await texts(page))[0]).toBe(heardIn('agent-pass'));
    await page.getByLabel('Right').selectOption('deepspeech2-lstm');
    await page
      .getByRole('status')
      .filter({ hasText: /^Both heard the same 9 words\.$/ })
      .waitFor();
    expect(await texts(page)).toEqual([heardIn('agent-pass'), heardIn('agent-pass')]);
    await page.getByRole('button', { name: 'Hear it again' }).press('Enter');
    await verdict(page);
    expect(trouble).toEqual([]);
    await page.context().close();
  }, 120_000);

  it('records where the browser makes MP4, as Safari does: what it decodes is sent as WAV', async () => {
    const { page, trouble } = await open(started.url);
    await page.evaluate(
      'MediaRecorder = class extends MediaRecorder { constructor(stream) { super(stream, { mimeType: "audio/mp4" }); } }',
    );
    const sent = page.waitForRequest((request) => request.url().includes('/transcribe'));
    await page.getByRole('button', { name: 'Record' }).click();
    await page.locator('#clock', { hasText: /^2\./ }).waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Stop' }).press('Enter');
    await verdict(page);
    expect((await sent).headers()['content-type']).toBe('audio/wav');
    expect(trouble).toEqual([]);
    await page.context().close();
  }, 120_000);
});

describe('the page of a service that asks for a key and has one model', () => {
  it('asks for the key, says that two can be compared, and what is wrong', async () => {
    const key = 'a-key-of-more-than-sixteen-letters';
    const { service, url } = await startService({ keys: [key], workerPath: FAKE });
    try {
      const { page } = await open(url);
      await page.getByRole('status').filter({ hasText: 'This service asks for a key' }).waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByLabel('Key of this service').fill(key);
      await page.keyboard.press('Enter');
      await page.getByRole('status').filter({ hasText: 'two can be compared' }).waitFor();
      const send = async (text: string): Promise<void> => {
        await page
          .getByLabel('choose a file')
          .setInputFiles({ name: 'a.wav', mimeType: 'audio/wav', buffer: Buffer.from(text) });
      };
      await send('not what a browser decodes');
      await page.getByText('deepspeech2-lstm has heard it.').waitFor();
      expect(await page.locator('article:visible .text').allTextContents()).toEqual(['not what a browser decodes']);
      expect(await page.getByText('This browser does not know the format').isVisible()).toBe(true);
      await send('crash');
      await page
        .locator('#status.wrong', { hasText: 'a process that transcribes was required' })
        .waitFor({ timeout: 60_000 });
      await page.context().close();
    } finally {
      await service.close();
    }
  }, 120_000);
});
