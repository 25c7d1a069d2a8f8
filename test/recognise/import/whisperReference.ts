import type { RandomArray, SmallConfig } from './randomWhisper.js';

type Rows = number[][];

/** Whisper in plain loops, after openai/whisper's `model.py`: what the built graphs are compared with. */
export class WhisperReference {
  readonly #weights: ReadonlyMap<string, RandomArray>;
  readonly #config: SmallConfig;

  constructor(weights: ReadonlyMap<string, RandomArray>, config: SmallConfig) {
    this.#weights = weights;
    this.#config = config;
  }

  /** @param mel - [bins][frames]; returns [steps][width] */
  encode(mel: Rows): Rows {
    const first = this.#convolve(mel, 'encoder.conv1', 1);
    const second = this.#convolve(first, 'encoder.conv2', 2);
    const steps = (second[0] ?? []).map((_, t) => second.map((row) => row[t] ?? 0));
    let x = addRows(steps, this.#rows('encoder.embed_positions.weight'));
    for (let i = 0; i < this.#config.encoder_layers; i++) {
      const name = `encoder.layers.${i}`;
      const normal = this.#norm(x, `${name}.self_attn_layer_norm`);
      const heads = this.#config.encoder_attention_heads;
      x = addRows(x, this.#attention(normal, normal, `${name}.self_attn`, heads, false));
      x = this.#feed(x, name);
    }
    return this.#norm(x, 'encoder.layer_norm');
  }

  /** @returns logits of each token, [tokens][vocabulary] */
  decode(tokens: readonly number[], encoded: Rows): Rows {
    const table = this.#rows('decoder.embed_tokens.weight');
    const heads = this.#config.decoder_attention_heads;
    const embedded = tokens.map((token) => table[token] ?? []);
    let x = addRows(embedded, this.#rows('decoder.embed_positions.weight'));
    for (let i = 0; i < this.#config.decoder_layers; i++) {
      const name = `decoder.layers.${i}`;
      const own = this.#norm(x, `${name}.self_attn_layer_norm`);
      x = addRows(x, this.#attention(own, own, `${name}.self_attn`, heads, true));
      const asked = this.#norm(x, `${name}.encoder_attn_layer_norm`);
      x = addRows(x, this.#attention(asked, encoded, `${name}.encoder_attn`, heads, false));
      x = this.#feed(x, name);
    }
    return this.#norm(x, 'decoder.layer_norm').map((row) => table.map((word) => dot(row, word)));
  }

  #values(name: string): Float32Array {
    return this.#weights.get(name)?.values ?? new Float32Array();
  }

  #rows(name: string): Rows {
    const { shape, values } = this.#weights.get(name) ?? { shape: [0, 0], values: new Float32Array() };
    const [rows = 0, columns = 0] = shape;
    return Array.from({ length: rows }, (_, row) => [...values.subarray(row * columns, (row + 1) * columns)]);
  }

  #linear(x: Rows, name: string): Rows {
    const matrix = this.#rows(`${name}.weight`);
    const bias = this.#values(`${name}.bias`);
    return x.map((row) => matrix.map((weights, output) => dot(row, weights) + (bias[output] ?? 0)));
  }

  #norm(x: Rows, name: string): Rows {
    const [scale, bias] = [this.#values(`${name}.weight`), this.#values(`${name}.bias`)];
    return x.map((row) => {
      const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
      return row.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * (scale[i] ?? 0) + (bias[i] ?? 0));
    });
  }

  #feed(x: Rows, name: string): Rows {
    const normal = this.#norm(x, `${name}.final_layer_norm`);
    const inner = this.#linear(normal, `${name}.fc1`).map((row) => row.map(gelu));
    return addRows(x, this.#linear(inner, `${name}.fc2`));
  }

  #attention(asking: Rows, asked: Rows, name: string, heads: number, isCausal: boolean): Rows {
    const [query, key, value] = [asking, asked, asked].map((x, i) =>
      this.#linear(x, `${name}.${['q_proj', 'k_proj', 'v_proj'][i]}`),
    ) as [Rows, Rows, Rows];
    const size = this.#config.d_model / heads;
    const mixed = query.map((row, t) => {
      const result: number[] = [];
      for (let head = 0; head < heads; head++) {
        const part = (all: readonly number[]): number[] => all.slice(head * size, (head + 1) * size);
        const seen = isCausal ? key.slice(0, t + 1) : key;
        const scores = seen.map((other) => dot(part(row), part(other)) / Math.sqrt(size));
        const highest = Math.max(...scores);
        const shares = scores.map((score) => Math.exp(score - highest));
        const total = shares.reduce((sum, share) => sum + share, 0);
        for (let i = head * size; i < (head + 1) * size; i++) {
          result.push(shares.reduce((sum, share, step) => sum + (share / total) * (value[step]?.[i] ?? 0), 0));
        }
      }
      return result;
    });
    return this.#linear(mixed, `${name}.out_proj`);
  }

  #convolve(x: Rows, name: string, stride: number): Rows {
    const { shape, values } = this.#weights.get(`${name}.weight`) ?? { shape: [0, 0, 3], values: new Float32Array() };
    const bias = this.#values(`${name}.bias`);
    const [outputs = 0, inputs = 0] = shape;
    const frames = x[0]?.length ?? 0;
    return Array.from({ length: outputs }, (_, output) =>
      Array.from({ length: Math.ceil(frames / stride) }, (_step, t) => {
        let sum = bias[output] ?? 0;
        for (let input = 0; input < inputs; input++) {
          for (let k = 0; k < 3; k++) {
            sum += (x[input]?.[t * stride + k - 1] ?? 0) * (values[(output * inputs + input) * 3 + k] ?? 0);
          }
        }
        return gelu(sum);
      }),
    );
  }
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

function addRows(a: Rows, b: Rows): Rows {
  return a.map((row, i) => row.map((value, j) => value + (b[i]?.[j] ?? 0)));
}

function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

/** Error function by its series, which converges everywhere (Abramowitz and Stegun, 7.1.6). */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * sum * Math.exp(-x * x);
}
