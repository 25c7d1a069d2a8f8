/** What waits in a {@link FairQueue}. */
export interface Queued {
  /** Whose it is. */
  readonly client: string;
  /** When it came, in milliseconds from any fixed point. */
  readonly sinceMs: number;
}

/**
 * A queue in which clients take turns: whoever has many requests waits for those of others, not they for all of his. Requests of one
 * client stay in the order in which they came.
 */
export class FairQueue<Item extends Queued> {
  /** The order of the clients is the order of their turns. */
  readonly #lines = new Map<string, Item[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** How many of one client's wait. */
  countOf(client: string): number {
    return this.#lines.get(client)?.length ?? 0;
  }

  /** When the oldest came; `undefined` when none waits. */
  get oldestMs(): number | undefined {
    let oldest: number | undefined;
    for (const line of this.#lines.values()) {
      for (const { sinceMs } of line) if (oldest === undefined || sinceMs < oldest) oldest = sinceMs;
    }
    return oldest;
  }

  push(item: Item): void {
    const line = this.#lines.get(item.client);
    if (line === undefined) this.#lines.set(item.client, [item]);
    else line.push(item);
    this.#length++;
  }

  /** Puts one back that was taken and could not be served: it is the next. */
  putBack(item: Item): void {
    const line = [item, ...(this.#lines.get(item.client) ?? [])];
    this.#lines.delete(item.client);
    const others = [...this.#lines];
    this.#lines.clear();
    for (const [client, items] of [[item.client, line] as const, ...others]) this.#lines.set(client, items);
    this.#length++;
  }

  /** Everything that waits, in the order of the turns: the first of each client, the second of each, … */
  inTurn(): readonly Item[] {
    const lines = [...this.#lines.values()];
    const longest = Math.max(0, ...lines.map((line) => line.length));
    const items: Item[] = [];
    for (let place = 0; place < longest; place++) {
      for (const line of lines) if (place < line.length) items.push(line[place] as Item);
    }
    return items;
  }

  /** Takes one out because it is served: its client's next turn comes after all others'. */
  take(item: Item): void {
    if (!this.remove(item)) return;
    const line = this.#lines.get(item.client);
    if (line === undefined) return;
    this.#lines.delete(item.client);
    this.#lines.set(item.client, line);
  }

  /** Takes one out that nobody wants any more. @returns whether it was there */
  remove(item: Item): boolean {
    const line = this.#lines.get(item.client);
    const place = line?.indexOf(item) ?? -1;
    if (line === undefined || place < 0) return false;
    line.splice(place, 1);
    if (line.length === 0) this.#lines.delete(item.client);
    this.#length--;
    return true;
  }
}
