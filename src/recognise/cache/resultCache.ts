import { InputError } from '../../errors.js';
import { ResultStore } from './resultStore.js';

/** How much is kept, and where. */
export interface ResultCacheOptions {
  /** Room in memory, in bytes; 0 keeps nothing there. */
  readonly memoryBytes: number;
  /** Folder of results on disk. Default: none are kept there. */
  readonly folder?: string | undefined;
  /** Room on disk, in bytes. Default: 1 GiB. */
  readonly diskBytes?: number | undefined;
  /** Milliseconds since 1970, for the order of use on disk. */
  readonly now?: () => number;
}

/** Where a kept result came from. */
export type ResultPlace = 'memory' | 'disk';

/** What a cache has done since it was opened. */
export interface ResultCacheCounts {
  readonly memoryHits: number;
  readonly diskHits: number;
  readonly misses: number;
  /** Results that left memory to make room. */
  readonly evictions: number;
  /** Files that could not be used and were removed. */
  readonly damaged: number;
  /** Results that could not be written to disk. */
  readonly failedWrites: number;
}

/** Room on disk where nothing else is said. */
export const DEFAULT_DISK_BYTES: number = 2 ** 30;

/** What an entry takes in memory besides its bytes: its key of 64 characters, the array and the place in the map; an estimate. */
const ENTRY_BYTES = 256;

/**
 * Results by key, the least recently used leaving first: in memory, and on disk for other processes and the next start.
 * Keys are checksums of everything that the result depends on, so that nothing ever has to be declared invalid.
 */
export class ResultCache {
  readonly #entries = new Map<string, Uint8Array>();
  readonly #memoryBytes: number;
  readonly #store: ResultStore | null;
  #usedBytes = 0;
  #counts = { memoryHits: 0, diskHits: 0, misses: 0, evictions: 0, damaged: 0, failedWrites: 0 };

  private constructor(memoryBytes: number, store: ResultStore | null) {
    this.#memoryBytes = memoryBytes;
    this.#store = store;
  }

  /**
   * Opens a cache.
   *
   * @throws {InputError} when a size is negative or not a number
   * @throws {UnavailableError} when the folder cannot be written
   */
  static async open(options: ResultCacheOptions): Promise<ResultCache> {
    const { memoryBytes, folder, diskBytes = DEFAULT_DISK_BYTES, now } = options;
    if (!(memoryBytes >= 0)) {
      throw new InputError(`result cache: 0 bytes of memory or more were required, got ${memoryBytes}; give a size`);
    }
    if (folder === undefined) return new ResultCache(memoryBytes, null);
    const store = new ResultStore(folder, diskBytes, now);
    await store.open();
    return new ResultCache(memoryBytes, store);
  }

  /** What it has done so far. */
  get counts(): ResultCacheCounts {
    return { ...this.#counts };
  }

  /** Bytes in memory, those of keys and map estimated. */
  get memoryUsedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * Finds a result and where it was.
   *
   * @param key - 64 hexadecimal digits
   * @returns bytes that must not be changed; `undefined` when it is not kept
   */
  async get(key: string): Promise<{ readonly bytes: Uint8Array; readonly place: ResultPlace } | undefined> {
    const kept = this.#entries.get(key);
    if (kept !== undefined) {
      // To the end of the map: the first is the least recently used.
      this.#entries.delete(key);
      this.#entries.set(key, kept);
      this.#counts.memoryHits++;
      return { bytes: kept, place: 'memory' };
    }
    const found = await this.#store?.get(key);
    if (found instanceof Uint8Array) {
      this.#counts.diskHits++;
      this.#remember(key, found);
      return { bytes: found, place: 'disk' };
    }
    if (found === 'damaged') this.#counts.damaged++;
    this.#counts.misses++;
    return undefined;
  }

  /** Keeps a result. A disk that is full or may not be written costs the result, not the answer: it is counted. */
  async set(key: string, bytes: Uint8Array): Promise<void> {
    this.#remember(key, bytes);
    await this.#store?.set(key, bytes).catch(() => {
      this.#counts.failedWrites++;
    });
  }

  #remember(key: string, bytes: Uint8Array): void {
    this.#forget(key);
    const size = bytes.byteLength + ENTRY_BYTES;
    if (size > this.#memoryBytes) return;
    this.#entries.set(key, bytes);
    this.#usedBytes += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#usedBytes <= this.#memoryBytes) break;
      this.#forget(oldest);
      this.#counts.evictions++;
    }
  }

  #forget(key: string): void {
    const kept = this.#entries.get(key);
    if (kept === undefined) return;
    this.#entries.delete(key);
    this.#usedBytes -= kept.byteLength + ENTRY_BYTES;
  }
}
