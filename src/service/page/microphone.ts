/** Longer recordings are better sent as a file, in seconds. */
const LONGEST_S = 300;

/** What is told while a recording runs. */
export interface RecordingProgress {
  readonly elapsedS: number;
  /** Loudest sample of the last hundredths of a second, 0…1. */
  readonly level: number;
}

/** A recording that runs. */
export interface RunningRecording {
  /** Ends it. */
  readonly stop: () => void;
  /** The recording, once it has ended. */
  readonly sound: Promise<Blob>;
}

/**
 * Begins to record, in the form that the browser records in: WebM with Opus, or MP4 with AAC.
 *
 * @throws {Error} when there is no microphone, or its use was not permitted
 */
export async function record(onProgress: (progress: RecordingProgress) => void): Promise<RunningRecording> {
  // Not there in pages that others could read or change on the way.
  if (navigator.mediaDevices === undefined) {
    throw new Error(
      'A browser gives the microphone to pages of this machine or over HTTPS only; choose a file instead.',
    );
  }
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true }).catch((error: unknown) => {
    throw new Error(`No microphone: ${(error as Error).message}. Permit its use, or choose a file instead.`);
  });
  const recorder = new MediaRecorder(stream);
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const pieces: Blob[] = [];
  recorder.ondataavailable = ({ data }): void => void pieces.push(data);
  const started = performance.now();
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const elapsedS = (performance.now() - started) / 1000;
    onProgress({ elapsedS, level: samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) });
    if (elapsedS > LONGEST_S && recorder.state === 'recording') recorder.stop();
  }, 100);
  const sound = new Promise<Blob>((resolve) => {
    recorder.onstop = (): void => {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      void context.close();
      resolve(new Blob(pieces, { type: recorder.mimeType }));
    };
  });
  recorder.start();
  return { stop: () => recorder.stop(), sound };
}
