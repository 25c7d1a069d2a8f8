/** Numbers that each node has, beside those that are sums of probabilities. */
const INITIAL_NODES = 4096;

/**
 * The texts that a beam search has come by, as a tree from the first class to the last, in typed arrays: a node is a
 * number, and its fields stand at that index. Node 0 is the empty text.
 */
export class PrefixTree {
  size = 0;
  parent: Int32Array = new Int32Array(INITIAL_NODES);
  /** Class that the node adds. */
  label: Int32Array = new Int32Array(INITIAL_NODES);
  /** Logarithm of the probability of all paths that end in a blank. */
  blank: Float64Array = new Float64Array(INITIAL_NODES);
  /** Logarithm of the probability of all paths that end in the node's class. */
  nonBlank: Float64Array = new Float64Array(INITIAL_NODES);
  /** The same two after the present step. */
  nextBlank: Float64Array = new Float64Array(INITIAL_NODES);
  nextNonBlank: Float64Array = new Float64Array(INITIAL_NODES);
  /** Score of the finished words: language model, number of words, hot words. */
  wordScore: Float64Array = new Float64Array(INITIAL_NODES);
  /** Score that the unfinished word promises. */
  partialScore: Float64Array = new Float64Array(INITIAL_NODES);
  /** State of the language model after the finished words. */
  state: Int32Array = new Int32Array(INITIAL_NODES);
  /** Place of the unfinished word in the trie of words. */
  partial: Int32Array = new Int32Array(INITIAL_NODES);
  /** Letters of the unfinished word. */
  letters: Int32Array = new Int32Array(INITIAL_NODES);
  /** Score by which nodes are kept or dropped. */
  rank: Float64Array = new Float64Array(INITIAL_NODES);
  /** Step in which the node was last reached. */
  reached: Int32Array = new Int32Array(INITIAL_NODES);
  #firstChild: Int32Array = new Int32Array(INITIAL_NODES);
  #nextSibling: Int32Array = new Int32Array(INITIAL_NODES);

  /** Forgets all texts. */
  clear(): void {
    this.size = 0;
  }

  /** Adds a text; only what links it to its parent is filled in. */
  add(parent: number, label: number): number {
    const node = this.size++;
    if (node === this.parent.length) this.#grow();
    this.parent[node] = parent;
    this.label[node] = label;
    this.reached[node] = -1;
    this.#firstChild[node] = -1;
    this.#nextSibling[node] = -1;
    if (parent >= 0) {
      this.#nextSibling[node] = this.#firstChild[parent] as number;
      this.#firstChild[parent] = node;
    }
    return node;
  }

  /** The text with one more class, or −1. */
  child(node: number, label: number): number {
    let child = this.#firstChild[node] as number;
    while (child >= 0 && this.label[child] !== label) child = this.#nextSibling[child] as number;
    return child;
  }

  /** Classes of a text, from the first on. */
  sequence(node: number): number[] {
    const labels: number[] = [];
    for (let at = node; at > 0; at = this.parent[at] as number) labels.push(this.label[at] as number);
    return labels.reverse();
  }

  #grow(): void {
    this.parent = doubled(this.parent);
    this.label = doubled(this.label);
    this.blank = doubled(this.blank);
    this.nonBlank = doubled(this.nonBlank);
    this.nextBlank = doubled(this.nextBlank);
    this.nextNonBlank = doubled(this.nextNonBlank);
    this.wordScore = doubled(this.wordScore);
    this.partialScore = doubled(this.partialScore);
    this.state = doubled(this.state);
    this.partial = doubled(this.partial);
    this.letters = doubled(this.letters);
    this.rank = doubled(this.rank);
    this.reached = doubled(this.reached);
    this.#firstChild = doubled(this.#firstChild);
    this.#nextSibling = doubled(this.#nextSibling);
  }
}

function doubled<T extends Int32Array | Float64Array>(values: T): T {
  const larger = (
    values instanceof Int32Array ? new Int32Array(values.length * 2) : new Float64Array(values.length * 2)
  ) as T;
  larger.set(values);
  return larger;
}
