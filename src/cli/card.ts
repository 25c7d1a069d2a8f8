import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { InputError } from '../errors.js';
import type { CardAnswers } from '../recognise/kinds/ctc/cardAnswers.js';
import { initCard } from '../recognise/kinds/ctc/initCard.js';
import { FRONT_END_PRESETS } from '../speech/features/frontEndPresets.js';
import { examples } from './help.js';
import type { Given } from './optionGroups.js';
import { namedTexts, wholeNumber, writableFile } from './options.js';
import type { Terminal } from './terminal.js';

interface CardInitOptions extends Pick<Given, 'out'>, Omit<CardAnswers, 'sampleRateHz' | 'tensors'> {
  readonly sampleRate?: number;
  readonly tensor?: CardAnswers['tensors'];
}

/** `quantlab card init MODEL.onnx`: the card of a model of one's own, so that it can transcribe. */
export function addCardCommand(program: Command, terminal: Terminal): void {
  const card = program
    .command('card')
    .description('The card of a model of your own: what its graph does not say, so that it turns speech into text')
    .addHelpText('after', examples('card init model.onnx'));
  card
    .command('init')
    .description(
      'Write the card of a CTC model from what its graph tells; what it cannot tell is asked for, all at once',
    )
    .argument('<model.onnx>', 'a network that gives scores of labels for each step')
    .option('-o, --out <model.json>', 'where to write, beside the model (default: MODEL.json)', writableFile('.json'))
    .option('--labels <file>', 'texts of the classes: a vocab.json (Hugging Face) or a tokens.txt (Kaldi, sherpa)')
    .option('--blank <n>', 'index of the blank (default: the one that the labels call so)', wholeNumber(0))
    .option(
      '--front-end <name|file>',
      `how sound becomes the input: ${Object.keys(FRONT_END_PRESETS).join(', ')}, or a JSON file with the frontEnd of a card`,
    )
    .option('--sample-rate <hz>', 'sample rate of the model', wholeNumber(1000, 384_000))
    .option('--bins <n>', 'values of a frame (default: what the graph fixes)', wholeNumber(1))
    .option('--time-stride <n>', 'frames, or samples, for each step (default: found by a trial run)', wholeNumber(1))
    .option(
      '--tensor <key=value>',
      'a line of the card’s tensors, as features=x (may be given several times)',
      namedTexts,
    )
    .addHelpText(
      'after',
      examples(
        'card init model.onnx --front-end kaldi --sample-rate 16000 --labels tokens.txt',
        'card init wav2vec2.onnx --front-end wav2vec2 --sample-rate 16000 --labels vocab.json',
      ),
    )
    .action(async (path: string, { out, sampleRate, tensor, ...answers }: CardInitOptions) => {
      const own = path.replace(/(\.onnx)?$/, '.json');
      if (out === undefined && (await stat(own).catch(() => null)) !== null) {
        throw new InputError(`${own}: a name that is free was required, got a file; name it with -o to write over it`);
      }
      const { timeStride, frontEnd } = await initCard(path, out ?? own, {
        ...answers,
        sampleRateHz: sampleRate,
        tensors: tensor,
      });
      terminal.print(
        `${out ?? own}: ${frontEnd.kind} at ${frontEnd.sampleRateHz} Hz, a step every ${timeStride} ${frontEnd.kind === 'waveform' ? 'samples' : 'frames'}\n`,
      );
    });
}
