/**
 * The weights of a model, from whatever file they are in, under the names that Hugging Face's `transformers` gives them, without
 * the `model.` before them: `encoder.layers.0.fc1.weight`. They are read one at a time, when they are asked for.
 */
export interface Weights {
  /** The file, for messages. */
  readonly path: string;
  /** Dimensions of a weight, `undefined` where there is none of that name. */
  shapeOf(name: string): readonly number[] | undefined;
  /**
   * The values of a weight, row by row.
   *
   * @throws {InputError} when there is none of that name, or the file changed since it was opened
   */
  floatsOf(name: string): Float32Array;
}
