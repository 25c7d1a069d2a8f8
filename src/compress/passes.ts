import type { CalibrationOptions } from './calibrators/observer.js';
import { type Pass, STAGES } from './pass.js';
import * as techniques from './techniques.js';

/** One of the techniques. */
export type Technique = (typeof techniques)[keyof typeof techniques];

/** The step of a recipe that applies a pass. */
export type StepOf<P> =
  P extends Pass<infer Name, infer Options, infer _Settings>
    ? {
        readonly transform: Name;
        readonly options?: Options | undefined;
        readonly calibration?: (P extends { readonly needs: 'calibration' } ? CalibrationOptions : never) | undefined;
      }
    : never;

/** All techniques, in the order in which a recipe that is made layer by layer applies them. */
export const PASSES: readonly Pass[] = Object.values(techniques as Readonly<Record<string, unknown>>)
  .map((technique) => technique as Pass)
  .sort((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage));

/** The pass of a name. */
export function passNamed(name: string): Pass | undefined {
  return PASSES.find((pass) => pass.name === name);
}
