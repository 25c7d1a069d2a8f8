/**
 * A map from pairs of whole numbers to whole numbers, by open addressing in one array: edges of a graph, looked up in the
 * inner loop of a search, where a `Map` of joined keys would make garbage.
 */
export class PairTable {
  /** Three numbers a place: the pair, and the value plus one; 0 is a free place. */
  #places: Int32Array;
  #mask: number;
  #size = 0;

  /** @param expected - how many pairs will come; the table grows beyond it by itself */
  constructor(expected: number = 16) {
    const places = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 2)));
    this.#places = new Int32Array(places * 3);
    this.#mask = places - 1;
  }

  /** The value of a pair, or −1. */
  get(first: number, second: number): number {
    const places = this.#places;
    for (let place = hash(first, second) & this.#mask; ; place = (place + 1) & this.#mask) {
      const at = place * 3;
      const value = places[at + 2] as number;
      if (value === 0) return -1;
      if (places[at] === first && places[at + 1] === second) return value - 1;
    }
  }

  /** Sets the value, 0 or more, of a pair that is not there yet. */
  add(first: number, second: number, value: number): void {
    if (this.#size * 2 > this.#mask) this.#grow();
    this.#place(first, second, value + 1);
    this.#size++;
  }

  #place(first: number, second: number, stored: number): void {
    let place = hash(first, second) & this.#mask;
    while (this.#places[place * 3 + 2] !== 0) place = (place + 1) & this.#mask;
    this.#places[place * 3] = first;
    this.#places[place * 3 + 1] = second;
    this.#places[place * 3 + 2] = stored;
  }

  #grow(): void {
    const old = this.#places;
    this.#places = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let at = 0; at < old.length; at += 3) {
      const stored = old[at + 2] as number;
      if (stored !== 0) this.#place(old[at] as number, old[at + 1] as number, stored);
    }
  }
}

/** Mixes both numbers into 32 bits (the finisher of MurmurHash3). */
function hash(first: number, second: number): number {
  let mixed = Math.imul(first, 0x9e3779b1) ^ second;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
