/**
 * The front end's time on seconds of sound, beside PyTorch's `torch.stft` and the same features made with it.
 *
 *     npm run bench:build && node dist/bench/front-end.js [--python PATH] [--seconds 7] [--trials 300]
 *
 * Each side is timed in a process of its own on one thread, ours twice, before and after the peer, so that a change of
 * the machine's load shows. Without `--python` (one with PyTorch) only ours is timed. Prints one JSON object.
 */
import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createFrontEnd } from 'quantlab/speech';

interface Times {
  readonly medianMs: number;
  readonly minMs: number;
}

interface PeerTimes {
  readonly torch: string;
  readonly stft: Times;
  readonly features: Times;
}

const PEER = `
import json, sys, time, torch
seconds, trials = float(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
sound = torch.randn(int(16000 * seconds))
window = torch.hamming_window(320, periodic=False)
def stft():
    return torch.stft(sound, 320, 160, window=window, center=True, pad_mode="reflect", return_complex=True)
def features():
    spectrum = torch.log1p(stft().abs())
    return (spectrum - spectrum.mean()) / spectrum.std(unbiased=False)
def timed(call):
    times = []
    for _ in range(20 + trials):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    times = sorted(times[20:])
    return {"medianMs": times[trials // 2], "minMs": times[0]}
print(json.dumps({"torch": torch.__version__, "stft": timed(stft), "features": timed(features)}))
`;

async function timeOurs(seconds: number, trials: number): Promise<Times> {
  const frontEnd = await createFrontEnd({
    kind: 'log-spectrogram',
    sampleRateHz: 16_000,
    windowSamples: 320,
    hopSamples: 160,
    window: 'hamming',
    padSamples: 160,
    bins: 161,
    normalisation: 'utterance',
  });
  const samples = Float32Array.from({ length: 16_000 * seconds }, (_, n) => Math.sin(n * n * 1e-6) * 0.5);
  const times: number[] = [];
  for (let trial = 0; trial < 20 + trials; trial++) {
    const start = performance.now();
    frontEnd.compute({ samples, sampleRateHz: 16_000 });
    times.push(performance.now() - start);
  }
  const sorted = times.slice(20).sort((a, b) => a - b);
  return { medianMs: sorted[trials >> 1] ?? Number.NaN, minMs: sorted[0] ?? Number.NaN };
}

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    seconds: { type: 'string', default: '7' },
    trials: { type: 'string', default: '300' },
    child: { type: 'boolean', default: false },
  },
});

function write(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

if (values.child) {
  write(await timeOurs(Number(values.seconds), Number(values.trials)));
} else {
  const ours = (): Times => {
    const self = [fileURLToPath(import.meta.url), '--child'];
    const options = ['--seconds', values.seconds, '--trials', values.trials];
    return JSON.parse(execFileSync(process.execPath, [...self, ...options], { encoding: 'utf8' })) as Times;
  };
  const before = ours();
  if (values.python === undefined) {
    write({ seconds: Number(values.seconds), quantlab: before });
  } else {
    const output = execFileSync(values.python, ['-c', PEER, values.seconds, values.trials], { encoding: 'utf8' });
    const peer = JSON.parse(output) as PeerTimes;
    const after = ours();
    const medianMs = Math.min(before.medianMs, after.medianMs);
    write({
      seconds: Number(values.seconds),
      quantlab: [before, after],
      peer,
      overStft: medianMs / peer.stft.medianMs,
      overFeatures: medianMs / peer.features.medianMs,
    });
  }
}
