import { type Command, Option } from 'commander';
import { DEFAULT_NORMALISER, NORMALISER_NAMES, type NormaliserName } from '../speech/text/normaliser.js';

/** What {@link addNormaliserOption} gives. */
export interface NormaliserOptions {
  readonly normaliser: NormaliserName;
}

/** Adds `--normaliser` to a command that compares texts. */
export function addNormaliserOption(command: Command): Command {
  return command.addOption(
    new Option('--normaliser <name>', 'form in which texts are compared')
      .choices(NORMALISER_NAMES)
      .default(DEFAULT_NORMALISER),
  );
}
