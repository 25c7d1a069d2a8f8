import type { Features } from '../../speech/types.js';
import { axis, figureOf } from './drawing.js';
import type { Figure } from './figure.js';

/** How features lie in time and frequency. */
export interface SpectrogramAxes {
  /** Seconds from one frame to the next. */
  readonly frameS: number;
  /** Frequency of the last bin, in hertz. */
  readonly highestHz: number;
}

/** More cells than this are joined: the picture is 640 pixels wide, and every cell is text in the notebook. */
const MOST_FRAMES = 200;
const MOST_BINS = 64;

/**
 * Draws what the network reads of an utterance: the front end's features over time.
 *
 * @param features - of one utterance
 * @param title - what was said
 * @param axes - of the front end
 */
export function spectrogramFigure(features: Features, title: string, axes: SpectrogramAxes): Figure {
  const frames = Math.ceil(features.frames / MOST_FRAMES);
  const bins = Math.ceil(features.bins / MOST_BINS);
  const cells = joined(features, frames, bins);
  const seconds = features.frames * axes.frameS;
  return figureOf({
    name: 'spectrogram',
    title,
    caption: [
      `What the network reads: ${features.frames} frames of ${features.bins} values, normalised over the utterance; brighter is louder. “${title}”.`,
    ],
    alt: `Spectrogram of ${seconds.toFixed(1)} seconds up to ${axes.highestHz / 1000} kilohertz, in which “${title}” is said.`,
    height: 300,
    margin: { l: 60, b: 60 },
    data: [
      {
        type: 'heatmap',
        z: cells,
        x0: (axes.frameS * frames) / 2,
        dx: axes.frameS * frames,
        y0: 0,
        dy: axes.highestHz / 1000 / cells.length,
        colorscale: 'Cividis',
        showscale: false,
        hovertemplate: '%{x:.2f} s, %{y:.1f} kHz: %{z}<extra></extra>',
      },
    ],
    layout: { xaxis: axis('Time (s)'), yaxis: axis('Frequency (kHz)') },
  });
}

/** Means of blocks of frames × bins, a row for each frequency, with one decimal. */
function joined(
  { data, frames, bins }: Features,
  framesEach: number,
  binsEach: number,
): readonly (readonly number[])[] {
  return Array.from({ length: Math.ceil(bins / binsEach) }, (_, row) =>
    Array.from({ length: Math.ceil(frames / framesEach) }, (_unused, column) => {
      let sum = 0;
      let count = 0;
      for (let frame = column * framesEach; frame < Math.min(frames, (column + 1) * framesEach); frame++) {
        for (let bin = row * binsEach; bin < Math.min(bins, (row + 1) * binsEach); bin++) {
          sum += data[frame * bins + bin] as number;
          count++;
        }
      }
      return Math.round((sum / count) * 10) / 10;
    }),
  );
}
