/**
 * ONNX Runtime reports to its maker by default since version 1.29, except on continuous integration: it writes an identifier of the
 * machine into the home's cache, and sends names, sizes and times of models to a host on the internet. It asks this variable once, when
 * the first session of the process is opened (microsoft/onnxruntime#27379). Children inherit it. Who wants to report sets it to `0`.
 */
export const TELEMETRY_VARIABLE = 'ORT_DISABLE_TELEMETRY';

process.env[TELEMETRY_VARIABLE] ??= '1';
