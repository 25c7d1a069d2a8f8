import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile, writeFileAtomic } from '../../files.js';
import { readPrices } from '../../measure/cost/prices.js';
import { describeOtherTiming } from '../../measure/latency/timingVersion.js';
import { type FinishedRun, readFinishedRun } from '../../study/finishedRun.js';
import { type FinishedPeers, type PEER_NAMES, PEERS_RESULTS, peersFile, readPeers } from '../../study/peers.js';
import { RUN_FILES } from '../../study/runFolder.js';
import { escapeKramdown, escapeLiquid } from '../escape.js';
import type { FindBrowserOptions } from '../figures/browser.js';
import { type Figure, type JsonObject, mapText } from '../figures/figure.js';
import { buildFigures, FIGURE_NAMES } from '../figures/figures.js';
import { writeFigures } from '../figures/writeFigures.js';
import type { DataTable } from '../tables/dataTable.js';
import { formatEstimate, formatFactor } from '../tables/format.js';
import { buildPeersTable, identityOf, peersAnswerOf } from '../tables/peersTable.js';
import { buildAnswerTable } from '../tables/table.js';
import { tableToHtml, tableToMarkdown, tableToText } from '../tables/tableText.js';
import { answerOf } from './answer.js';
import { buildVariantsTable, laboratoryDataOf } from './laboratoryData.js';
import { writeListening } from './listening.js';
import { nearDataOf } from './nearData.js';
import { postDataOf } from './postData.js';
import { withAnswer } from './readmeAnswer.js';

const FIGURE_ENDINGS = ['.json', '.svg', '.dark.svg', '.png'] as const;

/** Where a Whisper's run lies where nothing else is said. */
export const WHISPER_RESULTS: string = join('data', 'results', 'whisper');

/** Where `bench/paperScale.ts` puts what it measured. */
export const PAPER_SCALE_RESULTS: string = join('data', 'results', 'paper-scale');

/** Where a report goes. */
export interface WriteReportOptions {
  /** Folder of the figures; `figures` by default, `null` for none. */
  readonly figuresFolder?: string | null;
  /** Folder of the write-up's Jekyll tree; `post` by default, `null` for none. */
  readonly postFolder?: string | null;
  /** Folder of the laboratory's run; `data/results/laboratory` by default, `null` for none. It need not be there. */
  readonly laboratoryFolder?: string | null;
  /** Folder of a Whisper's run, which need not be there; `null` for none. Default: `data/results/whisper`, beside that of the laboratory. */
  readonly whisperFolder?: string | null;
  /** Folder of what `npm run peers` measured, which need not be there; `null` for none. Default: `data/results/peers`, beside that of the laboratory. */
  readonly peersFolder?: string | null;
  /** Folder of a run of networks of the papers' size, which need not be there; `null` for none. Default: `data/results/paper-scale`, beside that of the laboratory. */
  readonly paperScaleFolder?: string | null;
  /** Where to look for the browser that draws pictures. */
  readonly browser?: FindBrowserOptions;
}

/** What a report consists of. */
export interface Report {
  readonly table: DataTable;
  /** The table as text, for a terminal. */
  readonly text: string;
  /** Files that were written, in order. */
  readonly files: readonly string[];
  /** What could not be made, and why; empty when all was. */
  readonly warnings: readonly string[];
}

/**
 * Writes what people read about a run and the laboratory: the answer table (`table.md` in the run's folder), figures (spec, SVG
 * light and dark, PNG), and the numbers, tables and figures of the write-up. Nothing is measured again; the same results give the
 * same files. A warning names results whose times were taken in another way than today.
 *
 * The README beside the figures gets the answer where it marks a place for it.
 *
 * Without a browser the specs are still written; pictures that show other numbers are removed, and a warning says so.
 *
 * @param runFolder - folder of a finished run
 * @throws {InputError} when the run or the laboratory cannot be read
 * @throws {UnavailableError} when a place cannot be written
 */
export async function writeReport(runFolder: string, options: WriteReportOptions = {}): Promise<Report> {
  const { figuresFolder = 'figures', postFolder = 'post', browser = {} } = options;
  const { laboratoryFolder = join('data', 'results', 'laboratory') } = options;
  const { whisperFolder = options.laboratoryFolder === undefined ? WHISPER_RESULTS : null } = options;
  const run = await readFinishedRun(runFolder);
  const { paperScaleFolder = options.laboratoryFolder === undefined ? PAPER_SCALE_RESULTS : null } = options;
  const laboratory = await readIfThere(laboratoryFolder);
  const whisper = await readIfThere(whisperFolder);
  const paperScale = await readIfThere(paperScaleFolder);
  const { peersFolder = options.laboratoryFolder === undefined ? PEERS_RESULTS : null } = options;
  const peers = await readAllPeers(peersFolder);
  const prices = await readPrices();
  const table = await buildAnswerTable(run.summary);
  const figures = buildFigures(
    run.summary,
    run.observations,
    prices,
    laboratory?.summary,
    whisper?.summary,
    peers.whisper?.results,
  );
  const files: string[] = [];
  const write = async (path: string, data: string | Uint8Array): Promise<void> => {
    await writeFileAtomic(path, data);
    files.push(path);
  };
  await write(join(runFolder, 'table.md'), tableToMarkdown(table));
  const warnings = [
    describeOtherTiming(runFolder, run.summary.run, 'npm start'),
    laboratory && describeOtherTiming(laboratoryFolder ?? '', laboratory.summary.run, 'npm run quantlab -- laboratory'),
    whisper && describeOtherTiming(whisperFolder ?? '', whisper.summary.run, 'npm run quantlab -- experiment whisper'),
  ].filter((one) => one !== null);
  if (figuresFolder !== null) {
    const written = await writeFigures(figures, figuresFolder, browser);
    files.push(...written.files);
    warnings.push(...written.warnings);
    await removeOthers(figuresFolder, figures);
    const readme = join(figuresFolder, '..', 'README.md');
    const before = await readFile(readme, 'utf8').catch(() => '');
    const after = withAnswer(before, answerOf(run.summary));
    if (after !== before) await write(readme, after);
  }
  if (postFolder !== null) {
    const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
    const data = join(postFolder, '_data');
    await write(
      join(data, 'results.json'),
      json(
        mapText(
          { ...postDataOf(run.summary, run.summarySha256, prices), without_near_prompts: await nearDataOf(run) },
          escapeKramdown,
        ),
      ),
    );
    await write(join(data, 'laboratory.json'), json(mapText(laboratoryDataOf(laboratory, prices), escapeKramdown)));
    const whisperData = whisper && postDataOf(whisper.summary, whisper.summarySha256, prices);
    await write(join(data, 'whisper.json'), json(mapText(whisperData, escapeKramdown)));
    await write(join(data, 'figures.json'), json(figureWords(figures)));
    await write(join(data, 'listening.json'), json(mapText(await writeListening(run, postFolder), escapeKramdown)));
    await write(join(postFolder, '_includes', 'results-table.html'), escapeLiquid(tableToHtml(table)));
    const variants = laboratory && (await buildVariantsTable(laboratory.summary, prices));
    await write(
      join(postFolder, '_includes', 'variants-table.html'),
      variants === null ? '' : escapeLiquid(tableToHtml(variants)),
    );
    await write(join(data, 'paper-scale.json'), json(paperScale && paperScaleDataOf(paperScale)));
    for (const [name, further] of Object.entries({ whisper, 'paper-scale': paperScale })) {
      const html = further === null ? '' : escapeLiquid(tableToHtml(await buildAnswerTable(further.summary)));
      await write(join(postFolder, '_includes', `${name}-table.html`), html);
    }
    await write(join(data, 'peers.json'), json(mapText(peersDataOf(peers), escapeKramdown)));
    for (const [name, finished] of Object.entries(peers)) {
      const html = finished === null ? '' : escapeLiquid(tableToHtml(buildPeersTable(finished.results)));
      await write(join(postFolder, '_includes', `peers-${name}-table.html`), html);
    }
    if (figuresFolder !== null) {
      await copyPictures(figures, figuresFolder, postFolder, write);
      await removeOthers(join(postFolder, 'assets', 'figures'), figures);
    }
  }
  return { table, text: tableToText(table), files, warnings };
}

/** What the write-up says of networks at the size of the papers: how fast each variant is beside its float32. */
function paperScaleDataOf({ summary, summarySha256 }: FinishedRun): JsonObject {
  return {
    source: { summary_sha256: summarySha256 },
    speed_ups: summary.conditions.flatMap(({ condition: { title }, comparison }) =>
      comparison === null ? [] : [{ title, value: formatEstimate(comparison.latencySpeedUp, formatFactor) }],
    ),
  };
}

async function readIfThere(folder: string | null): Promise<FinishedRun | null> {
  return folder !== null && existsSync(join(folder, RUN_FILES.summary)) ? await readFinishedRun(folder) : null;
}

type AllPeers = Readonly<Record<(typeof PEER_NAMES)[number], FinishedPeers | null>>;

async function readAllPeers(folder: string | null): Promise<AllPeers> {
  const read = async (name: (typeof PEER_NAMES)[number]): Promise<FinishedPeers | null> => {
    if (folder === null || !existsSync(peersFile(name, folder))) return null;
    return await readPeers(peersFile(name, folder));
  };
  return { whisper: await read('whisper'), deepspeech2: await read('deepspeech2') };
}

/** What the write-up says of peers; `null` where they were not measured. */
function peersDataOf(peers: AllPeers): JsonObject {
  return Object.fromEntries(
    Object.entries(peers).map(([name, finished]) => [
      name,
      finished && {
        sha256: finished.sha256,
        answer: peersAnswerOf(finished.results),
        identity: identityOf(finished.results).join(' '),
      },
    ]),
  );
}

/** Figures that this report wrote when more was measured: they would show numbers that are no longer there. */
async function removeOthers(folder: string, figures: readonly Figure[]): Promise<void> {
  const names = new Set(figures.map(({ name }) => name));
  for (const name of FIGURE_NAMES.filter((one) => !names.has(one))) {
    for (const ending of FIGURE_ENDINGS) await removeFile(join(folder, name + ending));
  }
}

/** The post's own copies: Jekyll serves nothing from outside its tree. */
async function copyPictures(
  figures: readonly Figure[],
  figuresFolder: string,
  postFolder: string,
  write: (path: string, data: string | Uint8Array) => Promise<void>,
): Promise<void> {
  for (const { name } of figures) {
    for (const ending of FIGURE_ENDINGS.filter((one) => one !== '.png')) {
      const copy = join(postFolder, 'assets', 'figures', name + ending);
      const picture = await readFile(join(figuresFolder, name + ending)).catch(() => null);
      if (picture) await write(copy, picture);
      else await removeFile(copy);
    }
  }
}

/** Words of each figure, with its number; the one at a glance stands above them all and has none. */
function figureWords(figures: readonly Figure[]): JsonObject {
  const numbered = figures.filter(({ name }) => name !== FIGURE_NAMES[0]);
  return Object.fromEntries(
    figures.map((figure) => {
      const { name, title, caption, alt, width, height } = figure;
      const place = numbered.indexOf(figure);
      return [name, { number: place < 0 ? null : place + 1, title, caption, alt, width, height }];
    }),
  );
}
