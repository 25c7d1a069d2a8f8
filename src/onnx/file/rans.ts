/**
 * Range asymmetric numeral systems (Duda 2013, arXiv:1311.2540) over bytes, each by its frequency in the whole: within a
 * thousandth of the entropy also where one value has most of the frequency, which costs a whole bit by Huffman's code.
 *
 * A state of 31 bits holds what is coded; whenever it would pass its bounds, a byte of it goes to the output.
 */

/** Frequencies are parts of this. */
const SCALE_BITS = 14;
const SCALE: number = 1 << SCALE_BITS;

/** The state is this or more, and below 256 times as much. */
const LOWEST_STATE: number = 1 << 23;

/** One bit for each byte that occurs. */
const OCCURS_BYTES = 32;

/**
 * Codes bytes.
 *
 * @returns which occur, the frequency of each, the last state, and the code; to be read by {@link ransDecode}
 */
export function ransEncode(bytes: Uint8Array): Uint8Array {
  const frequencies = scaledFrequencies(bytes);
  const starts = startsOf(frequencies);
  // The code is written from its end: what is coded last is read first.
  let code = new Uint8Array(64 + bytes.length + (bytes.length >> 3));
  let at = code.length;
  let state = LOWEST_STATE;
  for (let i = bytes.length - 1; i >= 0; i--) {
    const value = bytes[i] as number;
    const frequency = frequencies[value] as number;
    const limit = (LOWEST_STATE / SCALE) * 256 * frequency;
    while (state >= limit) {
      if (at === 0) {
        const longer = new Uint8Array(2 * code.length);
        longer.set(code, code.length);
        at = code.length;
        code = longer;
      }
      code[--at] = state & 0xff;
      state = Math.floor(state / 256);
    }
    const times = Math.floor(state / frequency);
    state = times * SCALE + (state - times * frequency) + (starts[value] as number);
  }
  const body = code.subarray(at);
  const head = headOf(frequencies);
  const whole = new Uint8Array(head.length + 4 + body.length);
  whole.set(head);
  new DataView(whole.buffer).setUint32(head.length, state, true);
  whole.set(body, head.length + 4);
  return whole;
}

/**
 * Brings bytes back.
 *
 * @param count - how many they were
 * @throws {RangeError} when the code is cut, damaged, or of another number of bytes
 */
export function ransDecode(code: Uint8Array, count: number): Buffer {
  const { frequencies, end } = readHead(code);
  const starts = startsOf(frequencies);
  const byteAt = new Uint8Array(SCALE);
  for (const [value, frequency] of frequencies.entries()) {
    byteAt.fill(value, starts[value], (starts[value] as number) + frequency);
  }
  if (end + 4 > code.length) throw new RangeError('the code ends before its state');
  let state = new DataView(code.buffer, code.byteOffset).getUint32(end, true);
  let at = end + 4;
  const bytes = Buffer.allocUnsafeSlow(count);
  for (let i = 0; i < count; i++) {
    const place = state & (SCALE - 1);
    const value = byteAt[place] as number;
    bytes[i] = value;
    // Below 2³¹: the product stays a whole number that a shift can take apart.
    state = (frequencies[value] as number) * (state >>> SCALE_BITS) + place - (starts[value] as number);
    while (state < LOWEST_STATE) {
      if (at >= code.length) throw new RangeError('the code ends before its bytes');
      state = state * 256 + (code[at++] as number);
    }
  }
  if (state !== LOWEST_STATE || at !== code.length) throw new RangeError('the code does not end with its bytes');
  return bytes;
}

/** How often each byte occurs, in parts of {@link SCALE}: at least one for a byte that does. */
function scaledFrequencies(bytes: Uint8Array): Uint32Array {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] as number) + 1;
  const frequencies = counts.map((count) =>
    count === 0 ? 0 : Math.max(1, Math.round((count / bytes.length) * SCALE)),
  );
  // What rounding gave too much or too little goes to or comes from the most frequent, which feels it least.
  let excess = frequencies.reduce((sum, frequency) => sum + frequency, 0) - (bytes.length === 0 ? 0 : SCALE);
  while (excess !== 0) {
    const most = frequencies.indexOf(Math.max(...frequencies));
    const step = excess > 0 ? Math.min(excess, (frequencies[most] as number) >> 1) : excess;
    frequencies[most] = (frequencies[most] as number) - step;
    excess -= step;
  }
  return frequencies;
}

function startsOf(frequencies: Uint32Array): Uint32Array {
  let sum = 0;
  return frequencies.map((frequency) => {
    sum += frequency;
    return sum - frequency;
  });
}

function headOf(frequencies: Uint32Array): Uint8Array {
  const head = new Uint8Array(OCCURS_BYTES + 2 * frequencies.filter((frequency) => frequency > 0).length);
  let at = OCCURS_BYTES;
  for (const [value, frequency] of frequencies.entries()) {
    if (frequency === 0) continue;
    head[value >> 3] = (head[value >> 3] as number) | (1 << (value & 7));
    // A frequency of the whole scale and one of none never meet: a byte that occurs has one at least.
    head[at++] = (frequency - 1) & 0xff;
    head[at++] = (frequency - 1) >> 8;
  }
  return head;
}

function readHead(code: Uint8Array): { readonly frequencies: Uint32Array; readonly end: number } {
  const frequencies = new Uint32Array(256);
  let [at, sum] = [OCCURS_BYTES, 0];
  for (let value = 0; value < 256; value++) {
    if ((((code[value >> 3] ?? 0) >> (value & 7)) & 1) === 0) continue;
    const frequency = 1 + (code[at] ?? 0) + ((code[at + 1] ?? 0) << 8);
    frequencies[value] = frequency;
    sum += frequency;
    at += 2;
  }
  if (at > code.length || (sum !== SCALE && sum !== 0)) throw new RangeError('its frequencies are damaged');
  return { frequencies, end: at };
}
