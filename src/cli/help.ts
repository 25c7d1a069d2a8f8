/** Groups of the commands in the help, in the order in which a newcomer meets them. */
export const HELP_GROUPS = {
  smaller: 'Make it smaller:',
  costs: 'See what it costs:',
  run: 'Run it:',
  experiments: 'Experiments:',
  own: 'For the work on quantlab itself:',
} as const;

/** What stands below the help of the program: the way from a model to an answer. */
export const FIRST_STEPS: string = `${examples(
  'quantize model.onnx -o small.onnx',
  'evaluate deepspeech2-lstm small.onnx',
  'bench deepspeech2-lstm small.onnx',
)}
More of a command, with examples: quantlab help COMMAND
Exit codes: 0 done, 1 failed or some input left out, 2 wrong use.
`;

/** What stands below the help of a command: lines that can be typed as they are. */
export function examples(...lines: readonly string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  $ quantlab ${line}\n`).join('')}`;
}
