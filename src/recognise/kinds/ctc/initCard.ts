import { basename, dirname, resolve } from 'node:path';
import { InputError } from '../../../errors.js';
import { readModel } from '../../../onnx/file/read.js';
import { modelNodes } from '../../../onnx/graph/subgraphs.js';
import type { OnnxModel } from '../../../onnx/model.js';
import { FRONT_END_PRESETS } from '../../../speech/features/frontEndPresets.js';
import type { FrontEnd } from '../../../speech/types.js';
import { countParameters } from '../../card/countParameters.js';
import { idFromName } from '../../card/idFromName.js';
import { writeCard } from '../../card/readCard.js';
import type { ModelSession } from '../../session/modelSession.js';
import { openGraph } from '../../session/openGraph.js';
import type { CardTensors, CtcCard } from './card.js';
import { type Answered, answeredFrontEnd, type CardAnswers } from './cardAnswers.js';
import { GraphTensors } from './graphTensors.js';
import { guessTensors } from './guessTensors.js';
import { type LabelFile, readLabelFile } from './labelFile.js';
import { type TrialRun, trialRun } from './trialRun.js';

/** Bands of a trial run where nobody knows them. */
const USUAL_BINS = 80;
const MOST_OPERATORS = 6;

/**
 * Writes the card of a model of one's own, with what its graph tells and what was answered. The graph is run on silence, and the card
 * held against it, before anything is written.
 *
 * @param path - the `.onnx` file
 * @param cardPath - where to write, in the same folder
 * @returns the card
 * @throws {InputError} when answers are missing or do not fit the graph: one error names all of them, and how to give them
 */
export async function initCard(path: string, cardPath: string, answers: CardAnswers): Promise<CtcCard> {
  if (resolve(dirname(cardPath)) !== resolve(dirname(path))) {
    throw new InputError(
      `${cardPath}: a place beside ${path} was required, since a card names its model without folders, got another; change -o`,
    );
  }
  const named = answers.labels === undefined ? undefined : await readLabelFile(answers.labels);
  const session = await openGraph(path);
  try {
    const { tensors, gaps } = guessTensors(session, answers.tensors, named?.labels.length);
    const input = session.inputs.find(({ name }) => name === tensors?.features);
    const frontEnd = await answeredFrontEnd(answers, input?.shape ?? []);
    const trial = tensors && (await tryGraph(session, frontEnd.value ?? standIn(input?.shape ?? []), tensors));
    const { timeStride = answers.timeStride, scoresLayout, classes } = trial?.found ?? {};
    const labels = answeredLabels(answers, named, classes);
    const all = [
      ...gaps,
      ...frontEnd.gaps,
      ...labels.gaps,
      ...strideGaps(answers, trial, frontEnd.value !== undefined),
    ];
    if (all.length > 0 || !tensors || !frontEnd.value || !labels.value || timeStride === undefined) {
      throw new InputError(
        `${path}: answers to what its graph does not tell were required; add\n  ${all.join('\n  ')}`,
      );
    }
    const model = await readModel(path);
    const card: CtcCard = {
      schema: 'quantlab.model-card/2',
      kind: 'ctc',
      id: idFromName(basename(path, '.onnx'), 'model'),
      title: basename(path, '.onnx'),
      network: networkOf(model),
      parameters: countParameters(model),
      graphs: { model: { file: { path: basename(path) } } },
      frontEnd: frontEnd.value,
      tensors: { ...(scoresLayout && { scoresLayout }), ...tensors },
      ...labels.value,
      timeStride,
    };
    // Whatever still does not fit is an error here, not when somebody listens.
    void new GraphTensors(card, session);
    await writeCard(card, cardPath);
    return card;
  } finally {
    await session.release();
  }
}

/** What a trial run found, or why there was none. */
interface Trial {
  readonly found?: TrialRun;
  readonly reason?: string;
}

async function tryGraph(session: ModelSession, frontEnd: FrontEnd, tensors: CardTensors): Promise<Trial> {
  try {
    return { found: await trialRun(session, frontEnd, tensors) };
  } catch (error) {
    if (error instanceof InputError) return { reason: error.message };
    throw error;
  }
}

/**
 * The front end of a trial run where none was named: samples for two axes, else as many values a frame as the graph fixes; of two fixed
 * axes the shorter, for recordings have more frames than bands.
 */
function standIn(shape: readonly (number | string)[]): FrontEnd {
  const fixed = shape.slice(1).filter((size): size is number => typeof size === 'number' && size > 1);
  const bins = fixed.length === 0 ? USUAL_BINS : Math.min(...fixed);
  const preset = FRONT_END_PRESETS[shape.length === 2 ? 'wav2vec2' : 'kaldi'];
  return preset.make({ sampleRateHz: 16_000, bins });
}

function strideGaps({ timeStride }: CardAnswers, trial: Trial | undefined, hasFrontEnd: boolean): readonly string[] {
  const found = trial?.found?.timeStride;
  if (found !== undefined && timeStride !== undefined && found !== timeStride) {
    return [
      `--time-stride ${found}, since a trial run took ${found} frames a step, not ${timeStride}; or leave it out`,
    ];
  }
  if (trial?.reason !== undefined && hasFrontEnd)
    return [`what the graph needs to run: on silence it gave: ${trial.reason}`];
  if (trial === undefined || found !== undefined || timeStride !== undefined) return [];
  return ['--time-stride N, feature frames (or samples) for each step of the output, which a trial run did not tell'];
}

function answeredLabels(
  { labels: path, blank }: CardAnswers,
  named: LabelFile | undefined,
  classes: number | undefined,
): Answered<Pick<CtcCard, 'labels' | 'blank'>> {
  const ofAll = classes === undefined ? '' : ` of the ${classes} classes`;
  if (named === undefined) {
    return {
      gaps: [
        `--labels FILE, a vocab.json or tokens.txt with the texts${ofAll} and, where none is called so in it, --blank N`,
      ],
    };
  }
  const { labels } = named;
  const found = blank ?? named.blank;
  const gaps: string[] = [];
  if (classes !== undefined && classes !== labels.length) {
    gaps.push(`--labels FILE with ${classes} labels, as many as the graph has classes; ${path} has ${labels.length}`);
  }
  if (found === undefined) gaps.push(`--blank N, the index of the blank: none of ${path} is called so`);
  else if (found >= labels.length) gaps.push(`--blank N below ${labels.length}, got ${found}`);
  if (found === undefined || gaps.length > 0) return { gaps };
  return { value: { labels: labels.with(found, ''), blank: found }, gaps };
}

/** The most frequent operators: what the graph tells of its network. */
function networkOf(model: OnnxModel): string {
  const counts = new Map<string, number>();
  for (const { opType } of modelNodes(model.proto)) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST_OPERATORS);
  return most.map(([opType, count]) => `${count} × ${opType}`).join(', ');
}
