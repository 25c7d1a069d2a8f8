import { InputError } from '../../errors.js';

/** Longest code: a code and the seven bits before it fit a whole number of 32 bits. */
const LONGEST = 24;

/** Bytes in a code of Huffman's, and the table to read them by. */
export interface HuffmanCoded {
  /** Bits of each byte's code, 0 for bytes that do not occur; 256 numbers. */
  readonly lengths: Uint8Array;
  /** The codes one after another, the highest bit first, the last byte filled with zeros. */
  readonly bits: Uint8Array;
  /** How many bytes were coded. */
  readonly count: number;
}

/**
 * Bits that each byte takes in Huffman's code for the counts given: the shortest code that gives every byte whole bits
 * (Huffman 1952). Where a code would be longer than 24 bits, rare bytes are counted as less rare.
 *
 * @param counts - how often each byte occurs, 256 numbers
 * @returns 256 numbers, 0 for bytes that do not occur; 1 where there is one byte alone
 */
export function huffmanLengths(counts: readonly number[]): Uint8Array {
  let weights = [...counts];
  for (;;) {
    const lengths = lengthsOf(weights);
    if (lengths.every((length) => length <= LONGEST)) return lengths;
    weights = weights.map((weight) => (weight === 0 ? 0 : Math.ceil(weight / 2)));
  }
}

interface Tree {
  readonly weight: number;
  readonly bytes: readonly number[];
}

function lengthsOf(weights: readonly number[]): Uint8Array {
  const lengths = new Uint8Array(256);
  const leaves: Tree[] = weights
    .flatMap((weight, byte) => (weight > 0 ? [{ weight, bytes: [byte] }] : []))
    .sort((a, b) => a.weight - b.weight);
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) {
    lengths[only.bytes[0] ?? 0] = 1;
    return lengths;
  }
  // Two queues, both in order: leaves, and trees in the order in which they were joined.
  const joined: Tree[] = [];
  const lightest = (): Tree => {
    const [leaf, tree] = [leaves[0], joined[0]];
    const fromLeaves = tree === undefined || (leaf !== undefined && leaf.weight <= tree.weight);
    return (fromLeaves ? leaves.shift() : joined.shift()) ?? { weight: 0, bytes: [] };
  };
  while (leaves.length + joined.length > 1) {
    const [a, b] = [lightest(), lightest()];
    const bytes = [...a.bytes, ...b.bytes];
    for (const byte of bytes) lengths[byte] = (lengths[byte] ?? 0) + 1;
    joined.push({ weight: a.weight + b.weight, bytes });
  }
  return lengths;
}

/** How often each byte occurs: 256 numbers. */
export function byteCounts(bytes: Uint8Array): number[] {
  const counts = new Array<number>(256).fill(0);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  return counts;
}

/**
 * Bits a byte that no code of whole messages can go below: Shannon's entropy of the counts.
 *
 * @param counts - how often each byte occurs
 * @returns 0 to 8; 0 for nothing
 */
export function entropyBits(counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count) => (count === 0 ? sum : sum - (count / total) * Math.log2(count / total)), 0);
}

/** Bytes that a code of these lengths takes for these counts, its table of 256 bytes not counted. */
export function codedSizeBytes(counts: readonly number[], lengths: Uint8Array): number {
  return Math.ceil(counts.reduce((sum, count, byte) => sum + count * (lengths[byte] ?? 0), 0) / 8);
}

/**
 * Codes bytes by how often each occurs. The code is canonical: codes of one length are consecutive numbers in the order
 * of their bytes, so that the lengths alone are the table.
 */
export function huffmanEncode(bytes: Uint8Array): HuffmanCoded {
  const counts = byteCounts(bytes);
  const lengths = huffmanLengths(counts);
  const codes = canonicalCodes(lengths);
  const bits = new Uint8Array(codedSizeBytes(counts, lengths));
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (const byte of bytes) {
    const length = lengths[byte] ?? 0;
    held = (held << length) | (codes[byte] ?? 0);
    heldBits += length;
    while (heldBits >= 8) {
      heldBits -= 8;
      bits[at++] = held >>> heldBits;
    }
    held &= (1 << heldBits) - 1;
  }
  if (heldBits > 0) bits[at] = held << (8 - heldBits);
  return { lengths, bits, count: bytes.length };
}

/**
 * Brings coded bytes back.
 *
 * @throws {InputError} when the table is none of a code, or the bits end before all bytes are read
 */
export function huffmanDecode({ lengths, bits, count }: HuffmanCoded): Uint8Array {
  const { firstCode, firstPlace, ordered } = decodingTable(lengths);
  if (count > 0 && ordered.length === 0)
    throw new InputError('Huffman code: a table with codes was required, got none');
  const bytes = new Uint8Array(count);
  let at = 0;
  let bit = 0;
  for (let i = 0; i < count; i++) {
    let code = 0;
    let length = 0;
    for (;;) {
      if (at >= bits.length || length === LONGEST) {
        throw new InputError(`Huffman code: bits of ${count} bytes were required, got ${i}; the file is damaged`);
      }
      code = code * 2 + (((bits[at] ?? 0) >> (7 - bit)) & 1);
      bit = (bit + 1) & 7;
      if (bit === 0) at++;
      length++;
      const place = (firstPlace[length] ?? 0) + code - (firstCode[length] ?? 0);
      // Codes of this length are the numbers from its first on; those below belong to shorter ones.
      if (place < (firstPlace[length + 1] ?? 0)) {
        bytes[i] = ordered[place] ?? 0;
        break;
      }
    }
  }
  return bytes;
}

/** For each length its first code, and where its bytes begin among all, in the order of length and byte. */
function decodingTable(lengths: Uint8Array): {
  firstCode: number[];
  firstPlace: number[];
  ordered: number[];
} {
  const ordered = [...lengths.keys()]
    .filter((byte) => (lengths[byte] ?? 0) > 0)
    .sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
  const firstCode: number[] = [0];
  const firstPlace: number[] = [0, 0];
  let code = 0;
  for (let length = 1; length <= LONGEST; length++) {
    const count = ordered.filter((byte) => lengths[byte] === length).length;
    firstCode[length] = code;
    firstPlace[length + 1] = (firstPlace[length] ?? 0) + count;
    code = (code + count) * 2;
    if (code > 2 ** (length + 1)) throw new InputError('Huffman code: a table of a code was required; it is damaged');
  }
  if (ordered.length !== firstPlace.at(-1)) {
    throw new InputError(`Huffman code: lengths of up to ${LONGEST} were required; the table is damaged`);
  }
  return { firstCode, firstPlace, ordered };
}

function canonicalCodes(lengths: Uint8Array): Uint32Array {
  const { firstCode, firstPlace, ordered } = decodingTable(lengths);
  const codes = new Uint32Array(256);
  for (const [place, byte] of ordered.entries()) {
    const length = lengths[byte] ?? 0;
    codes[byte] = (firstCode[length] ?? 0) + place - (firstPlace[length] ?? 0);
  }
  return codes;
}
