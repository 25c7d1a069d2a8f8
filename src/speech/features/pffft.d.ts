/** The part of `@echogarden/pffft-wasm` that the front end calls; the package brings no types. */
declare module '@echogarden/pffft-wasm/simd' {
  export interface Pffft {
    /** The module's memory; replaced when it grows, so never keep it over a call that allocates. */
    readonly HEAPF32: Float32Array;
    /** A plan for transforms of `length` reals (`kind` 0); 0 when the length is not 2^a 3^b 5^c with a ≥ 5. */
    _pffft_new_setup(length: number, kind: 0 | 1): number;
    _pffft_destroy_setup(setup: number): void;
    /** Forward (`direction` 0) transform to [F(0), F(n/2), Re F(1), Im F(1), …]; addresses in bytes. */
    _pffft_transform_ordered(setup: number, input: number, output: number, work: number, direction: 0 | 1): void;
    _pffft_aligned_malloc(sizeBytes: number): number;
    _pffft_aligned_free(address: number): void;
  }
  // biome-ignore lint/style/noDefaultExport: that is how the package exports it
  export default function load(): Promise<Pffft>;
}
