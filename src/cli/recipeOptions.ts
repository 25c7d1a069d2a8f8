import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { PASSES } from '../compress/passes.js';
import type { Recipe, RecipeStep } from '../compress/recipe.js';
import { UsageError } from '../errors.js';
import { collect, commaList, named } from './options.js';

/** What the command line calls the option that names operators: a recipe of several steps has another list for each. */
const OP_TYPES = 'op-types';

/** An option of passes, as the command line has it. */
interface Flag {
  readonly name: string;
  readonly description: string;
  /** What it takes, without what is filled in where nothing is given. */
  readonly takes: z.ZodType;
  /** What each pass that knows it calls it, by the pass's name. */
  readonly knownAs: ReadonlyMap<string, string>;
  /** What is taken where nothing is given, in each of those passes. */
  readonly defaults: readonly unknown[];
}

/** The options of all passes; those of one name are one flag. */
function flags(only: readonly string[] = []): readonly Flag[] {
  const found = new Map<string, Flag>();
  for (const pass of PASSES) {
    if (only.length > 0 && !only.includes(pass.name)) continue;
    for (const [option, field] of Object.entries(pass.options.shape)) {
      const { description = '', flag } = z.globalRegistry.get(field) ?? {};
      const name = typeof flag === 'string' ? flag : kebab(option);
      const known = found.get(name);
      found.set(name, {
        name,
        description: known?.description ?? description,
        takes: known?.takes ?? unwrapped(field),
        knownAs: new Map([...(known?.knownAs ?? []), [pass.name, option]]),
        defaults: [...(known?.defaults ?? []), field.safeParse(undefined).data],
      });
    }
  }
  return [...found.values()];
}

/**
 * Adds an option for each option of each pass to a command.
 *
 * @param passes - names of the only ones; all where none is named
 */
export function addRecipeOptions(...passes: readonly string[]): (command: Command) => Command {
  return (command) => {
    for (const option of flags(passes).flatMap(optionsFor)) {
      command.addOption(passes.length > 0 ? option : option.helpGroup(GROUP));
    }
    return command;
  };
}

const GROUP = 'What the steps of the recipe do (in brackets: the techniques that know it):';

function optionsFor({ name, description, takes, knownAs, defaults }: Flag): readonly Option[] {
  const [usual] = defaults;
  const shown =
    typeof usual !== 'object' && usual !== false && defaults.every((one) => one === usual) ? usual : undefined;
  const what = `${description} [${[...knownAs.keys()].join(', ')}${shown === undefined ? '' : `; default: ${shown}`}]`;
  if (takes instanceof z.ZodBoolean) {
    const plain = new Option(`--${name}`, what);
    return defaults.every((one) => one === false) ? [plain] : [plain, new Option(`--no-${name}`, `without --${name}`)];
  }
  if (takes instanceof z.ZodArray) {
    // What is one of a few names holds no comma; names of nodes may.
    return takes.element instanceof z.ZodEnum
      ? [new Option(`--${name} <list>`, what).argParser(commaList)]
      : [new Option(`--${name} <name>`, `${what} (may be given several times)`).argParser(collect)];
  }
  if (takes instanceof z.ZodRecord) {
    return [
      new Option(`--${name} <node=n>`, `${what} (may be given several times)`).argParser<
        Readonly<Record<string, number>>
      >((text, before) => parsed(named()(text, before), takes, []) as Readonly<Record<string, number>>),
    ];
  }
  const values = valuesOf(takes);
  const shape = values.length > 0 ? values.join('|') : takes instanceof z.ZodString ? 'text' : 'n';
  const option = new Option(`--${name} <${shape}>`, what);
  return [option.argParser((text) => parsed(numberOrText(text, takes), takes, values))];
}

function numberOrText(text: string, takes: z.ZodType): string | number {
  const isText = takes instanceof z.ZodEnum || takes instanceof z.ZodString;
  return isText || text.trim() === '' ? text : Number(text);
}

function parsed(value: unknown, takes: z.ZodType, values: readonly unknown[]): unknown {
  const result = takes.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InvalidArgumentError(values.length > 0 ? `One of ${values.join(', ')} is required.` : `${issue?.message}.`);
}

/** The values of a choice; none for a number. */
function valuesOf(takes: z.ZodType): readonly unknown[] {
  if (takes instanceof z.ZodEnum) return takes.options;
  return takes instanceof z.ZodUnion
    ? takes.options.flatMap((one) => (one instanceof z.ZodLiteral ? [one.value] : []))
    : [];
}

function unwrapped(field: z.ZodType): z.ZodType {
  const isWrapped = field instanceof z.ZodDefault || field instanceof z.ZodOptional || field instanceof z.ZodReadonly;
  return isWrapped ? unwrapped(field.unwrap() as z.ZodType) : field;
}

/**
 * A recipe with the options of a command line put into its steps.
 *
 * @param given - what the command line gave, by commander's names
 * @throws {UsageError} when no step of the recipe knows an option, or operators are named for a recipe of several steps
 */
export function withOptions(recipe: Recipe, given: Readonly<Record<string, unknown>>): Recipe {
  const asked = flags().filter(({ name }) => given[camel(name)] !== undefined);
  for (const { name, knownAs } of asked) {
    if (recipe.steps.some(({ transform }) => knownAs.has(transform))) continue;
    throw new UsageError(
      `--${name}: a recipe that knows it was required, got ${recipe.name}; leave it out or choose another recipe`,
    );
  }
  if (asked.some(({ name }) => name === OP_TYPES) && recipe.steps.length > 1) {
    throw new UsageError(
      `--${OP_TYPES}: a recipe of one step was required, got ${recipe.name}; write them into a recipe file instead`,
    );
  }
  const steps = recipe.steps.map((step) => {
    const options = asked.flatMap(({ name, knownAs }) => {
      const option = knownAs.get(step.transform);
      return option === undefined ? [] : [[option, given[camel(name)]] as const];
    });
    return options.length === 0
      ? step
      : ({ ...step, options: { ...step.options, ...Object.fromEntries(options) } } as RecipeStep);
  });
  return { ...recipe, steps };
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function camel(name: string): string {
  return name.replace(/-[a-z]/g, (letter) => letter.slice(1).toUpperCase());
}
