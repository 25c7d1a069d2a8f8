import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { describeFileError, parseJson } from '../files.js';
import { observationSchema } from './records.js';
import type { Observation } from './schema.js';

/** What a file of observations holds. */
export interface ReadObservations {
  readonly observations: readonly Observation[];
  /** Length of the whole lines, in bytes; what stands behind was cut off when its writer was killed. */
  readonly wholeBytes: number;
}

/**
 * Reads a file of observations. A last line without its end is left out: its writer was killed in the middle of it.
 *
 * @throws {InputError} when the file is missing, or another line is broken; the message names it
 */
export function readObservations(path: string): ReadObservations {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw describeFileError(path, error);
  }
  const wholeBytes = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.toString('utf8', 0, wholeBytes).split('\n').slice(0, -1);
  const observations = lines.map((line, index) => parseJson(line, observationSchema, `${path}:${index + 1}`));
  return { observations, wholeBytes };
}

/**
 * The append-only file of a run. A line is handed to the system as soon as its trial has ended, which outlives the death
 * of this process; {@link ObservationLog.sync} makes it outlive the death of the machine.
 */
export class ObservationLog {
  readonly #path: string;
  readonly #file: number;
  #bytes: number;

  /**
   * Opens the file for appending.
   *
   * @param path - made when it is not there
   * @param wholeBytes - how much of it is kept; a half line behind is cut off
   * @throws {UnavailableError} when the place cannot be written
   */
  constructor(path: string, wholeBytes = 0) {
    this.#path = path;
    this.#bytes = wholeBytes;
    try {
      this.#file = openSync(path, 'a');
      if (fstatSync(this.#file).size > wholeBytes) ftruncateSync(this.#file, wholeBytes);
    } catch (error) {
      throw describeFileError(path, error);
    }
  }

  /**
   * Appends one observation.
   *
   * @throws {UnavailableError} when the disk is full; the file then ends with its last whole line
   */
  append(observation: Observation): void {
    const line = Buffer.from(`${JSON.stringify(observation)}\n`);
    try {
      for (let written = 0; written < line.length; ) written += writeSync(this.#file, line, written);
      this.#bytes += line.length;
    } catch (error) {
      this.#cut();
      throw describeFileError(this.#path, error);
    }
  }

  /** Flushes what was appended to the disk. */
  sync(): void {
    try {
      fsyncSync(this.#file);
    } catch (error) {
      throw describeFileError(this.#path, error);
    }
  }

  /** Closes the file. */
  close(): void {
    closeSync(this.#file);
  }

  #cut(): void {
    try {
      ftruncateSync(this.#file, this.#bytes);
    } catch {
      // The reader leaves a half line out anyway.
    }
  }
}
