// Files of labels as Hugging Face's Wav2Vec2CTCTokenizer and sherpa-onnx write them.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCard } from '../../../src/recognise/card/readCard.js';
import { type CtcCard, requireCtc } from '../../../src/recognise/kinds/ctc/card.js';
import { listModels } from '../../../src/recognise/registry/registry.js';
import { packModel } from '../../../src/recognise/weights/pack.js';
import { decodeGreedy } from '../../../src/speech/decode/ctc.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-card-'));
let good: CtcCard;
beforeAll(async () => {
  good = (await listModels())[0] as CtcCard;
});

async function read(change: object): Promise<CtcCard> {
  const path = join(folder, 'model.json');
  writeFileSync(path, JSON.stringify({ ...good, ...change }));
  return requireCtc(await readCard(path));
}

/** The text of a sequence of classes. */
function heard({ labels, blank }: CtcCard, ...sequence: number[]): string {
  const data = new Float32Array(sequence.length * labels.length).fill(-9);
  for (const [step, label] of sequence.entries()) data[step * labels.length + label] = 0;
  return decodeGreedy(data, sequence.length, labels, blank).text;
}

describe('readCard', () => {
  it('names all that is wrong at once, each with its reason', async () => {
    const frontEnd = { ...good.frontEnd, sampleRateHz: 1e12, hopSamples: 0 };
    const reading = read({ frontEnd, timeStride: -1, blank: 3, title: 'a\nb', licens: 'MIT' });
    await expect(reading).rejects.toThrow(/model\.json: valid fields were required, got \d others: /);
    for (const part of [
      /frontEnd\.sampleRateHz: a whole number in 1000…384000 was required of sampleRateHz, got 1000000000000/,
      /frontEnd\.hopSamples: .*got 0/,
      /timeStride: /,
      /blank: the label at index `blank` must be the empty string/,
      /title: one line of plain text is required/,
      /licens/,
    ]) {
      await expect(reading).rejects.toThrow(part);
    }
  });

  it.each<[string, object, RegExp]>([
    ['a turned title', { title: 'abc\u202Etxt' }, /title .*one line of plain text/],
    ['a terminal’s escape', { title: '\u001b[2Jabc' }, /title .*one line of plain text/],
    ['a stride without end', { timeStride: 1e9 }, /timeStride/],
    [
      'labels that are numbers',
      { labels: ['', 1] },
      /texts of at most 256 characters are required, got another at index 1/,
    ],
    ['one label', { labels: [''] }, /a list of 2…262144 texts/],
    ['labels elsewhere', { labels: '../vocab.json' }, /without folders, is required, got "\.\.\/vocab\.json"/],
    ['labels that are missing', { labels: 'nowhere.txt' }, /nowhere\.txt: a file was required, got nothing/],
    ['no labels', { labels: undefined }, /field labels .*a list of 2…262144 texts, or the name of a file, is required/],
  ])('refuses %s', async (_, change, message) => {
    await expect(read(change)).rejects.toThrow(message);
  });
});

describe('what a card may leave out', () => {
  const file = { path: 'model.onnx' };

  it('is all that is not needed to hear', async () => {
    const shippedOnly = ['licence', 'intendedUse', 'limits', 'figures', 'trainingData', 'training'];
    const left = Object.fromEntries(shippedOnly.map((field) => [field, undefined]));
    const card = await read({ ...left, graphs: { model: { file } } });
    expect(card.graphs.model.file).toEqual({ path: 'model.onnx' });
    await expect(packModel('nowhere.onnx', { ...card, id: 'mine' }, join(folder, 'mine'))).rejects.toThrow(
      /card of mine: .*, got no licence, trainingData, intendedUse, limits, figures; write what is missing/,
    );
  });

  it('is not the checksum of packed weights, nor of what they become', async () => {
    const { packed } = good.graphs.model;
    await expect(read({ graphs: { model: { file, packed } } })).rejects.toThrow(/graphs\.model\.file\.sha256/);
    await expect(read({ graphs: { model: { file: good.graphs.model.file, packed: file } } })).rejects.toThrow(
      /graphs\.model\.packed\.sha256/,
    );
  });
});

describe('files of labels', () => {
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return name;
  };

  it('refuses labels that are not in UTF-8', async () => {
    const labels = write('latin.txt', '');
    writeFileSync(join(folder, 'latin.txt'), Buffer.from('<blk> 0\nä 1\nb 2\n', 'latin1'));
    await expect(read({ labels, blank: undefined })).rejects.toThrow(/latin\.txt: UTF-8 was required/);
  });

  it('a vocab.json of Hugging Face: <pad> is the blank, | the space', async () => {
    const vocabulary = {
      '|': 4,
      a: 5,
      B: 6,
      '<pad>': 0,
      '<s>': 1,
      '</s>': 2,
      '<unk>': 3,
      __proto__x: 7,
      constructor: 8,
    };
    const labels = write('vocab.json', JSON.stringify(vocabulary).replace('__proto__x', '__proto__'));
    const card = await read({ labels, blank: undefined });
    expect(card.labels).toEqual(['', '', '', '', '|', 'a', 'B', '__proto__', 'constructor']);
    expect(card.blank).toBe(0);
    expect(heard(card, 5, 5, 0, 5, 4, 6, 3, 1)).toBe('aa B');
    expect((await read({ labels, blank: 4 })).labels[4]).toBe('');
  });

  it('a tokens.txt of sherpa: <blk>, word pieces, a line for the space, symbols of graphs', async () => {
    const labels = write('tokens.txt', '<blk> 0\r\n▁the 2\r\n▁ 1\r\nre 3\r\n 5\r\n<unk> 4\r\n#0 6\r\n');
    const card = await read({ labels, blank: undefined });
    expect(card.labels).toEqual(['', '▁', '▁the', 're', '', ' ']);
    expect(card.blank).toBe(0);
    expect(heard(card, 2, 3, 0, 2, 5, 3)).toBe('there the re');
  });

  it.each<[string, string, RegExp]>([
    ['twice.txt', '<blk> 0\na 1\nb 1\n', /twice\.txt:3: ids 0…2, each once, were required, got 1 twice/],
    ['hole.txt', '<blk> 0\na 2\n', /hole\.txt:2: ids 0…1, .* got 2 beyond them/],
    ['noid.txt', '<blk> 0\nabc\n', /noid\.txt:2: a token and its id were required, got "abc"/],
    [
      'blankless.txt',
      'a 0\nb 1\n',
      /model\.json: the index of the blank among the 2 labels of blankless\.txt .* got none/,
    ],
    ['bytes.txt', '<blk> 0\n<0xE2> 1\n', /bytes\.txt:2: whole characters were required, got a byte/],
    ['list.json', '["a"]', /list\.json: .*an object is required/],
    ['nested.json', '{"eng": {"a": 0}}', /nested\.json: .*an id is required; of several languages, keep one/],
    ['empty.txt', '', /empty\.txt: 2 labels or more were required, got 0/],
  ])('%s is refused in one line', async (name, text, message) => {
    await expect(read({ labels: write(name, text), blank: undefined })).rejects.toThrow(message);
  });
});
