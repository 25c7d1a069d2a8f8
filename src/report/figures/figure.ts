/** Light or dark surroundings. */
export type Scheme = 'light' | 'dark';

/** A JSON value, as Plotly reads it. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object, as Plotly reads it. */
export type JsonObject = { readonly [key: string]: Json };

/** The same value with each text in it changed; names of fields stay. */
export function mapText(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map((one) => mapText(one, change));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mapText(one, change)]));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** What `Plotly.newPlot` draws. */
export interface PlotlySpec {
  readonly data: readonly JsonObject[];
  readonly layout: JsonObject;
}

/**
 * A figure of the report: what is drawn, and the words that go with it.
 * The spec names no colours of its surroundings; `withScheme` of the theme adds them.
 */
export interface Figure {
  /** File name without its ending: `01-latency`. */
  readonly name: string;
  /** What the figure says, in a few words. */
  readonly title: string;
  /** Stands alone: what is drawn, of what, measured how. */
  readonly caption: string;
  /** What a reader who cannot see the figure must know, numbers included. */
  readonly alt: string;
  /** In CSS pixels. */
  readonly width: number;
  readonly height: number;
  readonly spec: PlotlySpec;
}
